/* SPDX-License-Identifier: Apache-2.0 */
/* Change points in how long a copy takes, over how long it should. */
#include "route/drift.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static_assert(DRIFT_LATELY <= DRIFT_USUAL, "both are sorted in the same room");

static double middle(const float *values, uint32_t count);
static bool look_slower(struct drift *d, double over);
static bool look_faster(struct drift *d, double over);

/* In log ratios: what is overlooked, what one request may say at most, how much must add up. */
static const double slack = 0.25, most = 1.4, enough_slower = 3, enough_faster = 2, follow = 0.03;

bool drift_note(struct drift *d, double ratio)
{
    double over;

    if (!(ratio > 0) || !isfinite(ratio))
        return false;
    d->lately[d->count % DRIFT_LATELY] = (float)log(ratio);
    if (d->count < DRIFT_USUAL) {
        d->first[d->count] = (float)log(ratio);
        d->usual = fmin(middle(d->first, d->count + 1), log(DRIFT_FORGIVEN));
    }
    d->count++;
    over = log(ratio) - d->usual;
    over = fmax(-most, fmin(most, over));
    return d->is_slow ? look_faster(d, over) : look_slower(d, over);
}

double drift_factor(const struct drift *d)
{
    uint32_t count = d->count < DRIFT_LATELY ? d->count : DRIFT_LATELY;

    return count ? exp(middle(d->lately, count)) : 1;
}

static bool look_slower(struct drift *d, double over)
{
    /* Six requests do not say exactly what is usual: the others help, a little each. */
    d->usual = fmin(d->usual + follow * over, log(DRIFT_FORGIVEN));
    d->slower = fmax(0, d->slower + over - slack);
    if (d->slower < enough_slower)
        return false;
    d->is_slow = true;
    d->slower = d->faster = 0;
    return true;
}

/* Half way back is not yet well. */
static bool look_faster(struct drift *d, double over)
{
    d->faster = fmax(0, d->faster + 2 * slack - over);
    if (d->faster < enough_faster)
        return false;
    d->is_slow = false;
    d->slower = d->faster = 0;
    return true;
}

/* The median. */
static double middle(const float *values, uint32_t count)
{
    float sorted[DRIFT_USUAL];

    memcpy(sorted, values, count * sizeof *sorted);
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = i; k > 0 && sorted[k] < sorted[k - 1]; k--) {
            float swapped = sorted[k];

            sorted[k] = sorted[k - 1];
            sorted[k - 1] = swapped;
        }
    return ((double)sorted[(count - 1) / 2] + (double)sorted[count / 2]) / 2;
}
