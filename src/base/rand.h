/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that asks the system for random bytes. */
#pragma once

#include <stdint.h>

/* Aborts when the system has none: nothing that needs chance may go on without it. */
uint64_t rand_u64(void);
