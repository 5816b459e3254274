/* SPDX-License-Identifier: Apache-2.0 */
/* What came of a play. */
#include "sim/tally.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

static struct quantiles quantiles_of(float *values, uint32_t count);
static int compare(const void *a, const void *b);

void tally_init(struct tally *t, uint32_t requests)
{
    *t = (struct tally){.room = requests};
    t->firsts = memory_need(requests + 1, sizeof *t->firsts);
    t->tokens = memory_need(requests + 1, sizeof *t->tokens);
    t->slowdowns = memory_need(requests + 1, sizeof *t->slowdowns);
    for (unsigned i = 0; i < ESTIMATE_KINDS; i++)
        t->errors_of[i] = memory_need(requests + 1, sizeof *t->errors_of[i]);
}

void tally_free(struct tally *t)
{
    free(t->firsts);
    free(t->tokens);
    free(t->slowdowns);
    t->firsts = t->tokens = t->slowdowns = NULL;
    free(TAKE(t->told));
    for (unsigned i = 0; i < ESTIMATE_KINDS; i++)
        free(TAKE(t->errors_of[i]));
}

void tally_add(struct tally *t, const struct trace_row *row, double first_s, double finish_s,
               double ideal_s)
{
    const struct demand_row *d = &demands[row->demand];
    double token_s = row->output_tokens > 1 ? (finish_s - first_s) / (row->output_tokens - 1) : 0;

    t->completed++;
    t->firsts[t->firsts_count] = (float)first_s;
    t->slowdowns[t->firsts_count++] = (float)(finish_s / ideal_s);
    if (row->output_tokens > 1)
        t->tokens[t->tokens_count++] = (float)token_s;
    t->good += first_s <= d->first_slo_s && token_s <= d->token_slo_s;
}

void tally_tell(struct tally *t, const struct told *told)
{
    if (t->told)
        t->told[t->told_count++] = *told;
}

void tally_end(struct tally *t)
{
    t->first_s = quantiles_of(t->firsts, t->firsts_count);
    t->slowdown = quantiles_of(t->slowdowns, t->firsts_count);
    t->token_s = quantiles_of(t->tokens, t->tokens_count);
    for (unsigned i = 0; i < ESTIMATE_KINDS; i++)
        t->errors[i] = quantiles_of(t->errors_of[i], t->errors_count[i]);
    t->goodput = t->requests ? (double)t->good / t->requests : 0;
    t->loads_per_hour = t->span_s > 0 ? (double)t->loads * 3600 / t->span_s : 0;
}

void tally_judge(struct tally *t, enum estimate_kind kind, double expected_s, double took_s)
{
    if (took_s > 0 && t->errors_count[kind] < t->room)
        t->errors_of[kind][t->errors_count[kind]++] = (float)fabs(expected_s / took_s - 1);
}

double tally_quantile(const float *sorted, uint32_t count, double part)
{
    uint32_t at = (uint32_t)(part * count);

    return count ? (double)sorted[at < count ? at : count - 1] : 0;
}

static struct quantiles quantiles_of(float *values, uint32_t count)
{
    if (count)
        qsort(values, count, sizeof *values, compare);
    return (struct quantiles){tally_quantile(values, count, 0.5),
                              tally_quantile(values, count, 0.95),
                              tally_quantile(values, count, 0.99)};
}

static int compare(const void *a, const void *b)
{
    const float *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}
