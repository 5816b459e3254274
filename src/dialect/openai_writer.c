/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller of the OpenAI dialect gets: chunks of a stream, or one whole answer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dialect/calls.h"
#include "dialect/openai.h"
#include "dialect/put.h"
#include "wire/base64.h"

struct writer {
    struct reply_shape shape;
    struct buf *out;
    struct buf head;           /* what every chunk begins with, up to its list of choices */
    struct buf text, thinking; /* whole answers; of embeddings, text is the list of vectors */
    struct calls calls;        /* whole answers */
    unsigned calls_begun;      /* streams */
    bool has_begun;            /* the role chunk was sent */
    bool has_finished;         /* so was the one with the reason */
    enum finish finish;
    struct usage usage;
};

static int make_head(struct writer *w);
static void put_head(struct writer *w, struct json_out *o, const char *object);
static int put_stream(struct writer *w, const struct delta *delta);
static int begin_chunk(struct writer *w, unsigned index);
static int end_chunk(struct writer *w, enum finish finish);
static int put_role(struct writer *w, unsigned index);
static int put_text(struct writer *w, const struct delta *delta);
static int put_call(struct writer *w, unsigned index, const struct tool_call *call);
static int put_finish(struct writer *w, unsigned index, enum finish finish);
static int put_usage_chunk(struct writer *w);
static int put_stream_end(struct writer *w);
static int keep(struct writer *w, const struct delta *delta);
static int keep_vector(struct writer *w, const struct delta *delta);
static int put_floats(struct buf *out, const double *vector, size_t count);
static int put_whole(struct writer *w);
static int put_vectors(struct writer *w);
static void put_message(struct writer *w, struct json_out *o);
static void put_calls(struct writer *w, struct json_out *o);
static void put_call_id(struct writer *w, struct json_out *o, struct str id, unsigned index);
static void put_usage(struct json_out *o, const struct usage *usage, enum task task);
static struct str finish_word(enum finish finish);

int openai_writer_new(struct writer **ret, const struct reply_shape *shape, struct buf *out)
{
    struct writer *w = calloc(1, sizeof *w);
    int r;

    if (!w)
        return -ENOMEM;
    w->shape = *shape;
    w->shape.stream = shape->stream && shape->task != TASK_embed;
    w->out = out;
    w->calls.max = out->max;
    buf_init(&w->head, out->max);
    buf_init(&w->text, out->max);
    buf_init(&w->thinking, out->max);
    if (w->shape.stream && (r = make_head(w)) < 0) {
        openai_writer_free(w);
        return r;
    }
    *ret = w;
    return 0;
}

int openai_writer_put(struct writer *w, const struct delta *delta)
{
    size_t before = w->out->len;
    int r;

    if (delta->kind == DELTA_usage) {
        if (delta->usage.known)
            w->usage = delta->usage;
        return 0;
    }
    r = w->shape.stream ? put_stream(w, delta) : keep(w, delta);
    if (r < 0)
        w->out->len = before;
    return r;
}

int openai_writer_end(struct writer *w)
{
    size_t before = w->out->len;
    int r;

    if (w->shape.stream)
        r = put_stream_end(w);
    else
        r = w->shape.task == TASK_embed ? put_vectors(w) : put_whole(w);
    if (r < 0)
        w->out->len = before;
    return r;
}

void openai_writer_free(struct writer *w)
{
    if (!w)
        return;
    calls_fini(&w->calls);
    buf_fini(&w->head);
    buf_fini(&w->text);
    buf_fini(&w->thinking);
    free(w);
}

/* The names are escaped once, not once per token. */
static int make_head(struct writer *w)
{
    struct json_out o = {.out = &w->head};

    o.error = buf_put(&w->head, STR("data: "));
    put_head(w, &o, w->shape.task == TASK_chat ? "chat.completion.chunk" : "text_completion");
    json_open(json_key(&o, "choices"), '[');
    return o.error;
}

