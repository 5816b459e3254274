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

/* Where nothing runs or waits, a difference that is still there after a few looks is one. */
enum { TRIES = 20, QUIET_TRIES = 4, PAUSE_MS = 250, OUT_MAX = 1 << 20 };

_Static_assert(RECONCILE_GATEWAYS_MAX + 4 <= TABLE_COLUMNS_MAX, "each has a column");

struct sums {
    uint64_t requests, prompt_tokens, completion_tokens, money_micro;
};

/* One account of a key for a period, against its rows. */
struct claim {
    struct str key;
    struct sums rows;
};

/* What one gateway says of itself. */
struct teller {
    const char *url;
    struct buf answer;
    struct json json;
    yyjson_val *books, *accounts;
};

struct tellers {
    struct teller all[RECONCILE_GATEWAYS_MAX];
    size_t count, first; /* first: who began first */
};

/* Numbers of one thing: in the rows, and as each gateway counted it. */
struct pair {
    char what[80];
    uint64_t rows, counted[RECONCILE_GATEWAYS_MAX];
    uint64_t before; /* counted by nobody who runs, and known to whoever began first */
};

struct comparing {
    struct store *store;
    struct tellers tellers;
    struct json_out out;
    bool agrees, is_quiet;
};

static void name_tellers(struct tellers *t, const struct options *o);
static int ask_all(struct tellers *t, struct err *err);
static int read_answer(struct teller *t, struct err *err);
static void forget_all(struct tellers *t);
static int compare(struct comparing *c, struct err *err);
static int compare_books(struct comparing *c, struct err *err);
static int sum_rows(struct store *s, int64_t from_us, struct sums *ret, struct err *err);
static int compare_accounts(struct comparing *c, size_t teller, struct err *err);
static int compare_account(struct comparing *c, struct str key, enum period p, struct err *err);
static yyjson_val *find_account(const struct teller *t, struct str key);
static usage_fn add_all, add_of_key;
static void write_pair(struct comparing *c, const struct pair *pair);
static int show(struct str json, const struct comparing *c);
static void tell_why(const struct comparing *c);
static uint64_t since_us(const struct teller *t);

int reconcile(struct store *s, const struct options *o)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000l};
    struct comparing c = {.store = s};
    struct err err = {0};
    struct buf out;
    int r = 0, quiet = 0, status;

    if (option_value_at(o, "gateway", RECONCILE_GATEWAYS_MAX))
        return usage_error("usage", "more than %d gateways", RECONCILE_GATEWAYS_MAX);
    name_tellers(&c.tellers, o);
    buf_init(&out, OUT_MAX);
    for (int i = 0; i < TRIES && r == 0 && !(c.agrees && c.is_quiet) && quiet < QUIET_TRIES; i++) {
        if (i)
            nanosleep(&pause, NULL);
        buf_reset(&out);
        c.out = (struct json_out){.out = &out};
        forget_all(&c.tellers);
        r = ask_all(&c.tellers, &err);
        if (r == 0)
            r = compare(&c, &err);
        quiet = c.is_quiet ? quiet + 1 : 0;
    }
    if (r < 0)
        status = command_no("usage", "%s", err.text);
    else if (option_given(o, "json"))
        status = terminal_print(buf_str(&out)) ? EXIT_no : c.agrees ? EXIT_done : EXIT_no;
    else
        status = show(buf_str(&out), &c);
    if (r == 0)
        tell_why(&c);
    forget_all(&c.tellers);
    buf_fini(&out);
    return status;
}

static void name_tellers(struct tellers *t, const struct options *o)
{
    const char *url;

    while ((url = option_value_at(o, "gateway", t->count)))
        t->all[t->count++].url = url;
    if (!t->count)
        t->all[t->count++].url = ask_default_url;
}

static int ask_all(struct tellers *t, struct err *err)
{
    int r = 0;

    t->first = 0;
    for (size_t i = 0; i < t->count && r == 0; i++) {
        buf_init(&t->all[i].answer, ANSWER_MAX);
        r = ask_gateway(&t->all[i].answer, t->all[i].url, "/admin/v1/usage", err);
        if (r == 0)
            r = read_answer(&t->all[i], err);
        if (r == 0 && since_us(&t->all[i]) < since_us(&t->all[t->first]))
            t->first = i;
    }
    return r;
}

