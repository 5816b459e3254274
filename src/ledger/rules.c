/* SPDX-License-Identifier: Apache-2.0 */
/* What a key may do, to JSON and back, by the rows of tables/key_rules.def. */
#include "ledger/rules.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>

#include "base/units.h"
#include "wire/json_out.h"

enum { RULES_TEXT_MAX = 16 << 10, PATTERN_MAX = 256 };

enum rule_kind { RULE_count, RULE_money, RULE_flag, RULE_list, RULE_priority };

typedef uint64_t number;

static void *field_of(const struct rules *rules, size_t row);
static number *number_of(const struct rules *rules, size_t row);
static bool *flag_of(const struct rules *rules, size_t row);
static struct str *list_of(const struct rules *rules, size_t row);
static enum priority *priority_of(const struct rules *rules, size_t row);
static bool is_said(const struct rules *rules, size_t row);
static int read_member(struct rules *rules, size_t row, yyjson_val *value, struct arena *arena,
                       struct err *err);
static void write_member(struct json_out *o, const struct rules *rules, size_t row);
static int set(struct rules *rules, size_t row, struct str text);
static size_t find_row(struct str name, bool is_option);

static const struct rule_row {
    const char *name, *option;
    enum rule_kind kind;
    size_t offset;
} rows[] = {
#define KEY_RULE(field, kind, option, argument, words) \
    {#field, option, RULE_##kind, offsetof(struct rules, field)},
#include "tables/key_rules.def"
};

#define INITIAL_count NO_LIMIT
#define INITIAL_money NO_LIMIT
#define INITIAL_flag  false
#define INITIAL_list \
    { \
        "", 0 \
    }
#define INITIAL_priority PRIORITY_normal

const struct rules rules_none = {
#define KEY_RULE(field, kind, option, argument, words) .field = INITIAL_##kind,
#include "tables/key_rules.def"
};

int rules_read(struct rules *ret, struct str text, struct arena *arena, struct err *err)
{
    struct rules rules = rules_none;
    yyjson_val *key, *value;
    yyjson_obj_iter members;
    struct json json = {0};
    int r = 0;

    if (text.len && (r = json_read(&json, text, JSON_MEMORY(text.len), err)) < 0)
        return r == -ENOMEM ? r : err_set(err, -EINVAL, "the key's rules are no JSON");
    if (json.root && !yyjson_is_obj(json.root))
        r = err_set(err, -EINVAL, "the key's rules are no JSON object");
    yyjson_obj_iter_init(json.root, &members);
    while (r == 0 && json.root && (key = yyjson_obj_iter_next(&members))) {
        size_t row = find_row(json_str(key), false);

        value = yyjson_obj_iter_get_val(key);
        if (row == COUNT_OF(rows))
            r = err_set(err, -EINVAL, "'%.*s' is no rule that this program knows",
                        STR_ARG(json_str(key)));
        else
            r = read_member(&rules, row, value, arena, err);
    }
    json_fini(&json);
    if (r == 0)
        *ret = rules;
    return r;
}

int rules_write(struct buf *out, const struct rules *rules)
{
    struct json_out o = {.out = out};
    bool is_any = false;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        is_any |= is_said(rules, i);
    if (!is_any)
        return 0;
    json_open(&o, '{');
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (is_said(rules, i))
            write_member(&o, rules, i);
    json_close(&o, '}');
    return o.error;
}

int rules_set(struct rules *rules, struct str option, struct str text, struct err *err)
{
    static const char *const expected[] = {
        [RULE_count] = "a whole number",  [RULE_money] = "dollars, as in 2.50",
        [RULE_flag] = "nothing",          [RULE_list] = "names with commas between",
        [RULE_priority] = priority_words,
    };
    size_t row = find_row(option, true);

    if (row == COUNT_OF(rows))
        return err_set(err, -ENOENT, "there is no rule '%.*s'", STR_ARG(option));
    if (set(rules, row, text) < 0)
        return err_set(err, -EINVAL, "--%s %.*s: expected %s", rows[row].option, STR_ARG(text),
                       expected[rows[row].kind]);
    return 0;
}

bool rules_show(const struct rules *rules, size_t row, const char **ret_option, struct buf *out)
{
    int r = 0;

    if (row >= COUNT_OF(rows))
        return false;
    *ret_option = rows[row].option;
    if (!is_said(rules, row))
        return true;
    switch (rows[row].kind) {
    case RULE_count:
        r = buf_put_u64(out, *number_of(rules, row));
        break;
    case RULE_money:
        r = buf_printf(out, "$%llu.%06llu", (unsigned long long)*number_of(rules, row) / 1000000,
                       (unsigned long long)*number_of(rules, row) % 1000000);
        break;
    case RULE_flag:
        r = buf_put(out, STR("yes"));
        break;
    case RULE_list:
        r = buf_put(out, *list_of(rules, row));
        break;
    case RULE_priority:
        r = buf_put(out, str_from(priority_name(*priority_of(rules, row))));
        break;
    }
    return r == 0;
}

struct allowance rules_allowance(const struct rules *rules)
{
    return (struct allowance){
        .requests_per_minute = rules->requests_per_minute,
        .tokens_per_minute = rules->tokens_per_minute,
        .parallel = rules->parallel,
        .budgets = {[PERIOD_day] = {rules->money_per_day_micro, rules->tokens_per_day},
                    [PERIOD_week] = {rules->money_per_week_micro, rules->tokens_per_week},
                    [PERIOD_month] = {rules->money_per_month_micro, rules->tokens_per_month}},
        .is_soft = rules->is_soft,
    };
}

bool rules_list_has(struct str list, struct str name)
{
    char text[PATTERN_MAX], pattern[PATTERN_MAX];

    if (!list.len)
        return true;
    snprintf(text, sizeof text, "%.*s", STR_ARG(name));
    while (list.len) {
        struct str rest, item = str_trim(str_cut(list, ',', &rest));

        snprintf(pattern, sizeof pattern, "%.*s", STR_ARG(item));
        if (item.len && item.len < sizeof pattern && name.len < sizeof text &&
            fnmatch(pattern, text, FNM_NOESCAPE) == 0)
            return true;
        list = rest;
    }
    return false;
}

static void *field_of(const struct rules *rules, size_t row)
{
    return (char *)(uintptr_t)rules + rows[row].offset;
}

static number *number_of(const struct rules *rules, size_t row)
{
    return field_of(rules, row);
}

static bool *flag_of(const struct rules *rules, size_t row)
{
    return field_of(rules, row);
}

static struct str *list_of(const struct rules *rules, size_t row)
{
    return field_of(rules, row);
}

static enum priority *priority_of(const struct rules *rules, size_t row)
{
    return field_of(rules, row);
}

static bool is_said(const struct rules *rules, size_t row)
{
    switch (rows[row].kind) {
    case RULE_count:
    case RULE_money:
        return *number_of(rules, row) != NO_LIMIT;
    case RULE_flag:
        return *flag_of(rules, row);
    case RULE_list:
        return list_of(rules, row)->len > 0;
    case RULE_priority:
        return *priority_of(rules, row) != PRIORITY_normal;
    }
    return false;
}

static int read_member(struct rules *rules, size_t row, yyjson_val *value, struct arena *arena,
                       struct err *err)
{
    bool is_right = false;

    switch (rows[row].kind) {
    case RULE_count:
    case RULE_money:
        is_right = yyjson_is_uint(value);
        *number_of(rules, row) = yyjson_get_uint(value);
        break;
    case RULE_flag:
        is_right = yyjson_is_bool(value);
        *flag_of(rules, row) = yyjson_get_bool(value);
        break;
    case RULE_list:
        is_right = yyjson_is_str(value);
        *list_of(rules, row) = arena_str(arena, json_str(value));
        if (is_right && !list_of(rules, row)->data)
            return -ENOMEM;
        break;
    case RULE_priority:
        is_right = priority_read(priority_of(rules, row), json_str(value));
        break;
    }
    return is_right ? 0
                    : err_set(err, -EINVAL, "the key's rule '%s' has another value than expected",
                              rows[row].name);
}

static void write_member(struct json_out *o, const struct rules *rules, size_t row)
{
    json_key(o, rows[row].name);
    switch (rows[row].kind) {
    case RULE_count:
    case RULE_money:
        json_number(o, *number_of(rules, row));
        break;
    case RULE_flag:
        json_bool(o, true);
        break;
    case RULE_list:
        json_text(o, *list_of(rules, row));
        break;
    case RULE_priority:
        json_text(o, str_from(priority_name(*priority_of(rules, row))));
        break;
    }
}

static int set(struct rules *rules, size_t row, struct str text)
{
    switch (rows[row].kind) {
    case RULE_count:
        return str_to_u64(number_of(rules, row), text);
    case RULE_money:
        return units_read_money(number_of(rules, row), text);
    case RULE_flag:
        *flag_of(rules, row) = true;
        return 0;
    case RULE_list:
        if (!text.len || text.len > RULES_TEXT_MAX)
            return -EINVAL;
        *list_of(rules, row) = text;
        return 0;
    case RULE_priority:
        return priority_read(priority_of(rules, row), text) ? 0 : -EINVAL;
    }
    return -EINVAL;
}

/* COUNT_OF(rows) when there is none. */
static size_t find_row(struct str name, bool is_option)
{
    size_t row = 0;

    while (row < COUNT_OF(rows) && !str_is(name, is_option ? rows[row].option : rows[row].name))
        row++;
    return row;
}
