/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's Anthropic request: looked at once, and written again where Anthropic would refuse it.
 */
#include <errno.h>

#include "dialect/anthropic.h"
#include "dialect/scan.h"
#include "wire/json_out.h"

static int scan_content(struct ask *ask, yyjson_val *root, struct err *err);
static void scan_blocks(struct ask *ask, yyjson_val *content);
static void scan_block(struct ask *ask, yyjson_val *block);
static void scan_settings(struct ask *ask, yyjson_val *root);
static int count_tools(struct ask *ask, yyjson_val *tools);
static void put_messages(struct json_out *o, yyjson_val *messages);
static void put_message(struct json_out *o, yyjson_val *message);
static bool has_own_block(yyjson_val *content);
static bool is_thinking_possible(yyjson_val *messages);

int anthropic_scan(struct ask *ret, enum task task, struct str body, struct err *err)
{
    struct ask ask;
    yyjson_val *root;
    int r = scan_begin(&ask, task, body, &root, err);

    if (r < 0)
        return r;
    if (task == TASK_chat)
        r = scan_stream(&ask, root, false, err);
    if (r == 0)
        r = scan_content(&ask, root, err);
    if (r == 0 && task == TASK_tokens)
        r = count_tools(&ask, json_find(root, "tools"));
    if (r < 0) {
        ask_fini(&ask);
        return r;
    }
    scan_settings(&ask, root);
    ask.include_usage = ask.stream; /* the last events always have it */
    *ret = ask;
    return 0;
}

/* Byte for byte what the caller sent, unless it has thoughts of engines that sign none: the member
 * `thinking` too is left out when a turn that called tools would have to begin with one of them. */
int anthropic_forward(struct buf *out, const struct ask *ask, const struct copy_shape *shape)
{
    yyjson_val *root = yyjson_doc_get_root(ask->doc), *key;
    yyjson_obj_iter each = yyjson_obj_iter_with(root);
    struct json_out o = {.out = out};

    if (!ask->has_foreign_thought)
        return 1;
    json_open(&o, '{');
    json_text(json_key(&o, "model"), shape->model);
    while ((key = yyjson_obj_iter_next(&each))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);

        if (str_is(json_str(key), "model"))
            continue;
        if (str_is(json_str(key), "messages"))
            put_messages(json_key(&o, "messages"), value);
        else if (!str_is(json_str(key), "thinking") ||
                 is_thinking_possible(json_find(root, "messages")))
            json_value(json_key_str(&o, json_str(key)), value);
    }
    json_close(&o, '}');
    return o.error;
}

static int scan_content(struct ask *ask, yyjson_val *root, struct err *err)
{
    yyjson_val *messages = json_find(root, "messages"), *message;
    yyjson_arr_iter each = yyjson_arr_iter_with(messages);

    if (!yyjson_is_arr(messages))
        return err_set(err, -EINVAL, "messages: expected a list, found %s",
                       messages ? yyjson_get_type_desc(messages) : "nothing");
    if (ask->task == TASK_chat && !json_find_u64(root, "max_tokens"))
        return err_set(err, -EINVAL, "max_tokens: expected how many the answer may have");
    scan_blocks(ask, json_find(root, "system"));
    while ((message = yyjson_arr_iter_next(&each)))
        scan_blocks(ask, json_find(message, "content"));
    return 0;
}

static void scan_blocks(struct ask *ask, yyjson_val *content)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(content);
    yyjson_val *block;

    if (yyjson_is_str(content))
        scan_text(ask, content);
    while ((block = yyjson_arr_iter_next(&each)))
        scan_block(ask, block);
}

