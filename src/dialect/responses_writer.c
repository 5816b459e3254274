/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller of the Responses API gets: numbered events, or one whole response. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dialect/responses.h"
#include "wire/json_out.h"

enum { ITEMS_MAX = 256, ID_ROOM = 96 };

enum item_kind { ITEM_none, ITEM_reasoning, ITEM_message, ITEM_call };

struct writer {
    struct reply_shape shape;
    struct buf *out;
    struct buf items; /* those that are complete, with commas between */
    struct buf text;  /* of the item under way: what it says, or its arguments */
    struct buf call_id, name;
    enum item_kind kind;  /* under way */
    unsigned index, call; /* of it, among all items, and among calls */
    uint64_t sequence;
    bool has_begun;
    enum finish finish;
    struct usage usage;
};

static int begin(struct writer *w);
static int put_piece(struct writer *w, enum item_kind kind, struct str text);
static int put_call(struct writer *w, const struct tool_call *call);
static int open_item(struct writer *w, enum item_kind kind);
static int close_item(struct writer *w);
static int put_part(struct writer *w, const char *type, bool is_done);
static int put_item_event(struct writer *w, const char *type, bool is_done);
static int put_text_event(struct writer *w, const char *type, const char *member, struct str text);
static int put_response_event(struct writer *w, const char *type, const char *status);
static void event_open(struct writer *w, struct json_out *o, const char *type);
static int event_close(struct json_out *o);
static void put_item(struct writer *w, struct json_out *o, bool is_done);
static void put_content(struct json_out *o, enum item_kind kind, struct str text);
static void put_response(struct writer *w, struct json_out *o, const char *status);
static void put_fixed(struct json_out *o);
static void put_usage(struct json_out *o, const struct usage *usage);
static void put_item_id(struct writer *w, struct json_out *o, const char *key);
static const char *status_of(const struct writer *w);

/* The words for each kind of item: prefix of its ids, its events, its content. */
static const struct {
    const char *prefix, *type, *delta, *done, *part;
} words[] = {
    [ITEM_reasoning] = {"rs", "reasoning", "response.reasoning_text.delta",
                        "response.reasoning_text.done", "reasoning_text"},
    [ITEM_message] = {"msg", "message", "response.output_text.delta", "response.output_text.done",
                      "output_text"},
    [ITEM_call] = {"fc", "function_call", "response.function_call_arguments.delta",
                   "response.function_call_arguments.done", NULL},
};

int responses_writer_new(struct writer **ret, const struct reply_shape *shape, struct buf *out)
{
    struct writer *w = calloc(1, sizeof *w);

    if (!w)
        return -ENOMEM;
    w->shape = *shape;
    w->out = out;
    buf_init(&w->items, out->max);
    buf_init(&w->text, out->max);
    buf_init(&w->call_id, out->max);
    buf_init(&w->name, out->max);
    *ret = w;
    return 0;
}

int responses_writer_put(struct writer *w, const struct delta *delta)
{
    size_t before = w->out->len;
    int r = 0;

    if (delta->kind == DELTA_usage && delta->usage.known)
        w->usage = delta->usage;
    if (delta->index) /* nobody can ask for a second choice */
        return 0;
    switch (delta->kind) {
    case DELTA_text:
        r = put_piece(w, ITEM_message, delta->text);
        break;
    case DELTA_thinking:
        r = put_piece(w, ITEM_reasoning, delta->text);
        break;
    case DELTA_call:
        r = put_call(w, &delta->call);
        break;
    case DELTA_finish:
        w->finish = delta->finish;
        break;
    default:
        break;
    }
    if (r < 0)
        w->out->len = before;
    return r;
}

int responses_writer_end(struct writer *w)
{
    size_t before = w->out->len;
    const char *status = status_of(w);
    struct json_out o = {.out = w->out};
    int r = begin(w);

    if (r == 0)
        r = close_item(w);
    if (r == 0 && w->shape.stream) {
        char type[32];

        snprintf(type, sizeof type, "response.%s", status);
        r = put_response_event(w, type, status);
    } else if (r == 0) {
        put_response(w, &o, status);
        r = o.error;
    }
    if (r < 0)
        w->out->len = before;
    return r;
}

void responses_writer_free(struct writer *w)
{
    if (!w)
        return;
    buf_fini(&w->items);
    buf_fini(&w->text);
    buf_fini(&w->call_id);
    buf_fini(&w->name);
    free(w);
}

static int begin(struct writer *w)
{
    int r;

    if (w->has_begun || !w->shape.stream)
        return 0;
    w->has_begun = true;
    r = put_response_event(w, "response.created", "in_progress");
    return r < 0 ? r : put_response_event(w, "response.in_progress", "in_progress");
}

