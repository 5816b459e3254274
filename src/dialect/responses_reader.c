/* SPDX-License-Identifier: Apache-2.0 */
/* What a provider answers in the Responses API: bytes in, deltas out. */
#include <errno.h>
#include <stdlib.h>

#include "dialect/openai.h"
#include "dialect/reader.h"
#include "dialect/responses.h"
#include "wire/sse.h"

struct responses_reader {
    struct reader base;
    struct sse sse;
};

static struct responses_reader *own(struct reader *r);
static int on_event(void *ctx, struct str name, struct str data);
static int take_event(struct reader *r, yyjson_val *root);
static int take_piece(struct reader *r, yyjson_val *root, struct str type);
static int take_response(struct reader *r, yyjson_val *response);
static int take_output(struct reader *r, yyjson_val *output);
static int take_parts(struct reader *r, enum delta_kind kind, yyjson_val *parts);
static int take_call(struct reader *r, yyjson_val *item, unsigned index);
static int take_error(struct reader *r, yyjson_val *error);
static int take_usage(struct reader *r, yyjson_val *usage);
static enum finish finish_of(yyjson_val *response);

int responses_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                         struct sink next)
{
    struct responses_reader *o = calloc(1, sizeof *o);

    if (!o)
        return -ENOMEM;
    reader_init(&o->base, task, streaming, event_max, next);
    sse_init(&o->sse, event_max, on_event, &o->base);
    *ret = &o->base;
    return 0;
}

int responses_reader_feed(struct reader *r, struct str chunk, uint64_t *whole)
{
    struct responses_reader *o = own(r);
    int result = r->streaming ? sse_feed(&o->sse, chunk) : buf_put(&r->body, chunk);

    json_pool_fini(&r->pool);
    if (whole)
        *whole = r->streaming ? sse_whole(&o->sse) : 0;
    return result;
}

int responses_reader_end(struct reader *r)
{
    yyjson_val *root;
    int result = 0;

    if (!r->streaming && !r->is_over) {
        result = json_pool_read(&r->pool, buf_str(&r->body), &root);
        if (result == 0 && !str_is(json_find_str(root, "object"), "response"))
            return -EBADMSG;
        if (result == 0)
            result = take_output(r, json_find(root, "output"));
        if (result == 0)
            result = take_response(r, root);
    }
    return result < 0 ? result : r->is_complete ? 0 : -EBADMSG;
}

void responses_reader_free(struct reader *r)
{
    if (!r)
        return;
    sse_fini(&own(r)->sse);
    reader_fini(r);
    free(own(r));
}

static struct responses_reader *own(struct reader *r)
{
    return CONTAINER(r, struct responses_reader, base);
}

static int on_event(void *ctx, struct str name, struct str data)
{
    struct reader *r = ctx;
    yyjson_val *root;
    int result;

    (void)name; /* the same as `type` */
    if (r->is_over || !data.len)
        return 0;
    result = json_pool_read(&r->pool, data, &root);
    if (result == 0 && !yyjson_is_obj(root))
        result = -EBADMSG;
    return result < 0 ? result : take_event(r, root);
}

static int take_event(struct reader *r, yyjson_val *root)
{
    struct str type = json_find_str(root, "type");
    yyjson_val *item = json_find(root, "item"), *response = json_find(root, "response");

    if (str_is(type, "error"))
        return take_error(r, root);
    if (str_is(type, "response.completed") || str_is(type, "response.incomplete") ||
        str_is(type, "response.failed"))
        return take_response(r, response);
    if (str_is(type, "response.output_item.added") &&
        str_is(json_find_str(item, "type"), "function_call"))
        return take_call(r, item, (unsigned)(json_find_u64(root, "output_index") & 0xffff));
    return take_piece(r, root, type);
}

