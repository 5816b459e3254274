/* SPDX-License-Identifier: Apache-2.0 */
/* The way to answer an errand that costs least. */
#include "route/choice.h"

#include <limits.h>
#include <math.h>

/* Costs are equal when no more than this part is between them: what copies of one kind learn of
 * themselves differs by so much, and means nothing. */
static const double equal_part = 0.005;

/* One request in so many looks whether a slow copy is well again. */
enum { CURIOUS = 8 };

/* The best so far, and the one that is looked at: they change places. */
struct search {
    struct costs costs[2];
    unsigned best; /* of costs */
    uint32_t copy, cached_tokens;
    unsigned tier;
    double best_s, second_s;
    int missed; /* away, and the best of these if it were loaded */
    double missed_s;
};

static double output_of(const struct errand *e);
static double waited_s(const struct errand *e, uint64_t now_ms);
static bool reckon(struct costs *ret, const struct board *b, const struct errand *e,
                   const struct errand_option *o, struct cost_asked *asked, uint64_t now_ms);
static enum tier tier_of(const struct board *b, const struct errand *e,
                         const struct errand_option *o, const struct costs *c, double waited);
static void compare(struct search *s, const struct board *b, const struct errand *e,
                    const struct errand_option *o, const struct cost_asked *asked);
static bool is_less(double total_s, double best_s);
static bool conclude(struct choice *ret, const struct board *b, const struct errand *e,
                     const struct search *s);
static void explain(const struct errand *e, const struct search *s);

bool choice_make(struct choice *ret, const struct board *b, const struct errand *e, uint64_t now_ms)
{
    struct search s = {.best_s = INFINITY,
                       .second_s = INFINITY,
                       .missed_s = INFINITY,
                       .missed = BOARD_NONE,
                       .tier = UINT_MAX};
    struct affinity_found cached;
    struct cost_asked asked = {.worth = &e->worth,
                               .prompt_tokens = e->prompt_tokens,
                               .output_tokens = output_of(e),
                               .waited_s = waited_s(e, now_ms),
                               .company = e->company,
                               .is_opaque = e->is_opaque,
                               .is_curious = e->id % CURIOUS == 0};

    affinity_find(b->affinity, e->pieces, e->pieces_count, &cached);
    if (e->why) {
        why_begin(e->why, e->id, now_ms);
        e->why->prompt_tokens = asked.prompt_tokens;
        e->why->answer_tokens = asked.output_tokens;
    }
    for (uint32_t i = 0; i < e->options_count; i++) {
        const struct errand_option *o = &e->options[i];
        enum rejection rejected = choice_rejects(b, e, i, now_ms);
        struct costs *c = &s.costs[!s.best];

        asked.cached_tokens = affinity_tokens(&cached, o->copy);
        if (rejected != REJECTION_none)
            *c = (struct costs){0};
        else if (!reckon(c, b, e, o, &asked, now_ms))
            rejected = REJECTION_no_room;
        if (e->why)
            why_add(e->why, o, rejected == REJECTION_none ? REJECTION_dearer : rejected, c);
        if (rejected == REJECTION_none)
            compare(&s, b, e, o, &asked);
    }
    return conclude(ret, b, e, &s);
}

enum rejection choice_rejects(const struct board *b, const struct errand *e, uint32_t option,
                              uint64_t now_ms)
{
    const struct errand_option *o = &e->options[option];
    const struct board_copy *c;
    const struct board_engine *engine;

    if (o->copy == ERRAND_GONE)
        return REJECTION_gone;
    c = &b->copies[o->copy];
    engine = &b->engines[c->engine];
    if (o->tried)
        return REJECTION_tried;
    if (c->machine == BOARD_NONE && e->cloud_closed)
        return REJECTION_cloud;
    if (c->is_absent)
        return REJECTION_absent;
    if (engine->is_down)
        return REJECTION_down;
    if (c->machine != BOARD_NONE && b->machines[c->machine].is_drained)
        return REJECTION_drained;
    if (engine->held_until_ms > now_ms)
        return REJECTION_held;
    if (!board_is_open(b, o->copy, now_ms))
        return REJECTION_benched;
    if (!c->fits && !e->tries_all)
        return REJECTION_no_room;
    if (e->prompt_least && c->expected.context && e->prompt_least > c->expected.context)
        return REJECTION_too_long;
    return REJECTION_none;
}

