/* SPDX-License-Identifier: Apache-2.0 */
/* The second try of a late request. */
#include "gateway/hedge.h"

#include <assert.h>
#include <stdlib.h>

#include "config/settings.h"
#include "gateway/account.h"
#include "gateway/course.h"
#include "gateway/decision.h"
#include "gateway/outgoing.h"
#include "gateway/resume.h"
#include "gateway/worker.h"

/* Until it is promoted its try lies here, and its call speaks to it; from then on it only passes on
 * what the call says. */
struct hedge {
    struct exchange *x;
    struct waiter waiter;
    struct attempt attempt;
    const struct copy *other; /* who did not answer: the second one, or the first */
    bool runs, is_promoted;
};

static bool may_hedge(const struct exchange *x);
static void begin(struct exchange *x, uint64_t waited_ms);
static enum failure ask_second(struct exchange *x, struct hedge *h);
static void swap(struct exchange *x, struct hedge *h);
static void end_second(struct hedge *h, enum failure why, enum parting parting);
static void count(const struct hedge *h, const char *result);
static bool win(struct hedge *h);
static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void on_end(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);

static const struct call_events events = {on_head, on_body, on_end, on_fail};

void hedge_look(struct exchange *x, uint64_t now_us)
{
    uint64_t waited_us = now_us - x->attempt.started_us;

    if (x->step == STEP_await && !x->hedge && (double)waited_us / 1e6 >= x->waiter.errand.late_s &&
        may_hedge(x))
        begin(x, waited_us / 1000);
}

/* Tools may be run by whoever is asked; a sound or a picture is made once. */
static bool may_hedge(const struct exchange *x)
{
    return x->priority != PRIORITY_batch && x->ask.stream && task_has_stream(x->task) &&
           outgoing_streams(x) && !(x->ask.needs & NEED_tools) && !x->ask.is_load &&
           !x->first_token && !x->why && !x->caller_gone && !x->attempt.over && !resume_is_on(x);
}

static void begin(struct exchange *x, uint64_t waited_ms)
{
    uint32_t count = x->waiter.errand.options_count;
    struct hedge *h =
        malloc(sizeof *h + count * (sizeof *h->waiter.copies + sizeof *h->waiter.errand.options));
    enum failure why;

    if (!h)
        return;
    *h = (struct hedge){.x = x};
    h->waiter.copies = (void *)(h + 1);
    h->waiter.errand.options = (void *)(h->waiter.copies + count);
    if (!traffic_hedge(x->worker->gateway->traffic, &x->waiter, &h->waiter, waited_ms,
                       loop_now_ms(x->worker->loop))) {
        hedge_free(h);
        return;
    }
    x->hedge = h;
    x->attempts++;
    h->runs = true;
    why = ask_second(x, h);
    h->other = h->attempt.copy;
    if (why)
        end_second(h, why, PARTING_none);
}

/* What cannot be said to it is no failure of the request. */
static enum failure ask_second(struct exchange *x, struct hedge *h)
{
    enum failure why;
    size_t pieces = 0;

    swap(x, h);
    attempt_choose(x, &h->waiter);
    account_attempt(x);
    why = outgoing_write(x, &pieces);
    if (!why)
        why = outgoing_check_dropped(x);
    if (!why)
        why = attempt_call(x, pieces, &events, h);
    x->why = FAILURE_none;
    x->found = (struct str){0};
    swap(x, h);
    return why;
}

static void swap(struct exchange *x, struct hedge *h)
{
    struct attempt first = x->attempt;

    x->attempt = h->attempt;
    h->attempt = first;
}

bool hedge_promote(struct exchange *x)
{
    struct hedge *h = x->hedge;
    const struct copy *first = x->attempt.copy;
    enum failure why;

    if (!h || !h->runs)
        return false;
    h->runs = false;
    h->is_promoted = true;
    h->other = first;
    count(h, "won");
    traffic_take_over(x->worker->gateway->traffic, &x->waiter, &h->waiter,
                      loop_now_ms(x->worker->loop));
    x->why = FAILURE_none;
    x->found = (struct str){0};
    swap(x, h);
    attempt_forget(&h->attempt);
    (void)!booking_hold(x); /* the journal knows of the first one: nothing was spent there */
    why = attempt_listen(x);
    if (why)
        exchange_fail(x, why, (struct str){0});
    return true;
}

void hedge_drop(struct exchange *x, enum parting parting)
{
    if (!x->hedge || !x->hedge->runs)
        return;
    count(x->hedge, "lost");
    end_second(x->hedge, FAILURE_none, parting);
}

struct str hedge_machine(const struct exchange *x)
{
    return x->hedge && x->hedge->other ? x->hedge->other->machine_name : (struct str){0};
}

void hedge_free(struct hedge *h)
{
    assert(!h || !h->runs);
    if (h)
        waiter_fini(&h->waiter);
    free(h);
}

static void end_second(struct hedge *h, enum failure why, enum parting parting)
{
    struct exchange *x = h->x;
    const struct errand_end end = {.why = why, .left = !why};
    struct outcome outcome = {.why = why, .unknown = !why};
    struct verdict_change change;

    h->runs = false;
    if (why)
        count(h, "failed");
    if (h->attempt.call)
        call_cancel(h->attempt.call);
    h->attempt.call = NULL;
    change =
        traffic_done(x->worker->gateway->traffic, &h->waiter, &end, loop_now_ms(x->worker->loop));
    swap(x, h);
    decision_note(x, why, parting);
    account_attempt_end(x, outcome, change);
    swap(x, h);
    attempt_forget(&h->attempt);
}

/* While its try lies here. */
static void count(const struct hedge *h, const char *result)
{
    struct str labels[] = {h->attempt.copy->machine_name, str_from(result)};

    series_add(stats_series(h->x->worker->gateway->stats, COUNTER_hedges_total, labels), 1);
}

/* The first byte of its answer is there before the first one's first token. */
static bool win(struct hedge *h)
{
    struct exchange *x = h->x;

    if (!h->runs || h->attempt.status >= 300 || x->step != STEP_await || x->first_token || x->why)
        return false;
    attempt_end(x, PARTING_overtaken);
    return hedge_promote(x);
}

static void on_head(void *ctx, const struct reply *r)
{
    struct hedge *h = ctx;

    if (h->is_promoted)
        attempt_events.on_head(h->x, r);
    else
        h->attempt.status = r->status;
}

static void on_body(void *ctx, struct str chunk)
{
    struct hedge *h = ctx;

    if (h->is_promoted || win(h))
        attempt_events.on_body(h->x, chunk);
}

/* An answer without a body, or a refusal: whose fault that is, the first one may find out. */
static void on_end(void *ctx)
{
    struct hedge *h = ctx;

    if (h->is_promoted) {
        attempt_events.on_end(h->x);
        return;
    }
    h->attempt.call = NULL;
    end_second(h, FAILURE_upstream_error, PARTING_none);
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    struct hedge *h = ctx;

    if (h->is_promoted) {
        attempt_events.on_fail(h->x, why, words);
        return;
    }
    h->attempt.call = NULL;
    end_second(h, why, PARTING_none);
}