static void put_head(struct writer *w, struct json_out *o, const char *object)
{
    json_open(o, '{');
    json_joined(json_key(o, "id"), w->shape.task == TASK_chat ? STR("chatcmpl-") : STR("cmpl-"),
                w->shape.id);
    json_text(json_key(o, "object"), str_from(object));
    json_number(json_key(o, "created"), (uint64_t)w->shape.created_s);
    json_text(json_key(o, "model"), w->shape.model);
}

static int put_stream(struct writer *w, const struct delta *delta)
{
    switch (delta->kind) {
    case DELTA_text:
    case DELTA_thinking:
        return put_text(w, delta);
    case DELTA_call:
        return put_call(w, delta->index, &delta->call);
    case DELTA_finish:
        return put_finish(w, delta->index, delta->finish);
    default:
        return 0;
    }
}

/* Up to the choice's own member: `delta` of a chat, `text` of a completion. */
static int begin_chunk(struct writer *w, unsigned index)
{
    int r = buf_put(w->out, buf_str(&w->head));

    if (r == 0)
        r = buf_put(w->out, STR("{\"index\":"));
    if (r == 0)
        r = buf_put_u64(w->out, index);
    if (r == 0)
        r = buf_put(w->out, w->shape.task == TASK_chat ? STR(",\"delta\":") : STR(",\"text\":"));
    return r;
}

static int end_chunk(struct writer *w, enum finish finish)
{
    int r = buf_put(w->out, STR(",\"logprobs\":null,\"finish_reason\":"));

    if (r == 0)
        r = buf_put(w->out, finish_word(finish));
    if (r == 0)
        r = buf_put(w->out,
                    w->shape.include_usage ? STR("}],\"usage\":null}\n\n") : STR("}]}\n\n"));
    return r;
}

static int put_role(struct writer *w, unsigned index)
{
    int r;

    if (w->has_begun || w->shape.task != TASK_chat)
        return 0;
    r = begin_chunk(w, index);
    if (r == 0)
        r = buf_put(w->out, STR("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"));
    if (r == 0)
        r = end_chunk(w, FINISH_none);
    if (r == 0)
        w->has_begun = true;
    return r;
}

static int put_text(struct writer *w, const struct delta *delta)
{
    bool is_chat = w->shape.task == TASK_chat;
    int r = put_role(w, delta->index);

    if (delta->kind == DELTA_thinking && !is_chat)
        return 0; /* a completion has no place for it */
    if (r == 0)
        r = begin_chunk(w, delta->index);
    if (r == 0 && is_chat)
        r = buf_put(w->out, delta->kind == DELTA_text ? STR("{\"content\":")
                                                      : STR("{\"reasoning_content\":"));
    if (r == 0)
        r = json_put_string(w->out, delta->text);
    if (r == 0 && is_chat)
        r = buf_put_char(w->out, '}');
    return r < 0 ? r : end_chunk(w, FINISH_none);
}

/* The first piece of a call names it, the others bring arguments only. */
static int put_call(struct writer *w, unsigned index, const struct tool_call *call)
{
    bool is_first = call->index >= w->calls_begun;
    struct json_out o = {.out = w->out};

    if (w->shape.task != TASK_chat)
        return 0;
    o.error = put_role(w, index);
    if (!o.error)
        o.error = begin_chunk(w, index);
    json_open(&o, '{');
    json_open(json_key(&o, "tool_calls"), '[');
    json_open(&o, '{');
    json_number(json_key(&o, "index"), call->index);
    if (is_first) {
        put_call_id(w, &o, call->id, call->index);
        json_text(json_key(&o, "type"), STR("function"));
    }
    json_open(json_key(&o, "function"), '{');
    if (is_first)
        json_text(json_key(&o, "name"), call->name);
    json_text(json_key(&o, "arguments"), call->arguments);
    json_close(&o, '}');
    json_close(&o, '}');
    json_close(&o, ']');
    json_close(&o, '}');
    if (!o.error)
        o.error = end_chunk(w, FINISH_none);
    if (!o.error && is_first)
        w->calls_begun = call->index + 1;
    return o.error;
}

