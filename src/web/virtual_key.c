/* SPDX-License-Identifier: Apache-2.0 */
/* In the words of a LiteLLM proxy. */
#include "web/virtual_key.h"

#include <errno.h>
#include <stdio.h>

#include "base/units.h"

enum { ARENA_MAX = 256 << 10, RULES_MAX = 64 << 10, WORD_ROOM = 64 };

static int read_member(struct virtual_key *key, struct str name, yyjson_val *value, int64_t now_us,
                       struct err *err);
static int read_models(struct virtual_key *key, yyjson_val *list, struct err *err);
static int read_duration(struct virtual_key *key, struct str text, int64_t now_us, struct err *err);
static int read_budget(struct virtual_key *key, yyjson_val *root, struct err *err);
static int read_count(uint64_t *ret, struct str name, yyjson_val *value, struct err *err);
static bool is_harmless(struct str name);
static void write_models(struct json_out *o, struct str list);
static void write_count(struct json_out *o, const char *name, uint64_t count);
static void write_budget(struct json_out *o, const struct rules *rules);
static void write_time(struct json_out *o, const char *name, int64_t us);

int virtual_key_read(struct virtual_key *ret, struct str body, int64_t now_us, struct err *err)
{
    struct json json = {0};
    yyjson_obj_iter members;
    yyjson_val *name;
    int r;

    *ret = (struct virtual_key){.rules = rules_none};
    arena_init(&ret->arena, ARENA_MAX);
    buf_init(&ret->rules_text, RULES_MAX);
    if ((r = json_read(&json, body, JSON_MEMORY(body.len), err)) < 0)
        return r;
    if (!yyjson_is_obj(json.root))
        r = err_set(err, -EINVAL, "expected a JSON object");
    yyjson_obj_iter_init(json.root, &members);
    while (r == 0 && (name = yyjson_obj_iter_next(&members)))
        r = read_member(ret, json_str(name), yyjson_obj_iter_get_val(name), now_us, err);
    if (r == 0)
        r = read_budget(ret, json.root, err);
    if (r == 0)
        r = rules_write(&ret->rules_text, &ret->rules);
    json_fini(&json);
    return r;
}

void virtual_key_fini(struct virtual_key *key)
{
    buf_fini(&key->rules_text);
    arena_fini(&key->arena);
}

static int read_member(struct virtual_key *key, struct str name, yyjson_val *value, int64_t now_us,
                       struct err *err)
{
    if (yyjson_is_null(value) || is_harmless(name) ||
        (yyjson_is_ctn(value) && !unsafe_yyjson_get_len(value)))
        return 0;
    if (str_is(name, "models"))
        return read_models(key, value, err);
    if (str_is(name, "duration"))
        return read_duration(key, json_str(value), now_us, err);
    if (str_is(name, "rpm_limit"))
        return read_count(&key->rules.requests_per_minute, name, value, err);
    if (str_is(name, "tpm_limit"))
        return read_count(&key->rules.tokens_per_minute, name, value, err);
    if (str_is(name, "max_parallel_requests"))
        return read_count(&key->rules.parallel, name, value, err);
    if (str_is(name, "key_alias") || str_is(name, "user_id")) {
        struct str text = arena_str(&key->arena, json_str(value));

        *(str_is(name, "user_id") ? &key->owner : &key->alias) = text;
        return text.data ? 0 : err_set(err, -EINVAL, "%.*s: expected a text", STR_ARG(name));
    }
    return err_set(err, -EINVAL, "%.*s: a key has no such limit here; see tampu help key",
                   STR_ARG(name));
}

/* Nothing that a key may or may not do depends on them. */
static bool is_harmless(struct str name)
{
    static const char *const names[] = {"metadata", "max_budget",        "budget_duration", "tags",
                                        "key_type", "send_invite_email", "spend",           NULL};
    size_t i = 0;

    while (names[i] && !str_is(name, names[i]))
        i++;
    return names[i] != NULL;
}

static int read_models(struct virtual_key *key, yyjson_val *list, struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(list);
    yyjson_val *entry;
    struct buf text;
    int r = yyjson_is_arr(list) ? 0 : -EINVAL;

    buf_init(&text, RULES_MAX);
    while (r == 0 && (entry = yyjson_arr_iter_next(&each))) {
        struct str name = json_str(entry);

        if (!name.len || str_index(name, ',') < name.len)
            r = -EINVAL;
        else if (!str_is(name, "all-proxy-models"))
            r = buf_printf(&text, "%s%.*s", text.len ? "," : "", STR_ARG(name));
    }
    key->rules.models = arena_str(&key->arena, buf_str(&text));
    buf_fini(&text);
    return r < 0 ? err_set(err, -EINVAL, "models: expected a list of names") : 0;
}

static int read_duration(struct virtual_key *key, struct str text, int64_t now_us, struct err *err)
{
    uint64_t good_ms;

    if (units_read_duration(&good_ms, text) < 0 || good_ms > INT64_MAX / 2000)
        return err_set(err, -EINVAL, "duration: expected 30s, 30m, 30h or 30d");
    key->expires_us = now_us + (int64_t)good_ms * 1000;
    return 0;
}

