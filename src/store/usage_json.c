/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of requests in words. */
#include "store/usage_json.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

enum { DAY_S = 86400 };

int usage_by_read(unsigned *ret, struct str text, struct err *err)
{
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {{"day", USAGE_by_day},
                 {"key", USAGE_by_key},
                 {"owner", USAGE_by_owner},
                 {"model", USAGE_by_model},
                 {"machine", USAGE_by_machine}};
    unsigned by = 0;

    while (text.len) {
        struct str rest, word = str_trim(str_cut(text, ',', &rest));
        size_t i = 0;

        while (i < COUNT_OF(words) && !str_is(word, words[i].word))
            i++;
        if (i == COUNT_OF(words))
            return err_set(err, -EINVAL, "expected day, key, owner, model or machine, found '%.*s'",
                           STR_ARG(word));
        by |= words[i].bit;
        text = rest;
    }
    *ret = by;
    return 0;
}

int usage_day_read(int64_t *ret_us, struct str text)
{
    char copy[16];
    struct tm utc = {0};
    const char *end;

    snprintf(copy, sizeof copy, "%.*s", STR_ARG(text));
    end = text.len == 10 ? strptime(copy, "%Y-%m-%d", &utc) : NULL;
    if (!end || *end)
        return -EINVAL;
    *ret_us = (int64_t)timegm(&utc) * 1000000;
    return 0;
}

void usage_day_write(char out[16], int64_t day)
{
    time_t seconds = (time_t)day * DAY_S;
    struct tm utc = {0};

    gmtime_r(&seconds, &utc);
    strftime(out, 16, "%Y-%m-%d", &utc);
}

void usage_row_write(struct json_out *o, const struct usage_row *row, unsigned by)
{
    char day[16];

    json_open(o, '{');
    usage_day_write(day, row->day);
    if (by & USAGE_by_day)
        json_text(json_key(o, "day"), str_from(day));
    if (by & USAGE_by_key) {
        json_text(json_key(o, "key"), row->key_id);
        json_text(json_key(o, "key_name"), row->key_name);
    }
    if (by & USAGE_by_owner)
        json_text(json_key(o, "owner"), row->owner);
    if (by & USAGE_by_model)
        json_text(json_key(o, "model"), row->model);
    if (by & USAGE_by_machine)
        json_text(json_key(o, "machine"), row->machine);
    json_number(json_key(o, "requests"), row->requests);
    json_number(json_key(o, "failures"), row->failures);
    json_number(json_key(o, "prompt_tokens"), row->prompt_tokens);
    json_number(json_key(o, "cached_tokens"), row->cached_tokens);
    json_number(json_key(o, "completion_tokens"), row->completion_tokens);
    json_number(json_key(o, "money_micro"), row->money_micro);
    json_number(json_key(o, "avoided_micro"), row->avoided_micro);
    json_number(json_key(o, "energy_mj"), row->energy_mj);
    json_close(o, '}');
}
