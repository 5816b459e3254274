/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, counters and metrics, side by side. */
#include "cmd/reconcile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cmd/ask.h"
#include "cmd/command.h"
#include "cmd/table.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "ledger/period.h"
#include "net/clock.h"
#include "wire/json_out.h"

enum { TRIES = 20, PAUSE_MS = 250, OUT_MAX = 1 << 20 };

struct sums {
    uint64_t requests, prompt_tokens, completion_tokens, money_micro;
};

/* One account of a key for a period, against its rows. */
struct claim {
    struct str key;
    struct sums rows;
};

static int compare(struct store *s, struct str answer, struct json_out *o, bool *agrees,
                   bool *is_quiet, struct err *err);
static int sum_rows(struct store *s, int64_t from_us, struct sums *ret, struct err *err);
static int compare_accounts(struct store *s, yyjson_val *accounts, struct json_out *o, bool *agrees,
                            struct err *err);
static usage_fn add_all, add_of_key;
static void write_pair(struct json_out *o, const char *what, uint64_t rows, uint64_t counted,
                       bool *agrees);
static int show(struct str json, bool agrees);

int reconcile(struct store *s, const char *gateway, bool as_json)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000l};
    bool agrees = false, is_quiet = false;
    struct buf answer, out;
    struct err err = {0};
    int r = 0, status;

    buf_init(&answer, ANSWER_MAX);
    buf_init(&out, OUT_MAX);
    for (int i = 0; i < TRIES && r == 0 && !(agrees && is_quiet); i++) {
        struct json_out o = {.out = &out};

        if (i)
            nanosleep(&pause, NULL);
        buf_reset(&answer);
        buf_reset(&out);
        r = ask_gateway(&answer, gateway ? gateway : ask_default_url, "/admin/v1/usage", &err);
        if (r == 0)
            r = compare(s, buf_str(&answer), &o, &agrees, &is_quiet, &err);
    }
    if (r < 0)
        status = command_no("usage", "%s", err.text);
    else if (as_json)
        status = terminal_print(buf_str(&out)) ? EXIT_no : agrees ? EXIT_done : EXIT_no;
    else
        status = show(buf_str(&out), agrees);
    if (r == 0 && !is_quiet)
        fprintf(stderr, "requests are under way: what is not written yet counts as a difference\n");
    buf_fini(&answer);
    buf_fini(&out);
    return status;
}

static int compare(struct store *s, struct str answer, struct json_out *o, bool *agrees,
                   bool *is_quiet, struct err *err)
{
    struct json json = {0};
    struct sums rows = {0};
    yyjson_val *books;
    int r = json_read(&json, answer, JSON_MEMORY(answer.len), err);

    *agrees = true;
    books = r == 0 ? json_find(json.root, "books") : NULL;
    if (r == 0 && !books)
        r = err_set(err, -EBADMSG, "the gateway says nothing of its books: is it an older one?");
    if (r == 0)
        r = sum_rows(s, (int64_t)json_find_u64(books, "since_us"), &rows, err);
    json_open(o, '{');
    json_open(json_key(o, "pairs"), '[');
    if (r == 0) {
        *is_quiet = !json_find_u64(books, "held") && !json_find_u64(books, "waiting");
        write_pair(o, "requests", rows.requests, json_find_u64(books, "requests"), agrees);
        write_pair(o, "prompt_tokens", rows.prompt_tokens, json_find_u64(books, "prompt_tokens"),
                   agrees);
        write_pair(o, "completion_tokens", rows.completion_tokens,
                   json_find_u64(books, "completion_tokens"), agrees);
        write_pair(o, "money_micro", rows.money_micro, json_find_u64(books, "money_micro"), agrees);
        r = compare_accounts(s, json_find(json.root, "accounts"), o, agrees, err);
    }
    json_close(o, ']');
    json_bool(json_key(o, "agrees"), *agrees);
    json_close(o, '}');
    if (r == 0)
        r = o->error ? o->error : buf_put_char(o->out, '\n');
    json_fini(&json);
    return r;
}

