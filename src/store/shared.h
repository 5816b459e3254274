/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits and budgets that several gateways share, kept in Valkey or Redis.
 *
 *     shared_open(&s, url, "gateway-1", err);
 *     answer = shared_reserve(s, &ask, deadline_us);     by then there is an answer, or none
 *     shared_settle(s, key_id, request_id, used, …);     once; what cannot be sent now is sent
 * later shared_tend(s, now_us);                            every few seconds: says that we live
 *     shared_close(s);
 *
 * What is reserved counts as used until it is settled, whichever gateway did it: together they
 * never spend more than a budget, but for requests that were let through while the store did not
 * answer. What a gateway that died had reserved counts as used once its sign of life is gone, until
 * it says what it was. The store's clock is the only one that rates follow. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"

struct shared;

enum { SHARED_PERIODS = 3, SHARED_WAITING_MAX = 100000, SHARED_LIFE_MS = 10000 };
enum { SHARED_OTHERS_MAX = 16, SHARED_WORDS_MAX = 16384 };

#define SHARED_ANY UINT64_MAX /* not limited */

/* The numbers are those of enum limit in ledger/allowance.h. */
enum shared_verdict {
    SHARED_reserved,
    SHARED_over_parallel,
    SHARED_over_requests,
    SHARED_over_tokens,
    SHARED_over_money,
    SHARED_over_budget_tokens,
    SHARED_not_loaded, /* shared_load() what was used in that period first */
    SHARED_no_answer,  /* by the deadline: the policy says what now */
};

struct shared_limits {
    uint64_t requests_per_minute, tokens_per_minute, parallel;
    struct {
        uint64_t money_micro, tokens;
    } budgets[SHARED_PERIODS]; /* day, week, month */
    bool is_soft;
};

struct shared_ask {
    struct str key_id, request_id;
    uint64_t money_micro, tokens;    /* the most it may use */
    int64_t periods[SHARED_PERIODS]; /* the numbers of the day, week and month it began in */
    struct shared_limits limits;
};

struct shared_answer {
    enum shared_verdict verdict;
    unsigned period; /* of a budget, or of what is not loaded */
    bool is_soft;    /* over a budget, and reserved all the same */
    bool is_unasked; /* SHARED_no_answer: nothing is reserved, the question was never sent */
    uint64_t retry_us;
    bool is_told; /* what all gateways have used of the periods: */
    struct {
        uint64_t money_micro, tokens;
    } used[SHARED_PERIODS];
};

/* What a request came to. Also of one that got no answer: it may have been reserved. */
struct shared_use {
    struct str key_id, request_id;
    uint64_t money_micro, tokens;
    int64_t periods[SHARED_PERIODS];
    uint64_t tokens_per_minute; /* the key's limit, or SHARED_ANY */
    bool is_unanswered;         /* there was no answer, and it ran all the same: it counts */
};

/* gateway: a name that no other one has at the same time. -EINVAL, -EPERM, -ENOMEM; a store that
 * does not answer is no failure here. */
MUST_USE int shared_open(struct shared **ret, struct str url, const char *gateway, struct err *err);
void shared_close(struct shared *s);
static inline void shared_free(struct shared *s)
{
    shared_close(s);
}
AUTO_FREE(shared)

struct shared_answer shared_reserve(struct shared *s, const struct shared_ask *ask,
                                    uint64_t deadline_us);

/* What the books say was used in a period so far; somebody else's word, if it is there, stays. */
MUST_USE int shared_load(struct shared *s, struct str key_id, unsigned period, int64_t index,
                         uint64_t money_micro, uint64_t tokens, uint64_t deadline_us);

/* False: it waits to be sent, or was dropped since too much waits (shared_dropped()). */
bool shared_settle(struct shared *s, const struct shared_use *use, uint64_t deadline_us);

/* Says that this gateway lives, sends what waits, and clears up after those that are gone. */
void shared_tend(struct shared *s, uint64_t deadline_us);

/* What this gateway has to say to the others, for SHARED_LIFE_MS, and what they say: on_words is
 * called for each, SHARED_OTHERS_MAX at most; its words are no longer than SHARED_WORDS_MAX. */
typedef void shared_words_fn(void *ctx, struct str words);
MUST_USE int shared_exchange(struct shared *s, struct str mine, shared_words_fn *on_words,
                             void *ctx, uint64_t deadline_us);

/* Connects where nobody is connected: so that no request has to wait for it. */
void shared_warm(struct shared *s, uint64_t deadline_us);

size_t shared_waiting(const struct shared *s);
uint64_t shared_dropped(const struct shared *s);
