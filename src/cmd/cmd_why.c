/* SPDX-License-Identifier: Apache-2.0 */
/* tampu why: why a request went where it went. */
#include <stdio.h>

#include "cmd/ask.h"
#include "cmd/command.h"
#include "cmd/table.h"

static int write_head(struct buf *out, yyjson_val *root);
static int write_tries(struct buf *out, yyjson_val *root);
static int write_took(struct buf *out, yyjson_val *root);
static int write_candidates(struct buf *out, yyjson_val *root, bool colors);
static void add_costs(struct table *t, yyjson_val *candidate);
static void add_terms(struct table *t, yyjson_val *ms);

int cmd_why(int argc, char **argv)
{
    return ask_about_and_show(argc, argv, "/admin/v1/why/", why_write);
}

int why_write(struct buf *out, yyjson_val *root, bool colors)
{
    int r = write_head(out, root);

    if (r == 0)
        r = write_tries(out, root);
    if (r == 0)
        r = write_took(out, root);
    return r < 0 ? r : write_candidates(out, root, colors);
}

static int write_head(struct buf *out, yyjson_val *root)
{
    struct str category = json_find_str(root, "category"), chosen = json_find_str(root, "chosen");
    struct str words = json_find_str(root, "words");
    int r = buf_printf(out, "%.*s asked for %.*s", STR_ARG(json_find_str(root, "request")),
                       STR_ARG(json_find_str(root, "asked")));

    if (r == 0 && category.len)
        r = buf_printf(out, " (category %.*s)", STR_ARG(category));
    if (r == 0 && chosen.len)
        r = buf_printf(out, ": %.*s\n", STR_ARG(chosen));
    else if (r == 0)
        r = buf_printf(out, ": nobody was asked\n");
    if (r == 0 && words.len)
        r = buf_printf(out, "  %.*s: %.*s\n", STR_ARG(json_find_str(root, "failure")),
                       STR_ARG(words));
    return r;
}

static int write_tries(struct buf *out, yyjson_val *root)
{
    yyjson_val *tries = json_find(root, "attempts"), *one;
    size_t i, count;
    int r = 0;

    yyjson_arr_foreach(tries, i, count, one)
    {
        if (r == 0)
            r = buf_printf(out, "  %zu. %.*s on %.*s: %.*s after %llu ms\n", i + 1,
                           STR_ARG(json_find_str(one, "name")),
                           STR_ARG(json_find_str(one, "machine")),
                           STR_ARG(json_find_str(one, "outcome")),
                           (unsigned long long)json_find_u64(one, "ms"));
    }
    return r;
}

/* What came of it, beside what it was reckoned with; the row that was chosen has the seconds. */
static int write_took(struct buf *out, yyjson_val *root)
{
    yyjson_val *ms = json_find(root, "took_ms"), *tokens = json_find(root, "took_tokens");
    yyjson_val *expected = json_find(root, "expected_tokens");
    int r = 0;

    if (ms)
        r = buf_printf(
            out,
            "  took load %.1f, prompt %.1f, decode %.1f s; tokens: prompt %llu (expected "
            "%llu), cached %llu, answer %llu (expected %llu)\n",
            (double)json_find_u64(ms, "load") / 1000, (double)json_find_u64(ms, "prompt") / 1000,
            (double)json_find_u64(ms, "decode") / 1000,
            (unsigned long long)json_find_u64(tokens, "prompt"),
            (unsigned long long)json_find_u64(expected, "prompt"),
            (unsigned long long)json_find_u64(tokens, "cached"),
            (unsigned long long)json_find_u64(tokens, "answer"),
            (unsigned long long)json_find_u64(expected, "answer"));
    return r < 0 ? r : buf_put_char(out, '\n');
}

static int write_candidates(struct buf *out, yyjson_val *root, bool colors)
{
    static const char *const titles[] = {"MACHINE", "NAME",     "PARITY", "SECONDS",
                                         "MONEY",   "OF WHICH", "VERDICT"};
    struct table t;
    yyjson_val *one;
    size_t i, count;
    int r;

    table_init(&t, COUNT_OF(titles));
    for (i = 0; i < COUNT_OF(titles); i++)
        table_add(&t, PAINT_faint, str_from(titles[i]));
    yyjson_arr_foreach(json_find(root, "candidates"), i, count, one)
    {
        table_add(&t, PAINT_none, json_find_str(one, "machine"));
        table_add(&t, PAINT_none, json_find_str(one, "name"));
        table_add(&t, PAINT_none, json_find_str(one, "parity"));
        add_costs(&t, one);
        add_terms(&t, json_find(one, "ms"));
        table_add(&t, json_find_str(one, "rejected").len ? PAINT_none : PAINT_good,
                  json_find_str(one, "words"));
    }
    r = table_write(&t, out, 0, colors);
    table_fini(&t);
    return r;
}

static void add_costs(struct table *t, yyjson_val *candidate)
{
    uint64_t micro = json_find_u64(candidate, "money_micro");

    if (yyjson_is_num(json_find(candidate, "seconds")))
        table_addf(t, PAINT_none, "%.1f", json_find_real(candidate, "seconds"));
    else
        table_add(t, PAINT_none, STR("-"));
    if (micro)
        table_addf(t, PAINT_none, "$%.6f", (double)micro / 1e6);
    else
        table_add(t, PAINT_none, STR("-"));
}

/* "load 12.3, decode 4.0": what is a tenth of a second or more. */
static void add_terms(struct table *t, yyjson_val *ms)
{
    yyjson_val *key, *value;
    struct buf text;
    size_t i, count;

    buf_init(&text, 1024);
    yyjson_obj_foreach(ms, i, count, key, value)
    {
        double s = (double)json_u64(value) / 1000;

        if (s >= 0.1 && !yyjson_equals_str(key, "first") &&
            buf_printf(&text, "%s%s %.1f", text.len ? ", " : "", yyjson_get_str(key), s) < 0)
            break;
    }
    table_add(t, PAINT_none, text.len ? buf_str(&text) : STR("-"));
    buf_fini(&text);
}
