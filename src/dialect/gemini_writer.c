/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller of the Gemini dialect gets: answers, one after the other as events or as one JSON
 * array, or one that is whole. */
#include <errno.h>
#include <stdlib.h>

#include "dialect/calls.h"
#include "dialect/gemini.h"
#include "dialect/put.h"

struct writer {
    struct reply_shape shape;
    struct buf *out;
    struct buf text, thinking; /* whole answers; of embeddings, text is the list of vectors */
    struct calls calls;        /* sent whole, when nothing more can come */
    bool has_begun;            /* the array */
    enum finish finish;
    struct usage usage;
};

static int put_piece(struct writer *w, const struct delta *delta);
static int keep(struct writer *w, const struct delta *delta);
static int keep_vector(struct writer *w, const struct delta *delta);
static int begin_piece(struct writer *w);
static int end_piece(struct writer *w);
static int put_last(struct writer *w);
static int put_vectors(struct writer *w);
static int put_count(struct writer *w);
static void open_candidate(struct json_out *o);
static void close_content(struct json_out *o);
static void put_part(struct json_out *o, struct str text, bool is_thought);
static void put_calls(struct writer *w, struct json_out *o);
static void put_foot(struct writer *w, struct json_out *o);
static void put_usage(struct json_out *o, const struct usage *usage);
static struct str reason_of(enum finish finish);

int gemini_writer_new(struct writer **ret, const struct reply_shape *shape, struct buf *out)
{
    struct writer *w = calloc(1, sizeof *w);

    if (!w)
        return -ENOMEM;
    w->shape = *shape;
    w->out = out;
    w->calls.max = out->max;
    buf_init(&w->text, out->max);
    buf_init(&w->thinking, out->max);
    *ret = w;
    return 0;
}

int gemini_writer_put(struct writer *w, const struct delta *delta)
{
    size_t before = w->out->len;
    int r = 0;

    switch (delta->kind) {
    case DELTA_thinking:
    case DELTA_text:
        if (delta->kind == DELTA_text || !w->shape.hides_thoughts)
            r = w->shape.stream ? put_piece(w, delta) : keep(w, delta);
        break;
    case DELTA_call:
        r = calls_put(&w->calls, &delta->call);
        break;
    case DELTA_embedding:
        r = keep_vector(w, delta);
        break;
    case DELTA_finish:
        w->finish = delta->finish;
        break;
    case DELTA_usage:
        if (delta->usage.known)
            w->usage = delta->usage;
        break;
    default:
        break;
    }
    if (r < 0)
        w->out->len = before;
    return r;
}

int gemini_writer_end(struct writer *w)
{
    size_t before = w->out->len;
    int r = w->shape.task == TASK_tokens       ? put_count(w)
            : task_is_embedding(w->shape.task) ? put_vectors(w)
                                               : put_last(w);

    if (r < 0)
        w->out->len = before;
    return r;
}

void gemini_writer_free(struct writer *w)
{
    if (!w)
        return;
    calls_fini(&w->calls);
    buf_fini(&w->text);
    buf_fini(&w->thinking);
    free(w);
}

static int put_piece(struct writer *w, const struct delta *delta)
{
    struct json_out o = {.out = w->out, .error = begin_piece(w)};

    json_open(&o, '{');
    open_candidate(&o);
    put_part(&o, delta->text, delta->kind == DELTA_thinking);
    close_content(&o);
    json_number(json_key(&o, "index"), 0);
    json_close(&o, '}');
    json_close(&o, ']');
    put_foot(w, &o);
    json_close(&o, '}');
    return o.error ? o.error : end_piece(w);
}

static int keep(struct writer *w, const struct delta *delta)
{
    return buf_put(delta->kind == DELTA_text ? &w->text : &w->thinking, delta->text);
}

static int keep_vector(struct writer *w, const struct delta *delta)
{
    struct json_out o = {.out = &w->text, .comma = w->text.len > 0};

    json_open(&o, '{');
    put_vector(json_key(&o, "values"), delta);
    json_close(&o, '}');
    return o.error;
}

static int begin_piece(struct writer *w)
{
    bool is_first = !w->has_begun;

    w->has_begun = true;
    if (!w->shape.as_list)
        return buf_put(w->out, STR("data: "));
    return buf_put(w->out, is_first ? STR("[") : STR(",\r\n"));
}

static int end_piece(struct writer *w)
{
    return w->shape.as_list ? 0 : buf_put(w->out, STR("\r\n\r\n"));
}

