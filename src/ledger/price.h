/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer costs: tokens times prices, in millionths of a dollar.
 *
 *     cost_micro = price_of(&price, &tokens);
 *
 * Integers all the way. The sum is rounded up once, to a whole micro-unit, so that a budget is
 * never undercut by what was rounded away. Prices are dollars × 10⁶ for a million tokens, as in the
 * catalog.
 */
#pragma once

#include <stdint.h>

/* Beyond these a number counts as this much: no product of them overflows. */
#define PRICE_MICRO_MAX   UINT64_C(5000000000) /* 5,000 dollars for a million tokens */
#define PRICED_TOKENS_MAX UINT64_C(1000000000)

struct price {
    uint64_t in_micro, out_micro;
    uint64_t cached_micro; /* of prompt tokens that the provider had in its cache */
};

struct tokens {
    uint64_t prompt; /* cached ones included */
    uint64_t cached;
    uint64_t answer;
};

uint64_t price_of(const struct price *p, const struct tokens *t);

/* The most that a request of this size may cost: what is reserved before it is sent. */
uint64_t price_at_most(const struct price *p, uint64_t prompt_tokens, uint64_t answer_tokens_max);
