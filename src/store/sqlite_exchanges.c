/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: requests, one by one and as sums. */
#include <errno.h>

#include "store/sqlite.h"

enum {
    TEXT_MAX = 256, /* bytes of a text of an exchange */
    EXCHANGE_COLUMNS_COUNT = 19,
};

static int put_some(struct sqlite_store *s, const struct exchange_row *rows, bool is_many,
                    struct err *err);
static void bind_row(sqlite3_stmt *put, int at, const struct exchange_row *row);
static int trim_inside(struct sqlite_store *s, const struct retention *keep, uint64_t *removed,
                       struct err *err);
static int find_limit(struct sqlite_store *s, const struct retention *keep, int64_t *ret,
                      struct err *err);
static int run_with(struct sqlite_store *s, enum statement which, int64_t number, struct err *err);
static void read_exchange(struct exchange_row *row, sqlite3_stmt *from);
static void read_usage(struct usage_row *row, sqlite3_stmt *from);
static void bind_u64(sqlite3_stmt *statement, int at, uint64_t value);
static uint64_t column_u64(sqlite3_stmt *from, int column);
static struct str cut(struct str text);

int sqlite_exchange_put(struct store *store, const struct exchange_row *rows, size_t count,
                        struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    int r = sqlite_begin(s, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count && r == 0;) {
        bool is_many = count - i >= SQLITE_ROWS_AT_ONCE;

        r = put_some(s, &rows[i], is_many, err);
        i += is_many ? SQLITE_ROWS_AT_ONCE : 1;
    }
    return sqlite_end(s, r, err);
}

int sqlite_exchange_find(struct store *store, struct str id, exchange_fn *fn, void *ctx,
                         struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    struct exchange_row row;
    sqlite3_stmt *find = NULL;
    int step, r = sqlite_prepare(s, &find, SQL_exchange_find, err);

    if (r < 0)
        return r;
    sqlite_bind_str(find, 1, id);
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

int sqlite_exchange_last(struct store *store, unsigned most, exchange_fn *fn, void *ctx,
                         struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    struct exchange_row row;
    sqlite3_stmt *last = NULL;
    int step, r = sqlite_prepare(s, &last, SQL_exchange_last, err);

    if (r < 0)
        return r;
    sqlite3_bind_int64(last, 1, most);
    while ((step = sqlite3_step(last)) == SQLITE_ROW && r >= 0) {
        read_exchange(&row, last);
        r = fn(ctx, &row);
    }
    if (step != SQLITE_DONE && step != SQLITE_ROW)
        r = sqlite_fail(s, step, err);
    sqlite3_reset(last);
    return r < 0 ? r : 0;
}

int sqlite_exchange_trim(struct store *store, const struct retention *keep, uint64_t *removed,
                         struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    uint64_t count = 0;
    int r = sqlite_begin(s, err);

    if (r < 0)
        return r;
    r = sqlite_end(s, trim_inside(s, keep, &count, err), err);
    if (r == 0 && removed)
        *removed = count;
    return r;
}

int sqlite_usage(struct store *store, const struct usage_query *query, usage_fn *fn, void *ctx,
                 struct err *err)
{
    struct sqlite_store *s = sqlite_inside(store);
    sqlite3_stmt *sums = NULL;
    struct usage_row row;
    int step, r = sqlite_prepare(s, &sums, SQL_usage, err);

    if (r < 0)
        return r;
    sqlite3_bind_int64(sums, 1, query->from_us);
    sqlite3_bind_int64(sums, 2, query->until_us);
    sqlite3_bind_int64(sums, 3, query->by);
    while ((step = sqlite3_step(sums)) == SQLITE_ROW && r >= 0) {
        read_usage(&row, sums);
        r = fn(ctx, &row);
    }
    if (step != SQLITE_DONE && step != SQLITE_ROW)
        r = sqlite_fail(s, step, err);
    sqlite3_reset(sums);
    return r < 0 ? r : 0;
}

/* One row, or SQLITE_ROWS_AT_ONCE of them: a statement costs a third of what a row does. */
static int put_some(struct sqlite_store *s, const struct exchange_row *rows, bool is_many,
                    struct err *err)
{
    sqlite3_stmt *put = NULL;
    int r = sqlite_prepare(s, &put, is_many ? SQL_exchange_put_many : SQL_exchange_put, err);

    if (r < 0)
        return r;
    for (int i = 0; i < (is_many ? SQLITE_ROWS_AT_ONCE : 1); i++)
        bind_row(put, i * EXCHANGE_COLUMNS_COUNT, &rows[i]);
    return sqlite_finish(s, put, err); /* the next rows bind all of them anew */
}

static void bind_row(sqlite3_stmt *put, int at, const struct exchange_row *row)
{
    sqlite_bind_str(put, at + 1, cut(row->id));
    sqlite3_bind_int64(put, at + 2, row->started_us);
    sqlite_bind_str(put, at + 3, cut(row->asked));
    sqlite_bind_str(put, at + 4, cut(row->machine));
    sqlite_bind_str(put, at + 5, cut(row->model));
    sqlite_bind_str(put, at + 6, cut(row->parity));
    sqlite_bind_str(put, at + 7, cut(row->key_id));
    sqlite_bind_str(put, at + 8, cut(row->failure));
    sqlite3_bind_int(put, at + 9, row->status);
    sqlite3_bind_int64(put, at + 10, row->attempts);
    bind_u64(put, at + 11, row->prompt_tokens);
    bind_u64(put, at + 12, row->completion_tokens);
    sqlite3_bind_int64(put, at + 13, row->first_token_us);
    sqlite3_bind_int64(put, at + 14, row->total_us);
    sqlite_bind_str(put, at + 15, cut(row->endpoint));
    bind_u64(put, at + 16, row->cached_tokens);
    bind_u64(put, at + 17, row->money_micro);
    bind_u64(put, at + 18, row->avoided_micro);
    bind_u64(put, at + 19, row->energy_mj);
}

static int trim_inside(struct sqlite_store *s, const struct retention *keep, uint64_t *removed,
                       struct err *err)
{
    int64_t limit = 0;
    int r = find_limit(s, keep, &limit, err);

    if (r == 0)
        r = run_with(s, SQL_trim_sum, limit, err);
    if (r == 0)
        r = run_with(s, SQL_trim_rows, limit, err);
    if (r == 0)
        *removed = (uint64_t)sqlite3_changes64(s->db);
    return r < 0 ? r : run_with(s, SQL_trim_days, keep->days_before, err);
}

/* The first row that stays. */
static int find_limit(struct sqlite_store *s, const struct retention *keep, int64_t *ret,
                      struct err *err)
{
    sqlite3_stmt *find = NULL;
    int step, r = sqlite_prepare(s, &find, SQL_trim_limit, err);

    if (r < 0)
        return r;
    sqlite3_bind_int64(find, 1, keep->rows_before_us);
    bind_u64(find, 2, keep->rows_max);
    step = sqlite3_step(find);
    if (step == SQLITE_ROW)
        *ret = sqlite3_column_int64(find, 0);
    else
        r = sqlite_fail(s, step, err);
    sqlite3_reset(find);
    return r;
}

static int run_with(struct sqlite_store *s, enum statement which, int64_t number, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite_prepare(s, &statement, which, err);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, number);
    return sqlite_finish(s, statement, err);
}