/* The last piece of a stream, or all that there is. */
static int put_last(struct writer *w)
{
    struct json_out o = {.out = w->out, .error = w->shape.stream ? begin_piece(w) : 0};

    json_open(&o, '{');
    open_candidate(&o);
    if (w->thinking.len)
        put_part(&o, buf_str(&w->thinking), true);
    if (w->text.len || !w->calls.count)
        put_part(&o, buf_str(&w->text), false);
    put_calls(w, &o);
    close_content(&o);
    json_text(json_key(&o, "finishReason"), reason_of(w->finish));
    json_number(json_key(&o, "index"), 0);
    json_close(&o, '}');
    json_close(&o, ']');
    if (w->usage.known)
        put_usage(&o, &w->usage);
    put_foot(w, &o);
    json_close(&o, '}');
    if (o.error || !w->shape.stream)
        return o.error;
    return w->shape.as_list ? buf_put(w->out, STR("]")) : end_piece(w);
}

static int put_vectors(struct writer *w)
{
    struct json_out o = {.out = w->out};
    bool is_one = w->shape.task == TASK_embed_one;

    json_open(&o, '{');
    if (is_one) {
        json_raw(json_key(&o, "embedding"), w->text.len ? buf_str(&w->text) : STR("{}"));
    } else {
        json_open(json_key(&o, "embeddings"), '[');
        if (w->text.len)
            json_raw(&o, buf_str(&w->text));
        json_close(&o, ']');
    }
    json_close(&o, '}');
    return o.error;
}

static int put_count(struct writer *w)
{
    struct json_out o = {.out = w->out};

    json_open(&o, '{');
    json_number(json_key(&o, "totalTokens"),
                w->usage.known ? w->usage.prompt_tokens : w->shape.prompt_estimate);
    json_close(&o, '}');
    return o.error;
}

static void open_candidate(struct json_out *o)
{
    json_open(json_key(o, "candidates"), '[');
    json_open(o, '{');
    json_open(json_key(o, "content"), '{');
    json_open(json_key(o, "parts"), '[');
}

static void close_content(struct json_out *o)
{
    json_close(o, ']');
    json_text(json_key(o, "role"), STR("model"));
    json_close(o, '}');
}

static void put_part(struct json_out *o, struct str text, bool is_thought)
{
    json_open(o, '{');
    json_text(json_key(o, "text"), text);
    if (is_thought)
        json_bool(json_key(o, "thought"), true);
    json_close(o, '}');
}

static void put_calls(struct writer *w, struct json_out *o)
{
    for (unsigned i = 0; i < w->calls.count; i++) {
        const struct call *call = &w->calls.list[i];

        json_open(o, '{');
        json_open(json_key(o, "functionCall"), '{');
        if (call->id.len)
            json_text(json_key(o, "id"), buf_str(&call->id));
        json_text(json_key(o, "name"), buf_str(&call->name));
        call_put_arguments(json_key(o, "args"), buf_str(&call->arguments));
        json_close(o, '}');
        json_close(o, '}');
    }
}

static void put_foot(struct writer *w, struct json_out *o)
{
    json_text(json_key(o, "modelVersion"), w->shape.model);
    json_text(json_key(o, "responseId"), w->shape.id);
}

/* Thoughts are counted beside the answer. */
static void put_usage(struct json_out *o, const struct usage *usage)
{
    uint64_t thoughts = usage->thinking_tokens < usage->completion_tokens
                            ? usage->thinking_tokens
                            : usage->completion_tokens;

    json_open(json_key(o, "usageMetadata"), '{');
    json_number(json_key(o, "promptTokenCount"), usage->prompt_tokens);
    if (usage->cached_tokens)
        json_number(json_key(o, "cachedContentTokenCount"), usage->cached_tokens);
    json_number(json_key(o, "candidatesTokenCount"), usage->completion_tokens - thoughts);
    if (thoughts)
        json_number(json_key(o, "thoughtsTokenCount"), thoughts);
    json_number(json_key(o, "totalTokenCount"), usage->prompt_tokens + usage->completion_tokens);
    json_close(o, '}');
}

static struct str reason_of(enum finish finish)
{
    switch (finish) {
    case FINISH_length:
        return STR("MAX_TOKENS");
    case FINISH_content_filter:
        return STR("SAFETY");
    default:
        return STR("STOP");
    }
}
