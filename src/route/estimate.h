/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was measured of a copy, over what was expected of it: the speeds that decisions use.
 *
 *     estimate_learn(&e, ESTIMATE_decode, context_tokens, observed_s, expected_s);
 *     step_s = expect_step_s(…) * estimate_ratio(&e, ESTIMATE_decode, context_tokens);
 *
 * Medians, not means: one stall says nothing about the next request. Each ratio is the median of
 * the last ESTIMATE_WINDOW, in buckets by tokens of context; a bucket with few of its own leans on
 * the copy's others, and these on where they start: on what a bench found, or on 1, which is the
 * model's word. Zeroed memory knows nothing yet. A change of speed (a driver, heat) is believed
 * after half a window. Pure.
 */
#pragma once

#include <stdint.h>

enum { ESTIMATE_WINDOW = 15, ESTIMATE_BUCKETS = 4 };

enum estimate_kind { ESTIMATE_decode, ESTIMATE_prompt, ESTIMATE_load, ESTIMATE_KINDS };

struct ratios {
    float window[ESTIMATE_WINDOW];
    uint32_t count, next;
    float median, p95;
};

struct estimate {
    struct ratios buckets[ESTIMATE_KINDS][ESTIMATE_BUCKETS], all[ESTIMATE_KINDS];
    float learned[ESTIMATE_KINDS][ESTIMATE_BUCKETS]; /* ratio − 1, so that zeroed memory is right */
    float start[ESTIMATE_KINDS];                     /* the same, of a bench */
};

/* What took observed_s was expected to take expected_s. Nonsense (not positive) is ignored. */
void estimate_learn(struct estimate *e, enum estimate_kind kind, double context_tokens,
                    double observed_s, double expected_s);

/* A bench found that: until requests say otherwise. Nonsense (not positive) is ignored. */
void estimate_start(struct estimate *e, enum estimate_kind kind, double ratio);

/* Nothing was measured yet, by no bench either. */
void estimate_forget(struct estimate *e, enum estimate_kind kind);

/* What the expectation has to be multiplied with. */
double estimate_ratio(const struct estimate *e, enum estimate_kind kind, double context_tokens);

/* The same for one request in twenty, which takes longest; not by context. */
double estimate_p95(const struct estimate *e, enum estimate_kind kind);

/* One more into the window. */
void ratios_add(struct ratios *r, double value);
