/* SPDX-License-Identifier: Apache-2.0 */
/* Making a SQLite store ready: the file, its soundness, its schema. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/embedded.h"
#include "base/file.h"
#include "base/rand.h"
#include "net/clock.h"
#include "store/sqlite.h"

enum {
    BUSY_MS = 5000, /* how long another program may hold the file */
    WAL_TRIES = 50, /* turning to WAL does not wait by itself */
    WAL_PAUSE_MS = 20,
    PEPPER_WORDS = 4, /* of 8 bytes */
    OPEN_TRIES = 3,   /* where others find it damaged, too, and begin anew */
    PATH_ROOM = 4096,
};

static int open_or_save(struct sqlite_store *s, struct err *err);
static int lock_folder(const char *path, int how);
static void unlock_folder(int lock);
static bool is_same_file(const char *path, const struct stat *seen);
static int open_sound(struct sqlite_store *s, struct stat *ret_seen, struct err *err);
static int make_file(const char *path, struct err *err);
static void set_up_sqlite(void);
static int open_file(struct sqlite_store *s, struct err *err);
static int configure(struct sqlite_store *s, struct err *err);
static int use_wal(struct sqlite_store *s, struct err *err);
static int check(struct sqlite_store *s, struct err *err);
static int start_anew(struct sqlite_store *s, const char *damage, struct err *err);
static int move_aside(const char *path, const char *damage, char aside[PATH_ROOM], struct err *err);
static int migrate_inside(struct sqlite_store *s, struct err *err);
static int read_schema(struct sqlite_store *s, unsigned *ret, struct err *err);
static const struct embedded_file *schema_file(unsigned number);
static int finish_schema(struct sqlite_store *s, unsigned number, struct err *err);
static int exec(struct sqlite_store *s, const char *sql, struct err *err);
static int query_number(struct sqlite_store *s, const char *sql, int64_t *ret, struct err *err);
static int errno_of(struct sqlite_store *s, int result);

/* What every connection wants. FULL: a revoked key must stay revoked when the power fails. */
static const char settings[] = "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; "
                               "PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL;";

unsigned store_schema_newest(void)
{
    unsigned number = 0;

    while (schema_file(number + 1))
        number++;
    return number;
}

/* Whoever opens a store shares a lock; whoever saves what is left of a damaged one has it alone. So
 * nobody meets a store that is half saved, and of several who find the damage one saves it. */
int sqlite_make_ready(struct sqlite_store *s, struct err *err)
{
    int r = file_make_folders(s->path, err);

    if (r == 0)
        r = -ESTALE;
    for (int tries = 0; r == -ESTALE && tries < OPEN_TRIES; tries++)
        r = open_or_save(s, err);
    return r;
}

/* -ESTALE: somebody else has begun anew meanwhile. */
static int open_or_save(struct sqlite_store *s, struct err *err)
{
    int lock = lock_folder(s->path, LOCK_SH);
    struct stat seen = {0};
    struct err found = {0};
    int r = open_sound(s, &seen, &found);

    unlock_folder(lock);
    if (r != -EUCLEAN)
        return r < 0 ? err_set(err, r, "%s", found.text) : 0;
    lock = lock_folder(s->path, LOCK_EX);
    r = is_same_file(s->path, &seen) ? start_anew(s, found.text, err)
                                     : err_set(err, -ESTALE, "%s", found.text);
    unlock_folder(lock);
    return r;
}

/* The folder itself: what a file there holds locked, closing another handle of it would let go. -1
 * where that cannot be: then as if alone. */
static int lock_folder(const char *path, int how)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_ROOM];
    int fd;

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0 && flock(fd, how) < 0 && errno == EINTR)
        ;
    return fd;
}

static void unlock_folder(int lock)
{
    if (lock >= 0)
        close(lock);
}

static bool is_same_file(const char *path, const struct stat *seen)
{
    struct stat now;

    return stat(path, &now) == 0 && now.st_ino == seen->st_ino && now.st_dev == seen->st_dev;
}

static int open_sound(struct sqlite_store *s, struct stat *ret_seen, struct err *err)
{
    int r = make_file(s->path, err);

    if (r == 0 && stat(s->path, ret_seen) < 0)
        r = err_set(err, -errno, "%s: %s", s->path, strerror(errno));
    if (r == 0 && (r = open_file(s, err)) == 0 && (r = check(s, err)) == 0 &&
        (r = configure(s, err)) == 0)
        r = sqlite_bring_forward(s, err);
    if (r < 0)
        sqlite3_close(TAKE(s->db));
    return r;
}

