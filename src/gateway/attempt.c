/* SPDX-License-Identifier: Apache-2.0 */
/* One try on one copy. */
#include "gateway/attempt.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "config/settings.h"
#include "dialect/limits.h"
#include "dialect/ways.h"
#include "gateway/account.h"
#include "gateway/course.h"
#include "gateway/decision.h"
#include "gateway/outgoing.h"
#include "gateway/relay.h"
#include "gateway/resume.h"
#include "gateway/secret.h"
#include "gateway/upload.h"
#include "gateway/video.h"
#include "gateway/worker.h"
#include "net/clock.h"
#include "route/patience.h"

enum {
    REFUSAL_MAX = 64 << 10,
    REQUEST_MORE = 1 << 20,
    TARGET_MAX = 4096,
    CALL_HEADERS_MAX = 12,
    END_GRACE_MS = 1000, /* from the mark of the end to the end */
};

struct call_headers {
    struct header rows[CALL_HEADERS_MAX];
    size_t count;
};

static enum failure answer_load(struct exchange *x);
static void hold_provider(struct exchange *x);
static bool is_unsent(const struct exchange *x);
static int write_target(struct exchange *x, struct str *ret, struct str *ret_extra);
static void fill_headers(const struct exchange *x, struct call_headers *h);
static void add_header(struct call_headers *h, struct str name, struct str value);
static bool has_header(const struct call_headers *h, struct str name);
static uint32_t time_left(const struct exchange *x, uint32_t most_ms);
static void drop_call(struct exchange *x);
static void begin_passed(struct exchange *x, const struct reply *r);
static bool task_is_heard(enum task task);
static void read_answer(struct exchange *x, struct str chunk);
static void read_patience(struct attempt *a);
static void remake(struct exchange *x);

static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void on_end(void *ctx);
static void on_end_late(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);

const struct call_events attempt_events = {on_head, on_body, on_end, on_fail};

enum failure attempt_start(struct exchange *x)
{
    booking_fail(x);
    attempt_choose(x, &x->waiter);
    account_attempt(x);
    if (!booking_hold(x))
        return FAILURE_books_closed;
    if (x->attempt.translated && x->ask.is_load)
        return answer_load(x);
    if (resume_is_on(x) && x->chat->task == TASK_chat &&
        turns_find(&x->worker->gateway->turns, x->attempt.copy) == TURN_unknown)
        return turns_ask(x);
    return attempt_send(x);
}

enum failure attempt_send(struct exchange *x)
{
    enum failure why;
    size_t pieces = 0;

    why = outgoing_write(x, &pieces);
    if (!why)
        why = outgoing_check_dropped(x);
    if (!why)
        why = attempt_listen(x);
    return why ? why : attempt_call(x, pieces, &attempt_events, x);
}

enum failure attempt_listen(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    size_t frame_max = x->worker->gateway->settings->frame_max;

    if (relay_reset(x) < 0)
        return FAILURE_out_of_room;
    if (!task_is_passed(a->task) &&
        a->dialect->reader_new(&a->reader, a->task, outgoing_streams(x), frame_max,
                               (struct sink){relay_put, x}) < 0)
        return FAILURE_out_of_room;
    return FAILURE_none;
}

void attempt_end(struct exchange *x, enum parting parting)
{
    struct attempt *a = &x->attempt;
    struct outcome outcome = {.why = x->why, .unknown = parting != PARTING_none};
    struct outcome seen = {.why = x->why, .unknown = outcome.unknown || is_unsent(x)};
    struct verdict_change change;

    timer_stop(&x->patience);
    drop_call(x);
    if (a->reader)
        a->dialect->reader_free(a->reader);
    a->reader = NULL;
    change = course_done(x, &seen);
    decision_note(x, outcome.why, parting);
    account_attempt_end(x, outcome, change);
    if (a->wait_ms)
        hold_provider(x);
}

/* All its models, until the limit of its credential begins anew. */
static void hold_provider(struct exchange *x)
{
    struct scene_copy *copy = &x->scene->copies[x->attempt.copy->index];
    uint64_t now_ms = loop_now_ms(x->worker->loop);

    if (traffic_hold(x->worker->gateway->traffic, copy->engine->place, now_ms,
                     now_ms + x->attempt.wait_ms))
        account_held(x);
}

