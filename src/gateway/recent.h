/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recent requests: those under way and those that ended last, for who watches.
 *
 *     recent_put(r, &x->recent, &row, "relay", "openai_chat");     at the steps worth telling
 *     change = recent_since(r, change, on_row, ctx);               what changed since the last time
 *
 * A ring of a fixed size: a row is overwritten in its turn, also when its request still runs. Of a
 * request, no more is kept than its row in the store would say. Any thread; a put is one mutex
 * and one copy.
 */
#pragma once

#include "store/store.h"

struct recent;

enum { RECENT_ROOM = 256 };

struct recent_row {
    struct exchange_row row; /* as far as it is known by now */
    const char *step;        /* of tables/exchange_steps.def; "settle": it is over */
    const char *endpoint;    /* the name that it is counted under */
    uint64_t change;         /* grows with every change of any row; 0: empty */
};

/* The row is good until the callback returns; it may not call back into the ring. */
typedef void recent_fn(void *ctx, const struct recent_row *row);

/* NULL without memory. */
struct recent *recent_new(void);
void recent_free(struct recent *r);

/* *ticket is 0 for a request that was never put; texts that are too long are cut. step and
 * endpoint must be literals. */
void recent_put(struct recent *r, uint64_t *ticket, const struct exchange_row *row,
                const char *step, const char *endpoint);

/* Every row that changed after `change`, oldest request first; the newest change of all. */
uint64_t recent_since(struct recent *r, uint64_t change, recent_fn *fn, void *ctx);
