/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is given back all at once, with a ceiling.
 *
 *     arena_init(&a, 4 << 20);
 *     p = arena_alloc(&a, n);      NULL: over the ceiling or no memory
 *     arena_fini(&a);
 *
 * Blocks are zeroed and aligned for any type. Nothing is freed alone.
 */
#pragma once

#include "base/attr.h"
#include "base/str.h"

struct arena {
    struct arena_chunk *chunks;
    size_t used, max;
};

void arena_init(struct arena *a, size_t max);
void arena_fini(struct arena *a);

void *arena_alloc(struct arena *a, size_t size);

/* A NUL-terminated copy; .data is NULL when there was no room. */
struct str arena_str(struct arena *a, struct str s);
char *arena_printf(struct arena *a, const char *format, ...) PRINTF(2, 3);
