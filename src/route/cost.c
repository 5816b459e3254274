/* SPDX-License-Identifier: Apache-2.0 */
/* What answering one request on one copy would cost. */
#include "route/cost.h"

#include <math.h>

const struct worth worth_usual = {
    .weight = 1,
    .second_micro = 500,
    .deadline_s = 30,
    .late_s = 100,
    .give_way_s = 30,
    .parity_s = {[PARITY_equivalent] = 1, [PARITY_degraded] = 15},
    .size_s = 15,
    .hint_s = 10,
};

const double opaque_s = 10;
const double cloud_first_s = 0.8, cloud_step_s = 0.015;

/* How unsure times are, as a part of what they should be. */
static const double late_spread = 0.15;

static void reckon_work(struct costs *c, const struct board_copy *copy, const struct cost_asked *a);
static void reckon_cloud(struct costs *c, const struct board_copy *copy,
                         const struct cost_asked *a);
static bool reckon_start(struct costs *c, const struct board *b, uint32_t copy, bool anyway,
                         uint64_t now_ms);
static double wait_for_slot_s(const struct board_copy *copy, uint64_t now_ms);
static void reckon_neighbours(struct costs *c, const struct board *b, uint32_t copy,
                              uint64_t now_ms);
static void reckon_batch(struct costs *c, const struct board_copy *copy, uint64_t now_ms);
static double reckon_failure_s(const struct costs *c, const struct board_machine *m,
                               uint64_t now_ms);
static double ratio_of(const struct board_copy *copy, enum estimate_kind kind, double context,
                       bool is_curious);
static bool is_hinted(const struct board *b, const struct board_copy *c, uint64_t now_ms);
static double reckon_late_s(const struct costs *c, const struct cost_asked *asked);
static double likelihood(double value, double limit);

bool costs_reckon(struct costs *ret, const struct board *b, uint32_t copy,
                  const struct cost_asked *asked, uint64_t now_ms)
{
    const struct board_copy *c = &b->copies[copy];
    const struct board_machine *m = c->machine == BOARD_NONE ? NULL : &b->machines[c->machine];
    const struct worth *worth = asked->worth;

    *ret =
        (struct costs){.parity_s = worth->parity_s[asked->parity] + worth->size_s * asked->sizes};
    if (asked->is_opaque)
        ret->decode_s = opaque_s * estimate_ratio(&c->estimate, ESTIMATE_decode, 0);
    else if (!m)
        reckon_cloud(ret, c, asked);
    else
        reckon_work(ret, c, asked);
    if (!reckon_start(ret, b, copy, asked->anyway, now_ms))
        return false;
    if (asked->company > 1)
        ret->evict_s /= asked->company;
    if (m) {
        ret->wake_s = m->wake_s;
        reckon_neighbours(ret, b, copy, now_ms);
        reckon_batch(ret, c, now_ms);
    }
    ret->first_s += ret->wake_s + ret->wait_s + ret->load_s + ret->prompt_s;
    ret->finish_s =
        ret->wake_s + ret->wait_s + ret->load_s + ret->prompt_s + ret->decode_s + ret->shared_s;
    ret->fail_s = m ? reckon_failure_s(ret, m, now_ms) : 0;
    ret->hint_s = is_hinted(b, c, now_ms) ? worth->hint_s : 0;
    ret->late_s = reckon_late_s(ret, asked);
    ret->total_s =
        worth->weight * (ret->finish_s + ret->late_s + ret->parity_s + ret->fail_s + ret->hint_s) +
        ret->others_s + ret->evict_s + ret->money_micro / worth->second_micro;
    return true;
}

static void reckon_work(struct costs *c, const struct board_copy *copy, const struct cost_asked *a)
{
    double fresh = a->prompt_tokens - a->cached_tokens;
    double context = a->prompt_tokens + a->output_tokens / 2;
    unsigned batch = copy->run_count < copy->slots ? copy->run_count + 1 : copy->slots;

    c->prompt_s = expect_prompt_s(&copy->expected, fresh > 1 ? fresh : 1, a->cached_tokens) *
                  ratio_of(copy, ESTIMATE_prompt, a->prompt_tokens, a->is_curious);
    c->decode_s = a->output_tokens * expect_step_s(&copy->expected, batch, context) *
                  ratio_of(copy, ESTIMATE_decode, context, a->is_curious);
}

static double ratio_of(const struct board_copy *copy, enum estimate_kind kind, double context,
                       bool is_curious)
{
    return is_curious && copy->drift[kind].is_slow ? 0
                                                   : estimate_ratio(&copy->estimate, kind, context);
}

static void reckon_cloud(struct costs *c, const struct board_copy *copy, const struct cost_asked *a)
{
    const struct copy *facts = copy->facts;
    bool in_file = facts->cloud->has_price;
    double in_micro = 0, out_micro = 0;

    if (in_file || (facts->cloud_facts && facts->cloud_facts->has_price)) {
        in_micro =
            (double)(in_file ? facts->cloud->price_in_micro : facts->cloud_facts->price_in_micro);
        out_micro =
            (double)(in_file ? facts->cloud->price_out_micro : facts->cloud_facts->price_out_micro);
    }
    c->money_micro = (a->prompt_tokens * in_micro + a->output_tokens * out_micro) / 1e6;
    c->prompt_s = cloud_first_s * estimate_ratio(&copy->estimate, ESTIMATE_prompt, 0);
    c->decode_s =
        a->output_tokens * cloud_step_s * estimate_ratio(&copy->estimate, ESTIMATE_decode, 0);
}