static int read_answer(struct teller *t, struct err *err)
{
    struct str answer = buf_str(&t->answer);
    int r = json_read(&t->json, answer, JSON_MEMORY(answer.len), err);

    t->books = r == 0 ? json_find(t->json.root, "books") : NULL;
    t->accounts = r == 0 ? json_find(t->json.root, "accounts") : NULL;
    if (r == 0 && !t->books)
        r = err_set(err, -EBADMSG, "%s says nothing of its books: is it an older one?", t->url);
    return r;
}

static void forget_all(struct tellers *t)
{
    for (size_t i = 0; i < t->count; i++) {
        json_fini(&t->all[i].json);
        t->all[i].json = (struct json){0};
        buf_fini(&t->all[i].answer);
    }
}

static uint64_t since_us(const struct teller *t)
{
    return json_find_u64(t->books, "since_us");
}

static int compare(struct comparing *c, struct err *err)
{
    struct json_out *o = &c->out;
    int r;

    c->agrees = c->is_quiet = true;
    json_open(o, '{');
    json_open(json_key(o, "gateways"), '[');
    for (size_t i = 0; i < c->tellers.count; i++)
        json_text(o, str_from(c->tellers.all[i].url));
    json_close(o, ']');
    json_open(json_key(o, "pairs"), '[');
    r = compare_books(c, err);
    for (size_t i = 0; i < c->tellers.count && r == 0; i++)
        r = compare_accounts(c, i, err);
    json_close(o, ']');
    json_bool(json_key(o, "agrees"), c->agrees);
    json_close(o, '}');
    if (r == 0)
        r = o->error ? o->error : buf_put_char(o->out, '\n');
    return r;
}

