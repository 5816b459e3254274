/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller of the Anthropic dialect gets: events of a stream, or one whole message. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dialect/anthropic.h"
#include "dialect/calls.h"
#include "wire/json_out.h"

/* A stream's content is blocks, one open at a time. */
enum block { BLOCK_none, BLOCK_thinking, BLOCK_text, BLOCK_call };

struct writer {
    struct reply_shape shape;
    struct buf *out;
    struct buf text, thinking; /* whole answers */
    struct calls calls;        /* whole answers */
    enum block open;
    unsigned block_count; /* begun so far */
    unsigned call_count;  /* of them calls */
    bool has_begun;       /* message_start was sent */
    enum finish finish;
    struct buf stop; /* the stop text that matched */
    struct usage usage;
};

static int put_stream(struct writer *w, const struct delta *delta);
static int put_text(struct writer *w, enum block kind, struct str text);
static int put_call(struct writer *w, const struct tool_call *call);
static int open_block(struct writer *w, enum block kind, const struct tool_call *call);
static int close_block(struct writer *w);
static int begin_message(struct writer *w);
static void begin_event(struct json_out *o, const char *type);
static int end_event(struct json_out *o);
static void begin_delta(struct writer *w, struct json_out *o, const char *type);
static int put_stream_end(struct writer *w);
static int keep(struct writer *w, const struct delta *delta);
static int put_tokens(struct writer *w);
static int put_whole(struct writer *w);
static void put_content(struct writer *w, struct json_out *o);
static void put_message_head(struct writer *w, struct json_out *o);
static void put_call_head(struct writer *w, struct json_out *o, struct str id, struct str name,
                          unsigned index);
static void put_stop(struct writer *w, struct json_out *o);
static void put_usage(struct json_out *o, const struct usage *usage);

int anthropic_writer_new(struct writer **ret, const struct reply_shape *shape, struct buf *out)
{
    struct writer *w = calloc(1, sizeof *w);

    if (!w)
        return -ENOMEM;
    w->shape = *shape;
    w->shape.stream = shape->stream && shape->task == TASK_chat;
    w->out = out;
    w->calls.max = out->max;
    buf_init(&w->text, out->max);
    buf_init(&w->thinking, out->max);
    buf_init(&w->stop, out->max);
    *ret = w;
    return 0;
}

int anthropic_writer_put(struct writer *w, const struct delta *delta)
{
    size_t before = w->out->len;
    int r;

    if (delta->kind == DELTA_usage) {
        if (delta->usage.known)
            w->usage = delta->usage;
        return 0;
    }
    if (delta->kind == DELTA_finish) {
        w->finish = delta->finish;
        buf_reset(&w->stop);
        return buf_put(&w->stop, delta->text);
    }
    r = w->shape.stream ? put_stream(w, delta) : keep(w, delta);
    if (r < 0)
        w->out->len = before;
    return r;
}

int anthropic_writer_end(struct writer *w)
{
    size_t before = w->out->len;
    int r;

    if (w->shape.task == TASK_tokens)
        r = put_tokens(w);
    else
        r = w->shape.stream ? put_stream_end(w) : put_whole(w);

    if (r < 0)
        w->out->len = before;
    return r;
}

void anthropic_writer_free(struct writer *w)
{
    if (!w)
        return;
    calls_fini(&w->calls);
    buf_fini(&w->text);
    buf_fini(&w->thinking);
    buf_fini(&w->stop);
    free(w);
}

static int put_stream(struct writer *w, const struct delta *delta)
{
    switch (delta->kind) {
    case DELTA_text:
        return put_text(w, BLOCK_text, delta->text);
    case DELTA_thinking:
        return put_text(w, BLOCK_thinking, delta->text);
    case DELTA_call:
        return put_call(w, &delta->call);
    default:
        return 0;
    }
}

static int put_text(struct writer *w, enum block kind, struct str text)
{
    bool is_text = kind == BLOCK_text;
    struct json_out o = {.out = w->out};

    if (w->open != kind)
        o.error = open_block(w, kind, NULL);
    begin_delta(w, &o, is_text ? "text_delta" : "thinking_delta");
    json_text(json_key(&o, is_text ? "text" : "thinking"), text);
    json_close(&o, '}');
    return end_event(&o);
}

