/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens times prices. */
#include "ledger/price.h"

static uint64_t product(uint64_t price_micro, uint64_t tokens);

uint64_t price_of(const struct price *p, const struct tokens *t)
{
    const uint64_t million = 1000000;
    uint64_t cached = t->cached < t->prompt ? t->cached : t->prompt;
    uint64_t sum = product(p->in_micro, t->prompt - cached) + product(p->cached_micro, cached) +
                   product(p->out_micro, t->answer);

    return sum / million + (sum % million != 0);
}

uint64_t price_at_most(const struct price *p, uint64_t prompt_tokens, uint64_t answer_tokens_max)
{
    uint64_t in_micro = p->in_micro > p->cached_micro ? p->in_micro : p->cached_micro;
    struct price dearest = {.in_micro = in_micro, .out_micro = p->out_micro};

    return price_of(&dearest,
                    &(struct tokens){.prompt = prompt_tokens, .answer = answer_tokens_max});
}

static uint64_t product(uint64_t price_micro, uint64_t tokens)
{
    if (price_micro > PRICE_MICRO_MAX)
        price_micro = PRICE_MICRO_MAX;
    if (tokens > PRICED_TOKENS_MAX)
        tokens = PRICED_TOKENS_MAX;
    return price_micro * tokens;
}
