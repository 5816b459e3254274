/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: saving what can be read of a damaged one. */
#include <errno.h>
#include <stdio.h>

#include "store/sqlite.h"

enum {
    SQL_ROOM = 512,
    MISSES_MAX = 100000, /* more rows than an inner page that is gone leads to */
};

/* Large tables in the order of their rows: behind one that cannot be read others may be. What is
 * there already stays, but for the pepper: a new one opens no key. */
static const struct source {
    const char *table, *verb, *select;
    bool by_row;
} sources[] = {
    {"meta", "REPLACE", "SELECT * FROM meta WHERE name = 'pepper'", false},
    {"keys", "IGNORE", "SELECT *, rowid FROM keys WHERE rowid >= ?1 ORDER BY rowid", true},
    {"exchanges", "IGNORE", "SELECT *, rowid FROM exchanges WHERE rowid >= ?1 ORDER BY rowid",
     true},
    {"days", "IGNORE", "SELECT * FROM days", false},
    {"measurements", "IGNORE", "SELECT * FROM measurements", false},
};

static void copy_table(struct sqlite_store *s, sqlite3 *from, const struct source *source);
static int prepare_put(struct sqlite_store *s, const struct source *source, int columns,
                       sqlite3_stmt **ret);
static void copy_rows(sqlite3_stmt *find, sqlite3_stmt *put, int columns);
static int copy_found(sqlite3_stmt *find, sqlite3_stmt *put, int columns, sqlite3_int64 *last);

/* Whatever cannot be read is passed over: that it is damaged is known. */
int sqlite_salvage(struct sqlite_store *s, const char *aside, struct err *err)
{
    sqlite3 *from = NULL;
    int r = sqlite_begin(s, err);

    if (r < 0)
        return r;
    /* One look at it from beginning to end: locking it for each row would take most of the time. */
    if (sqlite3_open_v2(aside, &from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
            SQLITE_OK &&
        sqlite3_exec(from, "BEGIN", NULL, NULL, NULL) == SQLITE_OK)
        for (size_t i = 0; i < COUNT_OF(sources); i++)
            copy_table(s, from, &sources[i]);
    sqlite3_close(from);
    return sqlite_end(s, 0, err);
}

static void copy_table(struct sqlite_store *s, sqlite3 *from, const struct source *source)
{
    sqlite3_stmt *find = NULL, *put = NULL;

    if (sqlite3_prepare_v2(from, source->select, -1, &find, NULL) == SQLITE_OK) {
        int columns = sqlite3_column_count(find) - source->by_row;
        sqlite3_int64 last;

        if (prepare_put(s, source, columns, &put) == SQLITE_OK && source->by_row)
            copy_rows(find, put, columns);
        else if (put)
            copy_found(find, put, columns, &last);
    }
    sqlite3_finalize(find);
    sqlite3_finalize(put);
}

/* Fails for a store of an older schema, which is kept aside as it is. */
static int prepare_put(struct sqlite_store *s, const struct source *source, int columns,
                       sqlite3_stmt **ret)
{
    char sql[SQL_ROOM];
    size_t len = (size_t)snprintf(sql, sizeof sql, "INSERT OR %s INTO %s VALUES (?", source->verb,
                                  source->table);

    for (int i = 1; i < columns && len < sizeof sql - 8; i++)
        len += (size_t)snprintf(sql + len, sizeof sql - len, ", ?");
    snprintf(sql + len, sizeof sql - len, ")");
    return sqlite3_prepare_v2(s->db, sql, -1, ret, NULL);
}

/* Up to a page that cannot be read, and on behind it. */
static void copy_rows(sqlite3_stmt *find, sqlite3_stmt *put, int columns)
{
    int result = SQLITE_ERROR;

    for (sqlite3_int64 row = 1, read_last = 0;
         result != SQLITE_DONE && row - read_last <= MISSES_MAX; row++) {
        sqlite3_bind_int64(find, 1, row);
        result = copy_found(find, put, columns, &read_last);
        row = row > read_last ? row : read_last;
    }
}

/* SQLITE_DONE: to the end. *last: the number of the last one that could be read, if any. */
static int copy_found(sqlite3_stmt *find, sqlite3_stmt *put, int columns, sqlite3_int64 *last)
{
    int result;

    while ((result = sqlite3_step(find)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++)
            sqlite3_bind_value(put, i + 1, sqlite3_column_value(find, i));
        *last = sqlite3_column_int64(find, columns);
        sqlite3_step(put);
        sqlite3_reset(put);
    }
    sqlite3_reset(find);
    return result;
}