/* Only Ollama can be told to load a model; what is behind the others is there when it is asked. */
static enum failure answer_load(struct exchange *x)
{
    const struct delta delta = {.kind = DELTA_finish, .finish = FINISH_load};
    int r = relay_reset(x);

    if (r == 0)
        r = relay_put(x, &delta);
    if (r == 0)
        r = x->dialect->writer_end(x->writer);
    x->attempt.over = true;
    return r < 0 ? outgoing_failure(r) : FAILURE_none;
}

/* What was never sent says nothing about the engine: no breaker closes by it. */
static bool is_unsent(const struct exchange *x)
{
    enum blame blame = failure_row(x->why)->blame;

    return !x->attempt.status && (!x->why || blame == BLAME_caller || blame == BLAME_gateway);
}

void attempt_pause(struct exchange *x)
{
    x->attempt.is_paused = true;
    if (x->attempt.call)
        call_pause(x->attempt.call);
}

void attempt_resume(struct exchange *x)
{
    x->attempt.is_paused = false;
    if (x->attempt.call)
        call_resume(x->attempt.call);
}

void attempt_forget(struct attempt *a)
{
    buf_fini(&a->request);
    buf_fini(&a->target);
    buf_fini(&a->refusal);
}

void attempt_choose(struct exchange *x, const struct waiter *granted)
{
    struct attempt *a = &x->attempt;
    uint32_t candidate = course_index(x, granted->taken);

    attempt_forget(a);
    *a = (struct attempt){.started_us = clock_monotonic_us(), .task = x->task, .length = -1};
    buf_init(&a->request, x->body.len * 2 + REQUEST_MORE);
    buf_init(&a->target, TARGET_MAX);
    buf_init(&a->refusal, REFUSAL_MAX);
    a->keep_alive_s = granted->keep_alive_s;
    a->copy = x->candidates[candidate].copy;
    a->parity = x->candidates[candidate].parity;
    a->dialect = scene_dialect(x->scene->copies[a->copy->index].engine, x->task, x->dialect);
    a->translated = a->dialect != x->dialect || resume_is_on(x);
}

enum failure attempt_call(struct exchange *x, size_t pieces, const struct call_events *events,
                          void *ctx)
{
    const struct settings *settings = x->worker->gateway->settings;
    struct attempt *a = &x->attempt;
    const struct scene_engine *e = x->scene->copies[a->copy->index].engine;
    struct call_headers headers;
    struct call_request request = {
        .endpoint = &e->endpoint,
        .method = video_is_asked_about(x->task) ? METHOD_GET : METHOD_POST,
        .headers = headers.rows,
        .body = a->pieces,
        .body_count = pieces,
        .connect_timeout_ms = (uint32_t)settings->connect_timeout_ms,
        .first_byte_timeout_ms = attempt_is_limited(x) ? time_left(x, attempt_patience_ms(x)) : 0,
        .idle_timeout_ms = (uint32_t)settings->idle_timeout_ms,
        .total_timeout_ms = time_left(x, (uint32_t)settings->total_timeout_ms),
    };
    struct str extra = {0};
    int r = write_target(x, &request.target, &extra);

    if (r == 0 && x->upload && !video_has_body(x)) {
        r = upload_aim(x->upload, a->copy->tag, extra);
        request.source = &x->upload->source;
    }
    if (r < 0)
        return outgoing_failure(r);
    fill_headers(x, &headers);
    request.header_count = headers.count;
    request.target = scene_target(e, request.target);
    r = call_start(&a->call, x->worker->client, &request, events, ctx);
    if (r == -EPERM)
        exchange_fail(x, FAILURE_connect_failed, STR("TAMPU_LOOPBACK_ONLY forbids that address"));
    return r == 0 ? FAILURE_none : r == -EPERM ? FAILURE_connect_failed : FAILURE_out_of_room;
}

