/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's side of an exchange. */
#include "gateway/booking.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/log.h"
#include "dialect/delta.h"
#include "gateway/account.h"
#include "gateway/exchange.h"
#include "gateway/resume.h"
#include "gateway/reuse.h"
#include "gateway/tariff.h"
#include "gateway/upload.h"
#include "gateway/worker.h"
#include "ledger/accounts.h"
#include "net/clock.h"

enum {
    PROMPT_MARGIN = 1024,    /* tokens that an engine's template may add */
    ANSWER_UNKNOWN = 32768,  /* tokens, where neither caller nor copy says where an answer ends */
    BYTES_A_TOKEN = 4,       /* where nobody counts */
    HOLD_EVERY_US = 1000000, /* of what has come meanwhile so much may be lost with the process */
};

static void push_soon(struct worker *w);
static void push(void *ctx);
static uint64_t guessed_prompt(const struct exchange *x);
static struct amount at_most(const struct exchange *x, bool is_booked);
static uint64_t prompt_at_most(const struct exchange *x, const struct copy *copy, bool is_booked);
static uint64_t answer_at_most(const struct exchange *x, const struct copy *copy);
static uint64_t answer_limit(const struct copy *copy);
static bool has_budget(const struct allowance *a);
static bool is_limited(const struct allowance *a);
static bool is_hard(const struct allowance *a);
static enum failure open_jointly(struct exchange *x, const struct allowance *allowance,
                                 struct amount most, struct err *err);
static void settle_accounts(struct exchange *x, struct amount used);
static struct allowance allowance_of(const struct exchange *x);
static enum failure refuse(struct exchange *x, struct refusal refusal, struct err *err);
static void say_soft(const struct exchange *x, struct refusal refusal);
static void charge(struct exchange_row *row, const struct copy *copy, const struct usage *used);
static struct moment now(void);
static void count_books(const struct exchange *x, const struct exchange_row *row);

enum failure booking_open(struct exchange *x, struct err *err)
{
    struct gateway *g = x->worker->gateway;
    struct booking *b = &x->booking;
    const struct allowance allowance = allowance_of(x);
    struct amount most;
    struct refusal refusal;

    if (recorder_is_failing(g->recorder) && (g->refuse_unbooked || is_hard(&allowance))) {
        err_set(err, -EROFS, "%s",
                g->refuse_unbooked ? "gateway.unbooked says so"
                                   : "this key has a budget that holds");
        return FAILURE_books_closed;
    }
    if (!is_limited(&allowance))
        return FAILURE_none;
    most = at_most(x, has_budget(&allowance));
    refusal = accounts_reserve(g->accounts, str_from(x->key_id), &allowance, most, now(),
                               &b->reservation);
    if (refusal.limit && !refusal.is_soft)
        return refuse(x, refusal, err);
    if (refusal.limit)
        say_soft(x, refusal);
    return g->joint ? open_jointly(x, &allowance, most, err) : FAILURE_none;
}

/* The other gateways' requests count, too. What is refused here was not used at all. */
static enum failure open_jointly(struct exchange *x, const struct allowance *allowance,
                                 struct amount most, struct err *err)
{
    struct gateway *g = x->worker->gateway;
    struct booking *b = &x->booking;
    struct refusal refusal = {0};

    b->joint = joint_reserve(g->joint, str_from(x->key_id), str_from(x->id), allowance, most,
                             &b->reservation, &refusal);
    if (b->joint == JOINT_reserved ||
        (b->joint != JOINT_refused && str_is(g->settings->shared_policy, "open")))
        return FAILURE_none;
    if (b->joint == JOINT_unasked)
        b->joint = JOINT_not_asked; /* and has nothing to give back there */
    settle_accounts(x, (struct amount){0});
    if (b->joint == JOINT_refused)
        return refuse(x, refusal, err);
    err_set(err, -EIO, "gateway.shared_policy is closed; ask again");
    return FAILURE_limits_late;
}

/* Once; what was reserved is no longer. */
static void settle_accounts(struct exchange *x, struct amount used)
{
    struct gateway *g = x->worker->gateway;
    struct booking *b = &x->booking;
    struct allowance allowance;

    if (!b->reservation.is_open)
        return;
    allowance = allowance_of(x);
    if (b->joint != JOINT_not_asked && b->joint != JOINT_refused)
        joint_settle(g->joint, str_from(x->key_id), str_from(x->id), &allowance, &b->reservation,
                     used, b->joint);
    accounts_settle(g->accounts, str_from(x->key_id), &allowance, &b->reservation, used, now());
}

/* Of its key in the ring of when it came. */
static struct allowance allowance_of(const struct exchange *x)
{
    return x->booking.key ? rules_allowance(&x->booking.key->rules) : allowance_none;
}

bool booking_hold(struct exchange *x)
{
    struct booking *b = &x->booking;
    struct exchange_row row = account_row(x);

    row.failure = str_from(failure_row(FAILURE_interrupted)->name);
    row.status = failure_row(FAILURE_interrupted)->status;
    b->held_us = clock_monotonic_us();
    push_soon(x->worker);
    return recorder_hold(x->worker->gateway->recorder, &b->hold, &row);
}

