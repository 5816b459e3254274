/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ceiling in bytes a second that many share, and the hours of the day in which it holds.
 *
 *     pace_set_hours(&p, STR("07:00-23:00"));              -EINVAL: no such hours
 *     pace_take(&p, bytes, now_us, minute);                what was moved just now
 *     wait_us = pace_wait_us(&p, now_us, minute);          0: go on
 *
 * A token bucket that is paid afterwards: what was taken is paid for at the ceiling's rate, and
 * who has taken nothing for a while may take PACE_BURST_US worth at once. Pure: the time is passed
 * in, in microseconds of any clock that only goes forward, and as the minute of the local day.
 * Not locked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

enum { PACE_BURST_US = 100000, PACE_DAY_MINUTES = 24 * 60 };

struct pace {
    uint64_t bytes_per_s; /* 0: no ceiling */
    unsigned from, until; /* minutes of the day; the same: always */
    uint64_t paid_at_us;  /* when all that was taken is paid for */
};

/* "22:30-06:00", also over midnight; empty: always. */
MUST_USE int pace_set_hours(struct pace *p, struct str hours);

bool pace_holds(const struct pace *p, unsigned minute);
void pace_take(struct pace *p, uint64_t bytes, uint64_t now_us, unsigned minute);
uint64_t pace_wait_us(const struct pace *p, uint64_t now_us, unsigned minute);

/* How much to move at once, so that nobody waits long: at most `most`. */
uint64_t pace_piece(const struct pace *p, uint64_t most, unsigned minute);