static int write_target(struct exchange *x, struct str *ret, struct str *ret_extra)
{
    struct attempt *a = &x->attempt;
    struct copy_shape shape = outgoing_shape(x);
    bool is_video = x->task == TASK_film || video_is_asked_about(x->task);
    int r = is_video ? video_write_target(x, &a->target)
                     : way_find(&a->target, ret_extra, a->copy->engine, a->task);

    if (r != -ENOENT) {
        *ret = buf_str(&a->target);
        return r;
    }
    if (!a->dialect->write_target) {
        *ret = str_from(a->dialect->target(a->task));
        return 0;
    }
    buf_reset(&a->target);
    r = a->dialect->write_target(&a->target, a->task, &shape, outgoing_streams(x),
                                 x->ask.as_list && !a->translated);
    *ret = buf_str(&a->target);
    return r;
}

/* What the caller says in a header of the dialect counts more than what tampu says itself. */
static void fill_headers(const struct exchange *x, struct call_headers *h)
{
    const struct attempt *a = &x->attempt;
    const struct scene_engine *e = x->scene->copies[a->copy->index].engine;

    h->count = 0;
    add_header(h, STR("content-type"),
               x->upload && !video_has_body(x) ? buf_str(&x->upload->type)
                                               : STR("application/json"));
    add_header(h, e->credential.name, e->credential.value);
    for (const char *const *name = a->dialect->passed_headers; name && *name; name++)
        if (!a->translated && x->request)
            add_header(h, str_from(*name), request_header(x->request, str_from(*name)));
    for (const char *const *pair = a->dialect->fixed_headers; pair && *pair; pair += 2)
        if (!has_header(h, str_from(*pair)))
            add_header(h, str_from(pair[0]), str_from(pair[1]));
}

static void add_header(struct call_headers *h, struct str name, struct str value)
{
    if (!value.len)
        return;
    assert(h->count < CALL_HEADERS_MAX && "a dialect names more headers than there is room for");
    h->rows[h->count++] = (struct header){name, value};
}

static bool has_header(const struct call_headers *h, struct str name)
{
    for (size_t i = 0; i < h->count; i++)
        if (str_equal(h->rows[i].name, name))
            return true;
    return false;
}

/* A plain answer begins when all of it has been thought of. */
bool attempt_is_limited(const struct exchange *x)
{
    return outgoing_streams(x) || !task_has_stream(x->attempt.task);
}

uint32_t attempt_patience_ms(const struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;

    return patience_first_byte_ms(settings->first_byte_timeout_ms, settings->load_timeout_ms,
                                  !x->waiter.errand.has_loaded, x->ask.prompt_bytes);
}

/* All tries together have total_timeout. */
static uint32_t time_left(const struct exchange *x, uint32_t most_ms)
{
    uint64_t total_ms = x->worker->gateway->settings->total_timeout_ms;
    uint64_t spent_ms = (clock_monotonic_us() - x->arrived_us) / 1000;
    uint64_t left_ms = spent_ms + 1 < total_ms ? total_ms - spent_ms : 1;

    return left_ms < most_ms ? (uint32_t)left_ms : most_ms;
}

static void drop_call(struct exchange *x)
{
    if (x->attempt.call)
        call_cancel(x->attempt.call);
    x->attempt.call = NULL;
}

/* What comes is known only now: a stream of events, text, or the bytes of a sound. */
static void begin_passed(struct exchange *x, const struct reply *r)
{
    const struct settings *settings = x->worker->gateway->settings;
    struct attempt *a = &x->attempt;

    relay_begin_passed(x, r);
    if (a->dialect->reader_new(&a->reader, a->task, a->has_events, settings->frame_max,
                               (struct sink){relay_put, x}) < 0)
        exchange_fail(x, FAILURE_out_of_room, (struct str){0});
}

/* whisper-server calls a transcript a page of HTML: whether it is one is seen when it comes. */
static bool task_is_heard(enum task task)
{
    return task == TASK_transcribe || task == TASK_translate;
}

static void on_head(void *ctx, const struct reply *r)
{
    struct exchange *x = ctx;

    x->attempt.status = r->status;
    x->attempt.is_page = str_starts(reply_header(r, STR("content-type")), STR("text/html"));
    if (x->attempt.copy->cloud)
        x->attempt.wait_ms =
            limits_wait_ms(r->status, r->headers, r->header_count, clock_wall_us());
    if (r->status < 300 && task_is_passed(x->attempt.task))
        begin_passed(x, r);
    /* A router's login page, or another program on the engine's port. */
    if (r->status < 300 && x->attempt.is_page && !task_is_heard(x->task))
        exchange_fail(x, FAILURE_upstream_garbage, STR("a page of HTML"));
}

