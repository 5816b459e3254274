/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, and what each channel is still to be told of it. */
#include "alert/alerts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "alert/alerts_inside.h"
#include "base/memory.h"

enum { DOUBLINGS_MAX = 6 };

static struct alert_entry *find(struct alerts *a, enum alert kind, const char *subject);
static void go(struct alerts *a, struct alert_entry *e, enum alert_state to);
static void look_at(struct alerts *a, struct alert_entry *e);
static uint64_t hold_ms(const struct alerts *a, const struct alert_entry *e);
static uint64_t clear_ms(const struct alerts *a, const struct alert_entry *e);
static bool is_firing(const struct alert_entry *e);
static bool is_done_with(const struct alerts *a, const struct alert_entry *e);
static bool is_owed(const struct alerts *a, const struct alert_entry *e, unsigned channel,
                    uint64_t now_ms);
static bool owes_anything(const struct alerts *a, unsigned channel, uint64_t now_ms);
static struct alert_row row_of(const struct alert_entry *e);

const struct alert_kind alert_kinds[ALERT_COUNT] = {
#define ALERT(id, ...) [ALERT_##id] = {.name = #id, __VA_ARGS__},
#include "tables/alerts.def"
};

struct alerts *alerts_new(const struct alert_rules *rules, unsigned channels)
{
    struct alerts *a = memory_need(1, sizeof *a);

    assert(channels <= ALERT_CHANNELS_MAX);
    a->rules = *rules;
    a->channel_count = channels;
    return a;
}

void alerts_free(struct alerts *a)
{
    free(a);
}

void alerts_begin(struct alerts *a, uint64_t now_ms, int64_t wall_us)
{
    a->now_ms = now_ms;
    a->wall_us = wall_us;
    for (size_t i = 0; i < a->count; i++)
        a->entries[i].seen = a->entries[i].changed = false;
}

void alerts_see(struct alerts *a, enum alert kind, struct str subject, struct str words)
{
    char name[ALERT_SUBJECT_MAX];
    struct alert_entry *e;

    snprintf(name, sizeof name, "%.*s", STR_ARG(subject));
    e = find(a, kind, name);
    if (!e)
        e = alerts_add(a, kind, str_from(name));
    if (!e) {
        a->left_out++;
        return;
    }
    e->seen = true;
    snprintf(e->words, sizeof e->words, "%.*s", STR_ARG(words));
}

void alerts_end(struct alerts *a)
{
    size_t kept = 0;

    for (size_t i = 0; i < a->count; i++) {
        look_at(a, &a->entries[i]);
        if (is_done_with(a, &a->entries[i]))
            continue;
        if (kept != i)
            a->entries[kept] = a->entries[i];
        kept++;
    }
    a->count = kept;
}

void alerts_each_change(const struct alerts *a, alert_changed_fn *fn, void *ctx)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->entries[i].changed) {
            struct alert_row row = row_of(&a->entries[i]);

            fn(ctx, &row);
        }
}

size_t alerts_firing(const struct alerts *a, enum alert kind)
{
    size_t count = 0;

    for (size_t i = 0; i < a->count; i++)
        count += is_firing(&a->entries[i]) && (kind == ALERT_COUNT || a->entries[i].kind == kind);
    return count;
}

size_t alerts_list(const struct alerts *a, struct alert_row *rows, size_t max)
{
    size_t count = 0;

    for (enum alert kind = 0; kind < ALERT_COUNT; kind++)
        for (size_t i = 0; i < a->count && count < max; i++)
            if (is_firing(&a->entries[i]) && a->entries[i].kind == kind)
                rows[count++] = row_of(&a->entries[i]);
    return count;
}

uint64_t alerts_left_out(const struct alerts *a)
{
    return a->left_out;
}

size_t alerts_due(struct alerts *a, unsigned channel, uint64_t now_ms,
                  struct alert_row rows[static ALERT_ROWS_MAX])
{
    struct alert_channel *c = &a->channels[channel];
    size_t count = 0;

    if (c->is_busy || !owes_anything(a, channel, now_ms))
        return 0;
    if (!c->is_waiting) {
        c->is_waiting = true;
        c->due_ms = now_ms + a->rules.group_ms;
    }
    if (now_ms < c->due_ms)
        return 0;
    for (enum alert kind = 0; kind < ALERT_COUNT; kind++)
        for (size_t i = 0; i < a->count && count < ALERT_ROWS_MAX; i++) {
            struct alert_entry *e = &a->entries[i];

            if (e->kind != kind || !is_owed(a, e, channel, now_ms))
                continue;
            e->told[channel].under_way = e->version;
            rows[count++] = row_of(e);
        }
    c->is_busy = true;
    return count;
}