/* What can still be read of a damaged store goes into a new one; it stays beside it. */
static int start_anew(struct sqlite_store *s, const char *damage, struct err *err)
{
    char aside[PATH_ROOM];
    struct err found = {0};
    int r = move_aside(s->path, damage, aside, err);

    if (r < 0)
        return r;
    if ((r = make_file(s->path, &found)) == 0 && (r = open_file(s, &found)) == 0 &&
        (r = configure(s, &found)) == 0 && (r = sqlite_bring_forward(s, &found)) == 0)
        r = sqlite_salvage(s, aside, &found);
    if (r == 0) {
        snprintf(s->store.note, sizeof s->store.note,
                 "%s: damaged; what can be read of it was saved, it is kept as %s", s->path, aside);
        return 0;
    }
    sqlite3_close(TAKE(s->db));
    return err_set(err, r, "%s; and what can be read of it cannot be saved: %s", damage,
                   found.text);
}

int sqlite_bring_forward(struct sqlite_store *s, struct err *err)
{
    int r = exec(s, "BEGIN IMMEDIATE", err);

    if (r < 0)
        return r;
    r = migrate_inside(s, err);
    if (r == 0)
        r = exec(s, "COMMIT", err);
    if (r < 0 && !sqlite3_get_autocommit(s->db))
        (void)!exec(s, "ROLLBACK", NULL);
    return r;
}

int sqlite_fail(struct sqlite_store *s, int result, struct err *err)
{
    int code = s->db ? sqlite3_extended_errcode(s->db) : result;
    int r = errno_of(s, code == SQLITE_OK ? result : code);

    if (r == -EBUSY)
        return err_set(err, r, "%s: another program has kept it locked for %d s", s->path,
                       BUSY_MS / 1000);
    if (r == -ENOSPC)
        return err_set(err, r, "%s: cannot be written (%s): is the disk full or a quota reached?",
                       s->path, sqlite3_errstr(code));
    if ((code & 0xff) == SQLITE_NOTADB)
        return err_set(err, r,
                       "%s: it is no store of this program's: move it aside, or name another "
                       "folder with --state DIR",
                       s->path);
    if (r == -EROFS)
        return err_set(
            err, r,
            "%s: its file system or file is read-only: make it writable, or name another "
            "folder with --state DIR",
            s->path);
    return err_set(err, r, "%s: %s", s->path,
                   s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(result));
}

/* SQLite gives its other files the mode of this one. One that is there is not opened here: closing
 * it would drop the locks that SQLite holds on it elsewhere in this process. */
static int make_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 && errno != EEXIST)
        return err_set(err, -errno, "%s: cannot be made: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return 0;
}

/* Pages as they are needed: SQLite would take 20 at once for each connection, and we have several
 * that read a row now and then. Nobody asks it how much memory it uses: it need not count. */
static void set_up_sqlite(void)
{
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int open_file(struct sqlite_store *s, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int result;

    pthread_once(&once, set_up_sqlite);
    result = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK)
        return sqlite_fail(s, result, err);
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    return 0;
}

static int configure(struct sqlite_store *s, struct err *err)
{
    int r = exec(s, settings, err);

    return r < 0 ? r : use_wal(s, err);
}

/* Two programs that do this to a new file at once would answer each other "locked". */
static int use_wal(struct sqlite_store *s, struct err *err)
{
    for (int i = 0;; i++) {
        int r = exec(s, "PRAGMA journal_mode = WAL", err);

        if (r != -EBUSY || i == WAL_TRIES)
            return r;
        sqlite3_sleep(WAL_PAUSE_MS);
    }
}

static int check(struct sqlite_store *s, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int r = 0, result = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &statement, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result != SQLITE_ROW)
        r = sqlite_fail(s, result, err);
    else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
        r = err_set(err, -EUCLEAN, "%s: %s", s->path, sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return r;
}