/* At the end of the turn: whatever its requests have told the books is one write, and the journal's
 * thread is woken once. */
static void push_soon(struct worker *w)
{
    if (!w->push_due)
        loop_defer(w->loop, push, w);
    w->push_due = true;
}

static void push(void *ctx)
{
    struct worker *w = ctx;

    w->push_due = false;
    recorder_push(w->gateway->recorder);
}

/* Asked again after the flag is up: what the journal wrote in between raises no event. */
bool booking_is_kept(struct exchange *x)
{
    struct recorder *r = x->worker->gateway->recorder;
    struct booking *b = &x->booking;

    if (recorder_is_kept(r, &b->hold))
        return true;
    if (!b->is_waiting)
        link_append(&x->worker->unkept, &b->waiting);
    b->is_waiting = true;
    atomic_store(&x->worker->wants_kept, true);
    return recorder_is_kept(r, &b->hold);
}

void booking_on_kept(void *ctx)
{
    struct worker *w = ctx;
    struct link all;

    link_init(&all);
    while (!link_is_empty(&w->unkept)) {
        struct link *first = w->unkept.next;

        link_remove(first);
        link_append(&all, first);
    }
    while (!link_is_empty(&all)) {
        struct exchange *x = CONTAINER(all.next, struct exchange, booking.waiting);

        link_remove(&x->booking.waiting);
        x->booking.is_waiting = false;
        exchange_run(x);
    }
}

/* An engine sends a token at a time; one that sends more at once is counted by the letters. */
void booking_count(struct exchange *x, const struct delta *delta)
{
    struct booking *b = &x->booking;

    if (delta->kind != DELTA_text && delta->kind != DELTA_thinking && delta->kind != DELTA_call)
        return;
    b->counted += delta->text.len > 2 * BYTES_A_TOKEN ? delta->text.len / BYTES_A_TOKEN : 1;
    if (clock_monotonic_us() - b->held_us >= HOLD_EVERY_US)
        (void)!booking_hold(x);
}

/* Machines take nothing. An error instead of an answer costs nothing either. */
void booking_fail(struct exchange *x)
{
    const struct copy *copy = x->attempt.copy;
    struct booking *b = &x->booking;
    struct exchange_row row = {0};
    struct usage used;

    if (!copy || !copy->cloud || !x->attempt.status || x->attempt.status >= 300 ||
        (!x->usage.known && !b->counted))
        return;
    used = booking_used(x);
    if (!x->usage.known)
        used.prompt_tokens = guessed_prompt(x);
    charge(&row, copy, &used);
    b->failed.prompt_tokens += row.prompt_tokens;
    b->failed.completion_tokens += row.completion_tokens;
    b->failed.cached_tokens += row.cached_tokens;
    b->failed_micro += row.money_micro;
    account_tokens(&x->scene->copies[copy->index], &used);
}

void booking_fill(const struct exchange *x, struct exchange_row *row)
{
    const struct copy *copy = x->attempt.copy, *cut;
    struct usage used = booking_used(x);
    struct tokens spared;
    struct price price;
    bool is_said; /* from what is kept: nobody took anything for it */

    charge(row, copy, &used);
    for (unsigned i = 0; resume_cut(x, i, &cut, &used); i++)
        charge(row, cut, &used);
    charge(row, NULL, &x->booking.failed);
    row->money_micro += x->booking.failed_micro;
    if (!copy)
        return;
    spared = (struct tokens){row->prompt_tokens, row->cached_tokens, row->completion_tokens};
    is_said = reuse_spared(x, &spared);
    price = tariff_price(copy);
    if ((copy->cloud && is_said) || (!copy->cloud && tariff_cloud(x->scene->view, copy, &price)))
        row->avoided_micro = price_of(&price, &spared);
    if (x->attempt.started_us)
        row->energy_mj = tariff_energy_mj(copy, clock_monotonic_us() - x->attempt.started_us);
}

/* What is said counts, but an answer that was cut is as long as what came of it. A prompt counts
 * once an engine has begun to answer it, and while it is with one that may. */
struct usage booking_used(const struct exchange *x)
{
    struct usage used = x->usage;

    if (used.known && x->finish)
        return used;
    if (!used.known && x->attempt.copy && !x->why &&
        (!x->attempt.status || x->attempt.status < 300))
        used.prompt_tokens = guessed_prompt(x);
    if (used.completion_tokens < x->booking.counted)
        used.completion_tokens = x->booking.counted;
    return used;
}

static uint64_t guessed_prompt(const struct exchange *x)
{
    return x->ask.prompt_bytes / BYTES_A_TOKEN + (x->ask.prompt_bytes > 0);
}

/* The journal has the row before the books say that the money is spent. */
void booking_settle(struct exchange *x, struct exchange_row *row)
{
    struct gateway *g = x->worker->gateway;
    struct booking *b = &x->booking;

    push_soon(x->worker);
    if (!recorder_put(g->recorder, &b->hold, row))
        log_event(EVENT_row_lost, clock_wall_us(),
                  (struct log_field[]){LOG_STR("request", str_from(x->id)), LOG_END});
    count_books(x, row);
    if (b->is_waiting)
        link_remove(&b->waiting);
    b->is_waiting = false;
    settle_accounts(x,
                    (struct amount){row->money_micro, row->prompt_tokens + row->completion_tokens});
}

