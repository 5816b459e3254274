/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accounts of all keys, for many threads: one mutex, held while a few numbers are added.
 *
 *     refusal = accounts_reserve(accounts, key_id, &allowance, most, now, &reservation);
 *     accounts_settle(accounts, key_id, &allowance, &reservation, used, now);
 *
 * An account begins empty when its key is first seen, and lives as long as the accounts: there are
 * as many as there are keys. Pure.
 */
#pragma once

#include "base/str.h"
#include "ledger/allowance.h"

struct accounts;

/* Aborts without memory: made at start. */
struct accounts *accounts_new(void);
void accounts_free(struct accounts *a);

/* As account_reserve(); without memory for a new account everything is refused. */
MUST_USE struct refusal accounts_reserve(struct accounts *a, struct str key_id,
                                         const struct allowance *allowance, struct amount most,
                                         struct moment now, struct reservation *ret);
void accounts_settle(struct accounts *a, struct str key_id, const struct allowance *allowance,
                     struct reservation *r, struct amount used, struct moment now);

/* As account_load(), at start. -ENOMEM. */
MUST_USE int accounts_load(struct accounts *a, struct str key_id, int64_t day, struct amount used,
                           struct moment now);

/* As account_note_all(). */
void accounts_note_all(struct accounts *a, struct str key_id,
                       const int64_t periods[static PERIOD_COUNT],
                       const struct amount used[static PERIOD_COUNT]);

/* What a key has used in the present periods, of that what was known at start, and what is
 * reserved.
 */
struct account_state {
    struct amount used[PERIOD_COUNT], loaded[PERIOD_COUNT], reserved[PERIOD_COUNT];
    struct amount all[PERIOD_COUNT]; /* used by all gateways, as account_all() */
    uint64_t running;
};
typedef void account_fn(void *ctx, struct str key_id, const struct account_state *state);

/* False: nothing was asked with that key yet. */
bool accounts_find(struct accounts *a, struct str key_id, struct moment now,
                   struct account_state *ret);

/* Every account, in no order, under the mutex: short. */
void accounts_each(struct accounts *a, struct moment now, account_fn *fn, void *ctx);
