/* SPDX-License-Identifier: Apache-2.0 */
/* When to ask twice, and whom. */
#include "route/hedge.h"

#include <math.h>

#include "route/choice.h"

enum { KNOWN_MIN = 5 }; /* answers of a copy before anybody says what is late there */

/* A quiet hour saves up no more than this. */
static const double left_max = 10;

/* Less than this is not worth a second request. */
static const double late_least_s = 0.5;

static bool is_idle(const struct board *b, const struct errand_option *o);

void budget_earn(struct budget *b, double share)
{
    b->left = b->left + share < left_max ? b->left + share : left_max;
}

bool budget_spend(struct budget *b)
{
    if (b->left < 1)
        return false;
    b->left -= 1;
    return true;
}

/* The costs have the usual ratio in them, and what is late is as many times longer as the window's
 * longest are than that. */
double hedge_late_s(const struct costs *c, const struct board_copy *copy, double prompt_tokens)
{
    double usual = estimate_ratio(&copy->estimate, ESTIMATE_prompt, prompt_tokens);
    double late = estimate_p95(&copy->estimate, ESTIMATE_prompt);

    if (copy->machine == BOARD_NONE || copy->state != COPY_loaded || c->is_doubtful ||
        copy->estimate.all[ESTIMATE_prompt].count < KNOWN_MIN)
        return INFINITY;
    return fmax(late_least_s, c->first_s + c->prompt_s * fmax(0, late / usual - 1));
}

void hedge_narrow(struct errand *second, const struct board *b, const struct errand *late,
                  uint64_t now_ms)
{
    int machine = b->copies[late->copy].machine;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < late->options_count; i++) {
        const struct errand_option *o = &late->options[i];

        if (choice_rejects(b, late, i, now_ms) == REJECTION_none && o->tier == TIER_first &&
            o->parity <= PARITY_equivalent && b->copies[o->copy].machine != machine &&
            is_idle(b, o))
            second->options[kept++] = *o;
    }
    second->options_count = kept;
}

static bool is_idle(const struct board *b, const struct errand_option *o)
{
    const struct board_copy *c = &b->copies[o->copy];

    return c->machine != BOARD_NONE && c->state == COPY_loaded && c->run_count < c->slots &&
           c->planned_s <= 0;
}

bool hedge_pays(double other_first_s, double waited_s)
{
    return other_first_s < waited_s / 2;
}
