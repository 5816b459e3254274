/* SPDX-License-Identifier: Apache-2.0 */
/* A rate by the minute. Levels are kept in units × microseconds of a minute: each microsecond adds
 * exactly `per_minute` of them, and nothing is ever rounded. */
#include "ledger/bucket.h"

enum { MINUTE_US = 60000000 };

static void fill(struct bucket *b, uint64_t per_minute, uint64_t now_us);
static void change(struct bucket *b, uint64_t per_minute, int64_t by);
static int64_t scaled(uint64_t units);

uint64_t bucket_wait_us(struct bucket *b, uint64_t per_minute, uint64_t units, uint64_t now_us)
{
    int64_t full = scaled(per_minute), wanted = scaled(units);

    if (per_minute == UINT64_MAX)
        return 0;
    if (!per_minute)
        return units ? MINUTE_US : 0;
    fill(b, per_minute, now_us);
    if (wanted > full)
        wanted = full;
    if (b->level >= wanted)
        return 0;
    return ((uint64_t)(wanted - b->level) + per_minute - 1) / per_minute;
}

void bucket_take(struct bucket *b, uint64_t per_minute, uint64_t units)
{
    change(b, per_minute, -scaled(units));
}

void bucket_give(struct bucket *b, uint64_t per_minute, uint64_t units)
{
    change(b, per_minute, scaled(units));
}

static void fill(struct bucket *b, uint64_t per_minute, uint64_t now_us)
{
    const uint64_t longest_us = (uint64_t)(BUCKET_DEBT_MINUTES + 1) * MINUTE_US;
    uint64_t passed_us = now_us > b->filled_us ? now_us - b->filled_us : 0;

    if (!b->is_begun)
        b->level += scaled(per_minute);
    b->is_begun = true;
    b->filled_us += passed_us;
    if (passed_us > longest_us)
        passed_us = longest_us; /* enough to fill it from the deepest debt */
    change(b, per_minute, (int64_t)(passed_us * (uint64_t)(scaled(per_minute) / MINUTE_US)));
}

static void change(struct bucket *b, uint64_t per_minute, int64_t by)
{
    int64_t full = scaled(per_minute);

    if (per_minute == UINT64_MAX)
        return;
    b->level += by;
    if (b->level > full)
        b->level = full;
    if (b->level < -full * BUCKET_DEBT_MINUTES)
        b->level = -full * BUCKET_DEBT_MINUTES;
}

static int64_t scaled(uint64_t units)
{
    return (int64_t)((units < BUCKET_UNITS_MAX ? units : BUCKET_UNITS_MAX) * MINUTE_US);
}
