/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, gauges and histograms, cheap enough to leave on.
 *
 *     s = stats_series(stats, COUNTER_attempts_total, (struct str[]){machine, model});
 *     series_add(s, 1);
 *     stats_write(stats, &form, &out);           as Prometheus reads them
 *
 * A series is found once (a mutex and a table) and kept by whoever counts; adding is one relaxed
 * atomic. Series never die before the stats; their number has a ceiling, beyond which the
 * label values become "other".
 * Thread-safe. Pure: durations are handed in.
 */
#pragma once

#include "base/buf.h"

enum counter {
#define COUNTER(name, kind, labels, words) COUNTER_##name,
#include "tables/counters.def"
    COUNTER_COUNT
};

struct stats;
struct series;

/* Aborts without memory: made at start. */
struct stats *stats_new(void);
void stats_free(struct stats *s);

/* Exemplars for series that are made from now on: at start. */
void stats_keep_exemplars(struct stats *s);

/* labels: as many as the row names, in its order; NULL when it names none. Never NULL. */
struct series *stats_series(struct stats *s, enum counter c, const struct str *labels);

void series_add(struct series *s, uint64_t n);
void series_set(struct series *s, int64_t value);
void series_set_real(struct series *s, double value); /* kind real: kept in millionths */
void series_forget(struct series *s);                 /* no value: not written until it has one */
bool series_is_known(const struct series *s);
void series_shift(struct series *s, int64_t by); /* gauges: up and down */
void series_observe_us(struct series *s, uint64_t us);
void series_observe_tokens(struct series *s, uint64_t tokens);

/* Whether the last request of each bucket is remembered: then series_exemplar() behind the
 * observation says which it was. Ids that are no plain word are left out. */
bool series_wants_exemplar(const struct series *s);
void series_exemplar(struct series *s, uint64_t us, struct str id, int64_t wall_us);

int64_t series_value(
    const struct series *s); /* for tests, status and reconciliation; a histogram: its count */

/* One series as numbers. */
enum { STATS_BOUNDS_MAX = 18 };
struct stats_point {
    const char *name, *words;
    struct str labels; /* machine="a",model="b", values escaped as Prometheus has them */
    bool is_counter, is_real, is_histogram, is_seconds; /* real: value is in millionths */
    int64_t value;
    size_t bounds_count; /* of a histogram; there is one count more */
    double bounds[STATS_BOUNDS_MAX], sum;
    uint64_t counts[STATS_BOUNDS_MAX + 1];
};
typedef void stats_point_fn(void *ctx, const struct stats_point *p);

/* Those of one name follow each other. 0 or -ENOMEM. */
MUST_USE int stats_each(struct stats *s, stats_point_fn *fn, void *ctx);

/* Other people's names that stand beside ours: tables/aliases.def. */
enum stats_also { STATS_genai = 1, STATS_litellm = 2 };

struct stats_form {
    bool is_openmetrics; /* 1.0.0, with exemplars; else the text format 0.0.4 */
    unsigned also;       /* of enum stats_also */
};

/* Every series that was ever touched, sorted, with HELP and TYPE. */
MUST_USE int stats_write(struct stats *s, const struct stats_form *form, struct buf *out);
