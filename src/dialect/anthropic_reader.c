/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine answers in the Anthropic dialect: bytes in, deltas out. */
#include <errno.h>
#include <stdlib.h>

#include "dialect/anthropic.h"
#include "dialect/reader.h"
#include "wire/sse.h"

struct anthropic_reader {
    struct reader base;
    struct sse sse;
    struct usage usage;  /* begun at the beginning, complete at the end */
    unsigned call_count; /* blocks that are calls; the blocks have numbers of their own */
    bool in_call;        /* the open block is one */
    bool has_arguments;  /* ... and some came */
};

static struct anthropic_reader *own(struct reader *r);
static int on_event(void *ctx, struct str name, struct str data);
static int take_whole(struct anthropic_reader *a);
static int take_event(struct anthropic_reader *a, struct str type, yyjson_val *root);
static int take_error(struct reader *r, yyjson_val *root);
static int begin_block(struct anthropic_reader *a, yyjson_val *block);
static int begin_call(struct anthropic_reader *a, yyjson_val *block);
static int take_piece(struct anthropic_reader *a, yyjson_val *piece);
static int take_arguments(struct anthropic_reader *a, struct str text);
static int end_block(struct anthropic_reader *a);
static int take_stop(struct anthropic_reader *a, yyjson_val *stop);
static int take_usage(struct anthropic_reader *a, yyjson_val *usage);
static void read_number(uint64_t *ret, yyjson_val *usage, const char *name);
static enum finish finish_of(struct str reason);

int anthropic_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                         struct sink next)
{
    struct anthropic_reader *a = calloc(1, sizeof *a);

    if (!a)
        return -ENOMEM;
    reader_init(&a->base, task, streaming, event_max, next);
    sse_init(&a->sse, event_max, on_event, a);
    *ret = &a->base;
    return 0;
}

int anthropic_reader_feed(struct reader *r, struct str chunk, uint64_t *whole)
{
    struct anthropic_reader *a = own(r);
    int result = r->streaming ? sse_feed(&a->sse, chunk) : buf_put(&r->body, chunk);

    json_pool_fini(&r->pool); /* a slow stream keeps nothing between its frames */
    if (whole)
        *whole = r->streaming ? sse_whole(&a->sse) : 0;
    return result;
}

int anthropic_reader_end(struct reader *r)
{
    int result = r->streaming || r->is_over ? 0 : take_whole(own(r));

    if (result < 0)
        return result;
    return r->is_complete ? 0 : -EBADMSG;
}

void anthropic_reader_free(struct reader *r)
{
    if (!r)
        return;
    sse_fini(&own(r)->sse);
    reader_fini(r);
    free(own(r));
}

static struct anthropic_reader *own(struct reader *r)
{
    return CONTAINER(r, struct anthropic_reader, base);
}

/* The type stands in the data too; some engines leave out the event's name. */
static int on_event(void *ctx, struct str name, struct str data)
{
    struct anthropic_reader *a = ctx;
    struct str type;
    yyjson_val *root;
    int result;

    if (a->base.is_over || !data.len)
        return 0;
    if ((result = json_pool_read(&a->base.pool, data, &root)) < 0)
        return result;
    type = json_find_str(root, "type");
    if (!yyjson_is_obj(root))
        return -EBADMSG;
    return take_event(a, type.len ? type : name, root);
}

static int take_whole(struct anthropic_reader *a)
{
    struct reader *r = &a->base;
    yyjson_val *root, *block;
    yyjson_arr_iter each;
    int result = json_pool_read(&r->pool, buf_str(&r->body), &root);

    if (result < 0)
        return result;
    if (json_find(root, "error"))
        return take_error(r, root);
    if (r->task == TASK_tokens)
        return json_find(root, "input_tokens") ? reader_complete(r) : -EBADMSG;
    if (!yyjson_is_arr(json_find(root, "content")))
        return -EBADMSG;
    each = yyjson_arr_iter_with(json_find(root, "content"));
    while (result == 0 && (block = yyjson_arr_iter_next(&each))) {
        result = begin_block(a, block);
        if (result == 0)
            result = end_block(a);
    }
    if (result == 0)
        result = take_stop(a, root);
    if (result == 0)
        result = take_usage(a, json_find(root, "usage"));
    return result < 0 ? result : reader_complete(r);
}

static int take_event(struct anthropic_reader *a, struct str type, yyjson_val *root)
{
    int result;

    if (str_is(type, "content_block_delta"))
        return take_piece(a, json_find(root, "delta"));
    if (str_is(type, "content_block_start"))
        return begin_block(a, json_find(root, "content_block"));
    if (str_is(type, "content_block_stop"))
        return end_block(a);
    if (str_is(type, "message_start"))
        return take_usage(a, json_find(json_find(root, "message"), "usage"));
    if (str_is(type, "message_stop"))
        return reader_complete(&a->base);
    if (str_is(type, "error"))
        return take_error(&a->base, root);
    if (!str_is(type, "message_delta"))
        return 0; /* ping, and what may be invented yet */
    result = take_stop(a, json_find(root, "delta"));
    return result < 0 ? result : take_usage(a, json_find(root, "usage"));
}

