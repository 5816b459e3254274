/* SPDX-License-Identifier: Apache-2.0 */
/* Series as Prometheus reads them: text format 0.0.4, and OpenMetrics 1.0, which has exemplars. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/auto.h"
#include "stats/series.h"

enum { LABELS_MAX = 4096 };

/* What is written: whose names and labels, in which form. */
struct sheet {
    struct buf *out;
    const struct stats_form *form;
    const char *name;
    struct str labels;
    double divisor;
};

static int by_name(const void *a, const void *b);
static int write_own(struct buf *out, const struct stats_form *form, struct series **all,
                     size_t count);
static int write_aliases(struct buf *out, const struct stats_form *form, struct series **all,
                         size_t count);
static int write_alias(struct buf *out, const struct stats_form *form, const struct alias_row *row,
                       bool has_head, const struct series *s);
static int write_head(const struct sheet *to, enum counter_kind kind, const char *words);
static int write_one(const struct sheet *to, const struct series *s);
static int write_series(const struct sheet *to, const struct series *s);
static int write_times(const struct sheet *to, const struct series *s);
static int write_bucket(const struct sheet *to, const struct times *t, size_t bucket,
                        uint64_t count);
static int write_exemplar(struct buf *out, const struct times *t, size_t bucket);

static const char *const kind_words[] = {[KIND_counter] = "counter",
                                         [KIND_gauge] = "gauge",
                                         [KIND_real] = "gauge",
                                         [KIND_seconds] = "histogram",
                                         [KIND_tokens] = "histogram"};

int stats_write(struct stats *s, const struct stats_form *form, struct buf *out)
{
    AUTO_BYTES(struct series **) all = NULL;
    size_t count = stats_snapshot(s, &all);
    int r;

    if (!all)
        return -ENOMEM;
    qsort(all, count, sizeof *all, by_name);
    r = write_own(out, form, all, count);
    if (r == 0)
        r = write_aliases(out, form, all, count);
    return r == 0 && form->is_openmetrics ? buf_put(out, STR("# EOF\n")) : r;
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

static int write_own(struct buf *out, const struct stats_form *form, struct series **all,
                     size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        const struct counter_row *row = &counter_rows[all[i]->counter];
        struct sheet to = {out, form, row->name, all[i]->labels, 1};

        if (i == 0 || all[i]->counter != all[i - 1]->counter)
            r = write_head(&to, row->kind, row->words);
        if (r == 0)
            r = write_one(&to, all[i]);
    }
    return r;
}

/* O(aliases × series), while somebody asks for aliases: tens of thousands of comparisons. */
static int write_aliases(struct buf *out, const struct stats_form *form, struct series **all,
                         size_t count)
{
    const char *written = "";
    int r = 0;

    for (size_t k = 0; k < alias_count && r == 0; k++)
        for (size_t i = 0; i < count && r == 0; i++) {
            if (!(alias_rows[k].set & form->also) || all[i]->counter != alias_rows[k].counter)
                continue;
            r = write_alias(out, form, &alias_rows[k], strcmp(written, alias_rows[k].name) == 0,
                            all[i]);
            if (r == 0)
                written = alias_rows[k].name;
            r = r == -ENOENT ? 0 : r;
        }
    return r;
}

/* -ENOENT: the series is none of the alias'. */
static int write_alias(struct buf *out, const struct stats_form *form, const struct alias_row *row,
                       bool has_head, const struct series *s)
{
    struct sheet to = {out, form, row->name, STR(""), row->divisor};
    struct buf labels;
    int r;

    buf_init(&labels, LABELS_MAX);
    r = alias_write_labels(&labels, row, s);
    to.labels = buf_str(&labels);
    if (r == 0 && !has_head)
        r = write_head(&to, counter_rows[s->counter].kind, row->words);
    if (r == 0)
        r = write_one(&to, s);
    buf_fini(&labels);
    return r;
}

/* OpenMetrics names a counter without its suffix. */
static int write_head(const struct sheet *to, enum counter_kind kind, const char *words)
{
    struct str name = str_from(to->name);

    if (to->form->is_openmetrics && kind == KIND_counter && str_ends(name, STR("_total")))
        name.len -= sizeof "_total" - 1;
    return buf_printf(to->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", STR_ARG(name), words,
                      STR_ARG(name), kind_words[kind]);
}

static int write_one(const struct sheet *to, const struct series *s)
{
    return s->times ? write_times(to, s) : write_series(to, s);
}

static int write_series(const struct sheet *to, const struct series *s)
{
    int64_t value = series_value(s);
    double divisor = to->divisor * (counter_rows[s->counter].kind == KIND_real ? 1e6 : 1);
    int r;

    if (!series_is_known(s))
        return 0;
    r = buf_put(to->out, str_from(to->name));
    if (r == 0 && to->labels.len)
        r = buf_printf(to->out, "{%.*s}", STR_ARG(to->labels));
    if (r < 0)
        return r;
    if (divisor != 1)
        return buf_printf(to->out, " %.6f\n", (double)value / divisor);
    return buf_printf(to->out, " %" PRId64 "\n", value);
}

/* The count is the sum of the buckets that were read, so one scrape never contradicts itself. */
static int write_times(const struct sheet *to, const struct series *s)
{
    const struct times *t = s->times;
    const char *open = to->labels.len ? "{" : "", *close = to->labels.len ? "}" : "";
    uint64_t count = 0, sum = atomic_load_explicit(&t->sum, memory_order_relaxed);
    int r = 0;

    for (size_t i = 0; i <= t->scale->count && r == 0; i++) {
        count += atomic_load_explicit(&t->buckets[i], memory_order_relaxed);
        r = write_bucket(to, t, i, count);
    }
    if (r < 0)
        return r;
    r = buf_printf(to->out, "%s_sum%s%.*s%s %" PRIu64, to->name, open, STR_ARG(to->labels), close,
                   sum / t->scale->unit);
    if (r == 0 && t->scale->unit > 1)
        r = buf_printf(to->out, ".%06" PRIu64, sum % t->scale->unit);
    if (r < 0)
        return r;
    return buf_printf(to->out, "\n%s_count%s%.*s%s %" PRIu64 "\n", to->name, open,
                      STR_ARG(to->labels), close, count);
}

static int write_bucket(const struct sheet *to, const struct times *t, size_t bucket,
                        uint64_t count)
{
    const char *bound = bucket < t->scale->count ? t->scale->bounds[bucket].text : "+Inf";
    int r = buf_printf(to->out, "%s_bucket{%.*s%sle=\"%s\"} %" PRIu64, to->name,
                       STR_ARG(to->labels), to->labels.len ? "," : "", bound, count);

    if (r == 0 && to->form->is_openmetrics && t->exemplars)
        r = write_exemplar(to->out, t, bucket);
    return r < 0 ? r : buf_put(to->out, STR("\n"));
}

/* The last request of that bucket: `tampu why` tells more of it. */
static int write_exemplar(struct buf *out, const struct times *t, size_t bucket)
{
    struct exemplar last;

    pthread_mutex_lock(&t->exemplars->lock);
    last = t->exemplars->rows[bucket];
    pthread_mutex_unlock(&t->exemplars->lock);
    if (!*last.id)
        return 0;
    return buf_printf(out, " # {request_id=\"%s\"} %.6f %" PRId64 ".%06" PRId64, last.id,
                      (double)last.value / (double)t->scale->unit, last.wall_us / 1000000,
                      last.wall_us % 1000000);
}
