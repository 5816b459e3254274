/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL store: how fast copies were measured to be. */
#include "store/postgresql.h"

struct measurements {
    const struct measurement_row *rows;
    size_t count;
};

struct newest {
    unsigned most;
    PGresult *found;
};

static postgresql_work_fn put, put_rows, fetch;
static void add_copy(struct parameters *p, const struct measurement_row *row);

int postgresql_measurement_put(struct store *store, const struct measurement_row *rows,
                               size_t count, struct err *err)
{
    struct measurements all = {rows, count};

    return postgresql_do(postgresql_inside(store), put, &all, err);
}

static int put(struct postgresql_store *s, void *ctx, struct err *err)
{
    return postgresql_transact(s, put_rows, ctx, err);
}

static int put_rows(struct postgresql_store *s, void *ctx, struct err *err)
{
    const struct measurements *all = ctx;
    int r = 0;

    for (size_t i = 0; i < all->count && r == 0; i++) {
        struct parameters row = {0}, copy = {0};

        add_copy(&row, &all->rows[i]);
        parameters_number(&row, all->rows[i].at_us);
        parameters_text(&row, all->rows[i].found);
        add_copy(&copy, &all->rows[i]);
        parameters_number(&copy, MEASUREMENTS_KEPT);
        if ((r = postgresql_run(s, PG_measurement_put, &row, NULL, err)) == 0)
            r = postgresql_run(s, PG_measurement_trim, &copy, NULL, err);
    }
    return r;
}

static void add_copy(struct parameters *p, const struct measurement_row *row)
{
    parameters_text(p, row->machine);
    parameters_text(p, row->engine);
    parameters_text(p, row->artifact);
}

int postgresql_measurement_last(struct store *store, unsigned most, measurement_fn *fn, void *ctx,
                                struct err *err)
{
    struct newest newest = {.most = most};
    int r = postgresql_do(postgresql_inside(store), fetch, &newest, err);

    for (int i = 0; r == 0 && i < PQntuples(newest.found); i++) {
        const struct measurement_row row = {
            .machine = postgresql_text(newest.found, i, 0),
            .engine = postgresql_text(newest.found, i, 1),
            .artifact = postgresql_text(newest.found, i, 2),
            .at_us = postgresql_number(newest.found, i, 3),
            .found = postgresql_text(newest.found, i, 4),
        };

        r = fn(ctx, &row);
        r = r > 0 ? 0 : r;
    }
    PQclear(newest.found);
    return r;
}

static int fetch(struct postgresql_store *s, void *ctx, struct err *err)
{
    struct newest *newest = ctx;
    struct parameters p = {0};

    parameters_count(&p, newest->most);
    return postgresql_run(s, PG_measurement_last, &p, &newest->found, err);
}
