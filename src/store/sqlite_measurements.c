/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: how fast copies were measured to be. */
#include "store/sqlite.h"

static int put_row(struct sqlite_store *s, const struct measurement_row *row, struct err *err);
static int trim(struct sqlite_store *s, const struct measurement_row *row, struct err *err);
static void bind_copy(sqlite3_stmt *to, const struct measurement_row *row);

int sqlite_measurement_put(struct store *store, const struct measurement_row *rows, size_t count,
                           struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    int r = sqlite_begin(s, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count && r == 0; i++)
        if ((r = put_row(s, &rows[i], err)) == 0)
            r = trim(s, &rows[i], err);
    return sqlite_end(s, r, err);
}

int sqlite_measurement_last(struct store *store, unsigned most, measurement_fn *fn, void *ctx,
                            struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    sqlite3_stmt *last = NULL;
    int step, r = sqlite_prepare(s, &last, SQL_measurement_last, err);

    if (r < 0)
        return r;
    sqlite3_bind_int64(last, 1, most);
    while ((step = sqlite3_step(last)) == SQLITE_ROW && r >= 0) {
        const struct measurement_row row = {
            .machine = sqlite_column_str(last, 0),
            .engine = sqlite_column_str(last, 1),
            .artifact = sqlite_column_str(last, 2),
            .at_us = sqlite3_column_int64(last, 3),
            .found = sqlite_column_str(last, 4),
        };

        r = fn(ctx, &row);
    }
    if (step != SQLITE_DONE && step != SQLITE_ROW)
        r = sqlite_fail(s, step, err);
    sqlite3_reset(last);
    return r < 0 ? r : 0;
}

static int put_row(struct sqlite_store *s, const struct measurement_row *row, struct err *err)
{
    sqlite3_stmt *put = NULL;
    int r = sqlite_prepare(s, &put, SQL_measurement_put, err);

    if (r < 0)
        return r;
    bind_copy(put, row);
    sqlite3_bind_int64(put, 4, row->at_us);
    sqlite_bind_str(put, 5, row->found);
    r = sqlite_finish(s, put, err);
    sqlite3_clear_bindings(put);
    return r;
}

static int trim(struct sqlite_store *s, const struct measurement_row *row, struct err *err)
{
    sqlite3_stmt *trim = NULL;
    int r = sqlite_prepare(s, &trim, SQL_measurement_trim, err);

    if (r < 0)
        return r;
    bind_copy(trim, row);
    sqlite3_bind_int64(trim, 4, MEASUREMENTS_KEPT);
    r = sqlite_finish(s, trim, err);
    sqlite3_clear_bindings(trim);
    return r;
}

static void bind_copy(sqlite3_stmt *to, const struct measurement_row *row)
{
    sqlite_bind_str(to, 1, row->machine);
    sqlite_bind_str(to, 2, row->engine);
    sqlite_bind_str(to, 3, row->artifact);
}
