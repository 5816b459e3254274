/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drift: has a copy become slower than it should be, and is it well again?
 *
 *     if (drift_note(&d, observed_s / expected_s))
 *         d.is_slow ? tell that it is drift_factor(&d) times slower : tell that it is back
 *
 * A change point is looked for on both sides (Page's cumulative sums over log ratios): one stall
 * says nothing, a lasting change is believed after a handful of requests. The model's word counts,
 * and what the copy itself did first: where the model errs a little, what is usual for the copy is
 * its measure, but never more than DRIFT_FORGIVEN times slower than the model says. Zeroed memory
 * knows nothing yet. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { DRIFT_USUAL = 6, DRIFT_LATELY = 5 };

#define DRIFT_FORGIVEN 1.6

struct drift {
    float first[DRIFT_USUAL]; /* log ratios of the first requests: what is usual here */
    float lately[DRIFT_LATELY];
    uint32_t count; /* of all that were noted */
    double usual, slower, faster;
    bool is_slow;
};

/* Took so many times as long as expected. Nonsense (not positive) is ignored. True when is_slow
 * changed. */
bool drift_note(struct drift *d, double ratio);

/* How many times as long as expected it takes lately; 1 when nothing is known. */
double drift_factor(const struct drift *d);
