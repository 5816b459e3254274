/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL store: opening it, and what fits nowhere else. */
#include "store/postgresql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int open_store(struct store **ret, struct str place, struct err *err);
static void close_store(struct store *s);
static int backup(struct store *s, const char *path, struct err *err);
static int restore(struct store *s, const char *path, struct err *err);
static int read_pepper(struct store *s, unsigned char pepper[32], struct err *err);
static int read_version(struct store *s, uint64_t *ret, struct err *err);
static postgresql_work_fn find_pepper, find_version;

const struct store_driver store_postgresql = {
    .look_every_ms = 250, /* a round trip, and work for somebody else */
    .open = open_store,
    .close = close_store,
    .key_put = postgresql_key_put,
    .key_revoke = postgresql_key_revoke,
    .key_rotate = postgresql_key_rotate,
    .key_each = postgresql_key_each,
    .exchange_put = postgresql_exchange_put,
    .exchange_find = postgresql_exchange_find,
    .exchange_last = postgresql_exchange_last,
    .exchange_trim = postgresql_exchange_trim,
    .usage = postgresql_usage,
    .measurement_put = postgresql_measurement_put,
    .measurement_last = postgresql_measurement_last,
    .backup = backup,
    .restore = restore,
    .pepper = read_pepper,
    .version = read_version,
};

static int open_store(struct store **ret, struct str place, struct err *err)
{
    struct postgresql_store *s = calloc(1, sizeof *s);
    int r;

    if (!s || asprintf(&s->url, "postgresql:%.*s", STR_ARG(place)) < 0) {
        free(s);
        return err_set(err, -ENOMEM, "out of memory");
    }
    s->store.driver = &store_postgresql;
    if ((r = postgresql_connect(s, err)) < 0 || (r = postgresql_bring_forward(s, err)) < 0)
        close_store(&s->store);
    else
        *ret = &s->store;
    return r;
}

static void close_store(struct store *store)
{
    struct postgresql_store *s = postgresql_inside(store);

    postgresql_disconnect(s);
    free(s->url);
    free(s->place);
    free(s);
}

static int backup(struct store *store, const char *path, struct err *err)
{
    (void)store, (void)path;
    return err_set(err, -ENOTSUP,
                   "PostgreSQL backs itself up: pg_dump --schema=tampu DATABASE, while it serves");
}

static int restore(struct store *store, const char *path, struct err *err)
{
    (void)store, (void)path;
    return err_set(err, -ENOTSUP, "PostgreSQL restores itself: psql or pg_restore into DATABASE");
}

static int read_pepper(struct store *store, unsigned char pepper[32], struct err *err)
{
    return postgresql_do(postgresql_inside(store), find_pepper, pepper, err);
}

static int find_pepper(struct postgresql_store *s, void *ctx, struct err *err)
{
    struct parameters p = {0};
    PGresult *found = NULL;
    int r = postgresql_run(s, PG_pepper, &p, &found, err);

    if (r < 0)
        return r;
    if (PQntuples(found) != 1 || !postgresql_bytes(ctx, 32, found, 0, 0))
        r = err_set(err, -EUCLEAN,
                    "%s: its pepper is gone, no key can be checked: restore a backup", s->place);
    PQclear(found);
    return r;
}

static int read_version(struct store *store, uint64_t *ret, struct err *err)
{
    return postgresql_do(postgresql_inside(store), find_version, ret, err);
}

static int find_version(struct postgresql_store *s, void *ctx, struct err *err)
{
    struct parameters p = {0};
    uint64_t *ret = ctx;
    PGresult *found = NULL;
    int r = postgresql_run(s, PG_version, &p, &found, err);

    if (r < 0)
        return r;
    *ret = PQntuples(found) ? postgresql_count(found, 0, 0) : 0;
    PQclear(found);
    return 0;
}