static int put_finish(struct writer *w, unsigned index, enum finish finish)
{
    int r = put_role(w, index);

    if (r == 0)
        r = begin_chunk(w, index);
    if (r == 0)
        r = buf_put(w->out, w->shape.task == TASK_chat ? STR("{}") : STR("\"\""));
    if (r == 0)
        r = end_chunk(w, finish);
    if (r == 0)
        w->has_finished = true;
    return r;
}

static int put_usage_chunk(struct writer *w)
{
    struct json_out o = {.out = w->out};

    o.error = buf_put(w->out, buf_str(&w->head));
    json_close(&o, ']');
    put_usage(&o, &w->usage, w->shape.task);
    json_close(&o, '}');
    return o.error ? o.error : buf_put(w->out, STR("\n\n"));
}

static int put_stream_end(struct writer *w)
{
    int r = w->has_finished ? 0 : put_finish(w, 0, FINISH_stop);

    if (r == 0 && w->shape.include_usage && w->usage.known)
        r = put_usage_chunk(w);
    return r < 0 ? r : buf_put(w->out, STR("data: [DONE]\n\n"));
}

static int keep(struct writer *w, const struct delta *delta)
{
    /* Whoever asks for several choices is passed through or refused. */
    if (delta->kind != DELTA_embedding && delta->index)
        return 0;
    switch (delta->kind) {
    case DELTA_text:
        return buf_put(&w->text, delta->text);
    case DELTA_thinking:
        return buf_put(&w->thinking, delta->text);
    case DELTA_call:
        return calls_put(&w->calls, &delta->call);
    case DELTA_embedding:
        return keep_vector(w, delta);
    case DELTA_finish:
        w->finish = delta->finish;
        return 0;
    default:
        return 0;
    }
}

static int keep_vector(struct writer *w, const struct delta *delta)
{
    struct json_out o = {.out = &w->text, .comma = w->text.len > 0};

    json_open(&o, '{');
    json_text(json_key(&o, "object"), STR("embedding"));
    json_number(json_key(&o, "index"), delta->index);
    json_key(&o, "embedding");
    if (w->shape.base64) {
        if (!o.error)
            o.error = put_floats(o.out, delta->vector, delta->dimensions);
    } else {
        put_vector(&o, delta);
    }
    json_close(&o, '}');
    return o.error;
}

/* Floats of four bytes, lowest first, in base64, in quotes. */
static int put_floats(struct buf *out, const double *vector, size_t count)
{
    struct buf bytes;
    int r;

    buf_init(&bytes, out->max);
    r = buf_put_char(out, '"');
    for (size_t i = 0; i < count && r == 0; i++) {
        float narrow = (float)vector[i];
        uint32_t bits;

        memcpy(&bits, &narrow, sizeof bits);
        r = buf_put(&bytes, str_slice((char[]){(char)bits, (char)(bits >> 8), (char)(bits >> 16),
                                               (char)(bits >> 24)},
                                      4));
    }
    if (r == 0)
        r = base64_put(out, buf_str(&bytes));
    buf_fini(&bytes);
    return r < 0 ? r : buf_put_char(out, '"');
}

static int put_whole(struct writer *w)
{
    struct json_out o = {.out = w->out};
    bool is_chat = w->shape.task == TASK_chat;

    put_head(w, &o, is_chat ? "chat.completion" : "text_completion");
    json_open(json_key(&o, "choices"), '[');
    json_open(&o, '{');
    json_number(json_key(&o, "index"), 0);
    if (is_chat)
        put_message(w, &o);
    else
        json_text(json_key(&o, "text"), buf_str(&w->text));
    json_raw(json_key(&o, "logprobs"), STR("null"));
    json_raw(json_key(&o, "finish_reason"), finish_word(w->finish ? w->finish : FINISH_stop));
    json_close(&o, '}');
    json_close(&o, ']');
    if (w->usage.known)
        put_usage(&o, &w->usage, w->shape.task);
    json_close(&o, '}');
    return o.error;
}

