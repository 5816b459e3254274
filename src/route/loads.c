/* SPDX-License-Identifier: Apache-2.0 */
/* Which copies have to go for another, and which are worth loading. */
#include "route/loads.h"

#include <math.h>

/* Above this part of what is free, Ollama evicts before it loads. */
static const double full_share = 0.8;

/* Kept for ever as far as Ollama is concerned; a day; and what a second of worth adds. */
static const double keep_pinned_s = 1e7, keep_least_s = 86400, keep_worth = 100;

static double worth_loading_s(const struct board *b, uint32_t copy, uint64_t now_ms);
static bool must_evict(const struct board_copy *c, const struct box *left, uint32_t loaded);
static uint32_t count_loaded(const struct board *b, const struct board_copy *like);
static int cheapest(const struct board *b, const struct board_copy *c, const struct load_plan *plan,
                    uint64_t now_ms);
static void spare_needless(struct load_plan *plan, const struct board *b,
                           const struct board_copy *c, struct box *left, uint32_t loaded);
static bool is_victim(const struct load_plan *plan, uint32_t copy);
static struct box give_back(const struct board *b, const struct board_machine *m,
                            const struct load_plan *plan);

void loads_reckon(struct load_plan *ret, const struct board *b, uint32_t copy, uint64_t now_ms)
{
    const struct board_copy *c = &b->copies[copy];
    const struct board_machine *m = &b->machines[c->machine];
    struct box left = m->left;
    uint32_t loaded = count_loaded(b, c);

    *ret = (struct load_plan){.wait_s = board_loading_rest_s(b, m, now_ms)};
    if (!c->fits || m->loaded_count == BOARD_LOADED_MAX)
        return;
    while (must_evict(c, &left, loaded)) {
        int victim = cheapest(b, c, ret, now_ms);

        if (victim == BOARD_NONE)
            break;
        ret->victims[ret->victims_count++] = (uint32_t)victim;
        left = give_back(b, m, ret);
        loaded -= b->copies[victim].facts->engine == c->facts->engine;
    }
    spare_needless(ret, b, c, &left, loaded);
    for (uint32_t i = 0; i < ret->victims_count; i++) {
        const struct board_copy *victim = &b->copies[ret->victims[i]];

        ret->wait_s = fmax(ret->wait_s, board_rest_s(victim, now_ms));
        ret->unload_s = fmax(ret->unload_s, victim->expected.unload_s);
        ret->evict_s += loads_keep_s(b, ret->victims[i], now_ms);
    }
    ret->is_possible = engine_rules_fit(&c->rules, &left, &c->expected.need).kind != FIT_no;
}

/* The cheapest go first, and may not have to once a larger one is gone. */
static void spare_needless(struct load_plan *plan, const struct board *b,
                           const struct board_copy *c, struct box *left, uint32_t loaded)
{
    const struct board_machine *m = &b->machines[c->machine];

    for (uint32_t i = 0; plan->victims_count > 1 && i < plan->victims_count;) {
        uint32_t victim = plan->victims[i], last = plan->victims[--plan->victims_count];
        bool is_engines = b->copies[victim].facts->engine == c->facts->engine;
        struct box without;

        plan->victims[i] = last;
        without = give_back(b, m, plan);
        if (!must_evict(c, &without, loaded + is_engines)) {
            *left = without;
            loaded += is_engines;
            continue;
        }
        plan->victims[plan->victims_count++] = last;
        plan->victims[i++] = victim;
    }
}

/* Landlord's credit, measured: what it has spared, and for as long as it took to load it, its load.
 * Whatever usually comes within the hour will load it again, once. */
double loads_keep_s(const struct board *b, uint32_t copy, uint64_t now_ms)
{
    const struct board_copy *c = &b->copies[copy];
    double load_s = board_load_s(c), age_s = (double)(now_ms - c->since_ms) / 1e3;
    double keep_s = rate_sum(&c->saved_lately, BOARD_LATELY_S, now_ms);

    if (c->wanted)
        keep_s = fmax(keep_s, load_s / 2);
    keep_s = fmax(keep_s, fmin(load_s, board_foresee_s(b, copy, now_ms)));
    return keep_s + (c->state == COPY_loaded ? fmax(0, load_s - age_s) : 0);
}

double loads_keep_alive_s(const struct board *b, uint32_t copy, uint64_t now_ms)
{
    const struct board_copy *c = &b->copies[copy];

    if (c->wanted)
        return keep_pinned_s;
    return keep_least_s + keep_worth * loads_keep_s(b, copy, now_ms);
}

bool loads_are_calm(const struct board *b, const struct board_machine *m, uint64_t since_ms)
{
    for (uint32_t i = 0; i < m->copies_count; i++)
        if (b->copies[m->first + i].since_ms >= since_ms)
            return false;
    return m->loading == BOARD_NONE;
}

