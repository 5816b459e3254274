/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side of an answer. */
#include "gateway/relay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "config/settings.h"
#include "gateway/attempt.h"
#include "gateway/course.h"
#include "gateway/fence.h"
#include "gateway/hedge.h"
#include "gateway/prompt.h"
#include "gateway/resume.h"
#include "gateway/reuse.h"
#include "gateway/worker.h"
#include "net/clock.h"

enum {
    ANSWER_HEADERS_MAX = 15,
    TRAILER_MAX = 4096,
    KEPT_MAX = 256 << 10, /* of an answer that is passed on: a larger one goes as it comes */
};

struct answer_headers {
    struct header rows[ANSWER_HEADERS_MAX];
    size_t count;
    char attempts[STR_U64_ROOM], age[STR_U64_ROOM], retry[STR_U64_ROOM + 1], dropped[1024];
    char space[SPACE_SIZE];
};

static void fill_headers(struct exchange *x, struct answer_headers *h, struct str content_type);
static void add_dropped(const struct exchange *x, struct answer_headers *h);
static void add_reused(const struct exchange *x, struct answer_headers *h);
static void add_retry(const struct exchange *x, struct answer_headers *h);
static void add_header(struct answer_headers *h, struct str name, struct str value);
static bool start_stream(struct exchange *x);
static void answer(struct exchange *x, const struct answer_headers *h, struct str body);
static int write_event(const struct exchange *x, struct buf *out);
static struct str words_for_caller(const struct exchange *x);
static void end_stream(struct exchange *x);
static void make_events(struct exchange *x);
static struct str type_of(const struct exchange *x, const struct reply_shape *shape);
static uint32_t estimated_tokens(const struct exchange *x);
static int take_usage(struct exchange *x, const struct delta *delta);
static void on_first_token(struct exchange *x);
static bool send_pieces(struct exchange *x, const struct str *pieces, size_t count);

int relay_reset(struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;

    buf_release(&x->out);
    buf_release(&x->tail);
    buf_init(&x->out, settings->answer_max);
    buf_init(&x->tail, settings->frame_max);
    x->first_token = false;
    x->live = x->ask.stream && !task_is_passed(x->task);
    x->usage = (struct usage){0};
    x->times = (struct engine_times){0};
    x->answer = (struct fingerprint){0};
    x->finish = FINISH_none;
    if (resume_is_on(x))
        return relay_make_writer(x);
    resume_reset(x);
    reuse_reset(x);
    if (x->writer)
        x->dialect->writer_free(x->writer);
    x->writer = NULL;
    return x->attempt.translated ? relay_make_writer(x) : 0;
}

int relay_make_writer(struct exchange *x)
{
    const struct reply_shape shape = {
        .task = x->task,
        .stream = x->ask.stream,
        .include_usage = x->ask.include_usage,
        .as_list = x->ask.as_list,
        .hides_thoughts = x->ask.hides_thoughts,
        .base64 = x->chat && x->chat->base64,
        .id = str_from(x->id),
        .model = x->ask.model,
        .created_s = x->created_us / 1000000,
        .prompt_estimate = estimated_tokens(x),
    };

    if (resume_is_on(x))
        return resume_writer(x, &shape);
    return x->dialect->writer_new(&x->writer, &shape, &x->out);
}

void relay_begin_passed(struct exchange *x, const struct reply *r)
{
    struct attempt *a = &x->attempt;
    struct str rest, type = reply_header(r, STR("content-type"));
    struct str kind = str_trim(str_cut(type, ';', &rest));

    if (a->is_page) /* no browser shall take for one what somebody said */
        type = STR("text/plain; charset=utf-8");
    a->type = arena_str(&x->arena, type);
    a->length = r->content_length;
    a->has_events = str_equal_nocase(kind, STR("text/event-stream"));
    x->live = a->has_events ||
              (!str_equal_nocase(kind, STR("application/json")) && !str_starts(kind, STR("text/")));
    /* What is said of a video must be whole to be said in other words. */
    a->is_remade = x->task == TASK_film || x->task == TASK_film_state ||
                   (x->task == TASK_film_file && !x->live);
}

