/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: one file, and statements that are prepared once. */
#include "store/sqlite.h"

#include <errno.h>
#include <stdlib.h>

static int open_store(struct store **ret, struct str place, struct err *err);
static void close_store(struct store *s);
static int read_pepper(struct store *s, unsigned char pepper[32], struct err *err);
static int read_version(struct store *s, uint64_t *ret, struct err *err);
static int read_count(struct sqlite_store *s, enum statement which, uint64_t *ret, struct err *err);

static int run(struct sqlite_store *s, enum statement which, struct err *err);

const struct store_driver store_sqlite = {
    .look_every_ms = 40, /* a word of shared memory */
    .open = open_store,
    .close = close_store,
    .key_put = sqlite_key_put,
    .key_revoke = sqlite_key_revoke,
    .key_rotate = sqlite_key_rotate,
    .key_each = sqlite_key_each,
    .exchange_put = sqlite_exchange_put,
    .exchange_find = sqlite_exchange_find,
    .exchange_last = sqlite_exchange_last,
    .exchange_trim = sqlite_exchange_trim,
    .usage = sqlite_usage,
    .measurement_put = sqlite_measurement_put,
    .measurement_last = sqlite_measurement_last,
    .backup = sqlite_backup,
    .restore = sqlite_restore,
    .pepper = read_pepper,
    .version = read_version,
};

#define KEY_COLUMNS \
    "id, hash, prefix, last4, name, owner, role, created_us, expires_us, revoked_us, rules, " \
    "hash_kind, old_hash, old_until_us"
#define EXCHANGE_COLUMNS \
    "id, started_us, asked, machine, model, parity, key_id, failure, status, attempts, " \
    "prompt_tokens, completion_tokens, first_token_us, total_us, endpoint, cached_tokens, " \
    "money_micro, avoided_micro, energy_mj"
#define MEASUREMENT_COLUMNS "machine, engine, artifact, at_us, found"
#define DAY_US              "86400000000"
#define EXCHANGE_VALUES     "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define EIGHT(row)          row "," row "," row "," row "," row "," row "," row "," row
#define SUM_COLUMNS \
    "requests, failures, prompt_tokens, cached_tokens, completion_tokens, money_micro, " \
    "avoided_micro, energy_mj"
#define SUMS \
    "sum(requests), sum(failures), sum(prompt_tokens), sum(cached_tokens), " \
    "sum(completion_tokens), sum(money_micro), sum(avoided_micro), sum(energy_mj)"
/* One row as sums have it. */
#define ROW_AS_SUM \
    "started_us / " DAY_US " AS day, key_id, machine, model, 1 AS requests, " \
    "failure <> 'none' AS failures, prompt_tokens, cached_tokens, completion_tokens, " \
    "money_micro, avoided_micro, energy_mj"

static const char *const texts[SQL_COUNT] = {
    [SQL_begin] = "BEGIN IMMEDIATE",
    [SQL_commit] = "COMMIT",
    [SQL_rollback] = "ROLLBACK",
    /* Keys are counted only where so many were ever made. */
    [SQL_key_put] =
        "INSERT INTO keys (" KEY_COLUMNS ") SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? "
        "WHERE coalesce((SELECT max(rowid) FROM keys), 0) < ?15 "
        "OR (SELECT count(*) FROM keys WHERE revoked_us = 0) < ?15",
    /* A key named by its id may be revoked already, one named otherwise may not. */
    [SQL_key_find] = "SELECT id FROM keys WHERE id = ?1 "
                     "UNION SELECT id FROM keys WHERE ?1 IN (prefix, name) AND revoked_us = 0 "
                     "AND NOT EXISTS (SELECT 1 FROM keys WHERE id = ?1)",
    [SQL_key_revoke] = "UPDATE keys SET revoked_us = ?2 WHERE id = ?1 AND revoked_us = 0",
    [SQL_key_rotate] = "UPDATE keys SET old_hash = hash, old_until_us = ?5, hash = ?2, "
                       "prefix = ?3, last4 = ?4 WHERE id = ?1 AND revoked_us = 0",
    [SQL_key_each] = "SELECT " KEY_COLUMNS " FROM keys ORDER BY created_us, id",
    [SQL_exchange_put] = "INSERT INTO exchanges (" EXCHANGE_COLUMNS ") VALUES " EXCHANGE_VALUES
                         " ON CONFLICT (id) DO NOTHING",
    [SQL_exchange_put_many] = "INSERT INTO exchanges (" EXCHANGE_COLUMNS
                              ") VALUES " EIGHT(EXCHANGE_VALUES) " ON CONFLICT (id) DO NOTHING",
    [SQL_exchange_find] = "SELECT " EXCHANGE_COLUMNS " FROM exchanges WHERE id = ?",
    [SQL_exchange_last] = "SELECT " EXCHANGE_COLUMNS " FROM exchanges WHERE rowid > "
                          "(SELECT coalesce(max(rowid), 0) FROM exchanges) - ? ORDER BY rowid",
    /* Rows lie in the order in which they were written: what goes is the beginning. */
    [SQL_trim_limit] = "SELECT max(coalesce("
                       "(SELECT rowid FROM exchanges WHERE started_us >= ?1 "
                       "ORDER BY rowid LIMIT 1), (SELECT max(rowid) + 1 FROM exchanges), 0), "
                       "coalesce((SELECT max(rowid) + 1 FROM exchanges), 0) - ?2)",
    [SQL_trim_sum] = "INSERT INTO days (day, key_id, machine, model, " SUM_COLUMNS ") "
                     "SELECT day, key_id, machine, model, " SUMS " FROM (SELECT " ROW_AS_SUM
                     " FROM exchanges WHERE rowid < ?1) WHERE true "
                     "GROUP BY day, key_id, machine, model "
                     "ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, "
                     "failures = failures + excluded.failures, "
                     "prompt_tokens = prompt_tokens + excluded.prompt_tokens, "
                     "cached_tokens = cached_tokens + excluded.cached_tokens, "
                     "completion_tokens = completion_tokens + excluded.completion_tokens, "
                     "money_micro = money_micro + excluded.money_micro, "
                     "avoided_micro = avoided_micro + excluded.avoided_micro, "
                     "energy_mj = energy_mj + excluded.energy_mj",
    [SQL_trim_rows] = "DELETE FROM exchanges WHERE rowid < ?1",
    [SQL_trim_days] = "DELETE FROM days WHERE day < ?1",
    [SQL_usage] = "SELECT CASE WHEN ?3 & 1 THEN day ELSE -1 END, "
                  "CASE WHEN ?3 & 2 THEN key_id ELSE '' END, "
                  "CASE WHEN ?3 & 2 THEN coalesce(name, '') ELSE '' END, "
                  "CASE WHEN ?3 & 4 THEN coalesce(owner, '') ELSE '' END, "
                  "CASE WHEN ?3 & 8 THEN model ELSE '' END, "
                  "CASE WHEN ?3 & 16 THEN machine ELSE '' END, " SUMS " FROM ("
                  "SELECT " ROW_AS_SUM " FROM exchanges WHERE started_us >= ?1 AND started_us < ?2 "
                  "UNION ALL SELECT day, key_id, machine, model, " SUM_COLUMNS
                  " FROM days WHERE day * " DAY_US " >= ?1 AND day * " DAY_US " < ?2) "
                  "LEFT JOIN keys ON keys.id = key_id "
                  "GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 4, 5, 6",
    [SQL_measurement_put] = "INSERT INTO measurements (" MEASUREMENT_COLUMNS
                            ") VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [SQL_measurement_trim] =
        "DELETE FROM measurements WHERE machine = ?1 AND engine = ?2 AND artifact = ?3 AND at_us "
        "<= (SELECT at_us FROM measurements WHERE machine = ?1 AND engine = ?2 AND artifact = ?3 "
        "ORDER BY at_us DESC LIMIT 1 OFFSET ?4)",
    [SQL_measurement_last] =
        "SELECT " MEASUREMENT_COLUMNS " FROM (SELECT *, row_number() OVER (PARTITION BY machine, "
        "engine, artifact ORDER BY at_us DESC) AS nth FROM measurements) WHERE nth <= ? "
        "ORDER BY machine, engine, artifact, at_us",
    [SQL_pepper] = "SELECT value FROM meta WHERE name = 'pepper'",
    [SQL_writes] = "PRAGMA data_version",
    [SQL_version] = "SELECT value FROM meta WHERE name = 'keys'",
};

