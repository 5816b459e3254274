/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: keys. */
#include <errno.h>
#include <stdio.h>

#include "store/sqlite.h"

static int find_key(struct sqlite_store *s, struct str which, char id[KEY_ID_SIZE + 1],
                    struct err *err);
static void read_key(struct key_row *row, sqlite3_stmt *from);
static void read_hash(unsigned char hash[KEY_HASH_SIZE], sqlite3_stmt *from, int column);

int sqlite_key_put(struct store *store, const struct key_row *row, unsigned most, struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    sqlite3_stmt *put = NULL;
    int r = sqlite_prepare(s, &put, SQL_key_put, err);

    if (r < 0)
        return r;
    sqlite_bind_str(put, 1, str_from(row->id));
    sqlite3_bind_blob(put, 2, row->hash, sizeof row->hash, SQLITE_STATIC);
    sqlite_bind_str(put, 3, row->prefix);
    sqlite_bind_str(put, 4, row->last4);
    sqlite_bind_str(put, 5, row->name);
    sqlite_bind_str(put, 6, row->owner);
    sqlite3_bind_int(put, 7, (int)row->role);
    sqlite3_bind_int64(put, 8, row->created_us);
    sqlite3_bind_int64(put, 9, row->expires_us);
    sqlite3_bind_int64(put, 10, row->revoked_us);
    sqlite_bind_str(put, 11, row->rules);
    sqlite3_bind_int(put, 12, (int)row->hash_kind);
    sqlite3_bind_blob(put, 13, row->old_hash, row->old_until_us ? KEY_HASH_SIZE : 0, SQLITE_STATIC);
    sqlite3_bind_int64(put, 14, row->old_until_us);
    sqlite3_bind_int64(put, 15, most);
    r = sqlite_finish(s, put, err);
    sqlite3_clear_bindings(put);
    return r == 0 && sqlite3_changes(s->db) == 0 ? -EDQUOT : r;
}

int sqlite_key_revoke(struct store *store, struct str which, int64_t now_us, struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    char id[KEY_ID_SIZE + 1];
    sqlite3_stmt *revoke = NULL;
    int r;

    if ((r = find_key(s, which, id, err)) < 0 ||
        (r = sqlite_prepare(s, &revoke, SQL_key_revoke, err)) < 0)
        return r;
    sqlite_bind_str(revoke, 1, str_from(id));
    sqlite3_bind_int64(revoke, 2, now_us);
    r = sqlite_finish(s, revoke, err);
    sqlite3_clear_bindings(revoke);
    return r;
}

int sqlite_key_rotate(struct store *store, struct str which, const struct key_row *fresh,
                      int64_t old_until_us, struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    char id[KEY_ID_SIZE + 1];
    sqlite3_stmt *rotate = NULL;
    int r;

    if ((r = find_key(s, which, id, err)) < 0 ||
        (r = sqlite_prepare(s, &rotate, SQL_key_rotate, err)) < 0)
        return r;
    sqlite_bind_str(rotate, 1, str_from(id));
    sqlite3_bind_blob(rotate, 2, fresh->hash, KEY_HASH_SIZE, SQLITE_STATIC);
    sqlite_bind_str(rotate, 3, fresh->prefix);
    sqlite_bind_str(rotate, 4, fresh->last4);
    sqlite3_bind_int64(rotate, 5, old_until_us);
    r = sqlite_finish(s, rotate, err);
    sqlite3_clear_bindings(rotate);
    if (r == 0 && sqlite3_changes(s->db) == 0)
        r = err_set(err, -ENOENT, "the key '%.*s' was revoked: make another", STR_ARG(which));
    return r;
}

int sqlite_key_each(struct store *store, key_fn *fn, void *ctx, struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    sqlite3_stmt *each = NULL;
    struct key_row row;
    int step, r = sqlite_prepare(s, &each, SQL_key_each, err);

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

static int find_key(struct sqlite_store *s, struct str which, char id[KEY_ID_SIZE + 1],
                    struct err *err)
{
    sqlite3_stmt *find = NULL;
    int step, found = 0, r = sqlite_prepare(s, &find, SQL_key_find, err);

    if (r < 0)
        return r;
    sqlite_bind_str(find, 1, which);
    for (; (step = sqlite3_step(find)) == SQLITE_ROW; found++)
        snprintf(id, KEY_ID_SIZE + 1, "%.*s", STR_ARG(sqlite_column_str(find, 0)));
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

static void read_key(struct key_row *row, sqlite3_stmt *from)
{
    *row = (struct key_row){
        .prefix = sqlite_column_str(from, 2),
        .last4 = sqlite_column_str(from, 3),
        .name = sqlite_column_str(from, 4),
        .owner = sqlite_column_str(from, 5),
        .role = sqlite3_column_int(from, 6) == KEY_operator ? KEY_operator : KEY_caller,
        .created_us = sqlite3_column_int64(from, 7),
        .expires_us = sqlite3_column_int64(from, 8),
        .revoked_us = sqlite3_column_int64(from, 9),
        .rules = sqlite_column_str(from, 10),
        .hash_kind =
            sqlite3_column_int(from, 11) == KEY_HASH_sha256 ? KEY_HASH_sha256 : KEY_HASH_pepper,
        .old_until_us = sqlite3_column_int64(from, 13),
    };
    snprintf(row->id, sizeof row->id, "%.*s", STR_ARG(sqlite_column_str(from, 0)));
    read_hash(row->hash, from, 1);
    read_hash(row->old_hash, from, 12);
}

static void read_hash(unsigned char hash[KEY_HASH_SIZE], sqlite3_stmt *from, int column)
{
    if (sqlite3_column_bytes(from, column) == KEY_HASH_SIZE)
        memcpy(hash, sqlite3_column_blob(from, column), KEY_HASH_SIZE);
}
