/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rate: so many units a minute, of which a minute's worth may be used at once.
 *
 *     wait_us = bucket_wait_us(&b, per_minute, units, now_us);      0: there is room
 *     bucket_take(&b, per_minute, units);                           may leave a debt
 *     bucket_give(&b, per_minute, units);                           what was not used after all
 *
 * A zeroed bucket is full. More units than a minute's worth pass when it is full. A debt is at most
 * an hour's worth. Pure: the time is passed in and may be that of any clock that only goes forward.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { BUCKET_DEBT_MINUTES = 60 };

/* Larger numbers count as this; UINT64_MAX a minute is no limit at all. */
#define BUCKET_UNITS_MAX UINT64_C(1000000000)

struct bucket {
    int64_t level; /* units × microseconds of a minute */
    uint64_t filled_us;
    bool is_begun;
};

uint64_t bucket_wait_us(struct bucket *b, uint64_t per_minute, uint64_t units, uint64_t now_us);
void bucket_take(struct bucket *b, uint64_t per_minute, uint64_t units);
void bucket_give(struct bucket *b, uint64_t per_minute, uint64_t units);
