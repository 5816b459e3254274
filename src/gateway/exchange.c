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
#include "gateway/endpoints.h"
#include "gateway/fence.h"
#include "gateway/qualify.h"
#include "gateway/relay.h"
#include "gateway/upload.h"
#include "gateway/video.h"
#include "gateway/wanted.h"
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
static void begin_upload(struct exchange *x);
static int scan(struct exchange *x, struct err *err);
static bool has_endpoint(const struct exchange *x, const struct scene_engine *e);
static enum verdict try_again_or(struct exchange *x, enum step otherwise);
static enum verdict take_or_wait(struct exchange *x);
static enum verdict leave_line(struct exchange *x);
static bool start_rest(struct exchange *x);
static bool end_rest(struct exchange *x);
static enum verdict estimate(struct exchange *x);
static enum failure find_candidates(struct exchange *x, struct err *err);
static int keep_asked(struct exchange *x);
static void keep_reachable(struct exchange *x, const struct candidates *found, struct err *err);
static bool on_granted(struct waiter *w);
static void on_grant(void *ctx);
static void on_impatient(void *ctx);
static void free_exchange(void *ctx);

#define TO(name) (1u << STEP_##name)
static const struct {
    const char *name;
    uint32_t next;
    step_fn *run;
} steps[STEP_COUNT] = {
#define STEP(name, what, next) [STEP_##name] = {#name, next, do_##name},
#include "tables/exchange_steps.def"
};

static_assert(STEP_COUNT <= 32, "a mask of arrows holds 32 steps");

struct exchange *exchange_start(struct worker *w, struct stream *s, const struct request *r,
                                const struct dialect *dialect, enum task task,
                                enum endpoint_id endpoint, const char *key_id)
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
    x->arrived_us = clock_monotonic_us();
    x->created_us = clock_wall_us();
    x->waiter.granted = on_granted;
    arena_init(&x->arena, settings->exchange_max);
    buf_init(&x->body, settings->body_max);
    memcpy(x->key_id, key_id, strnlen(key_id, sizeof x->key_id - 1));
    worker_make_id(w, x->id, sizeof x->id);
    link_append(&w->exchanges, &x->link);
    stream_set_ctx(s, x);
    begin_upload(x);
    return x;
}

/* Admission has seen to it that this endpoint takes what content-type says. */
static void begin_upload(struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;
    struct str type = request_header(x->request, STR("content-type"));
    struct spool_limits limits = {
        .folder = x->worker->gateway->spool_folder,
        .memory_max = settings->upload_memory,
        .bytes_max = settings->upload_max,
        .all_bytes_max = settings->uploads_max,
        .all_bytes = &x->worker->gateway->spooled_bytes,
    };
    int r;

    if (!multipart_is_form(type))
        return;
    r = upload_new(&x->upload, type, &limits, &x->arena);
    if (r == 0 && x->request->content_length > (int64_t)settings->upload_max)
        exchange_fail(x, FAILURE_upload_too_large, STR(""));
    else if (r < 0)
        exchange_fail(x, r == -EINVAL ? FAILURE_bad_form : FAILURE_out_of_room,
                      r == -EINVAL ? STR("content-type names no boundary") : STR(""));
    if (x->why)
        exchange_run(x);
}

void exchange_forget_request(struct exchange *x)
{
    ask_fini(&x->ask);
    buf_fini(&x->body);
    buf_fini(&x->attempt.request);
    arena_fini(&x->arena);
    x->found = (struct str){0};
    x->chat = NULL;
    x->candidates = NULL;
    x->candidate_count = x->waiter.count = 0;
    x->waiter.copies = NULL;
    x->attempt.dropped_count = 0;
    upload_free(x->upload);
    x->upload = NULL;
}

