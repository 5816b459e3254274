/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking twice: when a first token is late, who else may be asked, and a budget, so that hedges
 * cannot become the load they answer to.
 *
 *     budget_earn(&budget, HEDGE_SHARE);                 every request
 *     e->late_s = hedge_late_s(&costs, copy, context);   when it is sent
 *     if (waited_s >= e->late_s) hedge_narrow(second, board, e, now_ms);   who is left is idle
 *
 * Zeroed memory is an empty budget. Pure.
 */
#pragma once

#include "route/errand.h"

/* Of all requests so many may be asked twice. */
#define HEDGE_SHARE 0.02

struct budget {
    double left;
};

void budget_earn(struct budget *b, double share);

/* False: spent. */
bool budget_spend(struct budget *b);

/* After so many seconds its first token is later than 19 in 20 of that copy's are, by what was
 * learned of its reading; INFINITY: too little was learned, or it has to be loaded. */
double hedge_late_s(const struct costs *c, const struct board_copy *copy, double prompt_tokens);

/* Of the options of second, a copy of late, only those stay that could begin at once: what was
 * asked for or its equal, loaded, with a slot that nobody waits for, on another machine. */
void hedge_narrow(struct errand *second, const struct board *b, const struct errand *late,
                  uint64_t now_ms);

/* Worth a second request only if it would probably be there in half the time that has passed: what
 * is later than usual will last about as long again. */
bool hedge_pays(double other_first_s, double waited_s);
