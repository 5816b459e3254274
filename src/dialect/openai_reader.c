/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine answers in the OpenAI dialect: bytes in, deltas out. */
#include <errno.h>
#include <stdlib.h>

#include "dialect/openai.h"
#include "dialect/openai_media.h"
#include "dialect/reader.h"
#include "wire/sse.h"

struct openai_reader {
    struct reader base;
    struct sse sse;
    uint64_t fed; /* of an answer that goes through as it came */
};

static struct openai_reader *own(struct reader *r);
static int on_event(void *ctx, struct str name, struct str data);
static int take_whole(struct reader *r);
static int take_frame(struct reader *r, yyjson_val *root);
static int take_error(struct reader *r, yyjson_val *root, yyjson_val *error);
static int take_choice(struct reader *r, yyjson_val *choice, unsigned position);
static int take_message(struct reader *r, yyjson_val *message, unsigned index);
static int take_call(struct reader *r, yyjson_val *call, unsigned index, unsigned position);
static int take_vector(struct reader *r, yyjson_val *entry, unsigned position);
static int take_usage(struct reader *r, yyjson_val *usage, yyjson_val *timings);
static void take_timings(struct delta *delta, yyjson_val *timings);
static unsigned index_of(yyjson_val *thing, unsigned position);
static enum finish finish_of(struct str reason);
static bool is_given(yyjson_val *value);

int openai_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                      struct sink next)
{
    struct openai_reader *o = malloc(sizeof *o);

    if (!o)
        return -ENOMEM;
    *o = (struct openai_reader){0};
    reader_init(&o->base, task, streaming, event_max, next);
    sse_init(&o->sse, event_max, on_event, &o->base);
    *ret = &o->base;
    return 0;
}

int openai_reader_feed(struct reader *r, struct str chunk, uint64_t *whole)
{
    struct openai_reader *o = own(r);
    int result;

    if (task_is_passed(r->task) && !r->streaming) {
        o->fed += chunk.len;
        if (whole)
            *whole = o->fed;
        return openai_begin_passed(r);
    }
    result = r->streaming ? sse_feed(&o->sse, chunk) : buf_put(&r->body, chunk);
    json_pool_fini(&r->pool); /* a slow stream keeps nothing between its frames */
    if (whole)
        *whole = r->streaming ? sse_whole(&o->sse) : 0;
    return result;
}

int openai_reader_end(struct reader *r)
{
    bool is_read = r->streaming || r->is_over || task_is_passed(r->task);
    int result = is_read ? 0 : take_whole(r);

    if (result < 0)
        return result;
    return r->is_complete ? 0 : -EBADMSG;
}

void openai_reader_free(struct reader *r)
{
    if (!r)
        return;
    sse_fini(&own(r)->sse);
    reader_fini(r);
    free(own(r));
}

static struct openai_reader *own(struct reader *r)
{
    return CONTAINER(r, struct openai_reader, base);
}

static int on_event(void *ctx, struct str name, struct str data)
{
    struct reader *r = ctx;
    yyjson_val *root;
    int result;

    if (r->is_over || !data.len)
        return 0;
    if (str_equal(str_trim(data), STR("[DONE]")))
        return reader_complete(r);
    if (task_is_passed(r->task))
        return openai_take_passed(r, name, data);
    if ((result = json_pool_read(&r->pool, data, &root)) < 0)
        return result;
    if (str_equal(name, STR("error")) && !is_given(json_find(root, "error")))
        return take_error(r, root, root);
    return take_frame(r, root);
}

static int take_whole(struct reader *r)
{
    yyjson_val *root;
    int result = json_pool_read(&r->pool, buf_str(&r->body), &root);

    if (result < 0)
        return result;
    if (!is_given(json_find(root, "error")) &&
        !yyjson_is_arr(json_find(root, r->task == TASK_embed ? "data" : "choices")))
        return -EBADMSG;
    result = take_frame(r, root);
    return result < 0 || r->is_over ? result : reader_complete(r);
}

/* A chunk of a stream or a whole answer: they differ in `delta` and `message` only. */
static int take_frame(struct reader *r, yyjson_val *root)
{
    yyjson_val *error = json_find(root, "error"), *thing;
    yyjson_arr_iter choices = yyjson_arr_iter_with(json_find(root, "choices"));
    yyjson_arr_iter vectors = yyjson_arr_iter_with(json_find(root, "data"));
    int result = 0;

    if (!yyjson_is_obj(root))
        return -EBADMSG;
    if (is_given(error))
        return take_error(r, root, error);
    while (result == 0 && (thing = yyjson_arr_iter_next(&choices)))
        result = take_choice(r, thing, (unsigned)choices.idx - 1);
    while (result == 0 && r->task == TASK_embed && (thing = yyjson_arr_iter_next(&vectors)))
        result = take_vector(r, thing, (unsigned)vectors.idx - 1);
    if (result == 0)
        result = take_usage(r, json_find(root, "usage"), json_find(root, "timings"));
    return result;
}

/* In the middle of a stream the status is whatever stands in the error itself, if it does. */
static int take_error(struct reader *r, yyjson_val *root, yyjson_val *error)
{
    struct str words = failure_words_in(root), type = json_find_str(error, "type");
    uint64_t status = json_find_u64(error, "code");

    if (status < 400 || status > 599)
        status = words_contain(type, "invalid_request")                                 ? 400
                 : words_contain(type, "rate_limit") || words_contain(type, "overload") ? 429
                                                                                        : 500;
    return reader_failure(r, openai_failure((int)status, type, json_find_str(error, "code"), words),
                          words);
}

