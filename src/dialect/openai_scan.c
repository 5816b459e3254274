/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's OpenAI request, looked at once: enough to admit it, route it and forward it. */
#include <errno.h>

#include "dialect/openai.h"
#include "dialect/openai_media.h"
#include "dialect/scan.h"

static int scan_content(struct ask *ask, yyjson_val *root, struct err *err);
static void scan_settings(struct ask *ask, yyjson_val *root);
static void multiply_choices(struct ask *ask, yyjson_val *prompt);
static void scan_messages(struct ask *ask, yyjson_val *messages);
static void scan_parts(struct ask *ask, yyjson_val *parts);

int openai_scan(struct ask *ret, enum task task, struct str body, struct err *err)
{
    struct ask ask;
    yyjson_val *root;
    int r;

    if (task_is_passed(task))
        return openai_media_scan(ret, task, body, err);
    r = scan_begin(&ask, task, body, &root, err);
    if (r < 0)
        return r;
    if (task != TASK_embed)
        r = scan_stream(&ask, root, false, err);
    if (r == 0)
        r = scan_content(&ask, root, err);
    if (r < 0) {
        ask_fini(&ask);
        return r;
    }
    scan_settings(&ask, root);
    *ret = ask;
    return 0;
}

static int scan_content(struct ask *ask, yyjson_val *root, struct err *err)
{
    static const char *const names[TASK_COUNT] = {
        [TASK_chat] = "messages", [TASK_complete] = "prompt", [TASK_embed] = "input"};
    yyjson_val *content = json_find(root, names[ask->task]);
    bool is_right = yyjson_is_arr(content) || (ask->task != TASK_chat && yyjson_is_str(content));

    if (!is_right)
        return err_set(err, -EINVAL, "%s: expected %s, found %s", names[ask->task],
                       ask->task == TASK_chat ? "a list" : "text or a list",
                       content ? yyjson_get_type_desc(content) : "nothing");
    if (ask->task == TASK_chat)
        scan_messages(ask, content);
    else
        scan_text(ask, content);
    return 0;
}

static void scan_settings(struct ask *ask, yyjson_val *root)
{
    yyjson_val *stream_options = json_find(root, "stream_options");
    struct str effort = json_find_str(root, "reasoning_effort");
    yyjson_val *tools = json_find(root, "tools");
    yyjson_val *format = json_find(root, "response_format");

    ask->include_usage = ask->stream && json_find_true(stream_options, "include_usage");
    if (!effort.len)
        effort = json_find_str(json_find(root, "reasoning"), "effort");
    scan_max_tokens(ask, root, "max_completion_tokens");
    scan_max_tokens(ask, root, "max_tokens");
    scan_choices(ask, root, "n");
    scan_choices(ask, root, "best_of");
    if (ask->task == TASK_complete)
        multiply_choices(ask, json_find(root, "prompt"));
    if (yyjson_arr_size(tools) && !str_is(json_find_str(root, "tool_choice"), "none"))
        ask->needs |= NEED_tools;
    if (str_is(json_find_str(format, "type"), "json_schema"))
        ask->needs |= NEED_schema;
    if (effort.len && !str_is(effort, "none"))
        ask->needs |= NEED_thinking;
    if (ask->task == TASK_complete && json_find_str(root, "suffix").len)
        ask->needs |= NEED_insert;
    if (yyjson_is_obj(json_find(root, "audio")))
        ask->needs |= NEED_audio;
}

/* Each prompt of a list is answered; a list of numbers is one prompt, in tokens. */
static void multiply_choices(struct ask *ask, yyjson_val *prompt)
{
    size_t prompts = yyjson_is_num(yyjson_arr_get_first(prompt)) ? 1 : yyjson_arr_size(prompt);
    uint32_t each = ask->choices ? ask->choices : 1;

    if (prompts > 1)
        ask->choices = prompts > UINT32_MAX / each ? UINT32_MAX : (uint32_t)prompts * each;
}

static void scan_messages(struct ask *ask, yyjson_val *messages)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(messages);
    yyjson_val *message;

    while ((message = yyjson_arr_iter_next(&each))) {
        yyjson_val *content = json_find(message, "content");

        if (yyjson_is_arr(content))
            scan_parts(ask, content);
        else
            scan_text(ask, content);
    }
}

static void scan_parts(struct ask *ask, yyjson_val *parts)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(parts);
    yyjson_val *part;

    while ((part = yyjson_arr_iter_next(&each))) {
        struct str type = json_find_str(part, "type");

        if (str_is(type, "image_url"))
            ask->needs |= NEED_images;
        else if (str_is(type, "input_audio"))
            ask->needs |= NEED_audio;
        else
            scan_text(ask, json_find(part, "text"));
    }
}
