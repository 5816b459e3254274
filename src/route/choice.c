/* SPDX-License-Identifier: Apache-2.0 */
/* The way to answer an errand that costs least. */
#include "route/choice.h"

#include <math.h>

/* The best so far, and the one that is looked at: they change places. */
struct search {
    struct costs costs[2];
    unsigned best; /* of costs */
    uint32_t copy;
    double best_s, second_s;
    int missed; /* away, and the best of these if it were loaded */
    double missed_s;
};

static double output_of(const struct errand *e);
static void compare(struct search *s, const struct board *b, uint32_t copy, double weight);
static bool conclude(struct choice *ret, const struct board *b, const struct errand *e,
                     const struct search *s);

bool choice_make(struct choice *ret, const struct board *b, const struct errand *e, uint64_t now_ms)
{
    struct search s = {
        .best_s = INFINITY, .second_s = INFINITY, .missed_s = INFINITY, .missed = BOARD_NONE};
    struct affinity_found cached;
    struct cost_asked asked = {.worth = &e->worth,
                               .prompt_tokens = e->prompt_tokens,
                               .output_tokens = output_of(e),
                               .company = e->company};

    affinity_find(b->affinity, e->pieces, e->pieces_count, &cached);
    if (e->why)
        why_begin(e->why, e->id, now_ms);
    for (uint32_t i = 0; i < e->options_count; i++) {
        const struct errand_option *o = &e->options[i];
        enum rejection rejected = choice_rejects(b, e, i, now_ms);
        struct costs *c = &s.costs[!s.best];

        asked.parity = o->parity;
        asked.cached_tokens = affinity_tokens(&cached, o->copy);
        if (rejected != REJECTION_none)
            *c = (struct costs){0};
        else if (!costs_reckon(c, b, o->copy, &asked, now_ms))
            rejected = REJECTION_no_room;
        if (e->why)
            why_add(e->why, o->copy, o->parity,
                    rejected == REJECTION_none ? REJECTION_dearer : rejected, c);
        if (rejected == REJECTION_none)
            compare(&s, b, o->copy, e->worth.weight);
    }
    return conclude(ret, b, e, &s);
}

enum rejection choice_rejects(const struct board *b, const struct errand *e, uint32_t option,
                              uint64_t now_ms)
{
    const struct errand_option *o = &e->options[option];
    const struct board_copy *c = &b->copies[o->copy];
    const struct board_machine *m = c->machine == BOARD_NONE ? NULL : &b->machines[c->machine];

    if (o->tried)
        return REJECTION_tried;
    if (!m)
        return e->cloud_closed                     ? REJECTION_cloud
               : board_is_open(b, o->copy, now_ms) ? REJECTION_none
                                                   : REJECTION_benched;
    if (m->is_down)
        return REJECTION_down;
    if (m->is_drained)
        return REJECTION_drained;
    if (!board_is_open(b, o->copy, now_ms))
        return REJECTION_benched;
    if (!c->facts->artifact)
        return REJECTION_unknown;
    if (!c->fits)
        return REJECTION_no_room;
    if (e->prompt_tokens > c->expected.context)
        return REJECTION_too_long;
    return REJECTION_none;
}

static double output_of(const struct errand *e)
{
    return e->output_max ? fmin(e->output_max, e->output_tokens) : e->output_tokens;
}

static void compare(struct search *s, const struct board *b, uint32_t copy, double weight)
{
    const struct costs *c = &s->costs[!s->best];

    if (b->copies[copy].state == COPY_away) {
        double loaded_s = c->total_s - c->evict_s - weight * (c->load_s + c->load.wait_s);

        if (loaded_s < s->missed_s) {
            s->missed_s = loaded_s;
            s->missed = (int)copy;
        }
    }
    if (c->total_s >= s->best_s) {
        s->second_s = fmin(s->second_s, c->total_s);
        return;
    }
    s->second_s = s->best_s;
    s->best_s = c->total_s;
    s->best = !s->best;
    s->copy = copy;
}

static bool conclude(struct choice *ret, const struct board *b, const struct errand *e,
                     const struct search *s)
{
    if (isinf(s->best_s))
        return false;
    ret->copy = s->copy;
    ret->costs = s->costs[s->best];
    /* Were it not loaded, it could be loaded: it never spares more than that. */
    ret->saved_s = fmin(s->second_s - s->best_s, board_load_s(&b->copies[s->copy]));
    ret->missed_s = fmax(0, s->best_s - s->missed_s);
    ret->missed = ret->missed_s > 0 ? s->missed : BOARD_NONE;
    if (e->why)
        why_choose(e->why, s->copy);
    return true;
}
