/* SPDX-License-Identifier: Apache-2.0 */
/* Which copies hold the beginning of a prompt: one table of fingerprints for all of them. */
#include "route/affinity.h"

#include <stdbool.h>
#include <stdlib.h>

enum { WAYS = 8 };

/* A piece that a copy has read, as a part of one prompt. */
struct entry {
    uint64_t chain; /* 0: empty */
    uint64_t prompt;
    uint32_t copy, tokens;
};

/* The prompts that a copy's slots hold; 0: none. */
struct held {
    uint64_t prompts[AFFINITY_SLOTS_MAX];
};

struct affinity {
    struct entry *entries;
    struct held *held;
    uint64_t prompts; /* counted, so that a larger one is younger */
    uint32_t rows, copies;
};

static struct entry *row_of(const struct affinity *a, uint64_t chain);
static bool is_held(const struct affinity *a, const struct entry *e, uint32_t *ret_slot);
static void found_add(struct affinity_found *found, const struct entry *e);
static uint32_t choose_slot(const struct affinity *a, uint32_t copy, uint32_t slots,
                            const struct prompt_piece *pieces, uint32_t count);
static void remember(struct affinity *a, const struct entry *fresh);

struct affinity *affinity_new(uint32_t copies, uint32_t entries)
{
    struct affinity *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->copies = copies;
    a->rows = entries / WAYS ? entries / WAYS : 1;
    a->entries = calloc((size_t)a->rows * WAYS, sizeof *a->entries);
    a->held = calloc(copies ? copies : 1, sizeof *a->held);
    if (!a->entries || !a->held) {
        affinity_free(a);
        return NULL;
    }
    return a;
}

void affinity_free(struct affinity *a)
{
    if (!a)
        return;
    free(a->entries);
    free(a->held);
    free(a);
}

/* From the end: the first piece found on a copy is the longest. */
void affinity_find(const struct affinity *a, const struct prompt_piece *pieces, uint32_t count,
                   struct affinity_found *ret)
{
    uint32_t slot;

    ret->count = 0;
    for (uint32_t i = count; i-- > 0;) {
        const struct entry *row = row_of(a, pieces[i].chain);

        for (unsigned k = 0; k < WAYS; k++)
            if (row[k].chain == pieces[i].chain && is_held(a, &row[k], &slot))
                found_add(ret, &row[k]);
    }
}

uint32_t affinity_tokens(const struct affinity_found *found, uint32_t copy)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (found->rows[i].copy == copy)
            return found->rows[i].tokens;
    return 0;
}

void affinity_note(struct affinity *a, uint32_t copy, uint32_t slots,
                   const struct prompt_piece *pieces, uint32_t count)
{
    uint32_t slot = choose_slot(a, copy, slots, pieces, count);

    a->held[copy].prompts[slot] = ++a->prompts;
    for (uint32_t i = 0; i < count; i++)
        remember(a, &(struct entry){pieces[i].chain, a->prompts, copy, pieces[i].tokens});
}

void affinity_forget(struct affinity *a, uint32_t copy)
{
    a->held[copy] = (struct held){0};
}

/* Prompts have numbers of their own: only what is held has to be found again. */
void affinity_inherit(struct affinity *a, const struct affinity *old, const int *from)
{
    a->prompts = old->prompts;
    for (uint32_t i = 0; i < a->copies; i++)
        if (from[i] >= 0)
            a->held[i] = old->held[from[i]];
    for (size_t at = 0; at < (size_t)old->rows * WAYS; at++)
        for (uint32_t i = 0; old->entries[at].chain && i < a->copies; i++)
            if (from[i] == (int)old->entries[at].copy) {
                struct entry moved = old->entries[at];

                moved.copy = i;
                remember(a, &moved);
            }
}

static struct entry *row_of(const struct affinity *a, uint64_t chain)
{
    return &a->entries[(size_t)(chain % a->rows) * WAYS];
}

static bool is_held(const struct affinity *a, const struct entry *e, uint32_t *ret_slot)
{
    for (uint32_t i = 0; i < AFFINITY_SLOTS_MAX; i++)
        if (a->held[e->copy].prompts[i] == e->prompt) {
            *ret_slot = i;
            return true;
        }
    return false;
}

static void found_add(struct affinity_found *found, const struct entry *e)
{
    if (found->count == AFFINITY_FOUND_MAX || affinity_tokens(found, e->copy))
        return;
    found->rows[found->count].copy = e->copy;
    found->rows[found->count++].tokens = e->tokens;
}

/* The slot that holds most of it, else the one whose prompt is oldest: as llama-server chooses. */
static uint32_t choose_slot(const struct affinity *a, uint32_t copy, uint32_t slots,
                            const struct prompt_piece *pieces, uint32_t count)
{
    const uint64_t *held = a->held[copy].prompts;
    uint32_t slot = 0, oldest = 0;

    for (uint32_t i = count; i-- > 0;) {
        const struct entry *row = row_of(a, pieces[i].chain);

        for (unsigned k = 0; k < WAYS; k++)
            if (row[k].chain == pieces[i].chain && row[k].copy == copy &&
                is_held(a, &row[k], &slot))
                return slot;
    }
    for (uint32_t i = 1; i < slots && i < AFFINITY_SLOTS_MAX; i++)
        if (held[i] < held[oldest])
            oldest = i;
    return oldest;
}

/* In place of the same piece of the same copy, an empty entry, or the oldest of its row. */
static void remember(struct affinity *a, const struct entry *fresh)
{
    struct entry *row = row_of(a, fresh->chain), *place = &row[0];

    for (unsigned k = 0; k < WAYS; k++) {
        if (row[k].chain == fresh->chain && row[k].copy == fresh->copy) {
            place = &row[k];
            break;
        }
        if (row[k].prompt < place->prompt)
            place = &row[k];
    }
    *place = *fresh;
}
