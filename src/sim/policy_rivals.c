/* SPDX-License-Identifier: Apache-2.0 */
/* What others do: each sends a request at once to one of the copies, and the engine queues it. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sim/chance.h"
#include "sim/policy.h"

enum {
    ATTEMPTS_MAX = 3, /* LiteLLM retries twice */
    LATENCIES = 10,   /* samples that LiteLLM keeps of each */
};

/* A machine that failed is left alone for so long: LiteLLM's cooldown. */
static const double cooldown_s = 5;

/* Peak-EWMA's memory, and what a copy without history that is busy counts as: Finagle's. */
static const double ewma_memory_s = 10, ewma_penalty_s = 1e6;

/* What these policies remember of a copy. */
struct seen {
    uint32_t pending; /* requests sent and not ended */
    double latencies[LATENCIES + 1];
    uint32_t latencies_count;
    double ewma_s, ewma_at_s;
    double tokens; /* in this minute of the clock */
    double minute;
};

struct rival;
typedef uint32_t choose_fn(struct rival *r, const struct asker *a, const uint32_t *copies,
                           uint32_t count);

struct rival {
    struct stage *stage;
    choose_fn *choose;
    struct seen *seen;
    double *cool_until_s; /* by machine */
    struct chance chance;
    uint32_t turns[DEMANDS];
};

static void *rival_open(struct stage *s, const struct policy *self);
static void rival_close(void *p);
static void rival_arrived(void *p, struct asker *a);
static void rival_ended(void *p, struct asker *a, enum asker_end how);
static void dispatch(struct rival *r, struct asker *a);
static bool may_send(const struct rival *r, const struct asker *a, uint32_t copy, bool cooled);
static void learn(struct rival *r, const struct asker *a);
static double now_s(const struct rival *r);

static choose_fn choose_shuffle, choose_least_busy, choose_latency, choose_usage, choose_turn,
    choose_least, choose_two, choose_ewma, choose_resident, choose_first;

struct rule {
    choose_fn *choose;
};

#define RIVAL(id, words, fn) \
    { \
        .name = id, .what = words, .open = rival_open, .close = rival_close, \
        .arrived = rival_arrived, .ended = rival_ended, .rule = &(const struct rule) \
        { \
            fn \
        } \
    }

const struct policy policy_rivals[] = {
    RIVAL("shuffle", "LiteLLM's simple-shuffle, its default: any of them", choose_shuffle),
    RIVAL("least-busy", "LiteLLM's least-busy: fewest under way, the first of equals",
          choose_least_busy),
    RIVAL("latency", "LiteLLM's latency-based-routing, with the window that keeps its oldest",
          choose_latency),
    RIVAL("usage", "LiteLLM's usage-based-routing-v2: fewest tokens in this minute", choose_usage),
    RIVAL("round-robin", "each in turn", choose_turn),
    RIVAL("least-connections", "fewest under way, any of equals", choose_least),
    RIVAL("two-choices", "the less busy of two drawn", choose_two),
    RIVAL("peak-ewma", "least recent peak latency times requests under way, of two drawn",
          choose_ewma),
    RIVAL("resident", "one that has the model loaded, the least busy of these", choose_resident),
    RIVAL("first", "the first that is healthy, in the order of the file", choose_first),
};
const unsigned policy_rivals_count = sizeof policy_rivals / sizeof *policy_rivals;

static void *rival_open(struct stage *s, const struct policy *self)
{
    struct rival *r = memory_need(1, sizeof *r);
    const struct board *facts = stage_facts(s);

    r->stage = s;
    r->choose = ((const struct rule *)self->rule)->choose;
    r->seen = memory_need(facts->copies_count + 1, sizeof *r->seen);
    r->cool_until_s = memory_need(facts->machines_count + 1, sizeof *r->cool_until_s);
    r->chance = chance_of(stage_seed(s), self->name);
    return r;
}

static void rival_close(void *p)
{
    struct rival *r = p;

    free(r->seen);
    free(r->cool_until_s);
    free(r);
}

static void rival_arrived(void *p, struct asker *a)
{
    dispatch(p, a);
}

/* A stream that has begun cannot be tried again; anything else can, elsewhere. */
static void rival_ended(void *p, struct asker *a, enum asker_end how)
{
    struct rival *r = p;
    const struct board_copy *c = &stage_facts(r->stage)->copies[a->copy];

    r->seen[a->copy].pending--;
    if (how == ASKER_done) {
        learn(r, a);
        return;
    }
    if (c->machine != BOARD_NONE)
        r->cool_until_s[c->machine] = now_s(r) + cooldown_s;
    if (a->first_s > 0 || a->attempts >= ATTEMPTS_MAX)
        stage_lose(a);
    else
        dispatch(r, a);
}

/* When all are cooling, all are asked, as LiteLLM does. */
static void dispatch(struct rival *r, struct asker *a)
{
    const struct stage_options_of *o = stage_options_for(r->stage, a->row->demand);
    uint32_t copies[CANDIDATES_MAX], count = 0, copy;

    for (int cooled = 1; cooled >= 0 && !count; cooled--)
        for (uint32_t i = 0; i < o->count; i++)
            if (may_send(r, a, o->rows[i].copy, cooled))
                copies[count++] = o->rows[i].copy;
    if (!count) {
        stage_lose(a);
        return;
    }
    copy = r->choose(r, a, copies, count);
    r->seen[copy].pending++;
    stage_send(a, copy, 0);
}

static bool may_send(const struct rival *r, const struct asker *a, uint32_t copy, bool cooled)
{
    const struct board_copy *c = &stage_facts(r->stage)->copies[copy];

    return c->machine != BOARD_NONE && c->expected.context >= a->row->prompt_tokens &&
           (!cooled || r->cool_until_s[c->machine] <= now_s(r));
}