/* The journal goes along: it may hold what can still be saved. */
static int move_aside(const char *path, const char *damage, char aside[PATH_ROOM], struct err *err)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    int64_t seconds = clock_wall_us() / 1000000;
    char from[PATH_ROOM], to[PATH_ROOM + 8];

    snprintf(aside, PATH_ROOM, "%s.corrupt-%" PRId64, path, seconds);
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        snprintf(from, sizeof from, "%s%s", path, endings[i]);
        snprintf(to, sizeof to, "%s%s", aside, endings[i]);
        if (rename(from, to) < 0 && i == 0)
            return err_set(err, -EUCLEAN, "%s: it is damaged and cannot be moved aside: %s", damage,
                           strerror(errno));
    }
    return 0;
}

/* Inside the transaction, so that two programs never do it both. */
static int migrate_inside(struct sqlite_store *s, struct err *err)
{
    unsigned number = 0, newest = store_schema_newest();
    int r = read_schema(s, &number, err);

    if (r < 0)
        return r;
    if (number > newest)
        return err_set(err, -ENOTSUP,
                       "%s: was written by a newer tampu (schema %u, this one knows %u): use that "
                       "one, or a backup from before",
                       s->path, number, newest);
    while (number < newest && r == 0) {
        r = exec(s, schema_file(++number)->data, err);
        if (r == 0)
            r = finish_schema(s, number, err);
    }
    return r;
}

/* 0 when the file is empty; a database of something else is left alone. */
static int read_schema(struct sqlite_store *s, unsigned *ret, struct err *err)
{
    int64_t tables = 0, ours = 0, number = 0;
    int r;

    if ((r = query_number(s, "SELECT count(*) FROM sqlite_master", &tables, err)) < 0 ||
        (r = query_number(s,
                          "SELECT count(*) FROM sqlite_master WHERE type = 'table' "
                          "AND name IN ('meta', 'keys')",
                          &ours, err)) < 0)
        return r;
    if (tables > 0 && ours < 2)
        return err_set(err, -EINVAL, "%s: is a database of something else: name another file",
                       s->path);
    if (tables > 0)
        r = query_number(s, "SELECT max(value) FROM meta WHERE name = 'schema'", &number, err);
    if (r == 0)
        *ret = (unsigned)number;
    return r;
}

static const struct embedded_file *schema_file(unsigned number)
{
    char name[40];

    snprintf(name, sizeof name, "src/store/schema/%04u.sql", number);
    return embedded_find(name);
}

/* Remembers that the schema was run; a new store also gets its pepper. */
static int finish_schema(struct sqlite_store *s, unsigned number, struct err *err)
{
    char sql[256] = "INSERT INTO meta VALUES ('pepper', x'";
    size_t len = strlen(sql);

    /* The system's own: OpenSSL would come to life for it, and take 2 MiB for good. */
    for (size_t i = 0; i < PEPPER_WORDS; i++, len += 16)
        snprintf(sql + len, sizeof sql - len, "%016" PRIx64, rand_u64());
    snprintf(sql + len, sizeof sql - len,
             "') ON CONFLICT DO NOTHING; "
             "INSERT INTO meta VALUES ('schema', %u) ON CONFLICT DO UPDATE SET value = %u;",
             number, number);
    return exec(s, sql, err);
}

static int exec(struct sqlite_store *s, const char *sql, struct err *err)
{
    int result = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return result == SQLITE_OK ? 0 : sqlite_fail(s, result, err);
}

static int query_number(struct sqlite_store *s, const char *sql, int64_t *ret, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int r = 0, result = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *ret = sqlite3_column_int64(statement, 0);
    else
        r = sqlite_fail(s, result, err);
    sqlite3_finalize(statement);
    return r;
}

static int errno_of(struct sqlite_store *s, int result)
{
    int system = s->db ? sqlite3_system_errno(s->db) : 0;

    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CORRUPT:
        return -EUCLEAN;
    case SQLITE_NOTADB: /* may be anything, even somebody's letter: not ours to move */
        return -EINVAL;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_CANTOPEN: /* of its other files, where it could open this one for reading only */
        if (s->db && sqlite3_db_readonly(s->db, "main") == 1)
            return -EROFS;
        return system > 0 ? -system : -EACCES;
    default: /* SQLite tells only a full disk from other failed writes, not a quota or a limit */
        return result == SQLITE_IOERR_WRITE ? -ENOSPC : -EIO;
    }
}