static int sum_rows(struct store *s, int64_t from_us, struct sums *ret, struct err *err)
{
    const struct usage_query query = {.from_us = from_us, .until_us = INT64_MAX};

    return store_usage(s, &query, add_all, ret, err);
}

static int add_all(void *ctx, const struct usage_row *row)
{
    struct sums *sums = ctx;

    sums->requests += row->requests;
    sums->prompt_tokens += row->prompt_tokens;
    sums->completion_tokens += row->completion_tokens;
    sums->money_micro += row->money_micro;
    return 0;
}

/* What a key's account says it has used in its present periods, against its rows. */
static int compare_accounts(struct store *s, yyjson_val *accounts, struct json_out *o, bool *agrees,
                            struct err *err)
{
    int64_t now_us = clock_wall_us();
    yyjson_val *account;
    size_t i, count;
    int r = 0;

    yyjson_arr_foreach(accounts, i, count, account)
    {
        for (enum period p = 0; p < PERIOD_COUNT && r == 0; p++) {
            struct claim claim = {.key = json_find_str(account, "key")};
            const struct usage_query query = {
                .from_us = period_start_us(p, period_of(p, now_us)),
                .until_us = INT64_MAX,
                .by = USAGE_by_key,
            };
            yyjson_val *said = json_find(account, period_name(p));
            char what[80];

            r = store_usage(s, &query, add_of_key, &claim, err);
            snprintf(what, sizeof what, "%.*s money_micro of the %s", STR_ARG(claim.key),
                     period_name(p));
            write_pair(o, what, claim.rows.money_micro, json_find_u64(said, "used_micro"), agrees);
            snprintf(what, sizeof what, "%.*s tokens of the %s", STR_ARG(claim.key),
                     period_name(p));
            write_pair(o, what, claim.rows.prompt_tokens + claim.rows.completion_tokens,
                       json_find_u64(said, "used_tokens"), agrees);
        }
    }
    return r;
}

static int add_of_key(void *ctx, const struct usage_row *row)
{
    struct claim *claim = ctx;

    return str_equal(row->key_id, claim->key) ? add_all(&claim->rows, row) : 0;
}

static void write_pair(struct json_out *o, const char *what, uint64_t rows, uint64_t counted,
                       bool *agrees)
{
    json_open(o, '{');
    json_text(json_key(o, "what"), str_from(what));
    json_number(json_key(o, "rows"), rows);
    json_number(json_key(o, "counted"), counted);
    json_close(o, '}');
    *agrees &= rows == counted;
}

static int show(struct str text, bool agrees)
{
    struct json json = {0};
    struct table t;
    struct buf out;
    yyjson_val *pair;
    size_t i, count;
    int r = json_read(&json, text, JSON_MEMORY(text.len), NULL);

    buf_init(&out, OUT_MAX);
    table_init(&t, 3);
    table_add(&t, PAINT_faint, STR("WHAT"));
    table_add(&t, PAINT_faint, STR("ROWS"));
    table_add(&t, PAINT_faint, STR("COUNTED"));
    yyjson_arr_foreach(json_find(json.root, "pairs"), i, count, pair)
    {
        uint64_t rows = json_find_u64(pair, "rows"), counted = json_find_u64(pair, "counted");

        table_add(&t, PAINT_none, json_find_str(pair, "what"));
        table_addf(&t, rows == counted ? PAINT_good : PAINT_bad, "%" PRIu64, rows);
        table_addf(&t, rows == counted ? PAINT_good : PAINT_bad, "%" PRIu64, counted);
    }
    if (r == 0)
        r = table_write(&t, &out, 0, terminal_takes_colors());
    if (r == 0)
        r = buf_put(&out, agrees ? STR("they agree\n") : STR("they differ\n"));
    if (r == 0)
        terminal_print(buf_str(&out));
    table_fini(&t);
    json_fini(&json);
    buf_fini(&out);
    return r == 0 && agrees ? EXIT_done : EXIT_no;
}
