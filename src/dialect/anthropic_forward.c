/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's Anthropic request for a copy that speaks it too: byte for byte, unless it has thoughts
 * of engines that sign none. Anthropic would refuse the whole for them, so they are left out; the
 * member `thinking` too, when a turn that called tools would have to begin with one of them. */
#include "dialect/anthropic.h"
#include "wire/json_out.h"

static void put_messages(struct json_out *o, yyjson_val *messages);
static void put_message(struct json_out *o, yyjson_val *message);
static bool has_own_block(yyjson_val *content);
static bool is_thinking_possible(yyjson_val *messages);

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

int anthropic_note_dropped(struct chat *chat, struct arena *arena)
{
    yyjson_val *root = yyjson_doc_get_root(chat->ask->doc);
    int r = 0;

    if (!chat->ask->has_foreign_thought)
        return 0;
    r = chat_drop(chat, arena, STR("messages.content.thinking"));
    if (r == 0 && json_find(root, "thinking") && !is_thinking_possible(json_find(root, "messages")))
        r = chat_drop(chat, arena, STR("thinking"));
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