static int take_piece(struct reader *r, yyjson_val *root, struct str type)
{
    static const struct {
        const char *type;
        enum delta_kind kind;
    } pieces[] = {
        {"response.output_text.delta", DELTA_text},
        {"response.refusal.delta", DELTA_text},
        {"response.reasoning_text.delta", DELTA_thinking},
        {"response.reasoning_summary_text.delta", DELTA_thinking},
        {"response.function_call_arguments.delta", DELTA_call},
    };
    struct str text = json_find_str(root, "delta");
    struct delta call = {.kind = DELTA_call};

    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        if (!str_is(type, pieces[i].type))
            continue;
        if (pieces[i].kind != DELTA_call)
            return reader_text(r, pieces[i].kind, 0, text);
        call.call.index = (unsigned)(json_find_u64(root, "output_index") & 0xffff);
        call.call.arguments = text;
        return reader_put(r, &call);
    }
    return 0;
}

/* The last word of a stream, or the whole answer, behind what it said. */
static int take_response(struct reader *r, yyjson_val *response)
{
    struct delta finish = {.kind = DELTA_finish, .finish = finish_of(response)};
    yyjson_val *error = json_find(response, "error");
    int result;

    if (!yyjson_is_obj(response))
        return -EBADMSG;
    if (yyjson_is_obj(error) || str_is(json_find_str(response, "status"), "failed"))
        return take_error(r, error);
    result = take_usage(r, json_find(response, "usage"));
    if (result == 0)
        result = reader_put(r, &finish);
    return result < 0 ? result : reader_complete(r);
}

static int take_output(struct reader *r, yyjson_val *output)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(output);
    yyjson_val *item;
    int result = 0;

    while (result == 0 && (item = yyjson_arr_iter_next(&each))) {
        struct str type = json_find_str(item, "type");

        if (str_is(type, "function_call"))
            result = take_call(r, item, (unsigned)each.idx - 1);
        else if (str_is(type, "message") || str_is(type, "reasoning"))
            result = take_parts(r, str_is(type, "message") ? DELTA_text : DELTA_thinking,
                                json_find(item, "content"));
    }
    return result;
}

static int take_parts(struct reader *r, enum delta_kind kind, yyjson_val *parts)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(parts);
    yyjson_val *part;
    int result = 0;

    while (result == 0 && (part = yyjson_arr_iter_next(&each)))
        result = reader_text(r, kind, 0, json_find_str(part, "text"));
    return result;
}

static int take_call(struct reader *r, yyjson_val *item, unsigned index)
{
    struct delta delta = {.kind = DELTA_call, .call = {.index = index}};

    delta.call.id = json_find_str(item, "call_id");
    delta.call.name = json_find_str(item, "name");
    delta.call.arguments = json_find_str(item, "arguments");
    return reader_put(r, &delta);
}

static int take_error(struct reader *r, yyjson_val *error)
{
    struct str code = json_find_str(error, "code"), words = json_find_str(error, "message");
    int status = words_contain(code, "rate_limit")                              ? 429
                 : words_contain(code, "invalid") || failure_is_overflow(words) ? 400
                                                                                : 500;

    return reader_failure(r, openai_failure(status, json_find_str(error, "type"), code, words),
                          words);
}

static int take_usage(struct reader *r, yyjson_val *usage)
{
    struct delta delta = {.kind = DELTA_usage};

    if (!yyjson_is_obj(usage))
        return 0;
    delta.usage = (struct usage){
        .known = true,
        .prompt_tokens = json_find_u64(usage, "input_tokens"),
        .completion_tokens = json_find_u64(usage, "output_tokens"),
        .cached_tokens = json_find_u64(json_find(usage, "input_tokens_details"), "cached_tokens"),
        .thinking_tokens =
            json_find_u64(json_find(usage, "output_tokens_details"), "reasoning_tokens"),
    };
    return reader_put(r, &delta);
}

static enum finish finish_of(yyjson_val *response)
{
    struct str why = json_find_str(json_find(response, "incomplete_details"), "reason");
    yyjson_arr_iter each = yyjson_arr_iter_with(json_find(response, "output"));
    yyjson_val *item;

    if (why.len)
        return str_is(why, "max_output_tokens") ? FINISH_length : FINISH_content_filter;
    while ((item = yyjson_arr_iter_next(&each)))
        if (str_is(json_find_str(item, "type"), "function_call"))
            return FINISH_tool_calls;
    return FINISH_stop;
}
