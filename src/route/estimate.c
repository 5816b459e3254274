/* SPDX-License-Identifier: Apache-2.0 */
/* Ratios of observed to expected, learned as medians over short windows. */
#include "route/estimate.h"

#include <math.h>
#include <string.h>

static void conclude(struct estimate *e, enum estimate_kind kind);
static unsigned bucket_of(double context_tokens);
static double lean(const struct ratios *r, double on);
static void sort(float *values, uint32_t count);

/* How many samples what a bucket leans on is worth. */
static const double prior_samples = 1;

void estimate_learn(struct estimate *e, enum estimate_kind kind, double context_tokens,
                    double observed_s, double expected_s)
{
    if (!(observed_s > 0) || !(expected_s > 0))
        return;
    ratios_add(&e->all[kind], observed_s / expected_s);
    ratios_add(&e->buckets[kind][bucket_of(context_tokens)], observed_s / expected_s);
    conclude(e, kind);
}

void estimate_start(struct estimate *e, enum estimate_kind kind, double ratio)
{
    if (!(ratio > 0) || !isfinite(ratio))
        return;
    e->start[kind] = (float)(ratio - 1);
    conclude(e, kind);
}

static void conclude(struct estimate *e, enum estimate_kind kind)
{
    double all = lean(&e->all[kind], 1 + (double)e->start[kind]);

    for (unsigned i = 0; i < ESTIMATE_BUCKETS; i++)
        e->learned[kind][i] = (float)(lean(&e->buckets[kind][i], all) - 1);
}

void estimate_forget(struct estimate *e, enum estimate_kind kind)
{
    e->all[kind] = (struct ratios){0};
    memset(e->buckets[kind], 0, sizeof e->buckets[kind]);
    memset(e->learned[kind], 0, sizeof e->learned[kind]);
    e->start[kind] = 0;
}

double estimate_ratio(const struct estimate *e, enum estimate_kind kind, double context_tokens)
{
    return 1 + (double)e->learned[kind][bucket_of(context_tokens)];
}

double estimate_p95(const struct estimate *e, enum estimate_kind kind)
{
    return e->all[kind].count ? (double)e->all[kind].p95 : 1 + (double)e->start[kind];
}

void ratios_add(struct ratios *r, double value)
{
    float sorted[ESTIMATE_WINDOW];

    r->window[r->next] = (float)value;
    r->next = (r->next + 1) % ESTIMATE_WINDOW;
    if (r->count < ESTIMATE_WINDOW)
        r->count++;
    memcpy(sorted, r->window, r->count * sizeof *sorted);
    sort(sorted, r->count);
    r->median = (sorted[(r->count - 1) / 2] + sorted[r->count / 2]) / 2;
    r->p95 = sorted[(r->count * 95 - 1) / 100];
}

/* Up to 2K, 8K, 32K tokens, and more: attention makes each several times dearer. */
static unsigned bucket_of(double context_tokens)
{
    return context_tokens < 2048 ? 0 : context_tokens < 8192 ? 1 : context_tokens < 32768 ? 2 : 3;
}

static double lean(const struct ratios *r, double on)
{
    return (r->count * (double)r->median + prior_samples * on) / (r->count + prior_samples);
}

/* By insertion: the window is short. */
static void sort(float *values, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = i; k > 0 && values[k] < values[k - 1]; k--) {
            float swapped = values[k];

            values[k] = values[k - 1];
            values[k - 1] = swapped;
        }
}