/* Blocks follow each other: what is added to a call when the next has begun cannot be said. */
static int put_call(struct writer *w, const struct tool_call *call)
{
    struct json_out o = {.out = w->out};

    if (call->index < w->call_count && (call->index + 1 < w->call_count || w->open != BLOCK_call))
        return -EBADMSG;
    if (call->index >= w->call_count)
        o.error = open_block(w, BLOCK_call, call);
    if (!call->arguments.len)
        return o.error;
    begin_delta(w, &o, "input_json_delta");
    json_text(json_key(&o, "partial_json"), call->arguments);
    json_close(&o, '}');
    return end_event(&o);
}

static int open_block(struct writer *w, enum block kind, const struct tool_call *call)
{
    struct json_out o = {.out = w->out, .error = close_block(w)};

    if (!o.error && !w->has_begun)
        o.error = begin_message(w);
    begin_event(&o, "content_block_start");
    json_number(json_key(&o, "index"), w->block_count);
    json_open(json_key(&o, "content_block"), '{');
    if (kind == BLOCK_call) {
        put_call_head(w, &o, call->id, call->name, w->call_count);
        json_raw(json_key(&o, "input"), STR("{}"));
    } else if (kind == BLOCK_text) {
        json_text(json_key(&o, "type"), STR("text"));
        json_text(json_key(&o, "text"), STR(""));
    } else {
        json_text(json_key(&o, "type"), STR("thinking"));
        json_text(json_key(&o, "thinking"), STR(""));
        json_text(json_key(&o, "signature"), STR(""));
    }
    json_close(&o, '}');
    if (end_event(&o) < 0)
        return o.error;
    w->open = kind;
    w->call_count += kind == BLOCK_call;
    /* As Anthropic does: readers that wait for it see that the connection lives. */
    return w->block_count++ ? 0
                            : buf_put(w->out, STR("event: ping\ndata: {\"type\":\"ping\"}\n\n"));
}

/* A thought is signed at its end. */
static int close_block(struct writer *w)
{
    struct json_out o = {.out = w->out};

    if (w->open == BLOCK_none)
        return 0;
    if (w->open == BLOCK_thinking) {
        begin_delta(w, &o, "signature_delta");
        json_text(json_key(&o, "signature"), ANTHROPIC_OUR_SIGNATURE);
        json_close(&o, '}');
        end_event(&o);
    }
    begin_event(&o, "content_block_stop");
    json_number(json_key(&o, "index"), w->block_count - 1);
    w->open = BLOCK_none;
    return end_event(&o);
}

/* The number of tokens in is a guess here, and exact in the last event but one. */
static int begin_message(struct writer *w)
{
    struct usage guess = {.prompt_tokens = w->shape.prompt_estimate};
    struct json_out o = {.out = w->out};

    w->has_begun = true;
    begin_event(&o, "message_start");
    json_open(json_key(&o, "message"), '{');
    put_message_head(w, &o);
    json_open(json_key(&o, "content"), '[');
    json_close(&o, ']');
    json_raw(json_key(&o, "stop_reason"), STR("null"));
    json_raw(json_key(&o, "stop_sequence"), STR("null"));
    put_usage(&o, w->usage.known ? &w->usage : &guess);
    json_close(&o, '}');
    return end_event(&o);
}

static void begin_event(struct json_out *o, const char *type)
{
    if (!o->error)
        o->error = buf_printf(o->out, "event: %s\ndata: ", type);
    o->comma = false;
    json_open(o, '{');
    json_text(json_key(o, "type"), str_from(type));
}

static int end_event(struct json_out *o)
{
    json_close(o, '}');
    if (!o->error)
        o->error = buf_put(o->out, STR("\n\n"));
    return o->error;
}

/* Up to the piece itself; its object is still open. */
static void begin_delta(struct writer *w, struct json_out *o, const char *type)
{
    begin_event(o, "content_block_delta");
    json_number(json_key(o, "index"), w->block_count - 1);
    json_open(json_key(o, "delta"), '{');
    json_text(json_key(o, "type"), str_from(type));
}

static int put_stream_end(struct writer *w)
{
    struct json_out o = {.out = w->out, .error = close_block(w)};

    if (!o.error && !w->has_begun)
        o.error = begin_message(w);
    begin_event(&o, "message_delta");
    json_open(json_key(&o, "delta"), '{');
    put_stop(w, &o);
    json_close(&o, '}');
    put_usage(&o, &w->usage);
    if (end_event(&o) < 0)
        return o.error;
    begin_event(&o, "message_stop");
    return end_event(&o);
}

