/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clerk: a thread that watches the store for changed keys and hands out new keyrings.
 *
 *     clerk_open(&clerk, url, on_keys, ctx, err);      on_keys is called once before it returns
 *     clerk_close(clerk);
 *
 * A revoked key is refused a tenth of a second later at the latest.
 */
#pragma once

#include "store/keyring.h"

struct clerk;

/* On the clerk's thread: the ring is the callee's. */
typedef void clerk_fn(void *ctx, struct keyring *ring);

MUST_USE int clerk_open(struct clerk **ret, struct str store_url, clerk_fn *on_keys, void *ctx,
                        struct err *err);
void clerk_close(struct clerk *c);