void exchange_on_body(struct exchange *x, struct str chunk)
{
    enum failure why = FAILURE_none;
    const char *words = "";
    int r = 0;

    if (x->why)
        return;
    if (x->upload)
        why = upload_feed(x->upload, chunk, &words);
    else if ((r = buf_put(&x->body, chunk)) < 0)
        why = r == -EMSGSIZE ? FAILURE_body_too_large : FAILURE_out_of_room;
    if (!why)
        return;
    exchange_fail(x, why, str_from(words));
    exchange_run(x);
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

/* The only place an exchange changes step: the one line to trace or break on. */
static enum verdict go(struct exchange *x, enum step to)
{
    assert(steps[x->step].next & (1u << to));
    account_step(x, steps[x->step].name, steps[to].name);
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
        if (!why && keep_asked(x) < 0)
            why = FAILURE_out_of_room;
        return why ? refuse(x, why, err.text) : go(x, STEP_route);
    }
    if (why)
        return refuse(x, why, words);
    r = scan(x, &err);
    if (r == 0 && x->dialect->scan_path)
        r = x->dialect->scan_path(&x->ask, endpoint_rest(x->endpoint, x->request->path),
                                  x->request->query, &x->arena, &err);
    if (r == 0)
        r = keep_asked(x);
    if (r < 0)
        return refuse(x,
                      r == -ENOMEM ? FAILURE_out_of_room
                      : x->upload  ? FAILURE_bad_form
                                   : FAILURE_bad_json,
                      err.text);
    why = find_candidates(x, &err);
    if (why == FAILURE_no_candidate && x->task == TASK_tokens)
        return estimate(x);
    return why ? refuse(x, why, err.text) : go(x, STEP_route);
}

/* Nobody can count: the caller gets a guess, and is told that it is one. */
static enum verdict estimate(struct exchange *x)
{
    return relay_estimate(x) < 0 ? refuse(x, FAILURE_out_of_room, "") : go(x, STEP_settle);
}

static int scan(struct exchange *x, struct err *err)
{
    if (x->upload)
        return x->dialect->scan_form(&x->ask, x->task, &x->upload->form, err);
    return x->dialect->scan(&x->ask, x->task, buf_str(&x->body), err);
}

/* It is told to the end, when the body is long gone. */
static int keep_asked(struct exchange *x)
{
    x->asked = malloc(x->ask.model.len + 1);
    if (!x->asked)
        return -ENOMEM;
    if (x->ask.model.len)
        memcpy(x->asked, x->ask.model.data, x->ask.model.len);
    x->ask.model.data = x->asked;
    return 0;
}

static enum failure find_candidates(struct exchange *x, struct err *err)
{
    const struct settings *settings = x->worker->gateway->settings;
    struct candidates found;
    int r = candidates_find_space(&found, x->scene->view, x->ask.model,
                                  wanted_capabilities(&x->ask), fence_wanted(x), err);
    enum failure why;

    if (r == -ENOENT)
        return FAILURE_unknown_model;
    if (r == -EXDEV)
        return FAILURE_other_space;
    why = r < 0 ? FAILURE_unsupported : qualify(&found, &x->ask, err);
    if (why)
        return why;
    x->candidates = arena_alloc(&x->arena, found.count * sizeof *x->candidates);
    x->waiter.copies = arena_alloc(&x->arena, found.count * sizeof(struct copy_place *));
    if (!x->candidates || !x->waiter.copies)
        return FAILURE_out_of_room;
    keep_reachable(x, &found, err);
    if (!x->candidate_count)
        return fence_judge(x, FAILURE_no_candidate, err);
    x->waiter.line = found.line;
    x->waiter.line_max = settings->queue_max;
    return FAILURE_none;
}

/* A copy without an address, or a provider without its key, is no candidate. */
static void keep_reachable(struct exchange *x, const struct candidates *found, struct err *err)
{
    for (uint32_t i = 0; i < found->count; i++) {
        const struct copy *copy = found->rows[i].copy;
        const struct scene_engine *e = x->scene->copies[copy->index].engine;

        if (e->is_reachable && has_endpoint(x, e))
            x->candidates[x->candidate_count++] = found->rows[i];
        else
            err_set(err, -ENOENT, "%.*s: %s", STR_ARG(copy->machine_name),
                    e->is_reachable ? "its engine has no such endpoint" : e->why_not);
    }
}

/* What nobody translates needs an engine that speaks as the caller does. */
static bool has_endpoint(const struct exchange *x, const struct scene_engine *e)
{
    const struct dialect *dialect = scene_dialect(e, x->task, x->dialect);
    bool is_own = dialect == x->dialect;
    /* Translated, one text is a list of one. */
    enum task task = x->task == TASK_embed_one && !is_own ? TASK_embed : x->task;

    return dialect && dialect->target(task) && (is_own || !task_is_passed(task));
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
    if (x->attempts >= settings->attempts_max)
        return go(x, STEP_refuse);
    /* A copy that is asked when no time is left would be blamed for it. */
    if (clock_monotonic_us() - x->arrived_us >= settings->total_timeout_ms * 1000)
        return x->why ? go(x, STEP_refuse) : refuse(x, FAILURE_total_timeout, "");
    x->waiter.count = 0;
    for (uint32_t i = 0; i < x->candidate_count; i++)
        if (!(x->tried & (1ull << i)))
            x->waiter.copies[x->waiter.count++] =
                x->scene->copies[x->candidates[i].copy->index].place;
    if (!x->waiter.count && x->why == FAILURE_upstream_loading && start_rest(x))
        return WAIT;
    if (!x->waiter.count)
        return x->why ? go(x, STEP_refuse) : refuse_absent(x, FAILURE_no_candidate);
    return take_or_wait(x);
}