static int keep(struct writer *w, const struct delta *delta)
{
    switch (delta->kind) {
    case DELTA_text:
        return buf_put(&w->text, delta->text);
    case DELTA_thinking:
        return buf_put(&w->thinking, delta->text);
    case DELTA_call:
        return calls_put(&w->calls, &delta->call);
    default:
        return 0;
    }
}

static int put_tokens(struct writer *w)
{
    struct json_out o = {.out = w->out};

    json_open(&o, '{');
    json_number(json_key(&o, "input_tokens"), w->usage.prompt_tokens);
    json_close(&o, '}');
    return o.error;
}

static int put_whole(struct writer *w)
{
    struct json_out o = {.out = w->out};

    json_open(&o, '{');
    put_message_head(w, &o);
    json_open(json_key(&o, "content"), '[');
    put_content(w, &o);
    json_close(&o, ']');
    put_stop(w, &o);
    put_usage(&o, &w->usage);
    json_close(&o, '}');
    return o.error;
}

static void put_content(struct writer *w, struct json_out *o)
{
    if (w->thinking.len) {
        json_open(o, '{');
        json_text(json_key(o, "type"), STR("thinking"));
        json_text(json_key(o, "thinking"), buf_str(&w->thinking));
        json_text(json_key(o, "signature"), ANTHROPIC_OUR_SIGNATURE);
        json_close(o, '}');
    }
    if (w->text.len) {
        json_open(o, '{');
        json_text(json_key(o, "type"), STR("text"));
        json_text(json_key(o, "text"), buf_str(&w->text));
        json_close(o, '}');
    }
    for (unsigned i = 0; i < w->calls.count; i++) {
        const struct call *call = &w->calls.list[i];

        json_open(o, '{');
        put_call_head(w, o, buf_str(&call->id), buf_str(&call->name), i);
        call_put_arguments(json_key(o, "input"), buf_str(&call->arguments));
        json_close(o, '}');
    }
}

static void put_message_head(struct writer *w, struct json_out *o)
{
    json_joined(json_key(o, "id"), STR("msg_"), w->shape.id);
    json_text(json_key(o, "type"), STR("message"));
    json_text(json_key(o, "role"), STR("assistant"));
    json_text(json_key(o, "model"), w->shape.model);
}

/* An engine that gives its calls no ids still gets them told apart. */
static void put_call_head(struct writer *w, struct json_out *o, struct str id, struct str name,
                          unsigned index)
{
    char number[32];

    json_text(json_key(o, "type"), STR("tool_use"));
    snprintf(number, sizeof number, "toolu_%u_", index);
    if (id.len)
        json_text(json_key(o, "id"), id);
    else
        json_joined(json_key(o, "id"), str_from(number), w->shape.id);
    json_text(json_key(o, "name"), name);
}

static void put_stop(struct writer *w, struct json_out *o)
{
    static const char *const reasons[] = {[FINISH_none] = "end_turn",
                                          [FINISH_stop] = "end_turn",
                                          [FINISH_length] = "max_tokens",
                                          [FINISH_tool_calls] = "tool_use",
                                          [FINISH_content_filter] = "refusal"};
    bool is_matched = w->finish == FINISH_stop && w->stop.len;
    enum finish finish = w->finish;

    if (finish <= FINISH_stop && (w->call_count || w->calls.count))
        finish = FINISH_tool_calls; /* some engines say no more than that they stopped */
    json_text(json_key(o, "stop_reason"),
              is_matched ? STR("stop_sequence") : str_from(reasons[finish]));
    json_key(o, "stop_sequence");
    if (is_matched)
        json_text(o, buf_str(&w->stop));
    else
        json_raw(o, STR("null"));
}

/* What came from a cache, or went there, is counted beside the input. */
static void put_usage(struct json_out *o, const struct usage *usage)
{
    uint64_t cached = usage->cached_tokens + usage->cache_written_tokens;

    json_open(json_key(o, "usage"), '{');
    json_number(json_key(o, "input_tokens"),
                usage->prompt_tokens > cached ? usage->prompt_tokens - cached : 0);
    json_number(json_key(o, "cache_creation_input_tokens"), usage->cache_written_tokens);
    json_number(json_key(o, "cache_read_input_tokens"), usage->cached_tokens);
    json_number(json_key(o, "output_tokens"), usage->completion_tokens);
    json_close(o, '}');
}
