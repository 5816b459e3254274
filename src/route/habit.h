/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Habits: what a copy's being loaded usually spares at each hour of the day.
 *
 *     habit_add(&h, seconds);                     a request was spared so much, or would have been
 *     habit_turn(&h, hour);                       another hour has begun: hours since 1970
 *     seconds = habit_foresee_s(&h, part);        that the coming hour will probably spare
 *
 * The last seven days are kept, a byte for each hour. What is usual at an hour of the day is the
 * median of the days that are known: one holiday changes nothing. An hour of which only a part was
 * seen is not known. Hours are those of the caller's clock, in whatever zone. Zeroed memory knows
 * nothing. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* HABIT_NOTHING: it spared nothing then. */
enum { HABIT_DAYS = 7, HABIT_HOURS = 24 * HABIT_DAYS, HABIT_NOTHING = 1 };

struct habit {
    float usual_s[2];           /* of this hour, and of the next */
    float now_s;                /* of this hour, so far */
    uint32_t hour;              /* this one; 0: nobody has said */
    bool is_whole;              /* it has been seen from its beginning */
    uint8_t hours[HABIT_HOURS]; /* by hour; 0: not known, else steps on a scale of logarithms */
};

void habit_add(struct habit *h, double spared_s);

/* Also backwards, or by days: what lies between is not known. */
void habit_turn(struct habit *h, uint32_t hour);

/* Of the 3,600 seconds from now on. part: how much of this hour is over, 0 to 1. */
static inline double habit_foresee_s(const struct habit *h, double part)
{
    return (1 - part) * (double)h->usual_s[0] + part * (double)h->usual_s[1];
}
