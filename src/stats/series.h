/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a series is made of: shared by stats.c, which counts, and prometheus.c, which shows.
 *
 * Nobody outside this folder includes it.
 */
#pragma once

#include <stdatomic.h>

#include "stats/stats.h"

enum counter_kind { KIND_counter, KIND_gauge, KIND_seconds };

struct counter_row {
    const char *name; /* with tampu_ in front */
    enum counter_kind kind;
    const char *labels; /* names, separated by commas */
    const char *words;
};

enum { TIMES_BOUNDS = 18 };

/* The upper bound of a bucket, in microseconds and as Prometheus writes it. */
struct times_bound {
    uint64_t us;
    const char *text;
};

/* A histogram of durations; the last bucket is everything above the last bound. */
struct times {
    _Atomic uint64_t buckets[TIMES_BOUNDS + 1];
    _Atomic uint64_t sum_us;
};

struct series {
    enum counter counter;
    struct str labels; /* escaped: machine="a",model="b"; a part of key */
    char *key;
    _Atomic int64_t value;
    struct times *times; /* for KIND_seconds only */
    struct series *older;
};

extern const struct counter_row counter_rows[COUNTER_COUNT];
extern const struct times_bound times_bounds[TIMES_BOUNDS];

void times_observe(struct times *t, uint64_t us);
int64_t times_count(const struct times *t);

/* Every series in an array that the caller frees; NULL without memory. Returns their number. */
size_t stats_snapshot(struct stats *s, struct series ***ret);
