/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that have become far slower than their copy is known to be. */
#include "gateway/outgoing.h"
#include "gateway/resume_inside.h"
#include "gateway/worker.h"
#include "route/slow.h"

static bool is_looked_at(const struct exchange *x);
static double idle_step_s(const struct exchange *x);
static bool is_idle_equal(const struct exchange *x, const struct copy *copy);
static bool could_go_on(struct exchange *x);

bool resume_is_slow(struct exchange *x, uint64_t now_us)
{
    struct resume *r = x->resume;
    const struct scene_copy *copy;
    uint32_t tokens;
    double seconds, step_s;

    if (!is_looked_at(x))
        return false;
    tokens = r->said_tokens + r->thought_tokens;
    seconds = (double)(now_us - r->look_us) / 1e6;
    if (r->look_us && !x->attempt.is_paused && seconds < SLOW_LOOK_S)
        return false;
    copy = &x->scene->copies[x->attempt.copy->index];
    step_s =
        traffic_look(x->worker->gateway->traffic, copy->place, loop_now_ms(x->worker->loop)).step_s;
    tokens -= r->look_tokens;
    if (r->look_us && !x->attempt.is_paused &&
        slow_is_due(step_s, tokens, seconds, idle_step_s(x)) && could_go_on(x))
        return true;
    r->look_us = now_us;
    r->look_tokens = r->said_tokens + r->thought_tokens;
    return false;
}

static bool is_looked_at(const struct exchange *x)
{
    const struct resume *r = x->resume;

    return r && x->step == STEP_relay && x->started && r->keeps_body && !r->is_fragile &&
           x->stream && !x->attempt.copy->cloud && (!r->going || r->going->count < CUTS_MAX);
}

/* What a token would take on the best of its equals that has nothing to do; 0: there is none. */
static double idle_step_s(const struct exchange *x)
{
    const struct view *view = x->scene->view;
    double best = 0;

    for (uint32_t i = 0; i < view->copies_count; i++) {
        struct copy_look seen;

        if (!is_idle_equal(x, &view->copies[i]))
            continue;
        seen = traffic_look(x->worker->gateway->traffic, x->scene->copies[i].place,
                            loop_now_ms(x->worker->loop));
        if (seen.is_open && seen.state == COPY_loaded && !seen.running && seen.step_s > 0 &&
            (best <= 0 || seen.step_s < best))
            best = seen.step_s;
    }
    return best;
}

/* Nothing is risked: its template is known to leave the turn open. */
static bool is_idle_equal(const struct exchange *x, const struct copy *copy)
{
    return copy != x->attempt.copy && resume_is_equal(x, x->attempt.copy, copy) &&
           turns_find(&x->worker->gateway->turns, copy) >= TURN_trimmed;
}

static bool could_go_on(struct exchange *x)
{
    return resume_read_again(x) && resume_is_joinable(x);
}
