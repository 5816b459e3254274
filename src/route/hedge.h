/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets for asking twice: so that retries and hedges cannot become the load they answer to.
 *
 *     budget_earn(&budget, HEDGE_SHARE);                 every request
 *     if (hedge_is_due(expected_s, p95, waited_s, other_first_s) && budget_spend(&budget))
 *         ask the other one, too; whoever answers first is kept
 *
 * Zeroed memory is an empty budget. Pure.
 */
#pragma once

#include <stdbool.h>

/* Of all requests so many may be asked twice; retries after a failure are dearer to refuse. */
#define HEDGE_SHARE 0.02
#define RETRY_SHARE 0.2

struct budget {
    double left;
};

void budget_earn(struct budget *b, double share);

/* False: spent. */
bool budget_spend(struct budget *b);

/* The first token is later than 19 in 20 are (p95: of observed over expected), and another copy
 * that is loaded and idle would be there in less than half the time that is still to be expected.
 */
bool hedge_is_due(double first_expected_s, double p95, double waited_s, double other_first_s);