static struct amount at_most(const struct exchange *x, bool is_booked)
{
    struct amount most = {0};

    for (uint32_t i = 0; i < x->candidate_count; i++) {
        const struct copy *copy = x->candidates[i].copy;
        uint64_t prompt = prompt_at_most(x, copy, is_booked), answer = answer_at_most(x, copy);
        struct price price = tariff_price(copy);
        uint64_t money_micro = price_at_most(&price, prompt, answer);

        if (money_micro > most.money_micro)
            most.money_micro = money_micro;
        if (prompt + answer > most.tokens)
            most.tokens = prompt + answer;
    }
    return most;
}

/* Tools, schemas and pictures are no text of the prompt, but a budget pays for them, too: no more
 * tokens than the body has bytes, nor than the model can read. */
static uint64_t prompt_at_most(const struct exchange *x, const struct copy *copy, bool is_booked)
{
    uint64_t text = x->ask.prompt_bytes;
    uint64_t all = x->upload ? x->upload->spool.length : x->ask.body.len;

    if (copy->context && all > copy->context)
        all = copy->context;
    return (is_booked && all > text ? all : text) + PROMPT_MARGIN;
}

/* Of all choices. Where nothing is streamed only what has a price has tokens to pay for. */
static uint64_t answer_at_most(const struct exchange *x, const struct copy *copy)
{
    uint64_t limit = answer_limit(copy), choices = x->ask.choices ? x->ask.choices : 1;
    struct price price = tariff_price(copy);

    if (!task_has_stream(x->task) && !price.out_micro)
        return 0;
    if (x->ask.max_tokens && x->ask.max_tokens < limit)
        limit = x->ask.max_tokens;
    return limit < PRICED_TOKENS_MAX / choices ? limit * choices : PRICED_TOKENS_MAX;
}

static uint64_t answer_limit(const struct copy *copy)
{
    if (copy->cloud && copy->cloud->output_max)
        return copy->cloud->output_max;
    if (copy->cloud_facts && copy->cloud_facts->output_max)
        return copy->cloud_facts->output_max;
    return copy->context ? copy->context : ANSWER_UNKNOWN;
}

static bool is_limited(const struct allowance *a)
{
    return a->requests_per_minute != NO_LIMIT || a->tokens_per_minute != NO_LIMIT ||
           a->parallel != NO_LIMIT || has_budget(a);
}

/* Has it a budget that must not be passed? */
static bool is_hard(const struct allowance *a)
{
    return has_budget(a) && !a->is_soft;
}

static bool has_budget(const struct allowance *a)
{
    bool has = false;

    for (enum period p = 0; p < PERIOD_COUNT; p++)
        has |= a->budgets[p].money_micro != NO_LIMIT || a->budgets[p].tokens != NO_LIMIT;
    return has;
}

static enum failure refuse(struct exchange *x, struct refusal refusal, struct err *err)
{
    bool is_budget = refusal.limit == LIMIT_money || refusal.limit == LIMIT_budget_tokens;

    x->retry_ms = refusal.retry_us / 1000;
    if (is_budget)
        err_set(err, -EDQUOT, "%s of this %s", limit_words(refusal.limit),
                period_name(refusal.period));
    else
        err_set(err, -EDQUOT, "%s", limit_words(refusal.limit));
    return is_budget ? FAILURE_over_budget : FAILURE_over_limit;
}

static void say_soft(const struct exchange *x, struct refusal refusal)
{
    log_event(EVENT_over_budget, clock_wall_us(),
              (struct log_field[]){
                  LOG_STR("request", str_from(x->id)), LOG_STR("key", str_from(x->key_id)),
                  LOG_STR("of", str_from(limit_words(refusal.limit))),
                  LOG_STR("period", str_from(period_name(refusal.period))), LOG_END});
}

static void charge(struct exchange_row *row, const struct copy *copy, const struct usage *used)
{
    const struct tokens tokens = {used->prompt_tokens, used->cached_tokens,
                                  used->completion_tokens};
    struct price price;

    row->prompt_tokens += tokens.prompt;
    row->completion_tokens += tokens.answer;
    row->cached_tokens += tokens.cached;
    if (!copy)
        return;
    price = tariff_price(copy);
    row->money_micro += price_of(&price, &tokens);
}

static struct moment now(void)
{
    return (struct moment){clock_monotonic_us(), clock_wall_us()};
}

/* The same numbers as the row's: `tampu usage --reconcile` compares them. */
static void count_books(const struct exchange *x, const struct exchange_row *row)
{
    struct books *books = &x->worker->gateway->books;

    series_add(books->requests, 1);
    series_add(books->prompt_tokens, row->prompt_tokens);
    series_add(books->completion_tokens, row->completion_tokens);
    series_add(books->money_micro, row->money_micro);
}
