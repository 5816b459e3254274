/* SPDX-License-Identifier: Apache-2.0 */
/* When a stream is slow. */
#include "route/slow.h"

/* Far slower than learned, and the other one must be worth reading the whole prompt again. */
#define FAR        8.0
#define WORTHWHILE 4.0

bool slow_is_due(double step_s, uint32_t tokens, double seconds, double other_step_s)
{
    double seen_s = seconds / (tokens ? tokens : 1);

    return step_s > 0 && other_step_s > 0 && seconds >= SLOW_LOOK_S && seen_s > FAR * step_s &&
           seen_s > WORTHWHILE * other_step_s;
}
