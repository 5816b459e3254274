/* SPDX-License-Identifier: Apache-2.0 */
/* A ceiling in bytes a second that many share. */
#include "base/pace.h"

#include <errno.h>

enum {
    PIECE_MIN = 16 << 10,
    PIECES_A_SECOND = 20,
    US = 1000000,
    DEBT_MAX_S = 3600, /* more than that is not believed */
};

static int read_minute(unsigned *ret, struct str text);

int pace_set_hours(struct pace *p, struct str hours)
{
    struct str rest, first = str_cut(hours, '-', &rest);
    unsigned from = 0, until = 0;

    if (hours.len && (read_minute(&from, first) < 0 || read_minute(&until, rest) < 0))
        return -EINVAL;
    p->from = from;
    p->until = until % PACE_DAY_MINUTES;
    return 0;
}

/* "07:30"; "24:00" is the end of the day. */
static int read_minute(unsigned *ret, struct str text)
{
    struct str rest, first = str_cut(str_trim(text), ':', &rest);
    uint64_t hour, minute;

    if (rest.len != 2 || str_to_u64(&hour, first) < 0 || str_to_u64(&minute, rest) < 0 ||
        minute > 59 || hour * 60 + minute > PACE_DAY_MINUTES)
        return -EINVAL;
    *ret = (unsigned)(hour * 60 + minute);
    return 0;
}

bool pace_holds(const struct pace *p, unsigned minute)
{
    if (!p->bytes_per_s)
        return false;
    if (p->from <= p->until)
        return p->from == p->until || (minute >= p->from && minute < p->until);
    return minute >= p->from || minute < p->until;
}

void pace_take(struct pace *p, uint64_t bytes, uint64_t now_us, unsigned minute)
{
    uint64_t earliest_us = now_us > PACE_BURST_US ? now_us - PACE_BURST_US : 0;
    uint64_t seconds, rest;

    if (!pace_holds(p, minute))
        return;
    if (p->paid_at_us < earliest_us)
        p->paid_at_us = earliest_us;
    seconds = bytes / p->bytes_per_s;
    rest = bytes % p->bytes_per_s * US / p->bytes_per_s;
    p->paid_at_us += seconds < DEBT_MAX_S ? seconds * US + rest : (uint64_t)DEBT_MAX_S * US;
}

uint64_t pace_wait_us(const struct pace *p, uint64_t now_us, unsigned minute)
{
    return pace_holds(p, minute) && p->paid_at_us > now_us ? p->paid_at_us - now_us : 0;
}

uint64_t pace_piece(const struct pace *p, uint64_t most, unsigned minute)
{
    uint64_t piece = p->bytes_per_s / PIECES_A_SECOND;

    if (!pace_holds(p, minute) || piece > most)
        return most;
    return piece > PIECE_MIN ? piece : PIECE_MIN;
}
