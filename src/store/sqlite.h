/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite store's inside: sqlite_open.c makes it ready, sqlite.c runs statements, sqlite_keys.c,
 * sqlite_exchanges.c, sqlite_measurements.c and sqlite_backup.c hold what the driver's functions
 * do.
 *
 * Nobody outside this folder includes it.
 */
#pragma once

#include <sqlite3.h>

#include "store/driver.h"

enum { SQLITE_ROWS_AT_ONCE = 8 };

enum statement {
    SQL_begin,
    SQL_commit,
    SQL_rollback,
    SQL_key_put,
    SQL_key_find,
    SQL_key_revoke,
    SQL_key_rotate,
    SQL_key_each,
    SQL_exchange_put,
    SQL_exchange_put_many, /* SQLITE_ROWS_AT_ONCE */
    SQL_exchange_find,
    SQL_exchange_last,
    SQL_trim_limit,
    SQL_trim_sum,
    SQL_trim_rows,
    SQL_trim_days,
    SQL_usage,
    SQL_measurement_put,
    SQL_measurement_trim,
    SQL_measurement_last,
    SQL_pepper,
    SQL_writes,
    SQL_version,
    SQL_COUNT
};

struct sqlite_store {
    struct store store;
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT]; /* prepared when first used */
    char *path;
    uint64_t writes_seen, version_seen; /* of sqlite.c's read_version() */
};

/* An open, sound, current database in s->db; on failure nothing is left open. */
MUST_USE int sqlite_make_ready(struct sqlite_store *s, struct err *err);

/* Runs the schema files that the store has not seen yet. */
MUST_USE int sqlite_bring_forward(struct sqlite_store *s, struct err *err);

/* Copies what can be read of a damaged store, moved to `aside`, into a new one. */
MUST_USE int sqlite_salvage(struct sqlite_store *s, const char *aside, struct err *err);

/* Turns SQLite's last result into a negative errno and words with the path in front. */
int sqlite_fail(struct sqlite_store *s, int result, struct err *err);

/* The statement, bare of bindings and ready to run; it stays the store's. */
MUST_USE int sqlite_prepare(struct sqlite_store *s, sqlite3_stmt **ret, enum statement which,
                            struct err *err);
/* Runs a statement that gives no rows, and makes it ready for the next time; bindings stay. */
MUST_USE int sqlite_finish(struct sqlite_store *s, sqlite3_stmt *statement, struct err *err);
MUST_USE int sqlite_begin(struct sqlite_store *s, struct err *err);
/* Ends what sqlite_begin() began: r == 0 is kept, else undone and r returned. */
MUST_USE int sqlite_end(struct sqlite_store *s, int r, struct err *err);

/* The bytes must live until the statement has run. A missing text is an empty one. */
void sqlite_bind_str(sqlite3_stmt *statement, int at, struct str text);
struct str sqlite_column_str(sqlite3_stmt *from, int column);

static inline struct sqlite_store *sqlite_inside(struct store *s)
{
    return CONTAINER(s, struct sqlite_store, store);
}

/* What the driver's rows are: each as store.h says of its namesake. */
int sqlite_key_put(struct store *s, const struct key_row *row, unsigned most, struct err *err);
int sqlite_key_revoke(struct store *s, struct str which, int64_t now_us, struct err *err);
int sqlite_key_rotate(struct store *s, struct str which, const struct key_row *fresh,
                      int64_t old_until_us, struct err *err);
int sqlite_key_each(struct store *s, key_fn *fn, void *ctx, struct err *err);
int sqlite_exchange_put(struct store *s, const struct exchange_row *rows, size_t count,
                        struct err *err);
int sqlite_exchange_find(struct store *s, struct str id, exchange_fn *fn, void *ctx,
                         struct err *err);
int sqlite_exchange_last(struct store *s, unsigned most, exchange_fn *fn, void *ctx,
                         struct err *err);
int sqlite_exchange_trim(struct store *s, const struct retention *keep, uint64_t *removed,
                         struct err *err);
int sqlite_usage(struct store *s, const struct usage_query *query, usage_fn *fn, void *ctx,
                 struct err *err);
int sqlite_measurement_put(struct store *s, const struct measurement_row *rows, size_t count,
                           struct err *err);
int sqlite_measurement_last(struct store *s, unsigned most, measurement_fn *fn, void *ctx,
                            struct err *err);
int sqlite_backup(struct store *s, const char *path, struct err *err);
int sqlite_restore(struct store *s, const char *path, struct err *err);
