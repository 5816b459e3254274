/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's Ollama request, looked at once: enough to admit it, route it and forward it. */
#include <errno.h>

#include "dialect/ollama.h"
#include "dialect/scan.h"

static int scan_content(struct ask *ask, yyjson_val *root, struct err *err);
static int scan_inputs(struct ask *ask, yyjson_val *root, struct err *err);
static void scan_messages(struct ask *ask, yyjson_val *messages);
static void scan_settings(struct ask *ask, yyjson_val *root);
static bool is_unload(yyjson_val *keep_alive);

int ollama_scan(struct ask *ret, enum task task, struct str body, struct err *err)
{
    struct ask ask;
    yyjson_val *root;
    int r = scan_begin(&ask, task, body, &root, err);

    if (r < 0)
        return r;
    if (task_has_stream(task))
        r = scan_stream(&ask, root, true, err);
    if (r == 0)
        r = scan_content(&ask, root, err);
    if (r < 0) {
        ask_fini(&ask);
        return r;
    }
    scan_settings(&ask, root);
    ask.include_usage = ask.stream; /* the last line always has it */
    *ret = ask;
    return 0;
}

static int scan_content(struct ask *ask, yyjson_val *root, struct err *err)
{
    yyjson_val *messages = json_find(root, "messages");

    if (task_is_embedding(ask->task))
        return scan_inputs(ask, root, err);
    if (messages && !yyjson_is_arr(messages))
        return err_set(err, -EINVAL, "messages: expected a list");
    scan_messages(ask, messages);
    scan_text(ask, json_find(root, "prompt"));
    scan_text(ask, json_find(root, "system"));
    /* No words at all: that is how Ollama is told to load a model, or to unload it. */
    ask->is_load =
        ask->task == TASK_chat ? !yyjson_arr_size(messages) : !json_find_str(root, "prompt").len;
    if (!ask->prompt_bytes && is_unload(json_find(root, "keep_alive")))
        return err_set(err, -EINVAL,
                       "keep_alive: what is loaded is decided by the plan; "
                       "an unload is not passed on");
    return 0;
}

static int scan_inputs(struct ask *ask, yyjson_val *root, struct err *err)
{
    bool is_one = ask->task == TASK_embed_one;
    yyjson_val *input = json_find(root, is_one ? "prompt" : "input");

    if (!yyjson_is_str(input) && (is_one || !yyjson_is_arr(input)))
        return err_set(err, -EINVAL, "%s: expected text%s", is_one ? "prompt" : "input",
                       is_one ? "" : " or a list of texts");
    scan_text(ask, input);
    ask->is_load = yyjson_is_arr(input) ? !yyjson_arr_size(input) : !json_str(input).len;
    return 0;
}

static void scan_messages(struct ask *ask, yyjson_val *messages)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(messages);
    yyjson_val *message;

    while ((message = yyjson_arr_iter_next(&each))) {
        scan_text(ask, json_find(message, "content"));
        if (yyjson_arr_size(json_find(message, "images")))
            ask->needs |= NEED_images;
    }
}

static void scan_settings(struct ask *ask, yyjson_val *root)
{
    yyjson_val *think = json_find(root, "think");

    scan_max_tokens(ask, json_find(root, "options"), "num_predict");
    if (yyjson_arr_size(json_find(root, "images")))
        ask->needs |= NEED_images;
    if (yyjson_arr_size(json_find(root, "tools")))
        ask->needs |= NEED_tools;
    if (yyjson_is_obj(json_find(root, "format")))
        ask->needs |= NEED_schema;
    if (yyjson_is_true(think) || json_str(think).len)
        ask->needs |= NEED_thinking;
    if (ask->task == TASK_complete && json_find_str(root, "suffix").len)
        ask->needs |= NEED_insert;
}

/* 0, "0", "0s", "0m" */
static bool is_unload(yyjson_val *keep_alive)
{
    struct str text = json_str(keep_alive);

    if (yyjson_is_num(keep_alive))
        return yyjson_get_num(keep_alive) == 0;
    return text.len && text.len <= 2 && text.data[0] == '0';
}