int relay_estimate(struct exchange *x)
{
    const struct delta delta = {.kind = DELTA_usage,
                                .usage = {.known = true, .prompt_tokens = estimated_tokens(x)}};
    int r;

    x->attempt.translated = true;
    r = relay_reset(x);
    if (r == 0)
        r = x->dialect->writer_put(x->writer, &delta);
    if (r == 0)
        r = x->dialect->writer_end(x->writer);
    if (r == 0)
        relay_end(x);
    return r;
}

int relay_put(void *ctx, const struct delta *delta)
{
    struct exchange *x = ctx;

    return resume_is_on(x) ? resume_put(x, delta) : relay_deliver(x, delta);
}

int relay_deliver(struct exchange *x, const struct delta *delta)
{
    booking_count(x, delta);
    if (x->reuse)
        reuse_note(x, delta);
    if (delta->kind == DELTA_embedding && fence_count(x, delta) < 0)
        return -ECANCELED;
    switch (delta->kind) {
    case DELTA_text:
        prompt_answered(x, delta->text);
        on_first_token(x);
        break;
    case DELTA_thinking:
    case DELTA_call:
    case DELTA_embedding:
        on_first_token(x);
        break;
    case DELTA_finish:
        x->finish = delta->finish;
        on_first_token(x);
        break;
    case DELTA_usage:
        return take_usage(x, delta);
    case DELTA_failure:
        exchange_fail(x, delta->why, delta->text);
        return -ECANCELED;
    case DELTA_end:
        x->attempt.ended = true;
        break;
    }
    resume_note(x, delta);
    return x->writer ? x->dialect->writer_put(x->writer, delta) : 0;
}

/* The caller is told what it used, whoever worked for it. */
static int take_usage(struct exchange *x, const struct delta *delta)
{
    struct delta told = *delta;

    x->usage = delta->usage;
    x->times = delta->times;
    told.usage = resume_told(x);
    return x->writer ? x->dialect->writer_put(x->writer, &told) : 0;
}

int relay_pass(struct exchange *x, struct str chunk, uint64_t whole)
{
    struct attempt *a = &x->attempt;
    uint64_t chunk_at = a->fed - chunk.len;
    size_t ready = whole > chunk_at ? (size_t)(whole - chunk_at) : 0;
    struct str pieces[2] = {buf_str(&x->tail), str_slice(chunk.data, ready)};
    int r;

    if (!x->live) {
        r = buf_put(&x->out, chunk);
        x->live = task_is_passed(x->task) && !a->is_remade && x->out.len > KEPT_MAX;
        return r;
    }
    if (ready && x->step != STEP_relay) {
        /* Frames up to the first token wait: until then another machine may answer. */
        if ((r = buf_put(&x->out, pieces[0])) < 0 || (r = buf_put(&x->out, pieces[1])) < 0)
            return r;
        buf_reset(&x->tail);
    } else if (ready) {
        bool slow = relay_flush(x);

        if (send_pieces(x, pieces, 2) || slow)
            attempt_pause(x);
        buf_reset(&x->tail);
    }
    return buf_put(&x->tail, str_slice(chunk.data + ready, chunk.len - ready));
}

bool relay_flush(struct exchange *x)
{
    struct str all = buf_str(&x->out);
    bool slow;

    if (!x->first_token || !x->live || !all.len || !x->stream)
        return false;
    slow = send_pieces(x, &all, 1);
    if (x->attempt.translated)
        buf_reset(&x->out);
    else
        buf_release(&x->out); /* what is passed on from here on does not come through it */
    return slow;
}

void relay_end(struct exchange *x)
{
    struct answer_headers headers;
    const struct reply_shape shape = {
        .task = x->task, .stream = x->ask.stream, .as_list = x->ask.as_list};

    x->status = 200;
    if (!x->stream)
        return;
    if (task_is_passed(x->task) && x->ask.stream && !x->live)
        make_events(x);
    if (x->live) {
        relay_flush(x);
        if (!x->started)
            start_stream(x);
        end_stream(x);
        return;
    }
    fill_headers(x, &headers, type_of(x, &shape));
    answer(x, &headers, buf_str(&x->out));
}

