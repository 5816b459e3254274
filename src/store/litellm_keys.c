/* SPDX-License-Identifier: Apache-2.0 */
/* LiteLLM's keys as ours: hash, limits, and budgets by the periods that there are here. */
#include "store/litellm_keys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/bytes.h"
#include "wire/json_out.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S, WEEK_S = 7 * DAY_S, MONTH_S = 30 * DAY_S };

static bool read_hash(unsigned char out[KEY_HASH_SIZE], struct str token);
static int write_rules(struct litellm_key_made *made, const struct litellm_key *key);
static void write_limit(struct json_out *o, const char *rule, int64_t number);
static void write_models(struct json_out *o, struct str models);
static void write_budget(struct litellm_key_made *made, struct json_out *o,
                         const struct litellm_key *key);
static uint64_t read_seconds(struct str duration);
static void say(struct litellm_key_made *made, const char *format, ...) PRINTF(2, 3);

int litellm_key_read(struct litellm_key_made *ret, const struct litellm_key *key, int64_t now_us)
{
    struct str masked = key->masked;

    *ret = (struct litellm_key_made){.is_exact = true, .words = "exact"};
    if (!read_hash(ret->row.hash, key->token)) {
        say(ret, "has no hash of a key: left out");
        return -EINVAL;
    }
    ret->row.hash_kind = KEY_HASH_sha256;
    litellm_key_id(ret->row.id, key->token);
    ret->row.prefix = STR("sk-");
    ret->row.last4 = masked.len >= 4 ? str_slice(masked.data + masked.len - 4, 4) : STR("");
    ret->row.name = key->alias.len ? key->alias : masked.len ? masked : STR("litellm");
    ret->row.owner = key->user.len ? key->user : key->team;
    ret->row.created_us = key->created_us ? key->created_us : now_us;
    ret->row.expires_us = key->expires_us;
    ret->row.revoked_us = key->is_blocked ? now_us : 0;
    if (key->is_blocked)
        say(ret, "is blocked there, and revoked here");
    if (key->team.len)
        say(ret, "belongs to team %.*s, whose own limits and budget do not hold here",
            STR_ARG(key->team));
    if (write_rules(ret, key) < 0) {
        say(ret, "names more models than a key's rules have room for: left out");
        return -EINVAL;
    }
    ret->row.rules = str_from(ret->rules);
    return 0;
}

void litellm_key_id(char out[KEY_ID_SIZE + 1], struct str token)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    unsigned char hash[KEY_HASH_SIZE];

    out[0] = '\0';
    if (!read_hash(hash, token))
        return;
    out[0] = 'k';
    for (int i = 1; i < KEY_ID_SIZE; i++)
        out[i] = letters[hash[i] % 32];
    out[KEY_ID_SIZE] = '\0';
}

static bool read_hash(unsigned char out[KEY_HASH_SIZE], struct str token)
{
    if (token.len != 2 * KEY_HASH_SIZE)
        return false;
    for (size_t i = 0; i < KEY_HASH_SIZE; i++) {
        int high = byte_hex((unsigned char)token.data[2 * i]),
            low = byte_hex((unsigned char)token.data[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* As rules_read() reads them; nothing when nothing is limited. */
static int write_rules(struct litellm_key_made *made, const struct litellm_key *key)
{
    struct buf out;
    struct json_out o = {.out = &out};

    buf_init(&out, sizeof made->rules - 1);
    json_open(&o, '{');
    write_limit(&o, "requests_per_minute", key->requests_per_minute);
    write_limit(&o, "tokens_per_minute", key->tokens_per_minute);
    write_limit(&o, "parallel", key->parallel);
    write_budget(made, &o, key);
    write_models(&o, key->models);
    json_close(&o, '}');
    if (o.error == 0 && out.len > 2)
        snprintf(made->rules, sizeof made->rules, "%.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    return o.error;
}

static void write_limit(struct json_out *o, const char *rule, int64_t number)
{
    if (number >= 0)
        json_number(json_key(o, rule), (uint64_t)number);
}

/* "all-proxy-models" and the like are no names but say: as the proxy, or the team, has it. */
static void write_models(struct json_out *o, struct str models)
{
    struct str rest = models;

    while (rest.len)
        if (str_starts(str_cut(rest, ',', &rest), STR("all-")))
            return;
    if (models.len)
        json_text(json_key(o, "models"), models);
}

/* Days, weeks and months of the calendar here, any length from any moment there. The period is
 * never shorter than there, so that no more can be spent than was allowed. */
static void write_budget(struct litellm_key_made *made, struct json_out *o,
                         const struct litellm_key *key)
{
    uint64_t seconds = read_seconds(key->duration), budget;
    const char *rule = seconds && seconds <= DAY_S    ? "money_per_day_micro"
                       : seconds && seconds <= WEEK_S ? "money_per_week_micro"
                                                      : "money_per_month_micro";

    if (key->budget_micro < 0)
        return;
    budget = (uint64_t)key->budget_micro;
    if (!seconds) {
        budget = key->spent_micro < key->budget_micro ? budget : 0;
        say(made, "has a budget that never begins anew: it holds for a month here");
    } else if (seconds != DAY_S && seconds != WEEK_S && seconds != MONTH_S) {
        if (seconds > MONTH_S)
            budget = (uint64_t)((double)budget * MONTH_S / (double)seconds);
        say(made, "has a budget for %.*s: it holds for a %s here", STR_ARG(key->duration),
            seconds <= DAY_S    ? "day"
            : seconds <= WEEK_S ? "week"
                                : "month");
    } else {
        say(made, "has a budget that begins anew with the calendar's %s, not %.*s after its first",
            seconds == DAY_S    ? "day"
            : seconds == WEEK_S ? "week"
                                : "month",
            STR_ARG(key->duration));
    }
    json_number(json_key(o, rule), budget);
}

/* "30d", "24h", "1mo", "90s"; 0: not said, or not understood. */
static uint64_t read_seconds(struct str duration)
{
    static const struct {
        const char *unit;
        uint64_t seconds;
    } rows[] = {{"mo", MONTH_S}, {"s", 1}, {"m", 60}, {"h", HOUR_S}, {"d", DAY_S}, {"w", WEEK_S}};
    uint64_t number;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str unit = str_from(rows[i].unit);

        if (str_ends(duration, unit) &&
            str_to_u64(&number, str_slice(duration.data, duration.len - unit.len)) == 0 &&
            number < UINT32_MAX)
            return number * rows[i].seconds;
    }
    return 0;
}

static void say(struct litellm_key_made *made, const char *format, ...)
{
    size_t used = made->is_exact ? 0 : strlen(made->words);
    va_list args;

    if (used)
        used += (size_t)snprintf(made->words + used, sizeof made->words - used, "; ");
    made->is_exact = false;
    va_start(args, format);
    if (used < sizeof made->words)
        vsnprintf(made->words + used, sizeof made->words - used, format, args);
    va_end(args);
}
