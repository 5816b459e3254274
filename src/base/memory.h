/* SPDX-License-Identifier: Apache-2.0 */
/* Memory at the start: allocations that end the program in words, and giving back what the start
 * took. */
#pragma once

#include <stddef.h>

/* Zeroed. For start-up and the command line only: an exchange allocates from its arena,
 * a parser returns -ENOMEM. */
void *memory_need(size_t count, size_t size);

/* The start is over: what it took of the heap goes back, and so do the pages of code that only it
 * used. What is needed again comes back from the page cache by itself. */
void memory_rest(void);
