/* SPDX-License-Identifier: Apache-2.0 */
/* What no event tells. */
#include "gateway/watch.h"

#include "config/settings.h"
#include "gateway/exchange.h"
#include "gateway/hedge.h"
#include "gateway/resume.h"
#include "gateway/worker.h"
#include "net/clock.h"

static bool is_forsaken(const struct exchange *x, uint64_t now_us);

/* Running one may end it and no other: the next is known before. */
void watch_exchanges(struct worker *w)
{
    uint64_t now_us = clock_monotonic_us();
    struct link *at = w->exchanges.next;

    while (at != &w->exchanges) {
        struct exchange *x = CONTAINER(at, struct exchange, link);

        at = at->next;
        if (is_forsaken(x, now_us))
            exchange_fail(x, FAILURE_first_byte_timeout, STR("its copy or engine does not answer"));
        else if (resume_is_slow(x, now_us))
            exchange_fail(x, FAILURE_idle_timeout, STR("it is far slower than it was"));
        else
            continue;
        exchange_run(x);
    }
}

/* Asking is no event: nothing runs, nothing ends. */
void watch_late(struct worker *w)
{
    uint64_t now_us = clock_monotonic_us();

    if (!w->gateway->settings->hedge)
        return;
    LINK_EACH(&w->exchanges, at)
    hedge_look(CONTAINER(at, struct exchange, link), now_us);
}

static bool is_forsaken(const struct exchange *x, uint64_t now_us)
{
    const struct attempt *a = &x->attempt;

    if (x->step != STEP_await || !a->call || a->status || attempt_is_limited(x) ||
        now_us - a->started_us < attempt_patience_ms(x) * UINT64_C(1000))
        return false;
    return !traffic_is_open(x->worker->gateway->traffic, x->scene->copies[a->copy->index].place,
                            loop_now_ms(x->worker->loop));
}
