/* SPDX-License-Identifier: Apache-2.0 */
/* One request on two copies. */
#include <assert.h>

#include "route/line_inside.h"

bool line_hedge(struct line *l, const struct errand *late, struct errand *second, double waited_s,
                uint64_t now_ms)
{
    struct choice c;

    assert(late->is_running && late->copy != ERRAND_GONE);
    if (waited_s < late->late_s || late->is_aside)
        return false;
    hedge_narrow(second, l->board, late, now_ms);
    if (!second->options_count || !choice_make(&c, l->board, second, now_ms) ||
        !c.costs.starts_now || !hedge_pays(c.costs.first_s, waited_s) || !budget_spend(&l->hedges))
        return false;
    line_start(l, second, &c, now_ms);
    return true;
}

void line_take_over(struct errand *e, struct errand *second)
{
    assert(!e->is_running && !e->in_line && second->is_running);
    e->id = second->id;
    e->copy = second->copy;
    e->batch_begun = second->batch_begun;
    e->at_work_begun = second->at_work_begun;
    e->cached_tokens = second->cached_tokens;
    e->late_s = second->late_s;
    e->has_loaded = second->has_loaded;
    e->is_trial_of_copy = second->is_trial_of_copy;
    e->is_trial_of_engine = second->is_trial_of_engine;
    e->is_running = true;
    second->is_running = false;
}
