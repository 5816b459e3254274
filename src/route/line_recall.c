/* SPDX-License-Identifier: Apache-2.0 */
/* Batch requests that are taken back before their first token. */
#include <math.h>

#include "route/line_inside.h"

enum { RECALLS_MAX = 2 }; /* of one request: then it stays where it was sent */

static bool may_recall(const struct errand *v, const struct errand *e, uint32_t copy);
static double elapsed_s(const struct errand *v, uint64_t now_ms);

/* A second of each counts as its class says: what e would wait, against what v has waited in vain
 * and will wait for e. */
void line_recall(struct line *l, struct errand *e, const struct choice *c, uint64_t now_ms)
{
    double spared = e->worth.weight * (c->costs.wait_s + c->costs.load_s), least = spared;
    double service_s = c->costs.prompt_s + c->costs.decode_s;
    struct errand *found = NULL;

    if (!l->hooks.recall || e->has_recalled || e->yields || e->is_aside)
        return;
    LINK_EACH(&l->yielding, at)
    {
        struct errand *v = CONTAINER(at, struct errand, link);
        double lost = v->worth.weight * (elapsed_s(v, now_ms) + service_s);
        bool is_early = v->shows_tokens || elapsed_s(v, now_ms) < v->first_s;

        if (may_recall(v, e, c->copy) && is_early && lost < least) {
            found = v;
            least = lost;
        }
    }
    if (!found || !l->hooks.recall(l->hooks.ctx, found))
        return;
    found->is_recalled = e->has_recalled = true;
    found->recalls++;
}

void line_began(struct line *l, struct errand *e)
{
    e->has_begun = true;
    if (e->copy == ERRAND_GONE)
        return;
    if (e->is_trial_of_copy || e->is_trial_of_engine)
        line_wake(l);
    if (e->is_trial_of_copy)
        breaker_forget(&l->board->copies[e->copy].breaker);
    if (e->is_trial_of_engine)
        breaker_forget(&l->board->engines[l->board->copies[e->copy].engine].breaker);
}

/* Only for who would go first if both waited: so who has waited long is not taken back for ever
 * newer ones. Leaving would abort a load. */
static bool may_recall(const struct errand *v, const struct errand *e, uint32_t copy)
{
    return v->copy == copy && !v->has_begun && !v->is_recalled && !v->has_loaded &&
           v->recalls < RECALLS_MAX && e->finish_tag < v->finish_tag;
}

static double elapsed_s(const struct errand *v, uint64_t now_ms)
{
    return now_ms > v->sent_ms ? (double)(now_ms - v->sent_ms) / 1e3 : 0;
}