int sqlite_prepare(struct sqlite_store *s, sqlite3_stmt **ret, enum statement which,
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

int sqlite_finish(struct sqlite_store *s, sqlite3_stmt *statement, struct err *err)
{
    int step = sqlite3_step(statement), r = 0;

    if (step != SQLITE_DONE)
        r = sqlite_fail(s, step, err);
    sqlite3_reset(statement);
    return r;
}

int sqlite_begin(struct sqlite_store *s, struct err *err)
{
    return run(s, SQL_begin, err);
}

/* A full disk may have ended it already. */
int sqlite_end(struct sqlite_store *s, int r, struct err *err)
{
    if (r == 0)
        r = run(s, SQL_commit, err);
    if (r < 0 && !sqlite3_get_autocommit(s->db))
        (void)!run(s, SQL_rollback, NULL);
    return r;
}

void sqlite_bind_str(sqlite3_stmt *statement, int at, struct str text)
{
    sqlite3_bind_text64(statement, at, text.len ? text.data : "", text.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

struct str sqlite_column_str(sqlite3_stmt *from, int column)
{
    const char *text = (const char *)sqlite3_column_text(from, column);

    return text ? str_slice(text, (size_t)sqlite3_column_bytes(from, column)) : STR("");
}

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
    struct sqlite_store *s = sqlite_inside(store);

    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

static int read_pepper(struct store *store, unsigned char pepper[32], struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    sqlite3_stmt *find = NULL;
    int step, r = sqlite_prepare(s, &find, SQL_pepper, err);

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

/* The table is read only when anything at all was written; that SQLite knows without a look at the
 * file. */
static int read_version(struct store *store, uint64_t *ret, struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    uint64_t writes = 0;
    int moved = 0, r;

    if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved)
        return err_set(err, -ESTALE, "%s: the file is another one by now", s->path);
    r = read_count(s, SQL_writes, &writes, err);
    if (r == 0 && (writes != s->writes_seen || !s->version_seen))
        r = read_count(s, SQL_version, &s->version_seen, err);
    if (r < 0)
        return r;
    s->writes_seen = writes;
    *ret = s->version_seen;
    return 0;
}

static int read_count(struct sqlite_store *s, enum statement which, uint64_t *ret, struct err *err)
{
    sqlite3_stmt *find = NULL;
    int step, r = sqlite_prepare(s, &find, which, err);

    if (r < 0)
        return r;
    step = sqlite3_step(find);
    if (step == SQLITE_ROW)
        *ret = (uint64_t)sqlite3_column_int64(find, 0);
    else
        r = sqlite_fail(s, step, err);
    sqlite3_reset(find);
    return r;
}

static int run(struct sqlite_store *s, enum statement which, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite_prepare(s, &statement, which, err);

    return r < 0 ? r : sqlite_finish(s, statement, err);
}