static void read_exchange(struct exchange_row *row, sqlite3_stmt *from)
{
    *row = (struct exchange_row){
        .id = sqlite_column_str(from, 0),
        .started_us = sqlite3_column_int64(from, 1),
        .asked = sqlite_column_str(from, 2),
        .machine = sqlite_column_str(from, 3),
        .model = sqlite_column_str(from, 4),
        .parity = sqlite_column_str(from, 5),
        .key_id = sqlite_column_str(from, 6),
        .failure = sqlite_column_str(from, 7),
        .status = sqlite3_column_int(from, 8),
        .attempts = (unsigned)sqlite3_column_int64(from, 9),
        .prompt_tokens = column_u64(from, 10),
        .completion_tokens = column_u64(from, 11),
        .first_token_us = sqlite3_column_int64(from, 12),
        .total_us = sqlite3_column_int64(from, 13),
        .endpoint = sqlite_column_str(from, 14),
        .cached_tokens = column_u64(from, 15),
        .money_micro = column_u64(from, 16),
        .avoided_micro = column_u64(from, 17),
        .energy_mj = column_u64(from, 18),
    };
}

static void read_usage(struct usage_row *row, sqlite3_stmt *from)
{
    *row = (struct usage_row){
        .day = sqlite3_column_int64(from, 0),
        .key_id = sqlite_column_str(from, 1),
        .key_name = sqlite_column_str(from, 2),
        .owner = sqlite_column_str(from, 3),
        .model = sqlite_column_str(from, 4),
        .machine = sqlite_column_str(from, 5),
        .requests = column_u64(from, 6),
        .failures = column_u64(from, 7),
        .prompt_tokens = column_u64(from, 8),
        .cached_tokens = column_u64(from, 9),
        .completion_tokens = column_u64(from, 10),
        .money_micro = column_u64(from, 11),
        .avoided_micro = column_u64(from, 12),
        .energy_mj = column_u64(from, 13),
    };
}

/* SQLite's integers have a sign; no count of ours is as large. */
static void bind_u64(sqlite3_stmt *statement, int at, uint64_t value)
{
    sqlite3_bind_int64(statement, at, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static uint64_t column_u64(sqlite3_stmt *from, int column)
{
    int64_t value = sqlite3_column_int64(from, column);

    return value > 0 ? (uint64_t)value : 0;
}

static struct str cut(struct str text)
{
    return str_slice(text.data, text.len < TEXT_MAX ? text.len : TEXT_MAX);
}
