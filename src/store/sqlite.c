/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: keys and exchanges in one file. */
#include "store/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 256 }; /* bytes of a text of an exchange */

static int open_store(struct store **ret, struct str place, struct err *err);
static void close_store(struct store *s);
static int key_put(struct store *s, const struct key_row *row, struct err *err);
static int key_revoke(struct store *s, struct str which, int64_t now_us, struct err *err);
static int key_each(struct store *s, key_fn *fn, void *ctx, struct err *err);
static int exchange_put(struct store *s, const struct exchange_row *rows, size_t count,
                        struct err *err);
static int exchange_find(struct store *s, struct str id, exchange_fn *fn, void *ctx,
                         struct err *err);
static int exchange_trim(struct store *s, int64_t before_us, uint64_t rows_max, uint64_t *removed,
                         struct err *err);
static int read_pepper(struct store *s, unsigned char pepper[32], struct err *err);
static int read_version(struct store *s, uint64_t *ret, struct err *err);

static struct sqlite_store *inside(struct store *s);
static int prepare(struct sqlite_store *s, sqlite3_stmt **ret, enum statement which,
                   struct err *err);
static int run(struct sqlite_store *s, enum statement which, struct err *err);
static int finish(struct sqlite_store *s, sqlite3_stmt *statement, struct err *err);
static int step_once(struct sqlite_store *s, sqlite3_stmt *statement, struct err *err);
static int find_key(struct sqlite_store *s, struct str which, char id[KEY_ID_SIZE + 1],
                    struct err *err);
static int put_one(struct sqlite_store *s, const struct exchange_row *row, struct err *err);
static int remove_rows(struct sqlite_store *s, enum statement which, int64_t limit,
                       uint64_t *removed, struct err *err);
static void read_key(struct key_row *row, sqlite3_stmt *from);
static void read_exchange(struct exchange_row *row, sqlite3_stmt *from);
static void bind_text(sqlite3_stmt *statement, int at, struct str text);
static struct str column_text(sqlite3_stmt *from, int column);
static struct str cut(struct str text);

const struct store_driver store_sqlite = {
    .open = open_store,
    .close = close_store,
    .key_put = key_put,
    .key_revoke = key_revoke,
    .key_each = key_each,
    .exchange_put = exchange_put,
    .exchange_find = exchange_find,
    .exchange_trim = exchange_trim,
    .pepper = read_pepper,
    .version = read_version,
};

#define KEY_COLUMNS "id, hash, prefix, last4, name, owner, role, created_us, expires_us, revoked_us"
#define EXCHANGE_COLUMNS \
    "id, started_us, asked, machine, model, parity, key_id, failure, status, attempts, " \
    "prompt_tokens, completion_tokens, first_token_us, total_us"

static const char *const texts[SQL_COUNT] = {
    [SQL_begin] = "BEGIN IMMEDIATE",
    [SQL_commit] = "COMMIT",
    [SQL_rollback] = "ROLLBACK",
    [SQL_key_put] = "INSERT INTO keys (" KEY_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    /* A key named by its id may be revoked already, one named otherwise may not. */
    [SQL_key_find] = "SELECT id FROM keys WHERE id = ?1 "
                     "UNION SELECT id FROM keys WHERE ?1 IN (prefix, name) AND revoked_us = 0 "
                     "AND NOT EXISTS (SELECT 1 FROM keys WHERE id = ?1)",
    [SQL_key_revoke] = "UPDATE keys SET revoked_us = ?2 WHERE id = ?1 AND revoked_us = 0",
    [SQL_key_each] = "SELECT " KEY_COLUMNS " FROM keys ORDER BY created_us, id",
    [SQL_exchange_put] = "INSERT INTO exchanges (" EXCHANGE_COLUMNS
                         ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                         "ON CONFLICT (id) DO NOTHING",
    [SQL_exchange_find] = "SELECT " EXCHANGE_COLUMNS " FROM exchanges WHERE id = ?",
    /* Rows lie in the order in which they were written: what is removed is the beginning. */
    [SQL_exchange_expire] = "DELETE FROM exchanges WHERE rowid < coalesce("
                            "(SELECT rowid FROM exchanges WHERE started_us >= ?1 "
                            "ORDER BY rowid LIMIT 1), (SELECT max(rowid) + 1 FROM exchanges))",
    [SQL_exchange_cap] =
        "DELETE FROM exchanges WHERE rowid <= (SELECT max(rowid) FROM exchanges) - ?1",
    [SQL_pepper] = "SELECT value FROM meta WHERE name = 'pepper'",
    [SQL_version] = "PRAGMA data_version",
};

