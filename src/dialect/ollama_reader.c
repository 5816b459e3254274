/* SPDX-License-Identifier: Apache-2.0 */
/* What Ollama answers: lines of JSON or one body in, deltas out. */
#include <errno.h>
#include <stdlib.h>

#include "dialect/ollama.h"
#include "dialect/reader.h"
#include "wire/ndjson.h"

struct ollama_reader {
    struct reader base;
    struct ndjson lines;
    unsigned call_count; /* Ollama's own index starts anew in every line */
};

static struct ollama_reader *own(struct reader *r);
static int on_line(void *ctx, struct str line);
static int take_frame(struct ollama_reader *o, yyjson_val *root);
static int take_message(struct ollama_reader *o, yyjson_val *message);
static int take_call(struct ollama_reader *o, yyjson_val *call);
static int take_vectors(struct ollama_reader *o, yyjson_val *root);
static int take_done(struct ollama_reader *o, yyjson_val *root);
static int put_usage(struct reader *r, yyjson_val *root);

int ollama_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                      struct sink next)
{
    struct ollama_reader *o = malloc(sizeof *o);

    if (!o)
        return -ENOMEM;
    *o = (struct ollama_reader){0};
    reader_init(&o->base, task, streaming, event_max, next);
    ndjson_init(&o->lines, event_max, on_line, o);
    *ret = &o->base;
    return 0;
}

int ollama_reader_feed(struct reader *r, struct str chunk, uint64_t *whole)
{
    struct ollama_reader *o = own(r);
    int result = r->streaming ? ndjson_feed(&o->lines, chunk) : buf_put(&r->body, chunk);

    json_pool_fini(&r->pool); /* a slow stream keeps nothing between its frames */
    if (whole)
        *whole = r->streaming ? ndjson_whole(&o->lines) : 0;
    return result;
}

int ollama_reader_end(struct reader *r)
{
    struct ollama_reader *o = own(r);
    int result = r->streaming ? ndjson_end(&o->lines) : on_line(o, buf_str(&r->body));

    if (result < 0)
        return result;
    return r->is_complete ? 0 : -EBADMSG;
}

void ollama_reader_free(struct reader *r)
{
    if (!r)
        return;
    ndjson_fini(&own(r)->lines);
    reader_fini(r);
    free(own(r));
}

static struct ollama_reader *own(struct reader *r)
{
    return CONTAINER(r, struct ollama_reader, base);
}

/* A whole answer is one line, longer. */
static int on_line(void *ctx, struct str line)
{
    struct ollama_reader *o = ctx;
    yyjson_val *root;
    int result;

    if (o->base.is_over)
        return 0;
    if ((result = json_pool_read(&o->base.pool, line, &root)) < 0)
        return result;
    return yyjson_is_obj(root) ? take_frame(o, root) : -EBADMSG;
}

static int take_frame(struct ollama_reader *o, yyjson_val *root)
{
    struct reader *r = &o->base;
    struct str error = failure_words_in(root);
    int result;

    if (error.len && json_find(root, "error"))
        return reader_failure(r, ollama_failure((int)json_find_u64(root, "status_code"), error),
                              error);
    if (task_is_embedding(r->task))
        return take_vectors(o, root);
    /* /api/generate has the members of the message in the line itself. */
    result = take_message(o, r->task == TASK_chat ? json_find(root, "message") : root);
    if (result == 0 && json_find_true(root, "done"))
        result = take_done(o, root);
    return result;
}

static int take_message(struct ollama_reader *o, yyjson_val *message)
{
    struct reader *r = &o->base;
    yyjson_arr_iter calls = yyjson_arr_iter_with(json_find(message, "tool_calls"));
    const char *text = r->task == TASK_chat ? "content" : "response";
    yyjson_val *call;
    int result = reader_text(r, DELTA_thinking, 0, json_find_str(message, "thinking"));

    if (result == 0)
        result = reader_text(r, DELTA_text, 0, json_find_str(message, text));
    while (result == 0 && (call = yyjson_arr_iter_next(&calls)))
        result = take_call(o, call);
    return result;
}

static int take_call(struct ollama_reader *o, yyjson_val *call)
{
    struct reader *r = &o->base;
    yyjson_val *function = json_find(call, "function");
    yyjson_val *arguments = json_find(function, "arguments");
    struct delta delta = {.kind = DELTA_call};
    int result = 0;

    delta.call.index = o->call_count++;
    delta.call.id = json_find_str(call, "id");
    delta.call.name = json_find_str(function, "name");
    delta.call.arguments = STR("{}");
    if (yyjson_is_obj(arguments)) {
        buf_reset(&r->text);
        result = json_put_value(&r->text, arguments);
        delta.call.arguments = buf_str(&r->text);
    }
    return result < 0 ? result : reader_put(r, &delta);
}

static int take_vectors(struct ollama_reader *o, yyjson_val *root)
{
    struct reader *r = &o->base;
    bool is_one = r->task == TASK_embed_one;
    yyjson_val *list = json_find(root, is_one ? "embedding" : "embeddings"), *vector;
    yyjson_arr_iter each = yyjson_arr_iter_with(is_one ? NULL : list);
    int result = yyjson_is_arr(list) ? 0 : -EBADMSG;

    if (result == 0 && is_one)
        result = reader_vector(r, 0, list);

    while (result == 0 && (vector = yyjson_arr_iter_next(&each)))
        result = reader_vector(r, (unsigned)each.idx - 1, vector);
    if (result == 0)
        result = put_usage(r, root);
    return result < 0 ? result : reader_complete(r);
}

/* done_reason knows no tools: a stop after calls means that they are to be made. */
static int take_done(struct ollama_reader *o, yyjson_val *root)
{
    struct reader *r = &o->base;
    struct delta delta = {.kind = DELTA_finish, .finish = FINISH_stop};
    struct str reason = json_find_str(root, "done_reason");
    int result;

    if (str_is(reason, "length"))
        delta.finish = FINISH_length;
    else if (str_is(reason, "load"))
        delta.finish = FINISH_load;
    else if (o->call_count)
        delta.finish = FINISH_tool_calls;
    result = reader_put(r, &delta);
    if (result == 0)
        result = put_usage(r, root);
    return result < 0 ? result : reader_complete(r);
}

/* Ollama leaves out what is zero, and counts in nanoseconds. */
static int put_usage(struct reader *r, yyjson_val *root)
{
    struct delta delta = {.kind = DELTA_usage};

    delta.usage.known = true;
    delta.usage.prompt_tokens = json_find_u64(root, "prompt_eval_count");
    delta.usage.completion_tokens = json_find_u64(root, "eval_count");
    delta.times.load_us = json_find_u64(root, "load_duration") / 1000;
    delta.times.prefill_us = json_find_u64(root, "prompt_eval_duration") / 1000;
    delta.times.decode_us = json_find_u64(root, "eval_duration") / 1000;
    return reader_put(r, &delta);
}
