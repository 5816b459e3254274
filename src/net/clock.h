/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that reads the clock. Everybody else is handed the time. */
#pragma once

#include <stdint.h>
#include <time.h>

uint64_t clock_monotonic_us(void);

/* So long from now, for a condition that waits by CLOCK_MONOTONIC. */
struct timespec clock_in_ms(unsigned ms);

/* UTC, microseconds since 1970. */
int64_t clock_wall_us(void);

/* Minutes since midnight, local time. */
unsigned clock_minute_of_day(void);
