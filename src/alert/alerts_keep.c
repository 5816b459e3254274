/* SPDX-License-Identifier: Apache-2.0 */
/* What outlives the process of alerts: those that fired, and who was told. */
#include <stdio.h>

#include "alert/alerts_inside.h"
#include "wire/json_out.h"

static void write_entry(const struct alerts *a, const struct alert_entry *e,
                        const char *const *channels, struct json_out *o);
static void recall_entry(struct alerts *a, const char *const *channels, yyjson_val *row);
static int64_t wall_of(const struct alerts *a, uint64_t at_ms);
static uint64_t moment_of(const struct alerts *a, int64_t at_us);

void alerts_write(const struct alerts *a, const char *const *channels, struct json_out *o)
{
    json_open(o, '{');
    json_open(json_key(o, "alerts"), '[');
    for (size_t i = 0; i < a->count; i++)
        if (a->entries[i].version)
            write_entry(a, &a->entries[i], channels, o);
    json_close(o, ']');
    json_close(o, '}');
}

static void write_entry(const struct alerts *a, const struct alert_entry *e,
                        const char *const *channels, struct json_out *o)
{
    json_open(o, '{');
    json_text(json_key(o, "alert"), str_from(alert_kinds[e->kind].name));
    json_text(json_key(o, "subject"), str_from(e->subject));
    json_text(json_key(o, "words"), str_from(e->words));
    json_number(json_key(o, "version"), e->version);
    json_number(json_key(o, "flaps"), e->flaps);
    json_number(json_key(o, "began_us"), (uint64_t)e->began_us);
    json_number(json_key(o, "ended_us"), (uint64_t)e->ended_us);
    json_open(json_key(o, "told"), '{');
    for (unsigned i = 0; i < a->channel_count; i++) {
        json_open(json_key(o, channels[i]), '{');
        json_number(json_key(o, "version"), e->told[i].version);
        json_number(json_key(o, "at_us"), (uint64_t)wall_of(a, e->told[i].at_ms));
        json_close(o, '}');
    }
    json_close(o, '}');
    json_close(o, '}');
}

void alerts_recall(struct alerts *a, const char *const *channels, struct str text, uint64_t now_ms,
                   int64_t wall_us)
{
    struct json json = {0};
    yyjson_val *row;
    size_t i, count;

    a->now_ms = now_ms;
    a->wall_us = wall_us;
    if (json_read(&json, text, JSON_MEMORY(text.len), NULL) == 0) {
        yyjson_arr_foreach(json_find(json.root, "alerts"), i, count, row)
        {
            recall_entry(a, channels, row);
        }
    }
    json_fini(&json);
}

/* An odd version fires. What fired goes on until it is looked at. */
static void recall_entry(struct alerts *a, const char *const *channels, yyjson_val *row)
{
    struct str name = json_find_str(row, "alert");
    struct alert_entry *e = NULL;

    for (enum alert kind = 0; kind < ALERT_COUNT && !e; kind++)
        if (str_is(name, alert_kinds[kind].name))
            e = alerts_add(a, kind, json_find_str(row, "subject"));
    if (!e)
        return;
    e->version = (uint32_t)json_find_u64(row, "version");
    e->state = e->version % 2 ? STATE_firing : STATE_quiet;
    e->flaps = (uint32_t)json_find_u64(row, "flaps");
    e->began_us = (int64_t)json_find_u64(row, "began_us");
    e->ended_us = (int64_t)json_find_u64(row, "ended_us");
    e->ended_ms = moment_of(a, e->ended_us);
    snprintf(e->words, sizeof e->words, "%.*s", STR_ARG(json_find_str(row, "words")));
    for (unsigned i = 0; i < a->channel_count; i++) {
        yyjson_val *told = json_find(json_find(row, "told"), channels[i]);

        e->told[i].version = (uint32_t)json_find_u64(told, "version");
        e->told[i].at_ms = moment_of(a, (int64_t)json_find_u64(told, "at_us"));
    }
}

/* Monotonic time means nothing to the next process. */
static int64_t wall_of(const struct alerts *a, uint64_t at_ms)
{
    int64_t at_us = a->wall_us - (int64_t)(a->now_ms - at_ms) * 1000;

    return at_us > 0 ? at_us : 0;
}

/* May lie before the beginning of this clock: differences are right all the same. */
static uint64_t moment_of(const struct alerts *a, int64_t at_us)
{
    return a->now_ms - (uint64_t)((a->wall_us - at_us) / 1000);
}