static void on_body(void *ctx, struct str chunk)
{
    struct exchange *x = ctx;
    struct attempt *a = &x->attempt;

    if (a->status >= 300) {
        size_t room = a->refusal.max - a->refusal.len;

        if (buf_put(&a->refusal, str_slice(chunk.data, chunk.len < room ? chunk.len : room)) < 0)
            exchange_fail(x, FAILURE_out_of_room, (struct str){0});
        if (a->refusal.len == a->refusal.max) { /* that is enough to know why */
            drop_call(x);
            on_end(x);
        }
        return;
    }
    read_answer(x, chunk);
    if (a->ended && outgoing_streams(x))
        timer_start(&x->patience, x->worker->loop, END_GRACE_MS, on_end_late, x);
    exchange_run(x);
}

static void read_answer(struct exchange *x, struct str chunk)
{
    struct attempt *a = &x->attempt;
    struct resume_mark mark;
    uint64_t whole = 0;
    int r;

    if (x->why)
        return;
    if (a->is_page && !a->fed && str_starts(str_trim(chunk), STR("<"))) {
        exchange_fail(x, FAILURE_upstream_garbage, STR("a page of HTML"));
        return;
    }
    a->fed += chunk.len;
    mark = resume_mark(x);
    r = a->dialect->reader_feed(a->reader, chunk, &whole);
    if (r == 0 && !a->translated)
        r = relay_pass(x, chunk, whole);
    else if (r < 0 && !a->translated)
        resume_go_back(x, mark);
    if (r < 0)
        exchange_fail(x, outgoing_failure(r), STR("its answer is not what this API answers"));
}

static void on_end(void *ctx)
{
    struct exchange *x = ctx;
    struct attempt *a = &x->attempt;
    struct str found = {0};
    int r;

    a->call = NULL;
    if (a->status >= 300) {
        enum failure why =
            a->status >= 400
                ? a->dialect->read_failure(a->status, buf_str(&a->refusal), &x->arena, &found)
                : FAILURE_upstream_garbage;

        if (video_is_asked_about(x->task) && (a->status == 404 || a->status == 410))
            why = FAILURE_unknown_video; /* engines forget their jobs after a while */
        found = secret_hide(found, x->scene->copies[a->copy->index].engine->credential.value,
                            &x->arena);
        exchange_fail(x, why, found);
        if (a->copy->cloud && a->status >= 400)
            read_patience(a);
    } else if (!x->why) {
        r = a->dialect->reader_end(a->reader);
        if (r == 0 && x->writer)
            r = x->dialect->writer_end(x->writer);
        if (r < 0)
            exchange_fail(x, r == -EBADMSG ? FAILURE_upstream_gone : outgoing_failure(r),
                          STR("its answer ended before it was complete"));
        if (!x->why && (x->task == TASK_film || video_is_asked_about(x->task)))
            remake(x);
    }
    a->over = true;
    exchange_run(x);
}

/* What the engine says of a video, in the words of the API. */
static void remake(struct exchange *x)
{
    enum failure why = video_answer(x);

    if (why)
        exchange_fail(x, why, (struct str){0});
}

/* The answer is whole; that its connection lives on, as some engines let it, is no failure. */
static void on_end_late(void *ctx)
{
    struct exchange *x = ctx;

    drop_call(x);
    on_end(x);
}

/* Gemini says it in the body. */
static void read_patience(struct attempt *a)
{
    uint64_t wait_ms =
        a->dialect->read_patience ? a->dialect->read_patience(buf_str(&a->refusal)) : 0;

    if (wait_ms > LIMITS_WAIT_MAX_MS)
        wait_ms = LIMITS_WAIT_MAX_MS;
    if (wait_ms > a->wait_ms)
        a->wait_ms = wait_ms;
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    struct exchange *x = ctx;

    if (x->attempt.ended && outgoing_streams(x)) {
        on_end(x);
        return;
    }
    x->attempt.call = NULL;
    exchange_fail(x, why == FAILURE_upstream_gone && x->started ? FAILURE_stream_cut : why,
                  str_from(words));
    exchange_run(x);
}