/* Who went on is said behind the answer: its head named who began. */
static void end_stream(struct exchange *x)
{
    struct header trailers[2] = {{STR("x-tampu-machine"), {0}}, {STR("x-tampu-attempts"), {0}}};
    char attempts[STR_U64_ROOM];
    struct buf machines;

    buf_init(&machines, TRAILER_MAX);
    if (resume_is_on(x) && resume_takes_trailers(x) && resume_put_machines(x, &machines) == 0) {
        trailers[0].value = buf_str(&machines);
        trailers[1].value = str_from_u64(attempts, x->attempts);
        stream_end_with(x->stream, trailers, COUNT_OF(trailers));
    } else {
        stream_end(x->stream, true);
    }
    buf_fini(&machines);
}

/* A stream was asked for and the engine has none: what it said, in the words of one. Where there
 * are no such words it stays what it is, and says so in its type. */
static void make_events(struct exchange *x)
{
    struct buf events;

    buf_init(&events, x->out.max);
    if (x->dialect->as_stream && x->dialect->as_stream(&events, x->task, buf_str(&x->out)) == 0) {
        buf_fini(&x->out);
        x->out = events;
        x->live = x->attempt.has_events = true;
        x->attempt.type = STR("text/event-stream");
    } else {
        buf_fini(&events);
    }
}

static struct str type_of(const struct exchange *x, const struct reply_shape *shape)
{
    return task_is_passed(x->task) ? x->attempt.type : str_from(x->dialect->content_type(shape));
}

void relay_fail(struct exchange *x)
{
    struct buf event;
    struct str all;

    x->status = failure_row(x->why)->status;
    if (!x->stream)
        return;
    relay_flush(x);
    buf_init(&event, 4096);
    if ((!task_is_passed(x->task) || x->attempt.has_events) && write_event(x, &event) == 0) {
        all = buf_str(&event);
        stream_send(x->stream, &all, 1);
        stream_end(x->stream, true);
    } else {
        stream_end(x->stream, false);
    }
    buf_fini(&event);
}

/* Of an array, the last value. */
static int write_event(const struct exchange *x, struct buf *out)
{
    struct str words = words_for_caller(x);
    int r;

    if (!x->ask.as_list)
        return x->dialect->write_failure(out, x->why, words, true);
    r = buf_put_char(out, ',');
    if (r == 0)
        r = x->dialect->write_failure(out, x->why, words, false);
    return r < 0 ? r : buf_put_char(out, ']');
}

void relay_refuse(struct exchange *x)
{
    const struct failure_row *row = failure_row(x->why);
    struct attempt *a = &x->attempt;
    struct answer_headers headers;
    struct buf body;

    x->status = row->status;
    if (!x->stream)
        return;
    buf_init(&body, 16384);
    /* But whisper-server and sd-server have words of their own, in whatever shape. */
    if (x->why == FAILURE_rejected && !a->translated && a->refusal.len && a->status < 500 &&
        (!task_is_passed(x->task) || a->copy->cloud)) {
        /* Same dialect: the engine's own words are the best error there is. A 5xx would tell the
         * caller to try again. */
        x->status = a->status;
        buf_fini(&body);
        body = a->refusal;
        a->refusal = (struct buf){0};
    } else if (x->dialect->write_failure(&body, x->why, words_for_caller(x), false) < 0) {
        buf_reset(&body);
    }
    fill_headers(x, &headers, STR("application/json"));
    if (x->status == 503 || x->status == 429 || x->status == 402)
        add_retry(x, &headers);
    answer(x, &headers, buf_str(&body));
    buf_fini(&body);
}

/* A provider may repeat the credential that it refuses: that is for the log, not for callers. */
static struct str words_for_caller(const struct exchange *x)
{
    return x->why == FAILURE_upstream_auth ? (struct str){0} : x->found;
}

/* What cannot be answered is ended: the caller must not wait for ever. */
static void answer(struct exchange *x, const struct answer_headers *h, struct str body)
{
    if (stream_answer(x->stream, x->status, h->rows, h->count, body) < 0)
        stream_end(x->stream, false);
}

static uint32_t estimated_tokens(const struct exchange *x)
{
    return x->ask.prompt_bytes / 4 + (x->ask.prompt_bytes % 4 > 0);
}

static void on_first_token(struct exchange *x)
{
    if (!x->first_token && !x->started)
        x->first_token_us = clock_monotonic_us();
    x->first_token = true;
}

