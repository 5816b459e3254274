/* SPDX-License-Identifier: Apache-2.0 */
/* What a key may use: buckets for rates, periods for budgets. */
#include "ledger/allowance.h"

static struct refusal ask_rates(struct account *a, const struct allowance *allowance,
                                struct amount most, uint64_t now_us);
static struct refusal ask_budgets(struct account *a, const struct allowance *allowance,
                                  struct amount most, int64_t wall_us);
static void turn_pages(struct account *a, int64_t wall_us);
static struct amount used_in(const struct account *a, enum period p, int64_t index);
static void charge(struct amount *sum, struct amount more);
static bool has_room(uint64_t limit, uint64_t used, uint64_t reserved, uint64_t more);
static uint64_t add(uint64_t a, uint64_t b);
static uint64_t take_away(uint64_t a, uint64_t b);

const struct allowance allowance_none = {
    .requests_per_minute = NO_LIMIT,
    .tokens_per_minute = NO_LIMIT,
    .parallel = NO_LIMIT,
    .budgets = {{NO_LIMIT, NO_LIMIT}, {NO_LIMIT, NO_LIMIT}, {NO_LIMIT, NO_LIMIT}},
};

struct refusal account_reserve(struct account *a, const struct allowance *allowance,
                               struct amount most, struct moment now, struct reservation *ret)
{
    struct refusal refusal = ask_rates(a, allowance, most, now.monotonic_us);

    if (refusal.limit)
        return refusal;
    turn_pages(a, now.wall_us);
    refusal = ask_budgets(a, allowance, most, now.wall_us);
    if (refusal.limit && !refusal.is_soft)
        return refusal;

    bucket_take(&a->requests, allowance->requests_per_minute, 1);
    bucket_take(&a->tokens, allowance->tokens_per_minute, most.tokens);
    a->running++;
    *ret = (struct reservation){.amount = most, .is_open = true};
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        struct amount *reserved = &a->periods[p].reserved;

        ret->periods[p] = a->periods[p].index;
        charge(reserved, most);
    }
    return refusal;
}

void account_settle(struct account *a, const struct allowance *allowance, struct reservation *r,
                    struct amount used, struct moment now)
{
    if (!r->is_open)
        return;
    r->is_open = false;
    a->running--;
    if (used.tokens < r->amount.tokens)
        bucket_give(&a->tokens, allowance->tokens_per_minute, r->amount.tokens - used.tokens);
    else
        bucket_take(&a->tokens, allowance->tokens_per_minute, used.tokens - r->amount.tokens);
    turn_pages(a, now.wall_us);
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        struct amount *reserved = &a->periods[p].reserved, *total = &a->periods[p].used;

        if (r->periods[p] != a->periods[p].index)
            continue; /* began in a period that is over */
        reserved->money_micro = take_away(reserved->money_micro, r->amount.money_micro);
        reserved->tokens = take_away(reserved->tokens, r->amount.tokens);
        charge(total, used);
    }
}

void account_load(struct account *a, int64_t day, struct amount used, struct moment now)
{
    turn_pages(a, now.wall_us);
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        int64_t index = period_of(p, day * PERIOD_DAY_US);

        if (index == a->periods[p].index) {
            charge(&a->periods[p].used, used);
            charge(&a->periods[p].loaded, used);
        }
        if (index <= a->periods[p].index || index < a->periods[p].later)
            continue;
        if (index > a->periods[p].later)
            a->periods[p].later_used = (struct amount){0};
        a->periods[p].later = index;
        charge(&a->periods[p].later_used, used);
    }
}

struct amount account_used(const struct account *a, enum period p, bool with_reserved,
                           struct moment now)
{
    struct amount sum = a->periods[p].used;
    int64_t index = period_of(p, now.wall_us);

    if (index > a->periods[p].index)
        return used_in(a, p, index);
    if (with_reserved)
        charge(&sum, a->periods[p].reserved);
    return sum;
}

