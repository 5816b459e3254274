/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one key may use, and has used: requests, tokens and money, as numbers.
 *
 *     refusal = account_reserve(&account, &allowance, most, now, &reservation);
 *     if (refusal.limit)   …                               429, refusal.retry_us
 *     account_settle(&account, &allowance, &reservation, used, now);  once, whatever became of it
 *
 * Whatever is reserved counts as used until it is settled: a thousand requests at once cannot spend
 * what is there for ten. What was used is charged to the periods in which the request began, as
 * its row in the store is. Periods only ever go forward, so a clock that steps back resets
 * nothing twice; nor does one that was ahead, is behind at the next start, and catches up. Pure:
 * moments are passed in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "ledger/bucket.h"
#include "ledger/period.h"

/* Two clocks: rates follow the one that never jumps, periods the one on the wall. */
struct moment {
    uint64_t monotonic_us;
    int64_t wall_us; /* UTC */
};

struct amount {
    uint64_t money_micro, tokens;
};

#define NO_LIMIT UINT64_MAX

/* NO_LIMIT where nothing is limited; 0 allows nothing. */
struct allowance {
    uint64_t requests_per_minute, tokens_per_minute, parallel;
    struct amount budgets[PERIOD_COUNT];
    bool is_soft; /* beyond a budget requests go on, and say so */
};

/* What refuses a request, in the order in which they are asked. */
enum limit {
    LIMIT_none,
    LIMIT_parallel,
    LIMIT_requests,
    LIMIT_tokens,
    LIMIT_money,         /* of a period's budget */
    LIMIT_budget_tokens, /* the same in tokens */
    LIMIT_COUNT
};

struct refusal {
    enum limit limit;
    enum period period; /* LIMIT_money, LIMIT_budget_tokens: whose budget */
    bool is_soft;       /* over it, and let through all the same */
    uint64_t retry_us;  /* when it may be worth asking again; 0: when another request has ended */
};

struct account {
    struct bucket requests, tokens;
    uint64_t running;
    struct {
        int64_t index;
        struct amount used, reserved;
        struct amount loaded; /* of what was used: what was known at start */
        int64_t later;        /* 0: none; a period to come in which `later_used` was used already */
        struct amount later_used;
        int64_t all_index; /* of `all`: what this and other gateways used, as last heard */
        struct amount all;
    } periods[PERIOD_COUNT];
};

struct reservation {
    struct amount amount;
    int64_t periods[PERIOD_COUNT];
    bool is_open;
};

extern const struct allowance allowance_none; /* limits nothing */

/* Takes room for the most that a request may use. LIMIT_none, or soft: it is reserved; else nothing
 * has changed. */
MUST_USE struct refusal account_reserve(struct account *a, const struct allowance *allowance,
                                        struct amount most, struct moment now,
                                        struct reservation *ret);

/* Gives back what was reserved and takes what was used. Closes the reservation: a second time does
 * nothing. */
void account_settle(struct account *a, const struct allowance *allowance, struct reservation *r,
                    struct amount used, struct moment now);

/* What the store says was used on a day (its number since 1970): at start, day by day. Of days
 * before the present periods nothing counts; of those to come the last. */
void account_load(struct account *a, int64_t day, struct amount used, struct moment now);

/* Used in the present period, with what is reserved if wanted. */
struct amount account_used(const struct account *a, enum period p, bool with_reserved,
                           struct moment now);

/* What all gateways that share the budgets have used in those periods; and what was last heard of
 * the present one: nothing, where nobody shares. Not part of any decision here. */
void account_note_all(struct account *a, const int64_t periods[static PERIOD_COUNT],
                      const struct amount used[static PERIOD_COUNT]);
struct amount account_all(const struct account *a, enum period p, struct moment now);

/* "requests a minute" */
const char *limit_words(enum limit l);