int loads_idle(const struct board *b, uint32_t machine, bool keeps_only, uint64_t now_ms)
{
    const struct board_machine *m = &b->machines[machine];
    double best_s = 0;
    int best = BOARD_NONE;

    if (m->is_drained || m->loading != BOARD_NONE)
        return BOARD_NONE;
    for (uint32_t i = m->first; i < m->first + m->copies_count; i++) {
        const struct board_copy *c = &b->copies[i];
        double worth_s;

        if (c->state != COPY_away || !c->fits || c->is_twin || !c->rules.takes_orders ||
            ((c->is_guess || keeps_only) && !c->wanted) || !board_is_open(b, i, now_ms))
            continue;
        worth_s = worth_loading_s(b, i, now_ms);
        if (worth_s <= best_s)
            continue;
        best_s = worth_s;
        best = (int)i;
    }
    return best;
}

/* In the beginning, memory that nobody uses may as well hold what would take longest to load, of
 * what the redundancy map asks for; then the rest. */
static const double map_share = 0.01, spare_share = 0.001;

/* What it would spare, less what its victims spare and the two loads that taking it back would
 * need. What had to go a moment ago was needed less than usual: what was missed since counts. */
static double worth_loading_s(const struct board *b, uint32_t copy, uint64_t now_ms)
{
    const struct board_copy *c = &b->copies[copy];
    double worth_s = rate_sum(&c->missed, BOARD_LOADS_S, now_ms);
    struct load_plan plan;

    if (c->wanted)
        worth_s = fmax(worth_s, board_load_s(c) / 2);
    if (!c->since_ms || (double)(now_ms - c->since_ms) > BOARD_LOADS_S * 1e3)
        worth_s = fmax(worth_s, board_foresee_s(b, copy, now_ms));
    loads_reckon(&plan, b, copy, now_ms);
    if (!plan.is_possible || plan.wait_s > 0)
        return 0;
    if (!plan.victims_count)
        return c->since_ms ? worth_s
                           : worth_s + (c->is_on_map ? map_share : spare_share) * board_load_s(c);
    worth_s -= board_load_s(c);
    for (uint32_t i = 0; i < plan.victims_count; i++) {
        const struct board_copy *victim = &b->copies[plan.victims[i]];

        worth_s -= fmax(rate_sum(&victim->saved, BOARD_LOADS_S, now_ms),
                        board_foresee_s(b, plan.victims[i], now_ms)) +
                   board_load_s(victim);
    }
    return worth_s;
}

/* Ollama's own rules, and one more: never loaded slower than it would be alone. */
static bool must_evict(const struct board_copy *c, const struct box *left, uint32_t loaded)
{
    struct box room = engine_rules_box(&c->rules, left);
    struct fit fit = engine_rules_fit(&c->rules, left, &c->expected.need);

    if (fit.kind == FIT_no || fit.gpu_share < c->expected.fit.gpu_share)
        return true;
    return loaded > 0 && (loaded >= c->rules.max_loaded ||
                          (room.gpu_bytes > 0 && (double)c->expected.predicted_bytes >
                                                     full_share * (double)room.gpu_bytes));
}

static uint32_t count_loaded(const struct board *b, const struct board_copy *like)
{
    const struct board_machine *m = &b->machines[like->machine];
    uint32_t count = 0;

    for (uint32_t i = 0; i < m->loaded_count; i++)
        count += b->copies[m->loaded[i]].facts->engine == like->facts->engine;
    return count;
}

/* Whose going costs least, the time until it is idle included. */
static int cheapest(const struct board *b, const struct board_copy *c, const struct load_plan *plan,
                    uint64_t now_ms)
{
    const struct board_machine *m = &b->machines[c->machine];
    double best_s = INFINITY;
    int best = BOARD_NONE;

    for (uint32_t i = 0; i < m->loaded_count; i++) {
        const struct board_copy *other = &b->copies[m->loaded[i]];
        double cost_s;

        if (!other->rules.takes_orders || is_victim(plan, m->loaded[i]))
            continue;
        cost_s = loads_keep_s(b, m->loaded[i], now_ms) + board_rest_s(other, now_ms);
        if (cost_s >= best_s)
            continue;
        best_s = cost_s;
        best = (int)m->loaded[i];
    }
    return best;
}

static bool is_victim(const struct load_plan *plan, uint32_t copy)
{
    for (uint32_t i = 0; i < plan->victims_count; i++)
        if (plan->victims[i] == copy)
            return true;
    return false;
}

/* What is left when the victims are gone. */
static struct box give_back(const struct board *b, const struct board_machine *m,
                            const struct load_plan *plan)
{
    struct box left = m->box;

    for (uint32_t i = 0; i < m->loaded_count; i++) {
        const struct board_copy *c = &b->copies[m->loaded[i]];
        struct fit fit = engine_rules_fit(&c->rules, &left, &c->expected.need);

        if (!is_victim(plan, m->loaded[i]))
            left = memory_take(&left, fit.kind == FIT_no ? &c->expected.fit : &fit);
    }
    return left;
}
