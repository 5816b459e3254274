/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of an exchange. */
#include "gateway/exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/settings.h"
#include "gateway/account.h"
#include "gateway/attempt.h"
#include "gateway/clearing.h"
#include "gateway/course.h"
#include "gateway/decision.h"
#include "gateway/drill_call.h"
#include "gateway/endpoints.h"
#include "gateway/fence.h"
#include "gateway/hedge.h"
#include "gateway/receive.h"
#include "gateway/relay.h"
#include "gateway/resume.h"
#include "gateway/reuse.h"
#include "gateway/upload.h"
#include "gateway/video.h"
#include "gateway/worker.h"
#include "net/clock.h"

enum {
    FOUND_MAX = 512, /* bytes of what was found: a person stops reading there */
    REST_MS = 500,   /* before an engine that loads is asked again */
};

/* What a step says: go on with the next one, or wait for an event. */
enum verdict { RUN_ON, WAIT, END };

typedef enum verdict step_fn(struct exchange *x);

#define STEP(name, what, next) static step_fn do_##name;
#include "tables/exchange_steps.def"

static enum verdict go(struct exchange *x, enum step to);
static enum verdict refuse(struct exchange *x, enum failure why, const char *found);
static enum verdict refuse_absent(struct exchange *x, enum failure why);
static enum verdict book(struct exchange *x);
static enum verdict try_again_or(struct exchange *x, enum step otherwise);
static enum verdict take_or_wait(struct exchange *x);
static enum verdict go_on(struct exchange *x);
static enum verdict leave_line(struct exchange *x);
static enum verdict take_back(struct exchange *x);
static bool is_awaited(const struct exchange *x);
static bool start_rest(struct exchange *x);
static bool end_rest(struct exchange *x);
static enum verdict estimate(struct exchange *x);
static void on_cleared(void *ctx);
static void on_impatient(void *ctx);
static void free_exchange(void *ctx);

#define TO(name) (1u << STEP_##name)
static const struct {
    uint32_t next;
    step_fn *run;
} steps[STEP_COUNT] = {
#define STEP(name, what, next) [STEP_##name] = {next, do_##name},
#include "tables/exchange_steps.def"
};

static const char *const resumed_words[] = {
    [RESUME_no] = "lost", [RESUME_again] = "elsewhere", [RESUME_whole] = "whole"};

static_assert(STEP_COUNT <= 32, "a mask of arrows holds 32 steps");

struct exchange *exchange_start(struct worker *w, struct stream *s, const struct request *r,
                                const struct dialect *dialect, enum task task,
                                enum endpoint_id endpoint, const struct key_entry *key)
{
    const struct settings *settings = w->gateway->settings;
    struct exchange *x = malloc(sizeof *x); /* of this size calloc() is slow */

    if (!x) {
        if (stream_answer(s, 503, NULL, 0, (struct str){0}) < 0)
            stream_end(s, false);
        return NULL;
    }
    *x = (struct exchange){.worker = w};
    x->scene = scene_ref(w->scene);
    x->stream = s;
    x->request = r;
    x->dialect = dialect;
    x->task = task;
    x->endpoint = endpoint;
    x->dead = request_header(r, STR(DRILL_HEADER));
    x->arrived_us = clock_monotonic_us();
    x->created_us = clock_wall_us();
    arena_init(&x->arena, settings->exchange_max);
    buf_init(&x->body, settings->body_max);
    x->booking.ring = keyring_ref(w->keyring);
    x->booking.key = key;
    if (key)
        memcpy(x->key_id, key->row.id, sizeof key->row.id);
    worker_make_id(w, x->id, sizeof x->id);
    link_append(&w->exchanges, &x->link);
    stream_set_ctx(s, x);
    receive_begin(x);
    return x;
}

void exchange_forget_request(struct exchange *x)
{
    ask_fini(&x->ask);
    if (!resume_keeps_body(x))
        buf_fini(&x->body);
    buf_fini(&x->attempt.request);
    arena_fini(&x->arena);
    x->found = (struct str){0};
    x->chat = NULL;
    x->candidate_count = 0;
    x->attempt.dropped_count = 0;
    x->attempt.type = (struct str){0};
    upload_free(x->upload);
    x->upload = NULL;
}

void exchange_on_body_end(struct exchange *x)
{
    x->body_complete = true;
    exchange_run(x);
}

void exchange_on_writable(struct exchange *x)
{
    attempt_resume(x);
}