static int take_choice(struct reader *r, yyjson_val *choice, unsigned position)
{
    unsigned index = index_of(choice, position);
    yyjson_val *message = json_find(choice, "delta");
    enum finish finish;
    int result;

    if (!message)
        message = json_find(choice, "message");
    result = take_message(r, message, index);
    if (result == 0)
        result = reader_text(r, DELTA_text, index, json_find_str(choice, "text"));
    finish = finish_of(json_find_str(choice, "finish_reason"));
    if (result < 0 || finish == FINISH_none)
        return result;
    return reader_put(r, &(struct delta){.kind = DELTA_finish, .index = index, .finish = finish});
}

static int take_message(struct reader *r, yyjson_val *message, unsigned index)
{
    struct str thinking = json_find_str(message, "reasoning_content");
    yyjson_arr_iter calls = yyjson_arr_iter_with(json_find(message, "tool_calls"));
    yyjson_val *call;
    int result;

    if (!thinking.len) /* Ollama's and OpenRouter's word for it */
        thinking = json_find_str(message, "reasoning");
    result = reader_text(r, DELTA_thinking, index, thinking);
    if (result == 0)
        result = reader_text(r, DELTA_text, index, json_find_str(message, "content"));
    if (result == 0)
        result = reader_text(r, DELTA_text, index, json_find_str(message, "refusal"));
    while (result == 0 && (call = yyjson_arr_iter_next(&calls)))
        result = take_call(r, call, index, (unsigned)calls.idx - 1);
    return result;
}

static int take_call(struct reader *r, yyjson_val *call, unsigned index, unsigned position)
{
    yyjson_val *function = json_find(call, "function");
    yyjson_val *arguments = json_find(function, "arguments");
    struct delta delta = {.kind = DELTA_call, .index = index};
    int result = 0;

    delta.call.index = index_of(call, position);
    delta.call.id = json_find_str(call, "id");
    delta.call.name = json_find_str(function, "name");
    delta.call.arguments = json_str(arguments);
    if (yyjson_is_obj(arguments)) { /* some engines forget that it is a string */
        buf_reset(&r->text);
        result = json_put_value(&r->text, arguments);
        delta.call.arguments = buf_str(&r->text);
    }
    return result < 0 ? result : reader_put(r, &delta);
}

static int take_vector(struct reader *r, yyjson_val *entry, unsigned position)
{
    return reader_vector(r, index_of(entry, position), json_find(entry, "embedding"));
}

static int take_usage(struct reader *r, yyjson_val *usage, yyjson_val *timings)
{
    struct delta delta;

    if (!yyjson_is_obj(usage) && !yyjson_is_obj(timings))
        return 0;
    delta = (struct delta){.kind = DELTA_usage};
    if (yyjson_is_obj(usage)) {
        yyjson_val *prompt = json_find(usage, "prompt_tokens_details");
        yyjson_val *completion = json_find(usage, "completion_tokens_details");

        delta.usage = (struct usage){
            .known = true,
            .prompt_tokens = json_find_u64(usage, "prompt_tokens"),
            .completion_tokens = json_find_u64(usage, "completion_tokens"),
            .cached_tokens = json_find_u64(prompt, "cached_tokens"),
            .thinking_tokens = json_find_u64(completion, "reasoning_tokens"),
        };
    }
    if (yyjson_is_obj(timings))
        take_timings(&delta, timings);
    return reader_put(r, &delta);
}

/* llama-server's, in milliseconds. A stream that nobody asked for usage has its tokens here. */
static void take_timings(struct delta *delta, yyjson_val *timings)
{
    uint64_t cached = json_find_u64(timings, "cache_n"), read = json_find_u64(timings, "prompt_n");

    delta->times.prefill_us = (uint64_t)(json_find_real(timings, "prompt_ms") * 1000);
    delta->times.decode_us = (uint64_t)(json_find_real(timings, "predicted_ms") * 1000);
    if (delta->usage.known || !json_find(timings, "predicted_n"))
        return;
    delta->usage = (struct usage){
        .known = true,
        .prompt_tokens = cached + read,
        .completion_tokens = json_find_u64(timings, "predicted_n"),
        .cached_tokens = cached,
    };
}

/* Engines leave out the index when there is but one. */
static unsigned index_of(yyjson_val *thing, unsigned position)
{
    yyjson_val *index = json_find(thing, "index");

    return yyjson_is_uint(index) && yyjson_get_uint(index) < 1u << 20
               ? (unsigned)yyjson_get_uint(index)
               : position;
}

static enum finish finish_of(struct str reason)
{
    if (!reason.len)
        return FINISH_none;
    if (str_equal(reason, STR("length")))
        return FINISH_length;
    if (str_equal(reason, STR("tool_calls")) || str_equal(reason, STR("function_call")))
        return FINISH_tool_calls;
    if (str_equal(reason, STR("content_filter")))
        return FINISH_content_filter;
    return FINISH_stop; /* also "eos", "stop_sequence" and what else engines invent */
}

/* Several engines write "error": null into every good chunk. */
static bool is_given(yyjson_val *value)
{
    return value && !yyjson_is_null(value);
}
