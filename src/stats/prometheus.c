/* SPDX-License-Identifier: Apache-2.0 */
/* Series as Prometheus reads them: text format 0.0.4. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/auto.h"
#include "stats/series.h"

static int by_name(const void *a, const void *b);
static int write_head(struct buf *out, enum counter c);
static int write_series(struct buf *out, const struct series *s);
static int write_times(struct buf *out, const struct series *s);
static int write_bucket(struct buf *out, const struct series *s, const char *bound, uint64_t count);

static const char *const kind_words[] = {
    [KIND_counter] = "counter", [KIND_gauge] = "gauge", [KIND_seconds] = "histogram"};

int stats_write(struct stats *s, struct buf *out)
{
    AUTO_BYTES(struct series **) all = NULL;
    size_t count = stats_snapshot(s, &all);
    int r = 0;

    if (!all)
        return -ENOMEM;
    qsort(all, count, sizeof *all, by_name);
    for (size_t i = 0; i < count && r == 0; i++) {
        if (i == 0 || all[i]->counter != all[i - 1]->counter)
            r = write_head(out, all[i]->counter);
        if (r == 0)
            r = all[i]->times ? write_times(out, all[i]) : write_series(out, all[i]);
    }
    return r;
}

/* Counters in the table's order, which is alphabetical; each one's series by their labels. */
static int by_name(const void *a, const void *b)
{
    const struct series *left = *(struct series *const *)a, *right = *(struct series *const *)b;
    size_t shorter = left->labels.len < right->labels.len ? left->labels.len : right->labels.len;
    int order;

    if (left->counter != right->counter)
        return left->counter < right->counter ? -1 : 1;
    order = memcmp(left->labels.data, right->labels.data, shorter);
    if (order)
        return order;
    return (left->labels.len > right->labels.len) - (left->labels.len < right->labels.len);
}

static int write_head(struct buf *out, enum counter c)
{
    const struct counter_row *row = &counter_rows[c];

    return buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->words, row->name,
                      kind_words[row->kind]);
}

static int write_series(struct buf *out, const struct series *s)
{
    const char *name = counter_rows[s->counter].name;
    int64_t value = series_value(s);

    if (!s->labels.len)
        return buf_printf(out, "%s %" PRId64 "\n", name, value);
    return buf_printf(out, "%s{%.*s} %" PRId64 "\n", name, STR_ARG(s->labels), value);
}

/* The count is the sum of the buckets that were read, so one scrape never contradicts itself. */
static int write_times(struct buf *out, const struct series *s)
{
    const char *name = counter_rows[s->counter].name, *open = s->labels.len ? "{" : "",
               *close = s->labels.len ? "}" : "";
    uint64_t count = 0, sum_us = atomic_load_explicit(&s->times->sum_us, memory_order_relaxed);
    int r = 0;

    for (size_t i = 0; i <= TIMES_BOUNDS && r == 0; i++) {
        count += atomic_load_explicit(&s->times->buckets[i], memory_order_relaxed);
        r = write_bucket(out, s, i < TIMES_BOUNDS ? times_bounds[i].text : "+Inf", count);
    }
    if (r < 0)
        return r;
    return buf_printf(out,
                      "%s_sum%s%.*s%s %" PRIu64 ".%06" PRIu64 "\n%s_count%s%.*s%s %" PRIu64 "\n",
                      name, open, STR_ARG(s->labels), close, sum_us / 1000000, sum_us % 1000000,
                      name, open, STR_ARG(s->labels), close, count);
}

static int write_bucket(struct buf *out, const struct series *s, const char *bound, uint64_t count)
{
    return buf_printf(out, "%s_bucket{%.*s%sle=\"%s\"} %" PRIu64 "\n",
                      counter_rows[s->counter].name, STR_ARG(s->labels), s->labels.len ? "," : "",
                      bound, count);
}
