/* SPDX-License-Identifier: Apache-2.0 */
/* Series as numbers, for who writes them in another way. */
#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"
#include "stats/series.h"

static void fill(struct stats_point *p, const struct series *s);

int stats_each(struct stats *s, stats_point_fn *fn, void *ctx)
{
    AUTO_BYTES(struct series **) all = NULL;
    size_t count = stats_snapshot(s, &all);

    if (!all)
        return -ENOMEM;
    for (enum counter c = 0; c < COUNTER_COUNT; c++)
        for (size_t i = 0; i < count; i++) {
            struct stats_point p;

            if (all[i]->counter != c || !series_is_known(all[i]))
                continue;
            fill(&p, all[i]);
            fn(ctx, &p);
        }
    return 0;
}

static void fill(struct stats_point *p, const struct series *s)
{
    const struct counter_row *row = &counter_rows[s->counter];
    const struct times *t = s->times;

    *p = (struct stats_point){.name = row->name,
                              .words = row->words,
                              .labels = s->labels,
                              .is_counter = row->kind == KIND_counter,
                              .is_real = row->kind == KIND_real,
                              .is_histogram = t != NULL,
                              .is_seconds = row->kind == KIND_seconds};
    if (!t) {
        p->value = series_value(s);
        return;
    }
    p->bounds_count = t->scale->count;
    p->sum = (double)atomic_load_explicit(&t->sum, memory_order_relaxed) / (double)t->scale->unit;
    for (size_t i = 0; i <= t->scale->count; i++)
        p->counts[i] = atomic_load_explicit(&t->buckets[i], memory_order_relaxed);
    for (size_t i = 0; i < t->scale->count; i++)
        p->bounds[i] = (double)t->scale->bounds[i].most / (double)t->scale->unit;
}
