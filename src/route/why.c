/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a decision, and its words. */
#include "route/why.h"

#include <stdlib.h>

static const struct {
    const char *name, *words;
} rejections[REJECTION_COUNT] = {
#define REJECTION(name, words) [REJECTION_##name] = {#name, words},
#include "tables/rejections.def"
};

/* The terms that are worth a word when they are not nothing. */
static const struct {
    size_t offset;
    const char *words;
} terms[] = {
    {offsetof(struct why_row, wait_s), "waits"},
    {offsetof(struct why_row, load_s), "loads"},
    {offsetof(struct why_row, prompt_s), "reads"},
    {offsetof(struct why_row, decode_s), "writes"},
    {offsetof(struct why_row, shared_s), "shares the machine"},
    {offsetof(struct why_row, others_s), "delays others"},
    {offsetof(struct why_row, evict_s), "evicts what others want"},
    {offsetof(struct why_row, fail_s), "may fail"},
    {offsetof(struct why_row, late_s), "is probably late"},
    {offsetof(struct why_row, parity_s), "is not quite what was asked for"},
};

struct why_ring {
    struct why *records;
    uint32_t room, next;
};

static bool is_costed(const struct why_row *row);

const char *rejection_name(enum rejection r)
{
    return rejections[r].name;
}

const char *rejection_words(enum rejection r)
{
    return rejections[r].words;
}

void why_begin(struct why *w, uint64_t id, uint64_t now_ms)
{
    w->decisions = w->id == id ? w->decisions + 1 : 1;
    w->id = id;
    w->decided_ms = now_ms;
    w->count = 0;
    w->chosen = -1;
}

void why_add(struct why *w, uint32_t copy, enum parity parity, enum rejection rejected,
             const struct costs *c)
{
    if (w->count == ERRAND_OPTIONS_MAX)
        return;
    w->rows[w->count++] = (struct why_row){
        .copy = copy,
        .parity = (uint16_t)parity,
        .rejected = (uint16_t)rejected,
        .starts_now = c->starts_now,
        .victims = c->load.victims_count,
        .wait_s = (float)(c->wake_s + c->wait_s),
        .load_s = (float)c->load_s,
        .prompt_s = (float)c->prompt_s,
        .decode_s = (float)c->decode_s,
        .shared_s = (float)c->shared_s,
        .others_s = (float)c->others_s,
        .evict_s = (float)c->evict_s,
        .fail_s = (float)c->fail_s,
        .late_s = (float)c->late_s,
        .parity_s = (float)c->parity_s,
        .first_s = (float)c->first_s,
        .finish_s = (float)c->finish_s,
        .total_s = (float)c->total_s,
        .money_micro = (float)c->money_micro,
    };
}

void why_choose(struct why *w, uint32_t copy)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->rows[i].copy == copy) {
            w->rows[i].rejected = REJECTION_none;
            w->chosen = (int)i;
        }
}

int why_words(struct buf *out, const struct why *w, uint32_t row, const struct view *view)
{
    const struct why_row *r = &w->rows[row];
    struct str place = view->copies[r->copy].place;
    int e;

    if (!is_costed(r))
        return buf_printf(out, "%.*s: %s", STR_ARG(place), rejections[r->rejected].words);
    e = buf_printf(out, "%.*s: %s: %.1f s in all, first token after %.1f s", STR_ARG(place),
                   rejections[r->rejected].words, (double)r->total_s, (double)r->first_s);
    for (size_t i = 0; i < sizeof terms / sizeof *terms && e == 0; i++) {
        float seconds = *(const float *)(const void *)((const char *)r + terms[i].offset);

        if (seconds >= 0.05f)
            e = buf_printf(out, "; %s %.1f s", terms[i].words, (double)seconds);
    }
    if (e == 0 && r->money_micro > 0)
        e = buf_printf(out, "; costs $%.6f", (double)r->money_micro / 1e6);
    if (e == 0 && r->rejected == REJECTION_none && !r->starts_now)
        e = buf_printf(out, "; worth waiting for");
    return e;
}

struct why_ring *why_ring_new(uint32_t room)
{
    struct why_ring *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->room = room ? room : 1;
    r->records = calloc(r->room, sizeof *r->records);
    if (r->records)
        return r;
    free(r);
    return NULL;
}

void why_ring_free(struct why_ring *r)
{
    if (!r)
        return;
    free(r->records);
    free(r);
}

void why_ring_put(struct why_ring *r, const struct why *w)
{
    r->records[r->next] = *w;
    r->next = (r->next + 1) % r->room;
}

/* The youngest first: a request that was tried again has several. */
const struct why *why_ring_find(const struct why_ring *r, uint64_t id)
{
    for (uint32_t i = 1; i <= r->room; i++) {
        const struct why *w = &r->records[(r->next + r->room - i) % r->room];

        if (w->id == id)
            return w;
    }
    return NULL;
}

static bool is_costed(const struct why_row *row)
{
    return row->rejected == REJECTION_none || row->rejected == REJECTION_dearer;
}
