/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that reads the clock. Everybody else is handed the time. */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

uint64_t clock_monotonic_us(void);

/* Before any loop is opened: the time of loops, timers and clock_monotonic_us() goes so many times
 * as fast from here on. Beside machines that are imagined faster than they are, a program then
 * decides as it would beside real ones. */
void clock_hurry(double times);
double clock_hurried(void);

/* Not hurried: for whatever ends in a wait of the system. */
uint64_t clock_true_us(void);

/* A condition that waits by the monotonic clock, never hurried, and so long from now for its
 * deadline: whoever sets the clock on the wall keeps nobody waiting. */
void clock_cond_init(pthread_cond_t *c);
struct timespec clock_in_ms(unsigned ms);

/* UTC, microseconds since 1970. */
int64_t clock_wall_us(void);

/* Minutes since midnight, local time. */
unsigned clock_minute_of_day(void);