static int compare_books(struct comparing *c, struct err *err)
{
    const struct tellers *t = &c->tellers;
    struct sums rows = {0};
    int r = sum_rows(c->store, (int64_t)since_us(&t->all[t->first]), &rows, err);
    const struct {
        const char *what;
        uint64_t rows;
    } all[] = {{"requests", rows.requests},
               {"prompt_tokens", rows.prompt_tokens},
               {"completion_tokens", rows.completion_tokens},
               {"money_micro", rows.money_micro}};

    for (size_t k = 0; k < COUNT_OF(all) && r == 0; k++) {
        struct pair pair = {.rows = all[k].rows};

        snprintf(pair.what, sizeof pair.what, "%s", all[k].what);
        for (size_t i = 0; i < t->count; i++)
            pair.counted[i] = json_find_u64(t->all[i].books, all[k].what);
        write_pair(c, &pair);
    }
    for (size_t i = 0; i < t->count; i++)
        c->is_quiet &=
            !json_find_u64(t->all[i].books, "held") && !json_find_u64(t->all[i].books, "waiting");
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

/* What the accounts of keys say was used in the present periods, against their rows. Who knew what
 * before is the gateway that began first; the others have been told what it did, too. */
static int compare_accounts(struct comparing *c, size_t teller, struct err *err)
{
    const struct teller *all = c->tellers.all;
    yyjson_val *account;
    size_t i, count;
    int r = 0;

    yyjson_arr_foreach(all[teller].accounts, i, count, account)
    {
        struct str key = json_find_str(account, "key");
        bool was_before = false;

        for (size_t k = 0; k < teller; k++)
            was_before |= find_account(&all[k], key) != NULL;
        for (enum period p = 0; p < PERIOD_COUNT && r == 0 && !was_before; p++)
            r = compare_account(c, key, p, err);
    }
    return r;
}

static int compare_account(struct comparing *c, struct str key, enum period p, struct err *err)
{
    const struct tellers *t = &c->tellers;
    const struct usage_query query = {
        .from_us = period_start_us(p, period_of(p, clock_wall_us())),
        .until_us = INT64_MAX,
        .by = USAGE_by_key,
    };
    struct claim claim = {.key = key};
    struct pair money = {0}, tokens = {0};
    int r = store_usage(c->store, &query, add_of_key, &claim, err);

    for (size_t i = 0; i < t->count; i++) {
        yyjson_val *said = json_find(find_account(&t->all[i], key), period_name(p));
        uint64_t micro = json_find_u64(said, "loaded_micro");
        uint64_t count = json_find_u64(said, "loaded_tokens");

        money.counted[i] = json_find_u64(said, "used_micro") - micro;
        tokens.counted[i] = json_find_u64(said, "used_tokens") - count;
        if (i == t->first) {
            money.before = micro;
            tokens.before = count;
        }
    }
    money.rows = claim.rows.money_micro;
    tokens.rows = claim.rows.prompt_tokens + claim.rows.completion_tokens;
    snprintf(money.what, sizeof money.what, "%.*s money_micro of the %s", STR_ARG(key),
             period_name(p));
    snprintf(tokens.what, sizeof tokens.what, "%.*s tokens of the %s", STR_ARG(key),
             period_name(p));
    write_pair(c, &money);
    write_pair(c, &tokens);
    return r;
}

static yyjson_val *find_account(const struct teller *t, struct str key)
{
    yyjson_val *account;
    size_t i, count;

    yyjson_arr_foreach(t->accounts, i, count, account)
    {
        if (str_equal(json_find_str(account, "key"), key))
            return account;
    }
    return NULL;
}

static int add_of_key(void *ctx, const struct usage_row *row)
{
    struct claim *claim = ctx;

    return str_equal(row->key_id, claim->key) ? add_all(&claim->rows, row) : 0;
}

static void write_pair(struct comparing *c, const struct pair *pair)
{
    struct json_out *o = &c->out;
    uint64_t counted = pair->before;

    for (size_t i = 0; i < c->tellers.count; i++)
        counted += pair->counted[i];
    json_open(o, '{');
    json_text(json_key(o, "what"), str_from(pair->what));
    json_number(json_key(o, "rows"), pair->rows);
    json_number(json_key(o, "counted"), counted);
    json_number(json_key(o, "before"), pair->before);
    json_open(json_key(o, "by"), '[');
    for (size_t i = 0; i < c->tellers.count; i++)
        json_number(o, pair->counted[i]);
    json_close(o, ']');
    json_close(o, '}');
    c->agrees &= pair->rows == counted;
}

/* One gateway counted what was counted; of several each has a column. */
static int show(struct str text, const struct comparing *c)
{
    static const char *const titles[] = {"WHAT", "ROWS", "COUNTED", "BEFORE"};
    size_t gateways = c->tellers.count > 1 ? c->tellers.count : 0;
    size_t fixed = gateways ? COUNT_OF(titles) : COUNT_OF(titles) - 1;
    struct json json = {0};
    struct table t;
    struct buf out;
    yyjson_val *pair;
    size_t i, count;
    int r = json_read(&json, text, JSON_MEMORY(text.len), NULL);

    buf_init(&out, OUT_MAX);
    table_init(&t, fixed + gateways);
    for (i = 0; i < fixed; i++)
        table_add(&t, PAINT_faint, str_from(titles[i]));
    for (i = 0; i < gateways; i++)
        table_add(&t, PAINT_faint, str_from(c->tellers.all[i].url));
    yyjson_arr_foreach(json_find(json.root, "pairs"), i, count, pair)
    {
        uint64_t rows = json_find_u64(pair, "rows"), counted = json_find_u64(pair, "counted");
        enum paint paint = rows == counted ? PAINT_good : PAINT_bad;

        table_add(&t, PAINT_none, json_find_str(pair, "what"));
        table_addf(&t, paint, "%" PRIu64, rows);
        table_addf(&t, paint, "%" PRIu64, counted);
        if (gateways)
            table_addf(&t, PAINT_none, "%" PRIu64, json_find_u64(pair, "before"));
        for (size_t k = 0; k < gateways; k++)
            table_addf(&t, PAINT_none, "%" PRIu64,
                       json_u64(yyjson_arr_get(json_find(pair, "by"), k)));
    }
    if (r == 0)
        r = table_write(&t, &out, 0, terminal_takes_colors());
    if (r == 0)
        r = buf_put(&out, c->agrees ? STR("they agree\n") : STR("they differ\n"));
    if (r == 0)
        terminal_print(buf_str(&out));
    table_fini(&t);
    json_fini(&json);
    buf_fini(&out);
    return r == 0 && c->agrees ? EXIT_done : EXIT_no;
}

/* What counts as a difference, and is none. */
static void tell_why(const struct comparing *c)
{
    if (!c->is_quiet)
        fprintf(stderr, "requests are under way: what is not written yet counts as a difference\n");
    if (c->agrees)
        return;
    fprintf(stderr,
            c->tellers.count > 1
                ? "rows count since the first of them began: what another gateway wrote since then,"
                  " or one of them before its last start, counts as a difference\n"
                : "what another gateway wrote into this store counts as a difference: name all of"
                  " them, --gateway URL --gateway URL\n");
}