static enum verdict take_or_wait(struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;
    struct worker *w = x->worker;

    switch (traffic_ask(w->gateway->traffic, &x->waiter, loop_now_ms(w->loop))) {
    case ASK_taken:
        return go(x, STEP_send);
    case ASK_waits:
        timer_start(&x->patience, w->loop, settings->queue_timeout_ms, on_impatient, x);
        account_waiting(x, +1);
        x->queued = true;
        return WAIT;
    case ASK_full:
        x->retry_ms = settings->queue_timeout_ms / 2;
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
    x->tried = 0;
    x->attempts--;
    return true;
}

/* In line until a slot is granted, patience is over or the caller leaves. */
static enum verdict leave_line(struct exchange *x)
{
    struct traffic *traffic = x->worker->gateway->traffic;

    if (!x->granted && !x->impatient && !x->caller_gone)
        return WAIT;
    timer_stop(&x->patience);
    account_waiting(x, -1);
    x->queued = false;
    if (x->granted && !x->caller_gone) {
        x->granted = false;
        return go(x, STEP_send);
    }
    x->grant_on_its_way =
        traffic_leave(traffic, &x->waiter, loop_now_ms(x->worker->loop)) && !x->granted;
    if (x->caller_gone)
        return go(x, STEP_settle);
    x->retry_ms = x->worker->gateway->settings->queue_timeout_ms;
    return refuse_absent(x, FAILURE_queue_timeout);
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
    attempt_end(x, false);
    return try_again_or(x, STEP_refuse);
}

/* Before the first token the caller was promised nothing: try elsewhere. */
static enum verdict do_await(struct exchange *x)
{
    if (x->caller_gone) {
        attempt_end(x, true);
        return go(x, STEP_settle);
    }
    if (x->why) {
        attempt_end(x, false);
        return try_again_or(x, STEP_refuse);
    }
    if (x->first_token || x->attempt.over)
        return go(x, STEP_relay);
    return WAIT;
}

static enum verdict do_relay(struct exchange *x)
{
    if (x->caller_gone) {
        attempt_end(x, true);
        return go(x, STEP_settle);
    }
    if (x->why && x->started) {
        attempt_end(x, false);
        relay_fail(x);
        return go(x, STEP_settle);
    }
    if (x->why) {
        attempt_end(x, false);
        return try_again_or(x, STEP_refuse);
    }
    if (x->attempt.over) {
        relay_end(x);
        attempt_end(x, false);
        return go(x, STEP_settle);
    }
    if (relay_flush(x))
        attempt_pause(x);
    return WAIT;
}

static enum verdict do_refuse(struct exchange *x)
{
    relay_refuse(x);
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
    account_answered(x);
    x->settled = true;
    if (x->stream)
        stream_set_ctx(x->stream, NULL);
    x->stream = NULL;
    link_remove(&x->link);
    if (!x->grant_on_its_way)
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

/* On whichever thread freed the slot, under the lock of traffic: post, nothing else. */
static bool on_granted(struct waiter *w)
{
    struct exchange *x = CONTAINER(w, struct exchange, waiter);

    return loop_post(x->worker->loop, on_grant, x) == 0;
}

static void on_grant(void *ctx)
{
    struct exchange *x = ctx;

    if (x->settled) {
        free_exchange(x);
        return;
    }
    x->granted = true;
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
    upload_free(x->upload);
    ask_fini(&x->ask);
    buf_fini(&x->out);
    buf_fini(&x->tail);
    buf_fini(&x->body);
    free(x->asked);
    buf_fini(&x->attempt.request);
    buf_fini(&x->attempt.target);
    buf_fini(&x->attempt.refusal);
    arena_fini(&x->arena);
    scene_unref(x->scene);
    free(x);
}
