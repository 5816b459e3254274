/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LiteLLM's PostgreSQL database into a store: virtual keys, their budgets and limits, and what was
 * spent.
 *
 *     r = litellm_books_import(store, "postgresql://…", tell, ctx, &sum, err);
 *
 * Keys keep working: LiteLLM stores their plain SHA-256, and so does the row. Requests become rows
 * of the machine "litellm"; what a key has spent beyond its logged requests becomes one row more,
 * so that budgets go on where they were. Doing it again adds only what is new: ids are made of
 * LiteLLM's own. The other database is only read.
 */
#pragma once

#include "store/store.h"

struct litellm_books_sum {
    uint64_t keys, keys_known, requests, money_micro;
};

/* What became of a key; is_exact: everything that LiteLLM keeps of it was kept. */
typedef void litellm_books_fn(void *ctx, struct str key, bool is_exact, const char *words);

/* The URL as LiteLLM has it in DATABASE_URL: what Prisma alone understands in it is passed over.
 * now_us: for keys that are blocked. -ENOENT: there are no such tables; -EACCES and the like. */
MUST_USE int litellm_books_import(struct store *into, struct str url, int64_t now_us,
                                  litellm_books_fn *tell, void *ctx, struct litellm_books_sum *ret,
                                  struct err *err);