void account_note_all(struct account *a, const int64_t periods[static PERIOD_COUNT],
                      const struct amount used[static PERIOD_COUNT])
{
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        a->periods[p].all_index = periods[p];
        a->periods[p].all = used[p];
    }
}

struct amount account_all(const struct account *a, enum period p, struct moment now)
{
    bool is_present = a->periods[p].all_index == period_of(p, now.wall_us);

    return is_present ? a->periods[p].all : (struct amount){0};
}

const char *limit_words(enum limit l)
{
    static const char *const words[LIMIT_COUNT] = {
        [LIMIT_none] = "nothing",
        [LIMIT_parallel] = "requests at once",
        [LIMIT_requests] = "requests a minute",
        [LIMIT_tokens] = "tokens a minute",
        [LIMIT_money] = "money",
        [LIMIT_budget_tokens] = "tokens",
    };

    return words[l];
}

static struct refusal ask_rates(struct account *a, const struct allowance *allowance,
                                struct amount most, uint64_t now_us)
{
    const struct {
        enum limit limit;
        struct bucket *bucket;
        uint64_t per_minute, units;
    } rates[] = {
        {LIMIT_requests, &a->requests, allowance->requests_per_minute, 1},
        {LIMIT_tokens, &a->tokens, allowance->tokens_per_minute, most.tokens},
    };

    if (a->running >= allowance->parallel)
        return (struct refusal){.limit = LIMIT_parallel};
    for (unsigned i = 0; i < COUNT_OF(rates); i++) {
        uint64_t wait_us =
            bucket_wait_us(rates[i].bucket, rates[i].per_minute, rates[i].units, now_us);

        if (wait_us)
            return (struct refusal){.limit = rates[i].limit, .retry_us = wait_us};
    }
    return (struct refusal){0};
}

static struct refusal ask_budgets(struct account *a, const struct allowance *allowance,
                                  struct amount most, int64_t wall_us)
{
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        const struct amount *budget = &allowance->budgets[p], *used = &a->periods[p].used;
        const struct amount *reserved = &a->periods[p].reserved;
        struct refusal refusal = {.period = p, .is_soft = allowance->is_soft};
        int64_t next_us = period_start_us(p, a->periods[p].index + 1);

        if (!has_room(budget->money_micro, used->money_micro, reserved->money_micro,
                      most.money_micro))
            refusal.limit = LIMIT_money;
        else if (!has_room(budget->tokens, used->tokens, reserved->tokens, most.tokens))
            refusal.limit = LIMIT_budget_tokens;
        else
            continue;
        refusal.retry_us = next_us > wall_us ? (uint64_t)(next_us - wall_us) : 0;
        return refusal;
    }
    return (struct refusal){0};
}

/* What was reserved in a period that is over is charged to nobody's present one. */
static void turn_pages(struct account *a, int64_t wall_us)
{
    for (enum period p = 0; p < PERIOD_COUNT; p++) {
        int64_t index = period_of(p, wall_us);

        if (index <= a->periods[p].index)
            continue;
        a->periods[p].used = a->periods[p].loaded = used_in(a, p, index);
        a->periods[p].reserved = (struct amount){0};
        a->periods[p].index = index;
    }
}

/* A period that is not the present one any more, or not yet. */
static struct amount used_in(const struct account *a, enum period p, int64_t index)
{
    return index == a->periods[p].later ? a->periods[p].later_used : (struct amount){0};
}

static void charge(struct amount *sum, struct amount more)
{
    sum->money_micro = add(sum->money_micro, more.money_micro);
    sum->tokens = add(sum->tokens, more.tokens);
}

static bool has_room(uint64_t limit, uint64_t used, uint64_t reserved, uint64_t more)
{
    return limit == NO_LIMIT || add(add(used, reserved), more) <= limit;
}

/* Sums stay at the top instead of beginning anew. */
static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t take_away(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}
