/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite store's inside: sqlite_open.c makes it ready, sqlite.c works with it.
 *
 * Nobody outside this folder includes it.
 */
#pragma once

#include <sqlite3.h>

#include "store/driver.h"

enum statement {
    SQL_begin,
    SQL_commit,
    SQL_rollback,
    SQL_key_put,
    SQL_key_find,
    SQL_key_revoke,
    SQL_key_each,
    SQL_exchange_put,
    SQL_exchange_find,
    SQL_exchange_expire,
    SQL_exchange_cap,
    SQL_pepper,
    SQL_version,
    SQL_COUNT
};

struct sqlite_store {
    struct store store;
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT]; /* prepared when first used */
    char *path;
};

/* An open, sound, current database in s->db; on failure nothing is left open. */
MUST_USE int sqlite_make_ready(struct sqlite_store *s, struct err *err);

/* Turns SQLite's last result into a negative errno and words with the path in front. */
int sqlite_fail(struct sqlite_store *s, int result, struct err *err);
