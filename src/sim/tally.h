/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came of a play: times, how many were served well, loads, money.
 *
 *     tally_add(&t, first_s, finish_s, …);   for each request
 *     tally_end(&t);                          then the quantiles are there
 */
#pragma once

#include <stdint.h>

#include "base/auto.h"
#include "route/estimate.h"
#include "sim/trace.h"

struct quantiles {
    double p50, p95, p99;
};

/* One request that was answered; seconds of the trace. */
struct told {
    struct str name, machine, tag; /* what was asked for, and who answered; no machine: the cloud */
    double at_s, sent_s, load_s, first_s, end_s; /* sent_s: to who answered */
    uint32_t attempts;
};

struct tally {
    const char *policy;
    uint32_t requests, completed, lost, continued, retried, cloud_requests;
    uint32_t stranded; /* of the lost: no machine that was left had the context for it */
    uint32_t good;     /* in time, and fast enough */
    double goodput;    /* share of them */
    uint64_t loads, evictions;
    double loads_per_hour, span_s;
    double money_micro;
    struct quantiles first_s, token_s, slowdown;
    struct quantiles errors[ESTIMATE_KINDS]; /* of what was expected, as parts of what it took */
    uint32_t errors_count[ESTIMATE_KINDS];

    float *firsts, *tokens, *slowdowns, *errors_of[ESTIMATE_KINDS];
    uint32_t firsts_count, tokens_count, room;
    struct told *told; /* as they ended; told_count of them. NULL: nobody asks */
    uint32_t told_count;
};

/* For so many requests at most. */
void tally_init(struct tally *t, uint32_t requests);
void tally_free(struct tally *t);

/* One that was answered; ideal_s: how long it would have taken on the best copy, idle and loaded.
 */
void tally_add(struct tally *t, const struct trace_row *row, double first_s, double finish_s,
               double ideal_s);
void tally_tell(struct tally *t, const struct told *told);
void tally_end(struct tally *t);

/* What took took_s was expected to take expected_s. */
void tally_judge(struct tally *t, enum estimate_kind kind, double expected_s, double took_s);

/* The part-th of sorted values, 0 when there are none. */
double tally_quantile(const float *sorted, uint32_t count, double part);
