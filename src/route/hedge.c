/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets for asking twice, and when to. */
#include "route/hedge.h"

/* A quiet hour saves up no more than this. */
static const double left_max = 10;

/* Less than this is not worth a second request. */
static const double waited_least_s = 0.5;

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

/* What is already later than usual will last about as long again. */
bool hedge_is_due(double first_expected_s, double p95, double waited_s, double other_first_s)
{
    double usual_s = first_expected_s * (p95 > 1 ? p95 : 1);

    return waited_s > waited_least_s && waited_s > usual_s && other_first_s < waited_s / 2;
}
