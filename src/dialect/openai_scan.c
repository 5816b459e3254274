/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's OpenAI request, looked at once: enough to admit it, route it and forward it. */
#include <errno.h>

#include "dialect/openai.h"

static int scan_model(struct ask *ask, yyjson_val *root, const struct json *json, struct err *err);
static int scan_stream(struct ask *ask, yyjson_val *root, struct err *err);
static int scan_content(struct ask *ask, yyjson_val *root, struct err *err);
static void scan_settings(struct ask *ask, yyjson_val *root);
static void scan_messages(struct ask *ask, yyjson_val *messages);
static void scan_parts(struct ask *ask, yyjson_val *parts);
static void scan_texts(struct ask *ask, yyjson_val *texts);
static void count_text(struct ask *ask, yyjson_val *text);

int openai_scan(struct ask *ret, enum task task, struct str body, struct err *err)
{
    struct ask ask = {.task = task, .body = body};
    struct json json;
    int r = json_read(&json, body, JSON_MEMORY(body.len), err);

    if (r < 0)
        return r;
    ask.doc = json.doc;
    ask.copy = json.copy;
    if (!yyjson_is_obj(json.root))
        r = err_set(err, -EINVAL, "expected a JSON object");
    if (r == 0)
        r = scan_model(&ask, json.root, &json, err);
    if (r == 0)
        r = scan_stream(&ask, json.root, err);
    if (r == 0)
        r = scan_content(&ask, json.root, err);
    if (r < 0) {
        ask_fini(&ask);
        return r;
    }
    scan_settings(&ask, json.root);
    *ret = ask;
    return 0;
}

static int scan_model(struct ask *ask, yyjson_val *root, const struct json *json, struct err *err)
{
    yyjson_val *model;
    struct str place;

    if (json_find_once(root, "model", &model) < 0)
        return err_set(err, -EINVAL, "model: stands there twice");
    ask->model = json_str(model);
    if (!ask->model.len)
        return err_set(err, -EINVAL, "model: expected a name, found %s",
                       model ? yyjson_get_type_desc(model) : "nothing");
    place = json_place(json, ask->body, model);
    ask->model_at = (size_t)(place.data - ask->body.data);
    ask->model_len = place.len;
    return 0;
}

static int scan_stream(struct ask *ask, yyjson_val *root, struct err *err)
{
    yyjson_val *stream;

    if (json_find_once(root, "stream", &stream) < 0)
        return err_set(err, -EINVAL, "stream: stands there twice");
    if (stream && !yyjson_is_bool(stream) && !yyjson_is_null(stream))
        return err_set(err, -EINVAL, "stream: expected true or false, found %s",
                       yyjson_get_type_desc(stream));
    ask->stream = yyjson_is_true(stream) && ask->task != TASK_embed;
    ask->include_usage =
        ask->stream && json_find_true(json_find(root, "stream_options"), "include_usage");
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
        scan_texts(ask, content);
    return 0;
}

static void scan_settings(struct ask *ask, yyjson_val *root)
{
    uint64_t max = json_find_u64(root, "max_completion_tokens");
    struct str effort = json_find_str(root, "reasoning_effort");
    yyjson_val *tools = json_find(root, "tools");
    yyjson_val *format = json_find(root, "response_format");

    if (!effort.len)
        effort = json_find_str(json_find(root, "reasoning"), "effort");
    if (!max)
        max = json_find_u64(root, "max_tokens");
    ask->max_tokens = max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
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

static void scan_messages(struct ask *ask, yyjson_val *messages)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(messages);
    yyjson_val *message;

    while ((message = yyjson_arr_iter_next(&each))) {
        yyjson_val *content = json_find(message, "content");

        if (yyjson_is_arr(content))
            scan_parts(ask, content);
        else
            count_text(ask, content);
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
            count_text(ask, json_find(part, "text"));
    }
}

static void scan_texts(struct ask *ask, yyjson_val *texts)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(texts);
    yyjson_val *text;

    count_text(ask, texts);
    while ((text = yyjson_arr_iter_next(&each)))
        count_text(ask, text);
}

/* A token given as a number counts as the four bytes that it is on average. */
static void count_text(struct ask *ask, yyjson_val *text)
{
    size_t more = yyjson_is_num(text) ? 4 : json_str(text).len;

    if (yyjson_is_arr(text))
        more = 4 * yyjson_arr_size(text);
    if (__builtin_add_overflow(ask->prompt_bytes, more, &ask->prompt_bytes))
        ask->prompt_bytes = UINT32_MAX;
}
