/* SPDX-License-Identifier: Apache-2.0 */
/* What Gemini answers: whole answers, one after the other as events or as one JSON array. A stream
 * has no mark at its end: it is complete when a reason to finish was given. */
#include <errno.h>
#include <stdlib.h>

#include "dialect/gemini.h"
#include "dialect/reader.h"
#include "wire/json_list.h"
#include "wire/sse.h"

/* Streams come in two forms; their first byte tells them apart. */
enum framing { FRAMING_unknown, FRAMING_events, FRAMING_list };

struct gemini_reader {
    struct reader base;
    enum framing framing;
    struct sse sse;
    struct json_list list;
    unsigned call_count;
    bool has_finished;
};

static struct gemini_reader *own(struct reader *r);
static int feed_stream(struct gemini_reader *g, struct str chunk);
static int on_event(void *ctx, struct str name, struct str data);
static int on_answer(void *ctx, struct str text);
static int take_answer(struct gemini_reader *g, yyjson_val *root);
static int take_error(struct reader *r, yyjson_val *error);
static int take_vectors(struct reader *r, yyjson_val *root);
static int take_candidate(struct gemini_reader *g, yyjson_val *candidate);
static int take_part(struct gemini_reader *g, unsigned index, yyjson_val *part);
static int take_call(struct gemini_reader *g, unsigned index, yyjson_val *part, yyjson_val *call);
static int put_id(struct gemini_reader *g, struct str id, struct str signature);
static int take_finish(struct gemini_reader *g, unsigned index, struct str reason);
static int take_usage(struct reader *r, yyjson_val *usage);
static enum finish finish_of(struct str reason);

int gemini_reader_new(struct reader **ret, enum task task, bool streaming, size_t event_max,
                      struct sink next)
{
    struct gemini_reader *g = calloc(1, sizeof *g);

    if (!g)
        return -ENOMEM;
    reader_init(&g->base, task, streaming, event_max, next);
    sse_init(&g->sse, event_max, on_event, g);
    json_list_init(&g->list, event_max, on_answer, g);
    *ret = &g->base;
    return 0;
}

int gemini_reader_feed(struct reader *r, struct str chunk, uint64_t *whole)
{
    struct gemini_reader *g = own(r);
    int result = r->streaming ? feed_stream(g, chunk) : buf_put(&r->body, chunk);

    json_pool_fini(&r->pool); /* a slow stream keeps nothing between its frames */
    if (whole)
        *whole = !r->streaming                ? 0
                 : g->framing == FRAMING_list ? json_list_end(&g->list)
                                              : sse_whole(&g->sse);
    return result;
}

int gemini_reader_end(struct reader *r)
{
    struct gemini_reader *g = own(r);
    int result = 0;

    if (!r->streaming && !r->is_over)
        result = on_answer(g, buf_str(&r->body));
    if (g->framing == FRAMING_list && !json_list_is_whole(&g->list))
        return -EBADMSG;
    if (result == 0 && g->has_finished && !r->is_over)
        result = reader_complete(r);
    if (result < 0)
        return result;
    return r->is_complete ? 0 : -EBADMSG;
}

void gemini_reader_free(struct reader *r)
{
    if (!r)
        return;
    sse_fini(&own(r)->sse);
    json_list_fini(&own(r)->list);
    reader_fini(r);
    free(own(r));
}

static struct gemini_reader *own(struct reader *r)
{
    return CONTAINER(r, struct gemini_reader, base);
}

static int feed_stream(struct gemini_reader *g, struct str chunk)
{
    for (size_t i = 0; i < chunk.len && g->framing == FRAMING_unknown; i++) {
        char c = chunk.data[i];

        if (c == '[' || c == '{')
            g->framing = FRAMING_list;
        else if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            g->framing = FRAMING_events;
    }
    if (g->framing != FRAMING_unknown)
        return g->framing == FRAMING_list ? json_list_feed(&g->list, chunk)
                                          : sse_feed(&g->sse, chunk);
    /* Space in front is space to both. */
    if (json_list_feed(&g->list, chunk) < 0)
        return -EBADMSG;
    return sse_feed(&g->sse, chunk);
}

static int on_event(void *ctx, struct str name, struct str data)
{
    (void)name;
    return data.len ? on_answer(ctx, data) : 0;
}

static int on_answer(void *ctx, struct str text)
{
    struct gemini_reader *g = ctx;
    yyjson_val *root;
    int result;

    if (g->base.is_over)
        return 0;
    if ((result = json_pool_read(&g->base.pool, text, &root)) < 0)
        return result;
    return yyjson_is_obj(root) ? take_answer(g, root) : -EBADMSG;
}

static int take_answer(struct gemini_reader *g, yyjson_val *root)
{
    struct reader *r = &g->base;
    yyjson_val *candidates = json_find(root, "candidates"), *candidate;
    yyjson_arr_iter each = yyjson_arr_iter_with(candidates);
    struct str blocked = json_find_str(json_find(root, "promptFeedback"), "blockReason");
    int result = 0;

    if (json_find(root, "error"))
        return take_error(r, json_find(root, "error"));
    if (task_is_embedding(r->task))
        return take_vectors(r, root);
    if (r->task == TASK_tokens)
        return json_find(root, "totalTokens") ? reader_complete(r) : -EBADMSG;
    if (!yyjson_is_arr(candidates) && !json_find(root, "usageMetadata") && !blocked.len)
        return -EBADMSG;
    while (result == 0 && (candidate = yyjson_arr_iter_next(&each)))
        result = take_candidate(g, candidate);
    if (result == 0 && blocked.len && !g->has_finished)
        result = take_finish(g, 0, STR("SAFETY"));
    return result < 0 ? result : take_usage(r, json_find(root, "usageMetadata"));
}