static void learn(struct rival *r, const struct asker *a)
{
    struct seen *s = &r->seen[a->copy];
    double whole_s = now_s(r) - a->row->at_s, minute = floor(now_s(r) / 60);
    double first_s = a->first_s - a->row->at_s;
    double age_s = now_s(r) - s->ewma_at_s, keep = exp(-age_s / ewma_memory_s);

    /* Streaming: time to first token over tokens. The slice [:9] + [new] keeps the oldest nine. */
    if (s->latencies_count >= LATENCIES)
        s->latencies_count = LATENCIES - 1;
    s->latencies[s->latencies_count++] =
        a->row->output_tokens ? first_s / a->row->output_tokens : whole_s;
    s->tokens =
        (s->minute < minute ? 0 : s->tokens) + a->row->prompt_tokens + a->row->output_tokens;
    s->minute = minute;
    s->ewma_s = whole_s > s->ewma_s ? whole_s : s->ewma_s * keep + whole_s * (1 - keep);
    s->ewma_at_s = now_s(r);
}

static double now_s(const struct rival *r)
{
    return stage_now_s(r->stage);
}

static uint32_t choose_shuffle(struct rival *r, const struct asker *a, const uint32_t *copies,
                               uint32_t count)
{
    (void)a;
    return copies[chance_pick(&r->chance, count)];
}

static uint32_t choose_least_busy(struct rival *r, const struct asker *a, const uint32_t *copies,
                                  uint32_t count)
{
    uint32_t best = copies[0];

    (void)a;
    for (uint32_t i = 1; i < count; i++)
        if (r->seen[copies[i]].pending < r->seen[best].pending)
            best = copies[i];
    return best;
}

/* The least mean; who has none is explored first. */
static uint32_t choose_latency(struct rival *r, const struct asker *a, const uint32_t *copies,
                               uint32_t count)
{
    double least = INFINITY;
    uint32_t best[CANDIDATES_MAX], ties = 0;

    (void)a;
    for (uint32_t i = 0; i < count; i++) {
        const struct seen *s = &r->seen[copies[i]];
        double sum = 0;

        for (uint32_t k = 0; k < s->latencies_count; k++)
            sum += s->latencies[k];
        sum = s->latencies_count ? sum / s->latencies_count : 0;
        if (sum < least)
            ties = 0;
        if (sum <= least) {
            least = sum;
            best[ties++] = copies[i];
        }
    }
    return best[chance_pick(&r->chance, ties)];
}

static uint32_t choose_usage(struct rival *r, const struct asker *a, const uint32_t *copies,
                             uint32_t count)
{
    double least = INFINITY, minute = floor(now_s(r) / 60);
    uint32_t best[CANDIDATES_MAX], ties = 0;

    (void)a;
    for (uint32_t i = 0; i < count; i++) {
        const struct seen *s = &r->seen[copies[i]];
        double tokens = s->minute < minute ? 0 : s->tokens;

        if (tokens < least)
            ties = 0;
        if (tokens <= least) {
            least = tokens;
            best[ties++] = copies[i];
        }
    }
    return best[chance_pick(&r->chance, ties)];
}

static uint32_t choose_turn(struct rival *r, const struct asker *a, const uint32_t *copies,
                            uint32_t count)
{
    return copies[r->turns[a->row->demand]++ % count];
}

static uint32_t choose_least(struct rival *r, const struct asker *a, const uint32_t *copies,
                             uint32_t count)
{
    uint32_t best[CANDIDATES_MAX], ties = 0, least = UINT32_MAX;

    (void)a;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pending = r->seen[copies[i]].pending;

        if (pending < least)
            ties = 0;
        if (pending <= least) {
            least = pending;
            best[ties++] = copies[i];
        }
    }
    return best[chance_pick(&r->chance, ties)];
}

static uint32_t choose_two(struct rival *r, const struct asker *a, const uint32_t *copies,
                           uint32_t count)
{
    uint32_t one = copies[chance_pick(&r->chance, count)];
    uint32_t other = copies[chance_pick(&r->chance, count)];

    (void)a;
    return r->seen[other].pending < r->seen[one].pending ? other : one;
}

static double ewma_cost(const struct rival *r, uint32_t copy)
{
    const struct seen *s = &r->seen[copy];

    if (s->ewma_s <= 0)
        return s->pending ? ewma_penalty_s + s->pending : 0;
    return s->ewma_s * exp(-(now_s(r) - s->ewma_at_s) / ewma_memory_s) * (s->pending + 1);
}

static uint32_t choose_ewma(struct rival *r, const struct asker *a, const uint32_t *copies,
                            uint32_t count)
{
    uint32_t one = copies[chance_pick(&r->chance, count)];
    uint32_t other = copies[chance_pick(&r->chance, count)];

    (void)a;
    return ewma_cost(r, other) < ewma_cost(r, one) ? other : one;
}

static uint32_t choose_resident(struct rival *r, const struct asker *a, const uint32_t *copies,
                                uint32_t count)
{
    uint32_t loaded[CANDIDATES_MAX], loaded_count = 0;

    for (uint32_t i = 0; i < count; i++)
        if (stage_is_loaded(r->stage, copies[i]))
            loaded[loaded_count++] = copies[i];
    return loaded_count ? choose_least(r, a, loaded, loaded_count)
                        : choose_least(r, a, copies, count);
}

static uint32_t choose_first(struct rival *r, const struct asker *a, const uint32_t *copies,
                             uint32_t count)
{
    (void)r;
    (void)a;
    (void)count;
    return copies[0];
}