static void scan_block(struct ask *ask, yyjson_val *block)
{
    yyjson_val *inner = json_find(block, "content"), *part;
    yyjson_arr_iter each = yyjson_arr_iter_with(inner);
    struct str type = json_find_str(block, "type");

    scan_text(ask, json_find(block, "text"));
    if (str_is(type, "image"))
        ask->needs |= NEED_images;
    else if (str_is(type, "document"))
        scan_text(ask, json_find(json_find(block, "source"), "data"));
    else if (anthropic_is_foreign_thought(block))
        ask->has_foreign_thought = true;
    if (!str_is(type, "tool_result"))
        return;
    scan_text(ask, inner);
    while ((part = yyjson_arr_iter_next(&each))) {
        scan_text(ask, json_find(part, "text"));
        if (str_is(json_find_str(part, "type"), "image"))
            ask->needs |= NEED_images;
    }
}

static void scan_settings(struct ask *ask, yyjson_val *root)
{
    uint64_t max = json_find_u64(root, "max_tokens");
    struct str thinking = json_find_str(json_find(root, "thinking"), "type");
    struct str choice = json_find_str(json_find(root, "tool_choice"), "type");

    ask->max_tokens = max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
    if (yyjson_arr_size(json_find(root, "tools")) && !str_is(choice, "none"))
        ask->needs |= NEED_tools;
    if (yyjson_is_obj(json_find(json_find(root, "output_config"), "format")) ||
        yyjson_is_obj(json_find(root, "output_format")))
        ask->needs |= NEED_schema;
    if (thinking.len && !str_is(thinking, "disabled"))
        ask->needs |= NEED_thinking;
}

/* Schemas are read by the model too, and often make most of the prompt. */
static int count_tools(struct ask *ask, yyjson_val *tools)
{
    struct buf text;
    int r;

    if (!yyjson_arr_size(tools))
        return 0;
    buf_init(&text, 2 * ask->body.len);
    r = json_put_value(&text, tools);
    if (r == 0 && __builtin_add_overflow(ask->prompt_bytes, text.len, &ask->prompt_bytes))
        ask->prompt_bytes = UINT32_MAX;
    buf_fini(&text);
    return r;
}

static void put_messages(struct json_out *o, yyjson_val *messages)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(messages);
    yyjson_val *message;

    json_open(o, '[');
    while ((message = yyjson_arr_iter_next(&each)))
        if (has_own_block(json_find(message, "content")))
            put_message(o, message);
    json_close(o, ']');
}

static void put_message(struct json_out *o, yyjson_val *message)
{
    yyjson_obj_iter each = yyjson_obj_iter_with(message);
    yyjson_val *key, *block;

    json_open(o, '{');
    while ((key = yyjson_obj_iter_next(&each))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        yyjson_arr_iter blocks = yyjson_arr_iter_with(value);

        json_key_str(o, json_str(key));
        if (!str_is(json_str(key), "content") || !yyjson_is_arr(value)) {
            json_value(o, value);
            continue;
        }
        json_open(o, '[');
        while ((block = yyjson_arr_iter_next(&blocks)))
            if (!anthropic_is_foreign_thought(block))
                json_value(o, block);
        json_close(o, ']');
    }
    json_close(o, '}');
}

/* A message that was nothing but such thoughts goes with them. */
static bool has_own_block(yyjson_val *content)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(content);
    yyjson_val *block;

    while ((block = yyjson_arr_iter_next(&each)))
        if (!anthropic_is_foreign_thought(block))
            return true;
    return !yyjson_arr_size(content);
}

/* Anthropic wants a thought of its own before the calls of the last turn that made some. */
static bool is_thinking_possible(yyjson_val *messages)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(messages);
    yyjson_val *message, *last = NULL, *block;
    bool has_foreign = false, has_call = false;

    while ((message = yyjson_arr_iter_next(&each)))
        if (str_is(json_find_str(message, "role"), "assistant"))
            last = message;
    each = yyjson_arr_iter_with(json_find(last, "content"));
    while ((block = yyjson_arr_iter_next(&each))) {
        has_foreign |= anthropic_is_foreign_thought(block);
        has_call |= str_is(json_find_str(block, "type"), "tool_use");
    }
    return !has_foreign || !has_call;
}
