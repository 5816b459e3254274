/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms: durations from a millisecond to half an hour, tokens from one to 64 Mi. */
#include <stdlib.h>

#include "base/memory.h"
#include "stats/series.h"

/* A cached token takes milliseconds, a cold load of a large model minutes. */
static const struct times_bound seconds[] = {
    {1000, "0.001"},    {5000, "0.005"},      {10000, "0.01"},    {25000, "0.025"},
    {50000, "0.05"},    {100000, "0.1"},      {250000, "0.25"},   {500000, "0.5"},
    {1000000, "1"},     {2500000, "2.5"},     {5000000, "5"},     {10000000, "10"},
    {30000000, "30"},   {60000000, "60"},     {120000000, "120"}, {300000000, "300"},
    {600000000, "600"}, {1800000000, "1800"},
};

/* Those that OpenTelemetry advises. */
static const struct times_bound tokens[] = {
    {1, "1"},
    {4, "4"},
    {16, "16"},
    {64, "64"},
    {256, "256"},
    {1024, "1024"},
    {4096, "4096"},
    {16384, "16384"},
    {65536, "65536"},
    {262144, "262144"},
    {1048576, "1048576"},
    {4194304, "4194304"},
    {16777216, "16777216"},
    {67108864, "67108864"},
};

static const struct times_scale scales[] = {
    [KIND_seconds] = {seconds, COUNT_OF(seconds), 1000000},
    [KIND_tokens] = {tokens, COUNT_OF(tokens), 1},
};

struct times *times_new(enum counter_kind kind, bool has_exemplars)
{
    struct times *t = memory_need(1, sizeof *t);

    t->scale = &scales[kind];
    if (has_exemplars) {
        t->exemplars = memory_need(1, sizeof *t->exemplars);
        pthread_mutex_init(&t->exemplars->lock, NULL);
    }
    return t;
}

void times_free(struct times *t)
{
    if (t && t->exemplars)
        pthread_mutex_destroy(&t->exemplars->lock);
    if (t)
        free(t->exemplars);
    free(t);
}

void times_observe(struct times *t, uint64_t value)
{
    size_t i = times_bucket(t, value);

    atomic_fetch_add_explicit(&t->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->sum, value, memory_order_relaxed);
}

size_t times_bucket(const struct times *t, uint64_t value)
{
    size_t i = 0;

    while (i < t->scale->count && value > t->scale->bounds[i].most)
        i++;
    return i;
}

int64_t times_count(const struct times *t)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= t->scale->count; i++)
        count += atomic_load_explicit(&t->buckets[i], memory_order_relaxed);
    return (int64_t)count;
}
