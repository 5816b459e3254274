/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms of durations, from a millisecond to half an hour. */
#include "stats/series.h"

/* A cached token takes milliseconds, a cold load of a large model minutes. */
const struct times_bound times_bounds[TIMES_BOUNDS] = {
    {1000, "0.001"},    {5000, "0.005"},      {10000, "0.01"},    {25000, "0.025"},
    {50000, "0.05"},    {100000, "0.1"},      {250000, "0.25"},   {500000, "0.5"},
    {1000000, "1"},     {2500000, "2.5"},     {5000000, "5"},     {10000000, "10"},
    {30000000, "30"},   {60000000, "60"},     {120000000, "120"}, {300000000, "300"},
    {600000000, "600"}, {1800000000, "1800"},
};

void times_observe(struct times *t, uint64_t us)
{
    size_t i = 0;

    while (i < TIMES_BOUNDS && us > times_bounds[i].us)
        i++;
    atomic_fetch_add_explicit(&t->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->sum_us, us, memory_order_relaxed);
}

int64_t times_count(const struct times *t)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= TIMES_BOUNDS; i++)
        count += atomic_load_explicit(&t->buckets[i], memory_order_relaxed);
    return (int64_t)count;
}
