/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that can be asked for, for the lists of all dialects: what the caller's key may not use
 * is not listed.
 */
#pragma once

#include "gateway/gateway.h"
#include "route/candidates.h"

/* What a name stands for, as far as the caller may use it: FAILURE_unknown_model, or
 * FAILURE_forbidden, with words. */
enum failure name_find(struct candidates *ret, const struct page_request *r, struct str name,
                       struct err *err);

/* All of them, as candidates_each_name() has them, but those that name_find() does not. */
typedef int named_fn(void *ctx, struct str name, const char *what, const struct candidates *found);
MUST_USE int names_each(const struct page_request *r, named_fn *fn, void *ctx);

/* Which copies the caller's key may have answer, under whichever name: one byte for each copy of
 * the view, to be freed. NULL: no memory. */
bool *names_copies(const struct page_request *r);

/* Bits of what any known copy behind it can do: a request goes to one that can. */
uint32_t name_capabilities(const struct candidates *found);

/* Tokens that the first copy behind it can read; 0: nobody knows. */
uint64_t name_context(const struct candidates *found);
