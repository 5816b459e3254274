/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that reads the clock. Everybody else is handed the time. */
#pragma once

#include <stdint.h>

uint64_t clock_monotonic_us(void);

/* UTC, microseconds since 1970. */
int64_t clock_wall_us(void);