static bool reckon_start(struct costs *c, const struct board *b, uint32_t copy, bool anyway,
                         uint64_t now_ms)
{
    const struct board_copy *at = &b->copies[copy];
    const struct board_machine *m;

    if (at->state == COPY_loaded || anyway) {
        c->is_doubtful = anyway;
        c->wait_s = wait_for_slot_s(at, now_ms);
        c->starts_now = at->run_count < at->slots && at->planned_s <= 0;
        return true;
    }
    m = &b->machines[at->machine];
    if (at->state == COPY_loading) {
        c->load_s = board_loading_rest_s(b, m, now_ms);
        c->wait_s = wait_for_slot_s(at, now_ms);
        return true;
    }
    loads_reckon(&c->load, b, copy, now_ms);
    c->wait_s = c->load.wait_s + at->planned_s / at->slots;
    c->load_s = c->load.unload_s + board_load_s(at);
    c->evict_s = c->load.evict_s;
    c->starts_now = c->load.wait_s <= 0 && at->planned_s <= 0 && at->run_count < at->slots;
    return c->load.is_possible;
}

/* The first that ends gives its slot; those in line before us take theirs in turn. */
static double wait_for_slot_s(const struct board_copy *copy, uint64_t now_ms)
{
    double first_s = INFINITY;

    if (copy->run_count < copy->slots && copy->planned_s <= 0)
        return 0;
    for (uint32_t i = 0; i < copy->known_count; i++)
        first_s = fmin(first_s, board_run_rest_s(&copy->runs[i], now_ms));
    if (copy->run_count < copy->slots)
        first_s = 0;
    return first_s + copy->planned_s / copy->slots;
}

/* Copies at work on one machine share it evenly: each delays the other by the shorter's work. */
static void reckon_neighbours(struct costs *c, const struct board *b, uint32_t copy,
                              uint64_t now_ms)
{
    const struct board_machine *m = &b->machines[b->copies[copy].machine];
    double work_s = c->prompt_s + c->decode_s;

    for (uint32_t i = 0; i < m->loaded_count; i++) {
        const struct board_copy *other = &b->copies[m->loaded[i]];
        double rest_s = 0, weight = 0;

        if (m->loaded[i] == copy || !other->run_count)
            continue;
        for (uint32_t k = 0; k < other->known_count; k++) {
            double run_s = board_run_rest_s(&other->runs[k], now_ms);

            rest_s = fmax(rest_s, run_s);
            weight += other->runs[k].weight * fmin(work_s, run_s);
        }
        c->shared_s += fmin(work_s, rest_s);
        c->first_s += fmin(c->prompt_s, rest_s);
        c->others_s += weight;
    }
}

/* In the same copy: reading our prompt stops their decoding, and each step is longer by ours. */
static void reckon_batch(struct costs *c, const struct board_copy *copy, uint64_t now_ms)
{
    double before, after, longer;

    if (!copy->run_count || copy->slots < 2 || copy->run_count >= copy->slots)
        return;
    before = expect_step_s(&copy->expected, copy->run_count, 0);
    after = expect_step_s(&copy->expected, copy->run_count + 1, 0);
    longer = after > 0 ? 1 - before / after : 0;
    for (uint32_t i = 0; i < copy->known_count; i++) {
        double rest_s = board_run_rest_s(&copy->runs[i], now_ms);

        c->others_s +=
            copy->runs[i].weight * (fmin(c->prompt_s, rest_s) + longer * fmin(c->decode_s, rest_s));
    }
}

/* If the machine fails half of it is lost, and it starts again elsewhere. */
static double reckon_failure_s(const struct costs *c, const struct board_machine *m,
                               uint64_t now_ms)
{
    double per_s = rate_per_s(&m->failures, BOARD_FAILURES_S, now_ms);

    if (per_s <= 0)
        return 0;
    return (1 - exp(-per_s * c->finish_s)) * 1.5 * c->finish_s;
}

/* Does another gateway say that it, or its engine, fails? */
static bool is_hinted(const struct board *b, const struct board_copy *c, uint64_t now_ms)
{
    const struct board_engine *e = &b->engines[c->engine];

    return hint_holds(&c->bench_hint, now_ms) || hint_holds(&e->bench_hint, now_ms) ||
           hint_holds(&e->down_hint, now_ms);
}

/* Whoever is late anyway is so everywhere: what is left decides. */
static double reckon_late_s(const struct costs *c, const struct cost_asked *asked)
{
    const struct worth *worth = asked->worth;
    double token_s = asked->output_tokens > 0 ? c->decode_s / asked->output_tokens : 0;

    return worth->late_s * (likelihood(asked->waited_s + c->first_s, worth->deadline_s) +
                            likelihood(token_s, worth->pace_s));
}

/* That an estimate turns out above its limit: logistic, as unsure as late_spread says. */
static double likelihood(double value, double limit)
{
    double spread = late_spread * limit;

    if (limit <= 0 || value < limit - 6 * spread)
        return 0;
    return 1 / (1 + exp(-(value - limit) / spread));
}
