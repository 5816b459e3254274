/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: copied to a file and back while others read and write. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/sqlite.h"

enum { BACKUP_PAGES = 256, BACKUP_PAUSE_MS = 2, BUSY_TRIES = 2500 };

static int skip_versions(struct sqlite_store *s, uint64_t count, struct err *err);
static int open_other(sqlite3 **ret, const char *path, struct err *err);
static int check_other(sqlite3 *other, const char *path, struct err *err);
static int copy_pages(struct sqlite_store *s, sqlite3 *to, sqlite3 *from, int at_once,
                      struct err *err);

/* A few pages at a time: whoever writes meanwhile waits for none of them. */
int sqlite_backup(struct store *store, const char *path, struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r;
    sqlite3 *to = NULL;

    if (fd < 0)
        return err_set(err, -errno, "%s: cannot be made: %s", path, strerror(errno));
    close(fd);
    r = open_other(&to, path, err);
    if (r == 0)
        r = copy_pages(s, to, s->db, BACKUP_PAGES, err);
    if (r == 0 && sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK)
        r = err_set(err, -EIO, "%s: %s", path, sqlite3_errmsg(to));
    sqlite3_close(to);
    if (r < 0)
        unlink(path);
    return r;
}

/* All at once: to everybody else it is one transaction. The count of changes of keys goes on from
 * both, so that whoever watches it sees another one. */
int sqlite_restore(struct store *store, const char *path, struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    sqlite3 *from = NULL;
    uint64_t version = 0;
    int r = store_version(store, &version, err);

    if (r == 0)
        r = open_other(&from, path, err);

    if (r == 0)
        r = check_other(from, path, err);
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(TAKE(s->statements[i]));
    if (r == 0)
        r = copy_pages(s, s->db, from, -1, err);
    sqlite3_close(from);
    if (r == 0)
        r = sqlite_bring_forward(s, err);
    return r < 0 ? r : skip_versions(s, version, err);
}

static int skip_versions(struct sqlite_store *s, uint64_t count, struct err *err)
{
    char sql[128];
    int result;

    snprintf(sql, sizeof sql, "UPDATE meta SET value = value + %llu WHERE name = 'keys'",
             (unsigned long long)count);
    result = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : sqlite_fail(s, result, err);
}

static int open_other(sqlite3 **ret, const char *path, struct err *err)
{
    if (sqlite3_open_v2(path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        return 0;
    return err_set(err, -EIO, "%s: cannot be opened: %s", path,
                   *ret ? sqlite3_errmsg(*ret) : "out of memory");
}

/* Sound, ours, and not of a newer program. */
static int check_other(sqlite3 *other, const char *path, struct err *err)
{
    sqlite3_stmt *sound = NULL, *schema = NULL;
    unsigned newest = store_schema_newest();
    int r = 0;

    if (sqlite3_prepare_v2(other, "PRAGMA quick_check(1)", -1, &sound, NULL) != SQLITE_OK ||
        sqlite3_step(sound) != SQLITE_ROW ||
        strcmp((const char *)sqlite3_column_text(sound, 0), "ok") != 0)
        r = err_set(err, -EINVAL, "%s: is no sound backup", path);
    else if (sqlite3_prepare_v2(other, "SELECT value FROM meta WHERE name = 'schema'", -1, &schema,
                                NULL) != SQLITE_OK ||
             sqlite3_step(schema) != SQLITE_ROW)
        r = err_set(err, -EINVAL, "%s: is no backup of tampu", path);
    else if (sqlite3_column_int64(schema, 0) > newest)
        r = err_set(err, -ENOTSUP, "%s: was made by a newer tampu (schema %lld, this one knows %u)",
                    path, (long long)sqlite3_column_int64(schema, 0), newest);
    sqlite3_finalize(sound);
    sqlite3_finalize(schema);
    return r;
}

static int copy_pages(struct sqlite_store *s, sqlite3 *to, sqlite3 *from, int at_once,
                      struct err *err)
{
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");
    int step, tries = 0;

    if (!copy)
        return err_set(err, -EIO, "%s: cannot be copied: %s", s->path, sqlite3_errmsg(to));
    while ((step = sqlite3_backup_step(copy, at_once)) == SQLITE_OK ||
           ((step == SQLITE_BUSY || step == SQLITE_LOCKED) && ++tries < BUSY_TRIES))
        sqlite3_sleep(BACKUP_PAUSE_MS);
    step = sqlite3_backup_finish(copy);
    return step == SQLITE_OK ? 0
                             : err_set(err, step == SQLITE_FULL ? -ENOSPC : -EIO,
                                       "%s: cannot be copied: %s", s->path, sqlite3_errstr(step));
}