static int open_store(struct store **ret, struct str place, struct err *err)
{
    struct sqlite_store *s = calloc(1, sizeof *s);
    int r;

    if (s)
        s->path = strndup(place.data, place.len);
    if (!s || !s->path) {
        free(s);
        return err_set(err, -ENOMEM, "out of memory");
    }
    s->store.driver = &store_sqlite;
    if ((r = sqlite_make_ready(s, err)) < 0)
        close_store(&s->store);
    else
        *ret = &s->store;
    return r;
}

static void close_store(struct store *store)
{
    struct sqlite_store *s = inside(store);

    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

static int key_put(struct store *store, const struct key_row *row, struct err *err)
{
    struct sqlite_store *s = inside(store);
    sqlite3_stmt *put = NULL;
    int r = prepare(s, &put, SQL_key_put, err);

    if (r < 0)
        return r;
    bind_text(put, 1, str_from(row->id));
    sqlite3_bind_blob(put, 2, row->hash, sizeof row->hash, SQLITE_STATIC);
    bind_text(put, 3, row->prefix);
    bind_text(put, 4, row->last4);
    bind_text(put, 5, row->name);
    bind_text(put, 6, row->owner);
    sqlite3_bind_int(put, 7, (int)row->role);
    sqlite3_bind_int64(put, 8, row->created_us);
    sqlite3_bind_int64(put, 9, row->expires_us);
    sqlite3_bind_int64(put, 10, row->revoked_us);
    return finish(s, put, err);
}

static int key_revoke(struct store *store, struct str which, int64_t now_us, struct err *err)
{
    struct sqlite_store *s = inside(store);
    char id[KEY_ID_SIZE + 1];
    sqlite3_stmt *revoke = NULL;
    int r;

    if ((r = find_key(s, which, id, err)) < 0 || (r = prepare(s, &revoke, SQL_key_revoke, err)) < 0)
        return r;
    bind_text(revoke, 1, str_from(id));
    sqlite3_bind_int64(revoke, 2, now_us);
    return finish(s, revoke, err);
}

static int key_each(struct store *store, key_fn *fn, void *ctx, struct err *err)
{
    struct sqlite_store *s = inside(store);
    sqlite3_stmt *each = NULL;
    struct key_row row;
    int step, r = prepare(s, &each, SQL_key_each, err);

    if (r < 0)
        return r;
    while ((step = sqlite3_step(each)) == SQLITE_ROW && r >= 0) {
        read_key(&row, each);
        r = fn(ctx, &row);
    }
    if (step != SQLITE_DONE && step != SQLITE_ROW)
        r = sqlite_fail(s, step, err);
    sqlite3_reset(each);
    return r < 0 ? r : 0;
}

static int exchange_put(struct store *store, const struct exchange_row *rows, size_t count,
                        struct err *err)
{
    struct sqlite_store *s = inside(store);
    int r = run(s, SQL_begin, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count && r == 0; i++)
        r = put_one(s, &rows[i], err);
    if (r == 0)
        r = run(s, SQL_commit, err);
    if (r < 0 && !sqlite3_get_autocommit(s->db)) /* a full disk may have ended it already */
        (void)!run(s, SQL_rollback, NULL);
    return r;
}

static int exchange_find(struct store *store, struct str id, exchange_fn *fn, void *ctx,
                         struct err *err)
{
    struct sqlite_store *s = inside(store);
    struct exchange_row row;
    sqlite3_stmt *find = NULL;
    int step, r = prepare(s, &find, SQL_exchange_find, err);

    if (r < 0)
        return r;
    bind_text(find, 1, id);
    step = sqlite3_step(find);
    if (step == SQLITE_ROW) {
        read_exchange(&row, find);
        r = fn(ctx, &row);
    } else if (step == SQLITE_DONE) {
        r = err_set(err, -ENOENT, "no request '%.*s' is remembered", STR_ARG(id));
    } else {
        r = sqlite_fail(s, step, err);
    }
    sqlite3_reset(find);
    return r;
}

static int exchange_trim(struct store *store, int64_t before_us, uint64_t rows_max,
                         uint64_t *removed, struct err *err)
{
    struct sqlite_store *s = inside(store);
    uint64_t expired = 0, surplus = 0;
    int r = remove_rows(s, SQL_exchange_expire, before_us, &expired, err);

    if (r == 0)
        r = remove_rows(s, SQL_exchange_cap, rows_max > INT64_MAX ? INT64_MAX : (int64_t)rows_max,
                        &surplus, err);
    if (r == 0 && removed)
        *removed = expired + surplus;
    return r;
}

static int read_pepper(struct store *store, unsigned char pepper[32], struct err *err)
{
    struct sqlite_store *s = inside(store);
    sqlite3_stmt *find = NULL;
    int step, r = prepare(s, &find, SQL_pepper, err);

    if (r < 0)
        return r;
    step = sqlite3_step(find);
    if (step == SQLITE_ROW && sqlite3_column_bytes(find, 0) == 32)
        memcpy(pepper, sqlite3_column_blob(find, 0), 32);
    else if (step == SQLITE_ROW || step == SQLITE_DONE)
        r = err_set(err, -EUCLEAN,
                    "%s: its pepper is gone, no key can be checked: restore a backup", s->path);
    else
        r = sqlite_fail(s, step, err);
    sqlite3_reset(find);
    return r;
}

static int read_version(struct store *store, uint64_t *ret, struct err *err)
{
    struct sqlite_store *s = inside(store);
    sqlite3_stmt *version = NULL;
    int step, r = prepare(s, &version, SQL_version, err);

    if (r < 0)
        return r;
    step = sqlite3_step(version);
    if (step == SQLITE_ROW)
        *ret = (uint64_t)sqlite3_column_int64(version, 0);
    else
        r = sqlite_fail(s, step, err);
    sqlite3_reset(version);
    return r;
}

static struct sqlite_store *inside(struct store *s)
{
    return CONTAINER(s, struct sqlite_store, store);
}

static int prepare(struct sqlite_store *s, sqlite3_stmt **ret, enum statement which,
                   struct err *err)
{
    sqlite3_stmt **statement = &s->statements[which];
    int result = SQLITE_OK;

    if (!*statement)
        result =
            sqlite3_prepare_v3(s->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    if (result != SQLITE_OK)
        return sqlite_fail(s, result, err);
    *ret = *statement;
    return 0;
}

static int run(struct sqlite_store *s, enum statement which, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(s, &statement, which, err);

    return r < 0 ? r : finish(s, statement, err);
}

/* Runs a statement that gives no rows, and makes it ready for the next time. */
static int finish(struct sqlite_store *s, sqlite3_stmt *statement, struct err *err)
{
    int r = step_once(s, statement, err);

    sqlite3_clear_bindings(statement);
    return r;
}

static int step_once(struct sqlite_store *s, sqlite3_stmt *statement, struct err *err)
{
    int step = sqlite3_step(statement), r = 0;

    if (step != SQLITE_DONE)
        r = sqlite_fail(s, step, err);
    sqlite3_reset(statement);
    return r;
}

static int find_key(struct sqlite_store *s, struct str which, char id[KEY_ID_SIZE + 1],
                    struct err *err)
{
    sqlite3_stmt *find = NULL;
    int step, found = 0, r = prepare(s, &find, SQL_key_find, err);

    if (r < 0)
        return r;
    bind_text(find, 1, which);
    for (; (step = sqlite3_step(find)) == SQLITE_ROW; found++)
        snprintf(id, KEY_ID_SIZE + 1, "%.*s", STR_ARG(column_text(find, 0)));
    if (step != SQLITE_DONE)
        r = sqlite_fail(s, step, err);
    else if (found == 0)
        r = err_set(err, -ENOENT, "no key that is still good has the id, prefix or name '%.*s'",
                    STR_ARG(which));
    else if (found > 1)
        r = err_set(err, -EEXIST, "'%.*s' fits %d keys: name the one you mean by its id",
                    STR_ARG(which), found);
    sqlite3_reset(find);
    return r;
}

static int put_one(struct sqlite_store *s, const struct exchange_row *row, struct err *err)
{
    sqlite3_stmt *put = NULL;
    int r = prepare(s, &put, SQL_exchange_put, err);

    if (r < 0)
        return r;
    bind_text(put, 1, cut(row->id));
    sqlite3_bind_int64(put, 2, row->started_us);
    bind_text(put, 3, cut(row->asked));
    bind_text(put, 4, cut(row->machine));
    bind_text(put, 5, cut(row->model));
    bind_text(put, 6, cut(row->parity));
    bind_text(put, 7, cut(row->key_id));
    bind_text(put, 8, cut(row->failure));
    sqlite3_bind_int(put, 9, row->status);
    sqlite3_bind_int64(put, 10, row->attempts);
    sqlite3_bind_int64(put, 11, (int64_t)row->prompt_tokens);
    sqlite3_bind_int64(put, 12, (int64_t)row->completion_tokens);
    sqlite3_bind_int64(put, 13, row->first_token_us);
    sqlite3_bind_int64(put, 14, row->total_us);
    return step_once(s, put, err); /* the next row binds all of them anew */
}

static int remove_rows(struct sqlite_store *s, enum statement which, int64_t limit,
                       uint64_t *removed, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(s, &statement, which, err);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, limit);
    r = finish(s, statement, err);
    if (r == 0)
        *removed = (uint64_t)sqlite3_changes64(s->db);
    return r;
}

static void read_key(struct key_row *row, sqlite3_stmt *from)
{
    *row = (struct key_row){
        .prefix = column_text(from, 2),
        .last4 = column_text(from, 3),
        .name = column_text(from, 4),
        .owner = column_text(from, 5),
        .role = sqlite3_column_int(from, 6) == KEY_operator ? KEY_operator : KEY_caller,
        .created_us = sqlite3_column_int64(from, 7),
        .expires_us = sqlite3_column_int64(from, 8),
        .revoked_us = sqlite3_column_int64(from, 9),
    };
    snprintf(row->id, sizeof row->id, "%.*s", STR_ARG(column_text(from, 0)));
    if (sqlite3_column_bytes(from, 1) == KEY_HASH_SIZE)
        memcpy(row->hash, sqlite3_column_blob(from, 1), KEY_HASH_SIZE);
}

static void read_exchange(struct exchange_row *row, sqlite3_stmt *from)
{
    *row = (struct exchange_row){
        .id = column_text(from, 0),
        .started_us = sqlite3_column_int64(from, 1),
        .asked = column_text(from, 2),
        .machine = column_text(from, 3),
        .model = column_text(from, 4),
        .parity = column_text(from, 5),
        .key_id = column_text(from, 6),
        .failure = column_text(from, 7),
        .status = sqlite3_column_int(from, 8),
        .attempts = (unsigned)sqlite3_column_int64(from, 9),
        .prompt_tokens = (uint64_t)sqlite3_column_int64(from, 10),
        .completion_tokens = (uint64_t)sqlite3_column_int64(from, 11),
        .first_token_us = sqlite3_column_int64(from, 12),
        .total_us = sqlite3_column_int64(from, 13),
    };
}

/* The bytes must live until the statement has run. A missing text is an empty one. */
static void bind_text(sqlite3_stmt *statement, int at, struct str text)
{
    sqlite3_bind_text64(statement, at, text.len ? text.data : "", text.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

static struct str column_text(sqlite3_stmt *from, int column)
{
    const char *text = (const char *)sqlite3_column_text(from, column);

    return text ? str_slice(text, (size_t)sqlite3_column_bytes(from, column)) : STR("");
}

static struct str cut(struct str text)
{
    return str_slice(text.data, text.len < TEXT_MAX ? text.len : TEXT_MAX);
}
