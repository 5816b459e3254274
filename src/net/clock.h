/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that reads the clock. Everybody else is handed the time. */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

uint64_t clock_monotonic_us(void);

/* A condition that waits by the monotonic clock, and so long from now for its deadline: whoever
 * sets the clock on the wall keeps nobody waiting. */
void clock_cond_init(pthread_cond_t *c);
struct timespec clock_in_ms(unsigned ms);

/* UTC, microseconds since 1970. */
int64_t clock_wall_us(void);

/* Minutes since midnight, local time. */
unsigned clock_minute_of_day(void);
