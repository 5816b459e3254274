/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries end to end, each with its number in the journal: what waits for the store.
 *
 *     pile_put(&p, number, bytes);                    bytes as store/entry.h writes them
 *     for (at = 0; at < p.bytes.len;)
 *         at += pile_read(&p, at, &number, &row);     the row points into the pile
 */
#pragma once

#include "store/entry.h"

struct pile {
    struct buf bytes;
    uint32_t count;
};

void pile_init(struct pile *p);
void pile_fini(struct pile *p);
/* Empty; keeps its memory if that is no more than so much. */
void pile_reset(struct pile *p, size_t kept_max);

MUST_USE int pile_put(struct pile *p, uint64_t number, struct str entry);

/* Returns the bytes that it takes there. *number is left alone where the entry has none. */
size_t pile_read(const struct pile *p, size_t at, uint64_t *number, struct exchange_row *ret);
