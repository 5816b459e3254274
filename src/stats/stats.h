/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, gauges and histograms, cheap enough to leave on.
 *
 *     s = stats_series(stats, COUNTER_attempts_total, (struct str[]){machine, model});
 *     series_add(s, 1);
 *     stats_write(stats, &out);                  Prometheus text, version 0.0.4
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

/* labels: as many as the row names, in its order; NULL when it names none. Never NULL. */
struct series *stats_series(struct stats *s, enum counter c, const struct str *labels);

void series_add(struct series *s, uint64_t n);
void series_set(struct series *s, int64_t value);
void series_shift(struct series *s, int64_t by); /* gauges: up and down */
void series_observe_us(struct series *s, uint64_t us);
int64_t series_value(
    const struct series *s); /* for tests, status and reconciliation; a histogram: its count */

/* Every series that was ever touched, sorted, with HELP and TYPE. */
MUST_USE int stats_write(struct stats *s, struct buf *out);