void alerts_told(struct alerts *a, unsigned channel, bool taken, uint64_t now_ms)
{
    struct alert_channel *c = &a->channels[channel];
    uint64_t wait_ms = ALERT_RETRY_MS;

    assert(c->is_busy);
    c->is_busy = false;
    for (size_t i = 0; i < a->count; i++) {
        struct alert_told *t = &a->entries[i].told[channel];

        if (taken && t->under_way)
            *t = (struct alert_told){.version = t->under_way, .at_ms = now_ms};
        t->under_way = 0;
    }
    for (uint32_t i = 0; i < c->failures && wait_ms < ALERT_RETRY_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms > ALERT_RETRY_MAX_MS)
        wait_ms = ALERT_RETRY_MAX_MS;
    c->failures = taken ? 0 : c->failures + 1;
    c->is_waiting = !taken;
    c->due_ms = now_ms + wait_ms;
}

struct alert_entry *alerts_add(struct alerts *a, enum alert kind, struct str subject)
{
    struct alert_entry *e = a->count < ALERTS_MAX ? &a->entries[a->count] : NULL;

    if (!e)
        return NULL;
    a->count++;
    *e = (struct alert_entry){.kind = kind, .since_ms = a->now_ms};
    snprintf(e->subject, sizeof e->subject, "%.*s", STR_ARG(subject));
    return e;
}

/* O(n); n is what is wrong, tens. */
static struct alert_entry *find(struct alerts *a, enum alert kind, const char *subject)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->entries[i].kind == kind && strcmp(a->entries[i].subject, subject) == 0)
            return &a->entries[i];
    return NULL;
}

/* The only place an alert changes state. */
static void go(struct alerts *a, struct alert_entry *e, enum alert_state to)
{
    bool fires = e->state == STATE_pending && to == STATE_firing;
    bool ends = e->state == STATE_fading && to == STATE_quiet;

    if (fires) {
        bool again = e->version && a->now_ms - e->ended_ms < ALERT_FLAP_MS;

        e->flaps = again ? e->flaps + 1 : 0;
        e->began_us = a->wall_us;
        e->ended_us = 0;
    }
    if (ends) {
        e->ended_ms = a->now_ms;
        e->ended_us = a->wall_us;
    }
    e->version += fires || ends;
    e->changed = fires || ends;
    e->state = to;
    e->since_ms = a->now_ms;
}

static void look_at(struct alerts *a, struct alert_entry *e)
{
    uint64_t for_ms;

    if (e->seen && e->state == STATE_quiet)
        go(a, e, STATE_pending);
    for_ms = a->now_ms - e->since_ms;
    if (e->seen && e->state == STATE_pending && for_ms >= hold_ms(a, e))
        go(a, e, STATE_firing);
    else if (e->seen && e->state == STATE_fading)
        go(a, e, STATE_firing);
    else if (!e->seen && e->state == STATE_pending)
        go(a, e, STATE_quiet);
    else if (!e->seen && e->state == STATE_firing)
        go(a, e, STATE_fading);
    else if (!e->seen && e->state == STATE_fading && for_ms >= clear_ms(a, e))
        go(a, e, STATE_quiet);
}

static uint64_t hold_ms(const struct alerts *a, const struct alert_entry *e)
{
    return a->rules.hold_ms * alert_kinds[e->kind].patience;
}

static uint64_t clear_ms(const struct alerts *a, const struct alert_entry *e)
{
    uint64_t ms = a->rules.hold_ms << (e->flaps < DOUBLINGS_MAX ? e->flaps : DOUBLINGS_MAX);

    return ms < ALERT_FLAP_MS ? ms : ALERT_FLAP_MS;
}

static bool is_firing(const struct alert_entry *e)
{
    return e->state == STATE_firing || e->state == STATE_fading;
}

/* Everybody knows that it is over, and it has not come back for an hour; or it never fired. */
static bool is_done_with(const struct alerts *a, const struct alert_entry *e)
{
    if (e->state != STATE_quiet)
        return false;
    for (unsigned channel = 0; channel < a->channel_count; channel++)
        if (e->told[channel].version != e->version)
            return false;
    return !e->version || a->now_ms - e->since_ms >= ALERT_FLAP_MS;
}

static bool is_owed(const struct alerts *a, const struct alert_entry *e, unsigned channel,
                    uint64_t now_ms)
{
    const struct alert_told *t = &e->told[channel];

    if (t->version != e->version)
        return true;
    return is_firing(e) && a->rules.repeat_ms && now_ms - t->at_ms >= a->rules.repeat_ms;
}

static bool owes_anything(const struct alerts *a, unsigned channel, uint64_t now_ms)
{
    for (size_t i = 0; i < a->count; i++)
        if (is_owed(a, &a->entries[i], channel, now_ms))
            return true;
    return false;
}

static struct alert_row row_of(const struct alert_entry *e)
{
    return (struct alert_row){.kind = e->kind,
                              .is_over = !is_firing(e),
                              .subject = e->subject,
                              .words = e->words,
                              .began_us = e->began_us,
                              .ended_us = e->ended_us};
}
