/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a series is made of: shared by stats.c, which counts, and by prometheus.c and aliases.c,
 * which show.
 *
 * Nobody outside this folder includes it.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "stats/stats.h"

enum counter_kind { KIND_counter, KIND_gauge, KIND_real, KIND_seconds, KIND_tokens };

struct counter_row {
    const char *name; /* with tampu_ in front */
    enum counter_kind kind;
    const char *labels; /* names, separated by commas */
    const char *words;
};

enum { TIMES_BOUNDS_MAX = STATS_BOUNDS_MAX, EXEMPLAR_ID_MAX = 40 };

/* The upper bound of a bucket, in microseconds or tokens, and as Prometheus writes it. */
struct times_bound {
    uint64_t most;
    const char *text;
};

struct times_scale {
    const struct times_bound *bounds;
    size_t count;
    uint64_t unit; /* what the sum is divided by */
};

/* The last request that fell into a bucket. */
struct exemplar {
    char id[EXEMPLAR_ID_MAX]; /* empty: none yet */
    uint64_t value;
    int64_t wall_us;
};

struct exemplars {
    pthread_mutex_t lock;
    struct exemplar rows[TIMES_BOUNDS_MAX + 1];
};

/* A histogram; the last bucket is everything above the last bound. */
struct times {
    const struct times_scale *scale;
    _Atomic uint64_t buckets[TIMES_BOUNDS_MAX + 1];
    _Atomic uint64_t sum;
    struct exemplars *exemplars; /* NULL: none are kept */
};

struct series {
    enum counter counter;
    struct str labels; /* escaped: machine="a",model="b"; a part of key */
    char *key;
    _Atomic int64_t value;
    struct times *times; /* for histograms only */
    struct series *older;
};

/* A counter under a name of other people's. */
struct alias_row {
    unsigned set; /* of enum stats_also */
    const char *name;
    enum counter counter;
    const char *labels;
    double divisor;
    const char *words;
};

extern const struct counter_row counter_rows[COUNTER_COUNT];
extern const struct alias_row alias_rows[];
extern const size_t alias_count;

/* Aborts without memory. */
struct times *times_new(enum counter_kind kind, bool has_exemplars);
void times_free(struct times *t);
void times_observe(struct times *t, uint64_t value);
int64_t times_count(const struct times *t);
size_t times_bucket(const struct times *t, uint64_t value);

/* Every series in an array that the caller frees; NULL without memory. Returns their number. */
size_t stats_snapshot(struct stats *s, struct series ***ret);

/* The series' labels in the alias' words, behind out. 0; -ENOENT: it is none of the alias'; or the
 * error of out. */
MUST_USE int alias_write_labels(struct buf *out, const struct alias_row *row,
                                const struct series *s);
