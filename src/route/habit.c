/* SPDX-License-Identifier: Apache-2.0 */
/* What a copy's being loaded usually spares at each hour of the day. */
#include "route/habit.h"

#include <math.h>

/* Sixteen steps double it: to two percent, up to seventeen hours. */
enum { STEPS = 16 };

static uint8_t quantised(double seconds);
static double seconds_of(uint8_t step);
static float usual_of(const struct habit *h, uint32_t hour);

void habit_add(struct habit *h, double spared_s)
{
    h->now_s += (float)spared_s;
}

void habit_turn(struct habit *h, uint32_t hour)
{
    bool is_next = h->hour && hour == h->hour + 1;

    if (hour == h->hour)
        return;
    if (h->hour)
        h->hours[h->hour % HABIT_HOURS] = h->is_whole && is_next ? quantised((double)h->now_s) : 0;
    for (uint32_t i = 1; h->hour && h->hour + i < hour && i < HABIT_HOURS; i++)
        h->hours[(h->hour + i) % HABIT_HOURS] = 0;
    h->hour = hour;
    h->is_whole = is_next;
    h->now_s = 0;
    for (unsigned i = 0; i < 2; i++)
        h->usual_s[i] = usual_of(h, hour + i);
}

static uint8_t quantised(double seconds)
{
    return (uint8_t)fmin(255, HABIT_NOTHING + round(STEPS * log2(1 + fmax(0, seconds))));
}

static double seconds_of(uint8_t step)
{
    return exp2((step - HABIT_NOTHING) / (double)STEPS) - 1;
}

/* The median of the days that are known; of an even number the mean of both in the middle. */
static float usual_of(const struct habit *h, uint32_t hour)
{
    uint8_t known[HABIT_DAYS];
    unsigned count = 0;

    for (unsigned day = 0; day < HABIT_DAYS; day++) {
        uint8_t step = h->hours[(hour + 24 * day) % HABIT_HOURS];
        unsigned at = count;

        if (!step)
            continue;
        for (; at > 0 && known[at - 1] > step; at--)
            known[at] = known[at - 1];
        known[at] = step;
        count++;
    }
    return count ? (float)((seconds_of(known[(count - 1) / 2]) + seconds_of(known[count / 2])) / 2)
                 : 0;
}