static int put_piece(struct writer *w, enum item_kind kind, struct str text)
{
    int r = begin(w);

    if (r == 0 && w->kind != kind) {
        r = close_item(w);
        if (r == 0)
            r = open_item(w, kind);
    }
    if (r == 0)
        r = buf_put(&w->text, text);
    return r < 0 || !text.len ? r : put_text_event(w, words[kind].delta, "delta", text);
}

/* The pieces of one call come together; an item that is closed is not opened again. */
static int put_call(struct writer *w, const struct tool_call *call)
{
    int r = begin(w);

    if (r == 0 && (w->kind != ITEM_call || call->index != w->call)) {
        r = close_item(w);
        w->call = call->index;
        if (r == 0 && (r = buf_put(&w->name, call->name)) == 0)
            r = call->id.len
                    ? buf_put(&w->call_id, call->id)
                    : buf_printf(&w->call_id, "call_%.*s_%u", STR_ARG(w->shape.id), w->index);
        if (r == 0)
            r = open_item(w, ITEM_call);
    }
    if (r == 0)
        r = buf_put(&w->text, call->arguments);
    return r < 0 || !call->arguments.len
               ? r
               : put_text_event(w, words[ITEM_call].delta, "delta", call->arguments);
}

static int open_item(struct writer *w, enum item_kind kind)
{
    int r;

    if (w->index == ITEMS_MAX)
        return -EMSGSIZE;
    w->kind = kind;
    r = put_item_event(w, "response.output_item.added", false);
    return r < 0 || kind == ITEM_call ? r : put_part(w, "response.content_part.added", false);
}

static int close_item(struct writer *w)
{
    enum item_kind kind = w->kind;
    struct json_out o = {.out = &w->items, .comma = w->index > 0};
    int r;

    if (kind == ITEM_none)
        return 0;
    r = put_text_event(w, words[kind].done, kind == ITEM_call ? "arguments" : "text",
                       buf_str(&w->text));
    if (r == 0 && kind != ITEM_call)
        r = put_part(w, "response.content_part.done", true);
    if (r == 0)
        r = put_item_event(w, "response.output_item.done", true);
    if (r < 0)
        return r;
    put_item(w, &o, true);
    buf_reset(&w->text);
    buf_reset(&w->call_id);
    buf_reset(&w->name);
    w->kind = ITEM_none;
    w->index++;
    return o.error;
}

static int put_part(struct writer *w, const char *type, bool is_done)
{
    struct json_out o;

    if (!w->shape.stream)
        return 0;
    event_open(w, &o, type);
    put_item_id(w, &o, "item_id");
    json_number(json_key(&o, "output_index"), w->index);
    json_number(json_key(&o, "content_index"), 0);
    json_key(&o, "part");
    put_content(&o, w->kind, is_done ? buf_str(&w->text) : STR(""));
    return event_close(&o);
}

static int put_item_event(struct writer *w, const char *type, bool is_done)
{
    struct json_out o;

    if (!w->shape.stream)
        return 0;
    event_open(w, &o, type);
    json_number(json_key(&o, "output_index"), w->index);
    json_key(&o, "item");
    put_item(w, &o, is_done);
    return event_close(&o);
}

static int put_text_event(struct writer *w, const char *type, const char *member, struct str text)
{
    struct json_out o;

    if (!w->shape.stream)
        return 0;
    event_open(w, &o, type);
    put_item_id(w, &o, "item_id");
    json_number(json_key(&o, "output_index"), w->index);
    if (w->kind != ITEM_call)
        json_number(json_key(&o, "content_index"), 0);
    json_text(json_key(&o, member), text);
    if (w->kind == ITEM_call && str_is(str_from(member), "arguments"))
        json_text(json_key(&o, "name"), buf_str(&w->name));
    if (w->kind == ITEM_message)
        json_raw(json_key(&o, "logprobs"), STR("[]"));
    return event_close(&o);
}

static int put_response_event(struct writer *w, const char *type, const char *status)
{
    struct json_out o;

    event_open(w, &o, type);
    json_key(&o, "response");
    put_response(w, &o, status);
    return event_close(&o);
}

static void event_open(struct writer *w, struct json_out *o, const char *type)
{
    *o = (struct json_out){.out = w->out};
    o->error = buf_printf(w->out, "event: %s\ndata: ", type);
    json_open(o, '{');
    json_text(json_key(o, "type"), str_from(type));
    json_number(json_key(o, "sequence_number"), w->sequence++);
}

static int event_close(struct json_out *o)
{
    json_close(o, '}');
    return o->error ? o->error : buf_put(o->out, STR("\n\n"));
}

