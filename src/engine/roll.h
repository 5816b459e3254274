/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a provider which models it has.
 *
 *     roll_start(&roll, client, &ask, on_roll, ctx);    one answer, then the roll is gone
 *     roll_cancel(roll);                                at once; no callback follows
 *
 * What it has is what it says, all of it: of a list that goes on elsewhere nothing is concluded.
 */
#pragma once

#include "http/client.h"

struct roll;

struct roll_ask {
    const struct endpoint *endpoint;
    struct str target; /* tables/providers.def */
    const struct header *headers;
    size_t header_count;
    uint32_t timeout_ms;
};

/* The names die when the callback returns. count 0: it did not answer, or not all. */
typedef void on_roll_fn(void *ctx, const struct str *names, size_t count);

/* 0, -ENOMEM; -EPERM when TAMPU_LOOPBACK_ONLY forbids it: then no callback follows. */
MUST_USE int roll_start(struct roll **ret, struct client *client, const struct roll_ask *ask,
                        on_roll_fn *on_roll, void *ctx);
void roll_cancel(struct roll *r);

/* Does the list have that model? Dated versions of it count: "claude-x" is "claude-x-20260101". */
bool roll_has(const struct str *names, size_t count, struct str model);