/* True when the caller is slow. */
static bool send_pieces(struct exchange *x, const struct str *pieces, size_t count)
{
    if (!x->stream || (!x->started && !start_stream(x)))
        return false;
    return stream_send(x->stream, pieces, count) == -EAGAIN;
}

static bool start_stream(struct exchange *x)
{
    const struct reply_shape shape = {.task = x->task, .stream = true, .as_list = x->ask.as_list};
    struct answer_headers headers;
    int64_t length = x->attempt.has_events ? -1 : x->attempt.length;
    int r;

    fill_headers(x, &headers, type_of(x, &shape));
    add_header(&headers, STR("cache-control"), STR("no-cache"));
    if (resume_takes_trailers(x))
        add_header(&headers, STR("trailer"), STR("x-tampu-machine, x-tampu-attempts"));
    x->started = true;
    r = stream_start(x->stream, 200, headers.rows, headers.count, length);
    exchange_forget_request(x); /* the engine's own content type was in it */
    if (r == 0)
        return true;
    stream_end(x->stream, false);
    return false;
}

static void fill_headers(struct exchange *x, struct answer_headers *h, struct str content_type)
{
    const struct copy *copy = x->attempt.copy;

    h->count = 0;
    add_header(h, STR("content-type"), content_type);
    add_header(h, STR("x-tampu-request-id"), str_from(x->id));
    if (x->dialect->id_header)
        add_header(h, str_from(x->dialect->id_header), str_from(x->id));
    add_header(h, STR("x-tampu-attempts"), str_from_u64(h->attempts, x->attempts));
    if (x->request && request_header(x->request, STR(PRIORITY_HEADER)).len)
        add_header(h, STR(PRIORITY_HEADER), str_from(priority_name(x->priority)));
    if (hedge_machine(x).len)
        add_header(h, STR("x-tampu-hedged"), hedge_machine(x));
    if (x->task == TASK_tokens && !x->attempt.copy)
        add_header(h, STR("x-tampu-estimated"), STR("input_tokens"));
    if (x->reuse)
        add_reused(x, h);
    if (!copy)
        return;
    add_header(h, STR("x-tampu-machine"), copy->machine_name);
    add_header(h, STR("x-tampu-model"), copy->name);
    add_header(h, STR("x-tampu-parity"), str_from(parity_name(x->attempt.parity)));
    if (fence_write(h->space, x))
        add_header(h, STR(FENCE_HEADER), str_from(h->space));
    if (x->attempt.dropped_count)
        add_dropped(x, h);
}

static void add_reused(const struct exchange *x, struct answer_headers *h)
{
    uint64_t age_s = 0;
    const char *word = reuse_word(x, &age_s);

    add_header(h, STR("x-tampu-cache"), str_from(word));
    if (!str_is(STR("miss"), word))
        add_header(h, STR("age"), str_from_u64(h->age, age_s));
}

static void add_retry(const struct exchange *x, struct answer_headers *h)
{
    uint64_t retry_s = x->retry_ms / 1000 + 1;

    /* A budget begins anew at the turn of a day, a week or a month; everything else is sooner. */
    if (x->status != 402 && retry_s > 3600)
        retry_s = 3600;
    snprintf(h->retry, sizeof h->retry, "%" PRIu64, retry_s);
    add_header(h, STR("retry-after"), str_from(h->retry));
}

/* Fields of the request that the engine's dialect cannot carry: never silent. */
static void add_dropped(const struct exchange *x, struct answer_headers *h)
{
    const struct attempt *a = &x->attempt;
    size_t used = 0;

    for (size_t i = 0; i < a->dropped_count && used < sizeof h->dropped; i++)
        used += (size_t)snprintf(h->dropped + used, sizeof h->dropped - used, "%s%.*s",
                                 i ? ", " : "", STR_ARG(a->dropped[i]));
    if (used >= sizeof h->dropped)
        memcpy(h->dropped + sizeof h->dropped - 4, "...", 4); /* there were more */
    /* The names are the caller's own: a header takes visible ASCII only. */
    for (char *c = h->dropped; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    add_header(h, STR("x-tampu-dropped"), str_from(h->dropped));
}

static void add_header(struct answer_headers *h, struct str name, struct str value)
{
    h->rows[h->count++] = (struct header){name, value};
}