void exchange_on_gone(struct exchange *x, enum failure why)
{
    x->stream = NULL;
    x->request = NULL;
    x->caller_gone = true;
    if (why) {
        x->refused = true;
        exchange_fail(x, why, (struct str){0});
    }
    exchange_run(x);
}

void exchange_fail(struct exchange *x, enum failure why, struct str found)
{
    if (x->why)
        return;
    x->why = why;
    found.len = found.len < FOUND_MAX ? found.len : FOUND_MAX;
    x->found = found.len ? arena_str(&x->arena, found) : found;
}

void exchange_on_grant(void *ctx)
{
    struct exchange *x = ctx;

    if (x->settled) {
        x->grant_on_its_way = false;
        if (!is_awaited(x))
            free_exchange(x);
        return;
    }
    x->granted = true;
    exchange_run(x);
}

void exchange_on_recall(void *ctx)
{
    struct exchange *x = ctx;

    if (x->recalls_on_their_way) {
        x->recalls_on_their_way--;
        if (x->settled && !is_awaited(x))
            free_exchange(x);
        return;
    }
    x->recall_heard = true;
    x->recalled = x->step == STEP_await;
    exchange_run(x);
}

/* By a word that was posted to it. */
static bool is_awaited(const struct exchange *x)
{
    return x->grant_on_its_way || x->recalls_on_their_way;
}

/* The only place an exchange changes step: the one line to trace or break on. */
static enum verdict go(struct exchange *x, enum step to)
{
    assert(steps[x->step].next & (1u << to));
    account_step(x, to);
    x->step = to;
    return RUN_ON;
}

/* An event raised while a step runs is seen when that step returns. */
void exchange_run(struct exchange *x)
{
    enum verdict verdict;

    x->nudged = true;
    if (x->running || x->settled)
        return;
    x->running = true;
    while (x->nudged) {
        x->nudged = false;
        while ((verdict = steps[x->step].run(x)) == RUN_ON)
            ;
        if (verdict == END)
            return;
    }
    x->running = false;
}

static enum verdict do_receive(struct exchange *x)
{
    if (x->caller_gone)
        return go(x, STEP_settle);
    if (x->why)
        return go(x, STEP_refuse);
    return x->body_complete ? go(x, STEP_decode) : WAIT;
}

static enum verdict do_decode(struct exchange *x)
{
    struct err err = {0};
    const char *words = "";
    enum failure why = x->upload ? upload_end(x->upload, &words) : FAILURE_none;
    int r;

    if (!why && video_is_asked_about(x->task)) {
        why = video_find(x, &err);
        if (!why && receive_keep_asked(x) < 0)
            why = FAILURE_out_of_room;
        return why ? refuse(x, why, err.text) : book(x);
    }
    if (why)
        return refuse(x, why, words);
    r = receive_read(x, &err);
    if (r < 0)
        return refuse(x,
                      r == -ENOMEM ? FAILURE_out_of_room
                      : x->upload  ? FAILURE_bad_form
                                   : FAILURE_bad_json,
                      err.text);
    why = course_find(x, &err);
    if (why == FAILURE_no_candidate && x->task == TASK_tokens)
        return estimate(x);
    return why ? refuse(x, why, err.text) : book(x);
}

/* Room for the most that it may cost, before anybody is asked. */
static enum verdict book(struct exchange *x)
{
    struct err err = {0};
    enum failure why = booking_open(x, &err);

    if (why)
        return refuse(x, why, err.text);
    return go(x, reuse_begin(x) ? STEP_reuse : STEP_route);
}

static enum verdict do_reuse(struct exchange *x)
{
    if (x->caller_gone)
        return go(x, STEP_settle);
    switch (reuse_look(x)) {
    case REUSE_waits:
        return WAIT;
    case REUSE_said:
        return go(x, STEP_settle);
    case REUSE_none:
        break;
    }
    return go(x, STEP_route);
}

/* Nobody can count: the caller gets a guess, and is told that it is one. */
static enum verdict estimate(struct exchange *x)
{
    return relay_estimate(x) < 0 ? refuse(x, FAILURE_out_of_room, "") : go(x, STEP_settle);
}

