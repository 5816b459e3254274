/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's Anthropic request, looked at once: enough to admit it, route it and forward it. */
#include <errno.h>

#include "dialect/anthropic.h"
#include "dialect/scan.h"

static int scan_content(struct ask *ask, yyjson_val *root, struct err *err);
static void scan_blocks(struct ask *ask, yyjson_val *content);
static void scan_block(struct ask *ask, yyjson_val *block);
static void scan_document(struct ask *ask, yyjson_val *source);
static void scan_settings(struct ask *ask, yyjson_val *root);
static int count_tools(struct ask *ask, yyjson_val *tools);

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
        scan_document(ask, json_find(block, "source"));
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

/* A PDF in base64 is no text: how many tokens it comes to is not known. */
static void scan_document(struct ask *ask, yyjson_val *source)
{
    if (str_is(json_find_str(source, "type"), "text"))
        scan_text(ask, json_find(source, "data"));
}

static void scan_settings(struct ask *ask, yyjson_val *root)
{
    struct str thinking = json_find_str(json_find(root, "thinking"), "type");
    struct str choice = json_find_str(json_find(root, "tool_choice"), "type");

    scan_max_tokens(ask, root, "max_tokens");
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
