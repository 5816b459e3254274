/* SPDX-License-Identifier: Apache-2.0 */
/* The day. */
#include "cmd/today.h"

#include <time.h>

#include "net/clock.h"

void write_today(char out[DAY_ROOM])
{
    time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm day = {0};

    gmtime_r(&now, &day);
    strftime(out, DAY_ROOM, "%Y-%m-%d", &day);
}