static int put_vectors(struct writer *w)
{
    struct json_out o = {.out = w->out};

    json_open(&o, '{');
    json_text(json_key(&o, "object"), STR("list"));
    json_open(json_key(&o, "data"), '[');
    if (w->text.len)
        json_raw(&o, buf_str(&w->text));
    json_close(&o, ']');
    json_text(json_key(&o, "model"), w->shape.model);
    put_usage(&o, &w->usage, TASK_embed);
    json_close(&o, '}');
    return o.error;
}

static void put_message(struct writer *w, struct json_out *o)
{
    json_open(json_key(o, "message"), '{');
    json_text(json_key(o, "role"), STR("assistant"));
    if (w->text.len || !w->calls.count)
        json_text(json_key(o, "content"), buf_str(&w->text));
    else
        json_raw(json_key(o, "content"), STR("null"));
    if (w->thinking.len)
        json_text(json_key(o, "reasoning_content"), buf_str(&w->thinking));
    json_raw(json_key(o, "refusal"), STR("null"));
    if (w->calls.count)
        put_calls(w, o);
    json_close(o, '}');
}

static void put_calls(struct writer *w, struct json_out *o)
{
    json_open(json_key(o, "tool_calls"), '[');
    for (unsigned i = 0; i < w->calls.count; i++) {
        json_open(o, '{');
        put_call_id(w, o, buf_str(&w->calls.list[i].id), i);
        json_text(json_key(o, "type"), STR("function"));
        json_open(json_key(o, "function"), '{');
        json_text(json_key(o, "name"), buf_str(&w->calls.list[i].name));
        json_text(json_key(o, "arguments"), buf_str(&w->calls.list[i].arguments));
        json_close(o, '}');
        json_close(o, '}');
    }
    json_close(o, ']');
}

/* An engine that gives its calls no ids still gets them told apart. */
static void put_call_id(struct writer *w, struct json_out *o, struct str id, unsigned index)
{
    char number[32];

    if (id.len) {
        json_text(json_key(o, "id"), id);
        return;
    }
    snprintf(number, sizeof number, "call_%u_", index);
    json_joined(json_key(o, "id"), str_from(number), w->shape.id);
}

static void put_usage(struct json_out *o, const struct usage *usage, enum task task)
{
    json_open(json_key(o, "usage"), '{');
    json_number(json_key(o, "prompt_tokens"), usage->prompt_tokens);
    if (task != TASK_embed)
        json_number(json_key(o, "completion_tokens"), usage->completion_tokens);
    json_number(json_key(o, "total_tokens"), usage->prompt_tokens + usage->completion_tokens);
    if (usage->cached_tokens) {
        json_open(json_key(o, "prompt_tokens_details"), '{');
        json_number(json_key(o, "cached_tokens"), usage->cached_tokens);
        json_close(o, '}');
    }
    if (usage->thinking_tokens) {
        json_open(json_key(o, "completion_tokens_details"), '{');
        json_number(json_key(o, "reasoning_tokens"), usage->thinking_tokens);
        json_close(o, '}');
    }
    json_close(o, '}');
}

/* As JSON. */
static struct str finish_word(enum finish finish)
{
    switch (finish) {
    case FINISH_stop:
        return STR("\"stop\"");
    case FINISH_length:
        return STR("\"length\"");
    case FINISH_tool_calls:
        return STR("\"tool_calls\"");
    case FINISH_content_filter:
        return STR("\"content_filter\"");
    default:
        return STR("null");
    }
}