/* There are days, weeks and months here, by the calendar; a budget for good is none of them. */
static int read_budget(struct virtual_key *key, yyjson_val *root, struct err *err)
{
    static const struct {
        const char *words[3];
        size_t offset;
    } periods[] = {
        {{"1d", "24h", "daily"}, offsetof(struct rules, money_per_day_micro)},
        {{"7d", "1w", "weekly"}, offsetof(struct rules, money_per_week_micro)},
        {{"30d", "1mo", "monthly"}, offsetof(struct rules, money_per_month_micro)},
    };
    yyjson_val *budget = json_find(root, "max_budget");
    struct str duration = json_find_str(root, "budget_duration");
    double dollars = yyjson_get_num(budget);

    if (!budget || yyjson_is_null(budget))
        return 0;
    if (!yyjson_is_num(budget) || !(dollars >= 0 && dollars <= 1e9))
        return err_set(err, -EINVAL, "max_budget: expected dollars");
    for (size_t i = 0; i < COUNT_OF(periods); i++)
        for (size_t k = 0; k < COUNT_OF(periods[i].words); k++)
            if (str_is(duration, periods[i].words[k])) {
                *(uint64_t *)(void *)((char *)&key->rules + periods[i].offset) =
                    (uint64_t)(dollars * 1e6 + 0.5);
                return 0;
            }
    return err_set(
        err, -EINVAL,
        "budget_duration: expected 1d, 7d or 30d with max_budget; budgets are for a day, a "
        "week or a month here");
}

static int read_count(uint64_t *ret, struct str name, yyjson_val *value, struct err *err)
{
    if (!yyjson_is_uint(value))
        return err_set(err, -EINVAL, "%.*s: expected a whole number", STR_ARG(name));
    *ret = yyjson_get_uint(value);
    return 0;
}

void virtual_key_write(struct json_out *o, const struct key_row *row, const struct rules *rules,
                       uint64_t spent_micro)
{
    char shown[WORD_ROOM];

    snprintf(shown, sizeof shown, "%.*s...%.*s", STR_ARG(row->prefix), STR_ARG(row->last4));
    json_text(json_key(o, "key_name"), str_from(shown));
    json_text(json_key(o, "token"), str_from(row->id));
    json_text(json_key(o, "token_id"), str_from(row->id));
    json_text(json_key(o, "key_alias"), row->name);
    json_text(json_key(o, "user_id"), row->owner);
    write_models(o, rules->models);
    json_double(json_key(o, "spend"), (double)spent_micro / 1e6);
    write_budget(o, rules);
    write_count(o, "rpm_limit", rules->requests_per_minute);
    write_count(o, "tpm_limit", rules->tokens_per_minute);
    write_count(o, "max_parallel_requests", rules->parallel);
    write_time(o, "expires", row->expires_us);
    write_time(o, "created_at", row->created_us);
    json_bool(json_key(o, "blocked"), row->revoked_us != 0);
}

static void write_models(struct json_out *o, struct str list)
{
    json_open(json_key(o, "models"), '[');
    while (list.len)
        json_text(o, str_trim(str_cut(list, ',', &list)));
    json_close(o, ']');
}

static void write_count(struct json_out *o, const char *name, uint64_t count)
{
    if (count == NO_LIMIT)
        json_raw(json_key(o, name), STR("null"));
    else
        json_number(json_key(o, name), count);
}

/* The longest of its budgets: there is room for one. */
static void write_budget(struct json_out *o, const struct rules *rules)
{
    const uint64_t micro[] = {rules->money_per_month_micro, rules->money_per_week_micro,
                              rules->money_per_day_micro};
    static const char *const durations[] = {"30d", "7d", "1d"};

    for (size_t i = 0; i < COUNT_OF(micro); i++)
        if (micro[i] != NO_LIMIT) {
            json_double(json_key(o, "max_budget"), (double)micro[i] / 1e6);
            json_text(json_key(o, "budget_duration"), str_from(durations[i]));
            return;
        }
    json_raw(json_key(o, "max_budget"), STR("null"));
    json_raw(json_key(o, "budget_duration"), STR("null"));
}

static void write_time(struct json_out *o, const char *name, int64_t us)
{
    struct buf text;

    buf_init(&text, WORD_ROOM);
    if (us && units_write_time(&text, us) == 0)
        json_text(json_key(o, name), buf_str(&text));
    else
        json_raw(json_key(o, name), STR("null"));
    buf_fini(&text);
}

void litellm_log_write(struct json_out *o, const struct exchange_row *row)
{
    json_open(o, '{');
    json_text(json_key(o, "request_id"), row->id);
    json_text(json_key(o, "call_type"), row->endpoint);
    json_text(json_key(o, "api_key"), row->key_id);
    json_double(json_key(o, "spend"), (double)row->money_micro / 1e6);
    json_number(json_key(o, "total_tokens"), row->prompt_tokens + row->completion_tokens);
    json_number(json_key(o, "prompt_tokens"), row->prompt_tokens);
    json_number(json_key(o, "completion_tokens"), row->completion_tokens);
    write_time(o, "startTime", row->started_us);
    write_time(o, "endTime", row->started_us + (row->total_us > 0 ? row->total_us : 0));
    json_text(json_key(o, "model"), row->model);
    json_text(json_key(o, "model_group"), row->asked);
    json_text(json_key(o, "api_base"), row->machine);
    json_text(json_key(o, "status"), row->status < 300 ? STR("success") : STR("failure"));
    json_close(o, '}');
}

void litellm_model_write(struct json_out *o, struct str name, const struct copy *copy,
                         const struct price *price)
{
    json_open(o, '{');
    json_text(json_key(o, "model_name"), name);
    json_open(json_key(o, "litellm_params"), '{');
    json_text(json_key(o, "model"), copy->tag);
    json_close(o, '}');
    json_open(json_key(o, "model_info"), '{');
    json_text(json_key(o, "id"), copy->place);
    json_text(json_key(o, "key"), copy->name);
    json_bool(json_key(o, "db_model"), false);
    if (copy->context)
        json_number(json_key(o, "max_input_tokens"), copy->context);
    json_double(json_key(o, "input_cost_per_token"), (double)price->in_micro / 1e12);
    json_double(json_key(o, "output_cost_per_token"), (double)price->out_micro / 1e12);
    json_close(o, '}');
    json_close(o, '}');
}