static int take_error(struct reader *r, yyjson_val *root)
{
    struct str words = failure_words_in(root);
    struct str type = json_find_str(json_find(root, "error"), "type");

    return reader_failure(r, anthropic_failure(0, type, words), words);
}

/* A whole answer has the whole block, a stream the beginning of one, most often empty. */
static int begin_block(struct anthropic_reader *a, yyjson_val *block)
{
    struct str type = json_find_str(block, "type");

    a->in_call = str_is(type, "tool_use");
    if (a->in_call)
        return begin_call(a, block);
    if (str_is(type, "text"))
        return reader_text(&a->base, DELTA_text, 0, json_find_str(block, "text"));
    if (str_is(type, "thinking"))
        return reader_text(&a->base, DELTA_thinking, 0, json_find_str(block, "thinking"));
    return 0; /* sealed thoughts, and what Anthropic's own tools do: of no meaning elsewhere */
}

static int begin_call(struct anthropic_reader *a, yyjson_val *block)
{
    yyjson_val *input = json_find(block, "input");
    struct delta delta = {.kind = DELTA_call};
    int result;

    a->has_arguments = false;
    delta.call.index = a->call_count++;
    delta.call.id = json_find_str(block, "id");
    delta.call.name = json_find_str(block, "name");
    result = reader_put(&a->base, &delta);
    if (result < 0 || !yyjson_obj_size(input))
        return result;
    buf_reset(&a->base.text);
    result = json_put_value(&a->base.text, input);
    return result < 0 ? result : take_arguments(a, buf_str(&a->base.text));
}

static int take_piece(struct anthropic_reader *a, yyjson_val *piece)
{
    struct str type = json_find_str(piece, "type");

    if (str_is(type, "text_delta"))
        return reader_text(&a->base, DELTA_text, 0, json_find_str(piece, "text"));
    if (str_is(type, "thinking_delta"))
        return reader_text(&a->base, DELTA_thinking, 0, json_find_str(piece, "thinking"));
    if (str_is(type, "input_json_delta") && a->in_call)
        return take_arguments(a, json_find_str(piece, "partial_json"));
    return 0; /* signatures and citations: of no meaning elsewhere */
}

static int take_arguments(struct anthropic_reader *a, struct str text)
{
    struct delta delta = {.kind = DELTA_call};

    if (!text.len)
        return 0;
    a->has_arguments = true;
    delta.call.index = a->call_count - 1;
    delta.call.arguments = text;
    return reader_put(&a->base, &delta);
}

/* Elsewhere no arguments are an empty object, not an empty text. */
static int end_block(struct anthropic_reader *a)
{
    int result = a->in_call && !a->has_arguments ? take_arguments(a, STR("{}")) : 0;

    a->in_call = false;
    return result;
}

static int take_stop(struct anthropic_reader *a, yyjson_val *stop)
{
    struct delta delta = {.kind = DELTA_finish};

    delta.finish = finish_of(json_find_str(stop, "stop_reason"));
    delta.text = json_find_str(stop, "stop_sequence");
    return delta.finish == FINISH_none ? 0 : reader_put(&a->base, &delta);
}

/* Anthropic counts what came from a cache, or went there, beside the input; and says some numbers
 * at the beginning, others at the end. */
static int take_usage(struct anthropic_reader *a, yyjson_val *usage)
{
    struct usage *u = &a->usage;
    uint64_t fresh;

    if (!yyjson_is_obj(usage))
        return 0;
    fresh = u->prompt_tokens - u->cached_tokens - u->cache_written_tokens;
    read_number(&fresh, usage, "input_tokens");
    read_number(&u->cached_tokens, usage, "cache_read_input_tokens");
    read_number(&u->cache_written_tokens, usage, "cache_creation_input_tokens");
    read_number(&u->completion_tokens, usage, "output_tokens");
    read_number(&u->thinking_tokens, json_find(usage, "output_tokens_details"), "thinking_tokens");
    u->prompt_tokens = fresh + u->cached_tokens + u->cache_written_tokens;
    u->known = true;
    return reader_put(&a->base, &(struct delta){.kind = DELTA_usage, .usage = *u});
}

static void read_number(uint64_t *ret, yyjson_val *usage, const char *name)
{
    yyjson_val *value = json_find(usage, name);

    if (yyjson_is_num(value))
        *ret = json_u64(value);
}

static enum finish finish_of(struct str reason)
{
    static const struct {
        const char *reason;
        enum finish finish;
    } reasons[] = {
        {"max_tokens", FINISH_length},
        {"model_context_window_exceeded", FINISH_length},
        {"tool_use", FINISH_tool_calls},
        {"refusal", FINISH_content_filter},
    };

    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (str_is(reason, reasons[i].reason))
            return reasons[i].finish;
    return reason.len ? FINISH_stop : FINISH_none;
}
