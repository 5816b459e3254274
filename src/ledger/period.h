/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days, weeks and months that budgets are counted in: UTC, so that no summer time moves them.
 *
 *     index = period_of(PERIOD_month, wall_us);       grows by one at each first of a month
 *     period_start_us(PERIOD_month, index + 1)        when the next one begins
 *
 * Pure. Weeks begin on Monday.
 */
#pragma once

#include <stdint.h>

#define PERIOD_DAY_US INT64_C(86400000000)

enum period { PERIOD_day, PERIOD_week, PERIOD_month, PERIOD_COUNT };

/* "day" */
const char *period_name(enum period p);

/* The number of the period that holds this moment (UTC microseconds since 1970, not before). */
int64_t period_of(enum period p, int64_t wall_us);

/* The first microsecond of that period. */
int64_t period_start_us(enum period p, int64_t index);
