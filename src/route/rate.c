/* SPDX-License-Identifier: Apache-2.0 */
/* How much of something there was lately. */
#include "route/rate.h"

#include <math.h>

double rate_sum(const struct rate *r, double memory_s, uint64_t now_ms)
{
    double age_s = now_ms > r->at_ms ? (double)(now_ms - r->at_ms) / 1e3 : 0;

    return r->weight > 0 ? r->weight * exp(-age_s / memory_s) : 0;
}

void rate_add(struct rate *r, double amount, double memory_s, uint64_t now_ms)
{
    r->weight = rate_sum(r, memory_s, now_ms) + amount;
    r->at_ms = now_ms;
}

double rate_per_s(const struct rate *r, double memory_s, uint64_t now_ms)
{
    return rate_sum(r, memory_s, now_ms) / memory_s;
}