static int take_error(struct reader *r, yyjson_val *error)
{
    struct str words = json_find_str(error, "message");

    return reader_failure(
        r, gemini_failure((int)json_find_u64(error, "code"), json_find_str(error, "status"), words),
        words);
}

/* {"embedding":{"values":[…]}}, or a list of such under "embeddings". */
static int take_vectors(struct reader *r, yyjson_val *root)
{
    yyjson_val *list = json_find(root, "embeddings"), *one = json_find(root, "embedding"), *entry;
    yyjson_arr_iter each = yyjson_arr_iter_with(list);
    int result = yyjson_is_arr(list) || one ? 0 : -EBADMSG;

    if (result == 0 && one)
        result = reader_vector(r, 0, json_find(one, "values"));
    while (result == 0 && (entry = yyjson_arr_iter_next(&each)))
        result = reader_vector(r, (unsigned)each.idx - 1, json_find(entry, "values"));
    if (result == 0)
        result = take_usage(r, json_find(root, "usageMetadata"));
    return result < 0 ? result : reader_complete(r);
}

static int take_candidate(struct gemini_reader *g, yyjson_val *candidate)
{
    unsigned index = (unsigned)json_find_u64(candidate, "index");
    yyjson_val *parts = json_find(json_find(candidate, "content"), "parts"), *part;
    yyjson_arr_iter each = yyjson_arr_iter_with(parts);
    struct str reason = json_find_str(candidate, "finishReason");
    int result = 0;

    while (result == 0 && (part = yyjson_arr_iter_next(&each)))
        result = take_part(g, index, part);
    return result < 0 || !reason.len ? result : take_finish(g, index, reason);
}

static int take_part(struct gemini_reader *g, unsigned index, yyjson_val *part)
{
    yyjson_val *call = json_find(part, "functionCall");

    if (call)
        return take_call(g, index, part, call);
    return reader_text(&g->base, json_find_true(part, "thought") ? DELTA_thinking : DELTA_text,
                       index, json_find_str(part, "text"));
}

/* A call comes whole. Its signature travels in its id: nothing else of it comes back. */
static int take_call(struct gemini_reader *g, unsigned index, yyjson_val *part, yyjson_val *call)
{
    struct str signature = json_find_str(part, "thoughtSignature");
    struct delta delta = {.kind = DELTA_call, .index = index};
    yyjson_val *args = json_find(call, "args");
    size_t id_length;
    int result;

    buf_reset(&g->base.text);
    result = put_id(g, json_find_str(call, "id"), signature);
    id_length = g->base.text.len;
    if (result == 0 && yyjson_is_obj(args))
        result = json_put_value(&g->base.text, args);
    else if (result == 0)
        result = buf_put(&g->base.text, STR("{}"));
    if (result < 0)
        return result;
    delta.call.index = g->call_count++;
    delta.call.id = str_slice(g->base.text.data, id_length);
    delta.call.name = json_find_str(call, "name");
    delta.call.arguments = str_slice(g->base.text.data + id_length, g->base.text.len - id_length);
    return reader_put(&g->base, &delta);
}

static int put_id(struct gemini_reader *g, struct str id, struct str signature)
{
    struct buf *out = &g->base.text;
    int r = 0;

    if (id.len)
        r = buf_put(out, id);
    else if (signature.len)
        r = buf_printf(out, "call_%u", g->call_count);
    if (r == 0 && signature.len)
        r = buf_put(out, STR(GEMINI_SIGNED));
    return r < 0 ? r : buf_put(out, signature);
}

/* There is no reason for calls: a stop after calls means that they are to be made. */
static int take_finish(struct gemini_reader *g, unsigned index, struct str reason)
{
    struct delta delta = {.kind = DELTA_finish, .index = index, .finish = finish_of(reason)};

    g->has_finished = true;
    if (delta.finish == FINISH_stop && g->call_count)
        delta.finish = FINISH_tool_calls;
    return reader_put(&g->base, &delta);
}

/* Thoughts are counted beside the answer, what tools brought beside the prompt. Each piece of a
 * stream has the sums so far. */
static int take_usage(struct reader *r, yyjson_val *usage)
{
    struct delta delta = {.kind = DELTA_usage};

    if (!yyjson_is_obj(usage))
        return 0;
    delta.usage.known = true;
    delta.usage.prompt_tokens =
        json_find_u64(usage, "promptTokenCount") + json_find_u64(usage, "toolUsePromptTokenCount");
    delta.usage.thinking_tokens = json_find_u64(usage, "thoughtsTokenCount");
    delta.usage.completion_tokens =
        json_find_u64(usage, "candidatesTokenCount") + delta.usage.thinking_tokens;
    delta.usage.cached_tokens = json_find_u64(usage, "cachedContentTokenCount");
    return reader_put(r, &delta);
}

static enum finish finish_of(struct str reason)
{
    static const char *const stops[] = {"STOP", "OTHER", "MALFORMED_FUNCTION_CALL",
                                        "FINISH_REASON_UNSPECIFIED"};

    if (str_is(reason, "MAX_TOKENS"))
        return FINISH_length;
    for (size_t i = 0; i < COUNT_OF(stops); i++)
        if (str_is(reason, stops[i]))
            return FINISH_stop;
    return FINISH_content_filter; /* all others are reasons not to say it */
}
