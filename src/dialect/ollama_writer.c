/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller of the Ollama dialect gets: lines of a stream, or one whole answer. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "dialect/calls.h"
#include "dialect/ollama.h"
#include "dialect/put.h"

struct writer {
    struct reply_shape shape;
    struct buf *out;
    struct buf head;           /* what every line begins with: model and time */
    struct buf text, thinking; /* whole answers; of embeddings, text is the list of vectors */
    struct calls calls;        /* sent whole, when nothing more can come */
    enum finish finish;
    struct usage usage;
    struct engine_times times;
};

static int make_head(struct writer *w);
static int put_line(struct writer *w, const struct delta *delta);
static int keep_usage(struct writer *w, const struct delta *delta);
static int keep_vector(struct writer *w, const struct delta *delta);
static int put_last(struct writer *w);
static struct str done_reason(enum finish finish);
static int put_vectors(struct writer *w);
static void begin(struct writer *w, struct json_out *o);
static void put_message(struct writer *w, struct json_out *o);
static void put_calls(struct writer *w, struct json_out *o);
static void put_counters(struct writer *w, struct json_out *o);
static void put_counter(struct json_out *o, const char *name, uint64_t value);

int ollama_writer_new(struct writer **ret, const struct reply_shape *shape, struct buf *out)
{
    struct writer *w = calloc(1, sizeof *w);
    int r;

    if (!w)
        return -ENOMEM;
    w->shape = *shape;
    w->out = out;
    w->calls.max = out->max;
    buf_init(&w->head, out->max);
    buf_init(&w->text, out->max);
    buf_init(&w->thinking, out->max);
    if ((r = make_head(w)) < 0) {
        ollama_writer_free(w);
        return r;
    }
    *ret = w;
    return 0;
}

int ollama_writer_put(struct writer *w, const struct delta *delta)
{
    size_t before = w->out->len;
    int r = 0;

    switch (delta->kind) {
    case DELTA_text:
    case DELTA_thinking:
        if (w->shape.stream)
            r = put_line(w, delta);
        else
            r = buf_put(delta->kind == DELTA_text ? &w->text : &w->thinking, delta->text);
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
        r = keep_usage(w, delta);
        break;
    default:
        break;
    }
    if (r < 0)
        w->out->len = before;
    return r;
}

int ollama_writer_end(struct writer *w)
{
    size_t before = w->out->len;
    int r = task_is_embedding(w->shape.task) ? put_vectors(w) : put_last(w);

    if (r < 0)
        w->out->len = before;
    return r;
}

void ollama_writer_free(struct writer *w)
{
    if (!w)
        return;
    calls_fini(&w->calls);
    buf_fini(&w->head);
    buf_fini(&w->text);
    buf_fini(&w->thinking);
    free(w);
}

static int make_head(struct writer *w)
{
    struct json_out o = {.out = &w->head};
    time_t created = (time_t)w->shape.created_s;
    char text[32];
    struct tm utc;

    json_open(&o, '{');
    if (w->shape.task != TASK_embed_one)
        json_text(json_key(&o, "model"), w->shape.model);
    if (task_is_embedding(w->shape.task) || !gmtime_r(&created, &utc))
        return o.error;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_text(json_key(&o, "created_at"), str_from(text));
    return o.error;
}

static int put_line(struct writer *w, const struct delta *delta)
{
    struct json_out o = {.out = w->out};
    bool is_text = delta->kind == DELTA_text;

    begin(w, &o);
    if (w->shape.task == TASK_chat) {
        json_open(json_key(&o, "message"), '{');
        json_text(json_key(&o, "role"), STR("assistant"));
        json_text(json_key(&o, "content"), is_text ? delta->text : STR(""));
    } else {
        json_text(json_key(&o, "response"), is_text ? delta->text : STR(""));
    }
    if (!is_text)
        json_text(json_key(&o, "thinking"), delta->text);
    if (w->shape.task == TASK_chat)
        json_close(&o, '}');
    json_bool(json_key(&o, "done"), false);
    json_close(&o, '}');
    return o.error ? o.error : buf_put_char(w->out, '\n');
}