bool choice_is_on_trial(const struct board *b, uint32_t copy)
{
    return b->copies[copy].breaker.trying || b->engines[b->copies[copy].engine].breaker.trying;
}

/* False: it does not fit beside what stays there. Who tries all asks it as if it were loaded. */
static bool reckon(struct costs *ret, const struct board *b, const struct errand *e,
                   const struct errand_option *o, struct cost_asked *asked, uint64_t now_ms)
{
    asked->parity = (enum parity)o->parity;
    asked->sizes = o->sizes;
    asked->anyway = false;
    if (b->copies[o->copy].fits && costs_reckon(ret, b, o->copy, asked, now_ms))
        return true;
    asked->anyway = true;
    return e->tries_all && costs_reckon(ret, b, o->copy, asked, now_ms);
}

static enum tier tier_of(const struct board *b, const struct errand *e,
                         const struct errand_option *o, const struct costs *c, double waited)
{
    if (c->is_doubtful)
        return TIER_doubtful;
    if (o->tier == TIER_first && e->tries_all && b->copies[o->copy].machine != BOARD_NONE &&
        e->worth.deadline_s > 0 && waited + c->first_s > e->worth.deadline_s)
        return TIER_cloud; /* it competes with the cloud: neither is what was wanted */
    return (enum tier)o->tier;
}

static double output_of(const struct errand *e)
{
    return e->output_max ? fmin(e->output_max, e->output_tokens) : e->output_tokens;
}

static double waited_s(const struct errand *e, uint64_t now_ms)
{
    return e->entered_ms ? (double)(now_ms - e->entered_ms) / 1e3 : 0;
}

static void compare(struct search *s, const struct board *b, const struct errand *e,
                    const struct errand_option *o, const struct cost_asked *asked)
{
    const struct costs *c = &s->costs[!s->best];
    unsigned tier = tier_of(b, e, o, c, asked->waited_s);

    if (b->copies[o->copy].state == COPY_away && !c->is_doubtful) {
        double loaded_s = c->total_s - c->evict_s - e->worth.weight * (c->load_s + c->load.wait_s);

        if (loaded_s < s->missed_s) {
            s->missed_s = loaded_s;
            s->missed = (int)o->copy;
        }
    }
    if (tier > s->tier || (tier == s->tier && !is_less(c->total_s, s->best_s))) {
        s->second_s = fmin(s->second_s, c->total_s);
        return;
    }
    s->second_s = fmin(s->second_s, s->best_s);
    s->best_s = c->total_s;
    s->tier = tier;
    s->best = !s->best;
    s->copy = o->copy;
    s->cached_tokens = (uint32_t)asked->cached_tokens;
}

/* Of equals the first one stays: the plan's order. */
static bool is_less(double total_s, double best_s)
{
    return isinf(best_s) || total_s < best_s - equal_part * fabs(best_s);
}

static bool conclude(struct choice *ret, const struct board *b, const struct errand *e,
                     const struct search *s)
{
    if (isinf(s->best_s))
        return false;
    ret->copy = s->copy;
    ret->cached_tokens = s->cached_tokens;
    ret->costs = s->costs[s->best];
    /* Were it not loaded, it could be loaded: it never spares more than that. */
    ret->saved_s = fmax(0, fmin(s->second_s - s->best_s, board_load_s(&b->copies[s->copy])));
    ret->missed_s = fmax(0, s->best_s - s->missed_s);
    ret->missed = ret->missed_s > 0 ? s->missed : BOARD_NONE;
    if (e->why)
        explain(e, s);
    return true;
}

/* Its rows stand beside the options. Of another tier, it is not seconds that decided. */
static void explain(const struct errand *e, const struct search *s)
{
    struct why *why = e->why;

    for (uint32_t i = 0; i < why->count; i++) {
        struct why_row *row = &why->rows[i];

        if (row->rejected != REJECTION_dearer)
            continue;
        if (e->options[i].tier > s->tier)
            row->rejected = REJECTION_farther;
        else if (!is_less(s->best_s, (double)row->total_s))
            row->rejected = REJECTION_equal;
    }
    why_choose(why, s->copy);
}
