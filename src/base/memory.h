/* SPDX-License-Identifier: Apache-2.0 */
/* Start-up allocations that end the program in words when there is no memory. */
#pragma once

#include <stddef.h>

/* Zeroed. For start-up and the command line only: an exchange allocates from its arena,
 * a parser returns -ENOMEM. */
void *memory_need(size_t count, size_t size);