/* Entered anew for each attempt, and again when a slot was granted. */
static enum verdict do_route(struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;

    if (x->queued)
        return leave_line(x);
    if (x->caller_gone)
        return go(x, STEP_settle);
    if (x->resting && !end_rest(x))
        return WAIT;
    if (course_attempts(x) >= settings->attempts_max)
        return go(x, STEP_refuse);
    /* A copy that is asked when no time is left would be blamed for it. */
    if (clock_monotonic_us() - x->arrived_us >= settings->total_timeout_ms * 1000)
        return x->why ? go(x, STEP_refuse) : refuse(x, FAILURE_total_timeout, "");
    if (course_has_more(x))
        return take_or_wait(x);
    if (x->why == FAILURE_upstream_loading && start_rest(x))
        return WAIT;
    return x->why ? go(x, STEP_refuse) : refuse_absent(x, FAILURE_no_candidate);
}

static enum verdict take_or_wait(struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;

    switch (course_ask(x)) {
    case ASK_taken:
        return go(x, x->waiter.victims_count ? STEP_clear : STEP_send);
    case ASK_waits:
        timer_start(&x->patience, x->worker->loop, settings->queue_timeout_ms, on_impatient, x);
        account_waiting(x, +1);
        x->queued = true;
        return WAIT;
    case ASK_full:
        x->retry_ms = x->waiter.retry_ms;
        return refuse(x, FAILURE_queue_full, "");
    case ASK_none:
        break;
    }
    x->retry_ms = x->waiter.retry_ms == UINT64_MAX ? 1000 : x->waiter.retry_ms;
    /* The failure of the last try says more than "nobody is up". */
    return x->why ? go(x, STEP_refuse) : refuse_absent(x, FAILURE_no_candidate);
}

/* The last copy says that its model is being loaded: that is no failure while there is patience. */
static bool start_rest(struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;

    if (clock_monotonic_us() - x->arrived_us >= settings->load_timeout_ms * 1000)
        return false;
    timer_start(&x->patience, x->worker->loop, REST_MS, on_impatient, x);
    x->resting = true;
    return true;
}

/* Asking a copy that loads was no attempt. */
static bool end_rest(struct exchange *x)
{
    if (!x->impatient)
        return false;
    x->resting = x->impatient = false;
    x->attempts--;
    course_forgive(x);
    return true;
}

/* In line until a slot is granted, patience is over or the caller leaves. */
static enum verdict leave_line(struct exchange *x)
{
    if (!x->granted && !x->impatient && !x->caller_gone)
        return WAIT;
    if (x->impatient && !x->granted && !x->caller_gone && course_is_worth_waiting(x)) {
        x->impatient = false;
        timer_start(&x->patience, x->worker->loop, REST_MS, on_impatient, x);
        return WAIT;
    }
    timer_stop(&x->patience);
    account_waiting(x, -1);
    x->queued = false;
    if (x->granted && !x->caller_gone) {
        x->granted = false;
        return go(x, x->waiter.victims_count ? STEP_clear : STEP_send);
    }
    x->retry_ms = course_estimate_ms(x);
    course_leave(x);
    if (x->caller_gone)
        return go(x, STEP_settle);
    return refuse_absent(x, FAILURE_queue_timeout);
}

/* Entered once more when that is done. */
static enum verdict do_clear(struct exchange *x)
{
    if (x->caller_gone) {
        clearing_cancel(TAKE(x->clearing));
        course_leave(x);
        return go(x, STEP_settle);
    }
    if (x->clearing)
        return WAIT;
    if (x->waiter.victims_count &&
        clearing_start(&x->clearing, x->worker->client, x->scene, x->waiter.victims,
                       x->waiter.victims_count, on_cleared, x) == 0) {
        x->waiter.victims_count = 0;
        return WAIT;
    }
    return go(x, STEP_send);
}

static enum verdict do_send(struct exchange *x)
{
    enum failure why;

    /* What an earlier attempt ran into is over: this one may end well. */
    x->why = FAILURE_none;
    x->found = (struct str){0};
    x->attempts++;
    why = attempt_start(x);
    if (!why)
        return go(x, STEP_await);
    x->attempts -= why == FAILURE_unsupported; /* nothing was sent */
    exchange_fail(x, why, (struct str){0});
    attempt_end(x, PARTING_none);
    return try_again_or(x, STEP_refuse);
}

/* Before the first token the caller was promised nothing: try elsewhere. Nor does it hear of what
 * would be forgotten if we died: the engine pauses until the journal has it, a millisecond or so.
 */