static void put_item(struct writer *w, struct json_out *o, bool is_done)
{
    json_open(o, '{');
    put_item_id(w, o, "id");
    json_text(json_key(o, "type"), str_from(words[w->kind].type));
    json_text(json_key(o, "status"), is_done ? STR("completed") : STR("in_progress"));
    if (w->kind == ITEM_call) {
        json_text(json_key(o, "call_id"), buf_str(&w->call_id));
        json_text(json_key(o, "name"), buf_str(&w->name));
        json_text(json_key(o, "arguments"), is_done ? buf_str(&w->text) : STR(""));
    } else {
        if (w->kind == ITEM_message)
            json_text(json_key(o, "role"), STR("assistant"));
        else
            json_raw(json_key(o, "summary"), STR("[]"));
        json_open(json_key(o, "content"), '[');
        if (is_done)
            put_content(o, w->kind, buf_str(&w->text));
        json_close(o, ']');
    }
    json_close(o, '}');
}

static void put_content(struct json_out *o, enum item_kind kind, struct str text)
{
    json_open(o, '{');
    json_text(json_key(o, "type"), str_from(words[kind].part));
    json_text(json_key(o, "text"), text);
    if (kind == ITEM_message) {
        json_raw(json_key(o, "annotations"), STR("[]"));
        json_raw(json_key(o, "logprobs"), STR("[]"));
    }
    json_close(o, '}');
}

static void put_response(struct writer *w, struct json_out *o, const char *status)
{
    bool is_over = strcmp(status, "in_progress") != 0;
    bool is_whole = strcmp(status, "incomplete") != 0;

    json_open(o, '{');
    json_joined(json_key(o, "id"), STR("resp_"), w->shape.id);
    json_text(json_key(o, "object"), STR("response"));
    json_number(json_key(o, "created_at"), (uint64_t)w->shape.created_s);
    json_text(json_key(o, "status"), str_from(status));
    json_text(json_key(o, "model"), w->shape.model);
    json_raw(json_key(o, "error"), STR("null"));
    if (is_whole)
        json_raw(json_key(o, "incomplete_details"), STR("null"));
    else
        json_raw(json_key(o, "incomplete_details"), w->finish == FINISH_length
                                                        ? STR("{\"reason\":\"max_output_tokens\"}")
                                                        : STR("{\"reason\":\"content_filter\"}"));
    json_open(json_key(o, "output"), '[');
    if (is_over && w->items.len)
        json_raw(o, buf_str(&w->items));
    json_close(o, ']');
    put_fixed(o);
    json_key(o, "usage");
    if (is_over && w->usage.known)
        put_usage(o, &w->usage);
    else
        json_raw(o, STR("null"));
    json_close(o, '}');
}

/* What the library's types promise and nobody here changes: answers are not kept. */
static void put_fixed(struct json_out *o)
{
    static const char *const nothing[] = {"instructions", "max_output_tokens",    "temperature",
                                          "top_p",        "previous_response_id", "user"};

    for (size_t i = 0; i < COUNT_OF(nothing); i++)
        json_raw(json_key(o, nothing[i]), STR("null"));
    json_bool(json_key(o, "parallel_tool_calls"), true);
    json_bool(json_key(o, "store"), false);
    json_text(json_key(o, "tool_choice"), STR("auto"));
    json_raw(json_key(o, "tools"), STR("[]"));
    json_text(json_key(o, "truncation"), STR("disabled"));
    json_raw(json_key(o, "text"), STR("{\"format\":{\"type\":\"text\"}}"));
    json_raw(json_key(o, "metadata"), STR("{}"));
}

static void put_usage(struct json_out *o, const struct usage *usage)
{
    json_open(o, '{');
    json_number(json_key(o, "input_tokens"), usage->prompt_tokens);
    json_open(json_key(o, "input_tokens_details"), '{');
    json_number(json_key(o, "cached_tokens"), usage->cached_tokens);
    json_close(o, '}');
    json_number(json_key(o, "output_tokens"), usage->completion_tokens);
    json_open(json_key(o, "output_tokens_details"), '{');
    json_number(json_key(o, "reasoning_tokens"), usage->thinking_tokens);
    json_close(o, '}');
    json_number(json_key(o, "total_tokens"), usage->prompt_tokens + usage->completion_tokens);
    json_close(o, '}');
}

static void put_item_id(struct writer *w, struct json_out *o, const char *key)
{
    char id[ID_ROOM];

    snprintf(id, sizeof id, "%s_%.*s_%u", words[w->kind].prefix, STR_ARG(w->shape.id), w->index);
    json_text(json_key(o, key), str_from(id));
}

static const char *status_of(const struct writer *w)
{
    bool is_cut = w->finish == FINISH_length || w->finish == FINISH_content_filter;

    return is_cut ? "incomplete" : "completed";
}
