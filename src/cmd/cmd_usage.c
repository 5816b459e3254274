/* SPDX-License-Identifier: Apache-2.0 */
/* tampu usage: what was used, from the store itself; and whether the books agree. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/reconcile.h"
#include "cmd/state.h"
#include "cmd/table.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "store/usage_json.h"

enum { OUT_MAX = 256 << 20 };

enum form { FORM_table, FORM_json, FORM_csv };

struct listing {
    unsigned by;
    enum form form;
    struct buf out;
    struct json_out json;
    struct table table;
};

static int read_query(struct usage_query *query, const struct options *o, struct err *err);
static int read_day(int64_t *ret, const char *name, const struct options *o, struct err *err);
static int print(struct store *s, const struct usage_query *query, enum form form, struct err *err);
static int begin(struct listing *l);
static int end(struct listing *l);
static usage_fn add_row;
static int add_csv(struct listing *l, const struct usage_row *row);
static void add_line(struct listing *l, const struct usage_row *row);
static int put_csv(struct buf *out, struct str text);
static size_t groups(const struct usage_row *row, unsigned by, char day[16], struct str out[5]);

static const char *const group_titles[] = {"day", "key", "owner", "model", "machine"};
static const char *const sum_titles[] = {"requests",      "failures",          "prompt_tokens",
                                         "cached_tokens", "completion_tokens", "money_micro",
                                         "avoided_micro", "energy_mj"};

int cmd_usage(int argc, char **argv)
{
    struct options o = {0};
    struct usage_query query;
    struct err err = {0};
    AUTO(store) s = NULL;
    enum form form;
    int status, r;

    if (!options_read(&o, argc, argv, &status))
        return status;
    if (read_query(&query, &o, &err) < 0)
        return usage_error("usage", "%s", err.text);
    form = option_given(&o, "json") ? FORM_json : option_given(&o, "csv") ? FORM_csv : FORM_table;
    r = state_find(&s, option_value(&o, "state"), &err);
    if (r == 0 && !s)
        r = err_set(&err, -ENOENT, "nothing was asked here yet: --state DIR names another folder");
    if (r == 0 && option_given(&o, "reconcile"))
        return reconcile(s, &o);
    if (r == 0)
        r = print(s, &query, form, &err);
    return r < 0 ? command_no("usage", "%s", err.text) : r;
}

static int read_query(struct usage_query *query, const struct options *o, struct err *err)
{
    const char *by = option_value(o, "by");
    int r;

    *query = (struct usage_query){.until_us = INT64_MAX};
    if ((r = usage_by_read(&query->by, str_from(by ? by : "day"), err)) < 0 ||
        (r = read_day(&query->from_us, "from", o, err)) < 0)
        return r;
    return read_day(&query->until_us, "until", o, err);
}

static int read_day(int64_t *ret, const char *name, const struct options *o, struct err *err)
{
    const char *given = option_value(o, name);

    if (given && usage_day_read(ret, str_from(given)) < 0)
        return err_set(err, -EINVAL, "--%s %s: expected a day as in 2026-11-23", name, given);
    return 0;
}

static int print(struct store *s, const struct usage_query *query, enum form form, struct err *err)
{
    struct listing l = {.by = query->by, .form = form};
    int r;

    buf_init(&l.out, OUT_MAX);
    l.json.out = &l.out;
    r = begin(&l);
    if (r == 0)
        r = store_usage(s, query, add_row, &l, err);
    if (r == 0)
        r = end(&l);
    if (form == FORM_table)
        table_fini(&l.table);
    r = r < 0 ? r : terminal_print(buf_str(&l.out));
    buf_fini(&l.out);
    return r;
}

static int begin(struct listing *l)
{
    static const char *const titles[] = {"REQUESTS", "FAILED", "READ",    "CACHED",
                                         "WRITTEN",  "PAID",   "AVOIDED", "WH"};
    size_t count = (size_t)__builtin_popcount(l->by);
    int r = 0;

    if (l->form == FORM_json) {
        json_open(&l->json, '{');
        json_open(json_key(&l->json, "rows"), '[');
    }
    if (l->form == FORM_table)
        table_init(&l->table, count + COUNT_OF(titles));
    for (size_t i = 0; i < COUNT_OF(group_titles) && r == 0; i++)
        if (!(l->by & 1u << i))
            continue;
        else if (l->form == FORM_table)
            table_add(&l->table, PAINT_faint, str_from(group_titles[i]));
        else if (l->form == FORM_csv)
            r = buf_printf(&l->out, "%s,", group_titles[i]);
    for (size_t i = 0; i < COUNT_OF(titles) && r == 0; i++)
        if (l->form == FORM_table)
            table_add(&l->table, PAINT_faint, str_from(titles[i]));
        else if (l->form == FORM_csv)
            r = buf_printf(&l->out, "%s%s", sum_titles[i], i + 1 < COUNT_OF(titles) ? "," : "\n");
    return r;
}

static int end(struct listing *l)
{
    if (l->form == FORM_table)
        return table_write(&l->table, &l->out, 0, terminal_takes_colors());
    if (l->form == FORM_csv)
        return 0;
    json_close(&l->json, ']');
    json_close(&l->json, '}');
    return l->json.error ? l->json.error : buf_put_char(&l->out, '\n');
}

static int add_row(void *ctx, const struct usage_row *row)
{
    struct listing *l = ctx;

    if (l->form == FORM_csv)
        return add_csv(l, row);
    if (l->form == FORM_json)
        usage_row_write(&l->json, row, l->by);
    else
        add_line(l, row);
    return l->form == FORM_json ? l->json.error : l->table.error;
}

static int add_csv(struct listing *l, const struct usage_row *row)
{
    struct str words[5];
    char day[16];
    size_t count = groups(row, l->by, day, words);
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = put_csv(&l->out, words[i]);
    return r < 0 ? r
                 : buf_printf(&l->out,
                              "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                              ",%" PRIu64 ",%" PRIu64 "\n",
                              row->requests, row->failures, row->prompt_tokens, row->cached_tokens,
                              row->completion_tokens, row->money_micro, row->avoided_micro,
                              row->energy_mj);
}

static void add_line(struct listing *l, const struct usage_row *row)
{
    const uint64_t counts[] = {row->requests, row->failures, row->prompt_tokens, row->cached_tokens,
                               row->completion_tokens};
    const uint64_t money[] = {row->money_micro, row->avoided_micro};
    struct str words[5];
    char day[16];
    size_t count = groups(row, l->by, day, words);

    for (size_t i = 0; i < count; i++)
        table_add(&l->table, PAINT_none, words[i].len ? words[i] : STR("-"));
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        table_addf(&l->table, PAINT_none, "%" PRIu64, counts[i]);
    for (size_t i = 0; i < COUNT_OF(money); i++)
        table_addf(&l->table, PAINT_none, "$%" PRIu64 ".%06" PRIu64, money[i] / 1000000,
                   money[i] % 1000000);
    table_addf(&l->table, PAINT_none, "%.1f", (double)row->energy_mj / 3600000);
}

/* RFC 4180: in quotes, with those inside doubled; a spreadsheet takes no first sign for a formula.
 */
static int put_csv(struct buf *out, struct str text)
{
    bool is_formula = text.len && strchr("=+-@", text.data[0]);
    int r = buf_put(out, is_formula ? STR("\"'") : STR("\""));

    for (size_t i = 0; i < text.len && r == 0; i++) {
        if (text.data[i] == '"')
            r = buf_put_char(out, '"');
        if (r == 0)
            r = buf_put_char(out, text.data[i]);
    }
    return r < 0 ? r : buf_put(out, STR("\","));
}

static size_t groups(const struct usage_row *row, unsigned by, char day[16], struct str out[5])
{
    const struct str all[] = {str_from(day), row->key_name.len ? row->key_name : row->key_id,
                              row->owner, row->model, row->machine};
    size_t count = 0;

    usage_day_write(day, row->day);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (by & 1u << i)
            out[count++] = i == 0 ? str_from(day) : all[i];
    return count;
}