static int keep_usage(struct writer *w, const struct delta *delta)
{
    if (delta->usage.known)
        w->usage = delta->usage;
    if (delta->times.decode_us || delta->times.prefill_us || delta->times.load_us)
        w->times = delta->times;
    return 0;
}

static int keep_vector(struct writer *w, const struct delta *delta)
{
    struct json_out o = {.out = &w->text, .comma = w->text.len > 0};

    put_vector(&o, delta);
    return o.error;
}

/* The last line of a stream, or all that there is. Calls go out in a line of their own before. */
static int put_last(struct writer *w)
{
    struct json_out o = {.out = w->out};

    if (w->shape.stream && w->calls.count) {
        begin(w, &o);
        put_message(w, &o);
        json_bool(json_key(&o, "done"), false);
        json_close(&o, '}');
        if (!o.error)
            o.error = buf_put_char(w->out, '\n');
        calls_fini(&w->calls);
    }
    begin(w, &o);
    put_message(w, &o);
    json_bool(json_key(&o, "done"), true);
    json_text(json_key(&o, "done_reason"), done_reason(w->finish));
    put_counters(w, &o);
    json_close(&o, '}');
    return o.error || !w->shape.stream ? o.error : buf_put_char(w->out, '\n');
}

static struct str done_reason(enum finish finish)
{
    switch (finish) {
    case FINISH_length:
        return STR("length");
    case FINISH_load:
        return STR("load");
    default:
        return STR("stop");
    }
}

static int put_vectors(struct writer *w)
{
    struct json_out o = {.out = w->out};

    begin(w, &o);
    if (w->shape.task == TASK_embed_one) {
        o.comma = false;
        json_raw(json_key(&o, "embedding"), w->text.len ? buf_str(&w->text) : STR("[]"));
    } else {
        json_open(json_key(&o, "embeddings"), '[');
        if (w->text.len)
            json_raw(&o, buf_str(&w->text));
        json_close(&o, ']');
        put_counters(w, &o);
    }
    json_close(&o, '}');
    return o.error;
}

static void begin(struct writer *w, struct json_out *o)
{
    if (!o->error)
        o->error = buf_put(o->out, buf_str(&w->head));
    o->comma = true;
}

static void put_message(struct writer *w, struct json_out *o)
{
    bool is_chat = w->shape.task == TASK_chat;

    if (is_chat) {
        json_open(json_key(o, "message"), '{');
        json_text(json_key(o, "role"), STR("assistant"));
    }
    json_text(json_key(o, is_chat ? "content" : "response"), buf_str(&w->text));
    if (w->thinking.len)
        json_text(json_key(o, "thinking"), buf_str(&w->thinking));
    if (w->calls.count)
        put_calls(w, o);
    if (is_chat)
        json_close(o, '}');
}

static void put_calls(struct writer *w, struct json_out *o)
{
    json_open(json_key(o, "tool_calls"), '[');
    for (unsigned i = 0; i < w->calls.count; i++) {
        const struct call *call = &w->calls.list[i];

        json_open(o, '{');
        if (call->id.len)
            json_text(json_key(o, "id"), buf_str(&call->id));
        json_open(json_key(o, "function"), '{');
        json_number(json_key(o, "index"), i);
        json_text(json_key(o, "name"), buf_str(&call->name));
        call_put_arguments(json_key(o, "arguments"), buf_str(&call->arguments));
        json_close(o, '}');
        json_close(o, '}');
    }
    json_close(o, ']');
}

/* As Ollama does: nanoseconds, and what is zero is left out. */
static void put_counters(struct writer *w, struct json_out *o)
{
    const struct engine_times *t = &w->times;

    put_counter(o, "total_duration", (t->load_us + t->prefill_us + t->decode_us) * 1000);
    put_counter(o, "load_duration", t->load_us * 1000);
    put_counter(o, "prompt_eval_count", w->usage.prompt_tokens);
    if (task_is_embedding(w->shape.task))
        return;
    put_counter(o, "prompt_eval_duration", t->prefill_us * 1000);
    put_counter(o, "eval_count", w->usage.completion_tokens);
    put_counter(o, "eval_duration", t->decode_us * 1000);
}

static void put_counter(struct json_out *o, const char *name, uint64_t value)
{
    if (value)
        json_number(json_key(o, name), value);
}
