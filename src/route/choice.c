/* SPDX-License-Identifier: Apache-2.0 */
/* The way to answer an errand that costs least. */
#include "route/choice.h"

#include <math.h>

static double output_of(const struct errand *e);

bool choice_make(struct choice *ret, const struct board *b, const struct errand *e, uint64_t now_ms)
{
    struct costs costs[2]; /* the best so far, and the one that is looked at */
    unsigned best = 0;
    bool found = false;
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
        struct costs *c = &costs[found ? !best : best];

        asked.parity = o->parity;
        asked.cached_tokens = affinity_tokens(&cached, o->copy);
        if (rejected != REJECTION_none)
            *c = (struct costs){0};
        else if (!costs_reckon(c, b, o->copy, &asked, now_ms))
            rejected = REJECTION_no_room;
        if (e->why)
            why_add(e->why, o->copy, o->parity,
                    rejected == REJECTION_none ? REJECTION_dearer : rejected, c);
        if (rejected != REJECTION_none || (found && c->total_s >= costs[best].total_s))
            continue;
        best = found ? !best : best;
        found = true;
        ret->copy = o->copy;
    }
    if (!found)
        return false;
    ret->costs = costs[best];
    if (e->why)
        why_choose(e->why, ret->copy);
    return true;
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
