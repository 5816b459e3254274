/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL store: keys. */
#include <errno.h>
#include <stdio.h>

#include "store/postgresql.h"

struct addition {
    const struct key_row *row;
    unsigned most;
};

struct revocation {
    struct str which;
    int64_t now_us;
};

struct rotation {
    struct str which;
    const struct key_row *fresh;
    int64_t old_until_us;
};

static postgresql_work_fn put, revoke, rotate, fetch_keys;
static int find_key(struct postgresql_store *s, struct str which, char id[KEY_ID_SIZE + 1],
                    struct err *err);
static void read_key(struct key_row *row, const PGresult *from, int at);

/* Not tried again when the server goes: a second time it would find its own key there. */
int postgresql_key_put(struct store *store, const struct key_row *row, unsigned most,
                       struct err *err)
{
    struct addition addition = {row, most};

    return postgresql_once(postgresql_inside(store), put, &addition, err);
}

static int put(struct postgresql_store *s, void *ctx, struct err *err)
{
    const struct addition *addition = ctx;
    const struct key_row *row = addition->row;
    struct parameters p = {0};
    PGresult *done = NULL;
    int r;

    parameters_text(&p, str_from(row->id));
    parameters_bytes(&p, row->hash, sizeof row->hash);
    parameters_text(&p, row->prefix);
    parameters_text(&p, row->last4);
    parameters_text(&p, row->name);
    parameters_text(&p, row->owner);
    parameters_number(&p, row->role);
    parameters_number(&p, row->created_us);
    parameters_number(&p, row->expires_us);
    parameters_number(&p, row->revoked_us);
    parameters_text(&p, row->rules);
    parameters_number(&p, row->hash_kind);
    parameters_bytes(&p, row->old_hash, row->old_until_us ? KEY_HASH_SIZE : 0);
    parameters_number(&p, row->old_until_us);
    parameters_number(&p, addition->most);
    r = postgresql_run(s, PG_key_put, &p, &done, err);
    if (r == 0 && strcmp(PQcmdTuples(done), "0") == 0)
        r = -EDQUOT;
    PQclear(done);
    return r;
}

int postgresql_key_revoke(struct store *store, struct str which, int64_t now_us, struct err *err)
{
    struct revocation revocation = {which, now_us};

    return postgresql_do(postgresql_inside(store), revoke, &revocation, err);
}

static int revoke(struct postgresql_store *s, void *ctx, struct err *err)
{
    const struct revocation *revocation = ctx;
    struct parameters p = {0};
    char id[KEY_ID_SIZE + 1];
    int r = find_key(s, revocation->which, id, err);

    if (r < 0)
        return r;
    parameters_text(&p, str_from(id));
    parameters_number(&p, revocation->now_us);
    return postgresql_run(s, PG_key_revoke, &p, NULL, err);
}

/* Done once: a second time it would forget the hash that it has just kept. */
int postgresql_key_rotate(struct store *store, struct str which, const struct key_row *fresh,
                          int64_t old_until_us, struct err *err)
{
    struct rotation rotation = {which, fresh, old_until_us};

    return postgresql_once(postgresql_inside(store), rotate, &rotation, err);
}

static int rotate(struct postgresql_store *s, void *ctx, struct err *err)
{
    const struct rotation *rotation = ctx;
    struct parameters p = {0};
    char id[KEY_ID_SIZE + 1];
    PGresult *done = NULL;
    int r = find_key(s, rotation->which, id, err);

    if (r < 0)
        return r;
    parameters_text(&p, str_from(id));
    parameters_bytes(&p, rotation->fresh->hash, KEY_HASH_SIZE);
    parameters_text(&p, rotation->fresh->prefix);
    parameters_text(&p, rotation->fresh->last4);
    parameters_number(&p, rotation->old_until_us);
    if ((r = postgresql_run(s, PG_key_rotate, &p, &done, err)) < 0)
        return r;
    if (strcmp(PQcmdTuples(done), "0") == 0)
        r = err_set(err, -ENOENT, "the key '%.*s' was revoked: make another",
                    STR_ARG(rotation->which));
    PQclear(done);
    return r;
}

/* The rows are all there before the first is handed out: so fn may take its time. */
int postgresql_key_each(struct store *store, key_fn *fn, void *ctx, struct err *err)
{
    PGresult *found = NULL;
    struct key_row row;
    int r = postgresql_do(postgresql_inside(store), fetch_keys, &found, err);

    for (int i = 0; r == 0 && i < PQntuples(found); i++) {
        read_key(&row, found, i);
        r = fn(ctx, &row);
        r = r > 0 ? 0 : r;
    }
    PQclear(found);
    return r;
}

static int fetch_keys(struct postgresql_store *s, void *ctx, struct err *err)
{
    struct parameters none = {0};

    return postgresql_run(s, PG_key_each, &none, ctx, err);
}

static int find_key(struct postgresql_store *s, struct str which, char id[KEY_ID_SIZE + 1],
                    struct err *err)
{
    struct parameters p = {0};
    PGresult *found = NULL;
    int r;

    parameters_text(&p, which);
    if ((r = postgresql_run(s, PG_key_find, &p, &found, err)) < 0)
        return r;
    if (PQntuples(found) == 0)
        r = err_set(err, -ENOENT, "no key that is still good has the id, prefix or name '%.*s'",
                    STR_ARG(which));
    else if (PQntuples(found) > 1)
        r = err_set(err, -EEXIST, "'%.*s' fits %d keys: name the one you mean by its id",
                    STR_ARG(which), PQntuples(found));
    else
        snprintf(id, KEY_ID_SIZE + 1, "%.*s", STR_ARG(postgresql_text(found, 0, 0)));
    PQclear(found);
    return r;
}

static void read_key(struct key_row *row, const PGresult *from, int at)
{
    *row = (struct key_row){
        .prefix = postgresql_text(from, at, 2),
        .last4 = postgresql_text(from, at, 3),
        .name = postgresql_text(from, at, 4),
        .owner = postgresql_text(from, at, 5),
        .role = postgresql_number(from, at, 6) == KEY_operator ? KEY_operator : KEY_caller,
        .created_us = postgresql_number(from, at, 7),
        .expires_us = postgresql_number(from, at, 8),
        .revoked_us = postgresql_number(from, at, 9),
        .rules = postgresql_text(from, at, 10),
        .hash_kind =
            postgresql_number(from, at, 11) == KEY_HASH_sha256 ? KEY_HASH_sha256 : KEY_HASH_pepper,
        .old_until_us = postgresql_number(from, at, 13),
    };
    snprintf(row->id, sizeof row->id, "%.*s", STR_ARG(postgresql_text(from, at, 0)));
    (void)!postgresql_bytes(row->hash, sizeof row->hash, from, at, 1);
    (void)!postgresql_bytes(row->old_hash, sizeof row->old_hash, from, at, 12);
}