static enum verdict do_await(struct exchange *x)
{
    if (x->caller_gone) {
        hedge_drop(x, PARTING_left);
        attempt_end(x, PARTING_left);
        return go(x, STEP_settle);
    }
    if (x->why) {
        attempt_end(x, PARTING_none);
        if (failure_row(x->why)->again && hedge_promote(x))
            return RUN_ON;
        hedge_drop(x, PARTING_left);
        return try_again_or(x, STEP_refuse);
    }
    if (!x->first_token && !x->attempt.over)
        return x->recalled ? take_back(x) : WAIT;
    hedge_drop(x, PARTING_overtaken);
    if (!booking_is_kept(x)) {
        attempt_pause(x);
        return WAIT;
    }
    course_began(x);
    attempt_resume(x);
    return go(x, STEP_relay);
}

/* It stands in line again where it stood, and has no failure. */
static enum verdict take_back(struct exchange *x)
{
    account_recall(x);
    attempt_end(x, PARTING_recalled);
    return go(x, STEP_route);
}

static enum verdict do_relay(struct exchange *x)
{
    if (x->caller_gone) {
        attempt_end(x, PARTING_left);
        return go(x, STEP_settle);
    }
    if (x->why && x->started) {
        attempt_end(x, PARTING_none);
        return go_on(x);
    }
    if (x->why) {
        attempt_end(x, PARTING_none);
        return try_again_or(x, STEP_refuse);
    }
    if (x->attempt.over) {
        relay_end(x);
        attempt_end(x, PARTING_none);
        return go(x, STEP_settle);
    }
    if (relay_flush(x))
        attempt_pause(x);
    return WAIT;
}

/* The answer was cut in its middle. */
static enum verdict go_on(struct exchange *x)
{
    enum resumed resumed = resume_begin(x);

    account_cut(x, resumed_words[resumed]);
    switch (resumed) {
    case RESUME_again:
        return go(x, STEP_route);
    case RESUME_whole:
        relay_end(x);
        return go(x, STEP_settle);
    case RESUME_no:
        break;
    }
    relay_fail(x);
    return go(x, STEP_settle);
}

static enum verdict do_refuse(struct exchange *x)
{
    if (!x->booking.hold.last && !booking_hold(x))
        x->booking.hold = (struct hold){0}; /* nothing can be booked: say no all the same */
    if (!booking_is_kept(x))
        return WAIT;
    if (x->started) {
        resume_give_up(x);
        relay_fail(x);
    } else {
        relay_refuse(x);
    }
    return go(x, STEP_settle);
}

static enum verdict do_settle(struct exchange *x)
{
    if (x->refused) {
        x->status = failure_row(x->why)->status;
    } else if (x->caller_gone) {
        x->why = FAILURE_none; /* of an earlier try, which nobody was told */
        exchange_fail(x, FAILURE_client_gone, (struct str){0});
        x->status = failure_row(x->why)->status;
    }
    decision_end(x);
    account_answered(x);
    reuse_end(x);
    x->settled = true;
    if (x->stream)
        stream_set_ctx(x->stream, NULL);
    x->stream = NULL;
    link_remove(&x->link);
    if (!is_awaited(x))
        loop_defer(x->worker->loop, free_exchange, x);
    return END;
}

static enum verdict refuse(struct exchange *x, enum failure why, const char *found)
{
    x->why = FAILURE_none;
    exchange_fail(x, why, str_from(found));
    return go(x, STEP_refuse);
}

/* Nobody who may answer is there. */
static enum verdict refuse_absent(struct exchange *x, enum failure why)
{
    struct err err = {0};

    why = fence_judge(x, why, &err);
    return refuse(x, why, err.text);
}

static enum verdict try_again_or(struct exchange *x, enum step otherwise)
{
    return go(x, failure_row(x->why)->again ? STEP_route : otherwise);
}

static void on_cleared(void *ctx)
{
    struct exchange *x = ctx;

    x->clearing = NULL;
    exchange_run(x);
}

static void on_impatient(void *ctx)
{
    struct exchange *x = ctx;

    x->impatient = true;
    exchange_run(x);
}

static void free_exchange(void *ctx)
{
    struct exchange *x = ctx;

    timer_stop(&x->patience);
    if (x->writer)
        x->dialect->writer_free(x->writer);
    resume_free(x);
    hedge_free(x->hedge);
    decision_drop(x->decision);
    course_fini(x);
    upload_free(x->upload);
    ask_fini(&x->ask);
    buf_fini(&x->out);
    buf_fini(&x->tail);
    buf_fini(&x->body);
    free(x->asked);
    attempt_forget(&x->attempt);
    arena_fini(&x->arena);
    scene_unref(x->scene);
    keyring_unref(x->booking.ring);
    free(x);
}
