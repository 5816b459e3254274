/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Affinity: which copies still hold the beginning of a conversation in their prompt caches.
 *
 *     affinity_find(a, pieces, count, &found);         found.rows: copy and how many tokens
 *     affinity_note(a, copy, slots, pieces, count);    that copy has read this prompt
 *     affinity_forget(a, copy);                        it was unloaded
 *
 * A prompt is a chain of pieces, one for each message; a piece's fingerprint is that of everything
 * up to its end. As llama-server does, each slot of a copy remembers its last prompt: what a slot
 * has lost to another prompt counts no longer. The table is of a fixed size, the oldest entries of
 * a full row go first. Pure; nothing is allocated after affinity_new().
 */
#pragma once

#include <stdint.h>

#include "base/auto.h"

enum { AFFINITY_FOUND_MAX = 16, AFFINITY_SLOTS_MAX = 16 };

struct prompt_piece {
    uint64_t chain;  /* fingerprint of everything up to its end; never 0 */
    uint32_t tokens; /* from the beginning up to its end */
};

struct affinity_found {
    struct {
        uint32_t copy, tokens;
    } rows[AFFINITY_FOUND_MAX];
    uint32_t count;
};

struct affinity;

/* For so many copies; about `entries` pieces are remembered. NULL without memory. */
struct affinity *affinity_new(uint32_t copies, uint32_t entries);
void affinity_free(struct affinity *a);
AUTO_FREE(affinity)

/* The longest known beginning on each copy that has any of it. */
void affinity_find(const struct affinity *a, const struct prompt_piece *pieces, uint32_t count,
                   struct affinity_found *ret);

/* How much of it that copy has; 0 when it is not among the found. */
uint32_t affinity_tokens(const struct affinity_found *found, uint32_t copy);

void affinity_note(struct affinity *a, uint32_t copy, uint32_t slots,
                   const struct prompt_piece *pieces, uint32_t count);
void affinity_forget(struct affinity *a, uint32_t copy);

/* All that another knew, after a reload: from[i] is the number that copy i had there; negative: it
 * is new. */
void affinity_inherit(struct affinity *a, const struct affinity *old, const int *from);
