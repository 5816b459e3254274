/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's Ollama request: looked at once, and written again for a copy that speaks it too. */
#include <errno.h>

#include "dialect/ollama.h"
#include "dialect/scan.h"
#include "wire/json_out.h"

static int scan_content(struct ask *ask, yyjson_val *root, struct err *err);
static void scan_messages(struct ask *ask, yyjson_val *messages);
static void scan_settings(struct ask *ask, yyjson_val *root);
static bool is_unload(yyjson_val *keep_alive);
static bool is_ours(struct str name, const char *const *names, size_t count);
static void put_options(struct json_out *o, yyjson_val *options, const struct copy_shape *shape);

int ollama_scan(struct ask *ret, enum task task, struct str body, struct err *err)
{
    struct ask ask;
    yyjson_val *root;
    int r = scan_begin(&ask, task, body, &root, err);

    if (r < 0)
        return r;
    if (task != TASK_embed)
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

/* Written anew rather than spliced: what makes Ollama load a model anew, or throw it out, is the
 * copy's and not the caller's to say. All else is kept, known or not. */
int ollama_forward(struct buf *out, const struct ask *ask, const struct copy_shape *shape)
{
    static const char *const ours[] = {"model", "options", "keep_alive", "shift"};
    yyjson_val *root = yyjson_doc_get_root(ask->doc), *key;
    yyjson_obj_iter each = yyjson_obj_iter_with(root);
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_text(json_key(&o, "model"), shape->model);
    while ((key = yyjson_obj_iter_next(&each))) {
        if (is_ours(json_str(key), ours, COUNT_OF(ours)))
            continue;
        json_value(json_key_str(&o, json_str(key)), yyjson_obj_iter_get_val(key));
    }
    put_options(&o, json_find(root, "options"), shape);
    if (shape->keep_alive.len)
        json_raw(json_key(&o, "keep_alive"), shape->keep_alive);
    json_close(&o, '}');
    return o.error;
}

static int scan_content(struct ask *ask, yyjson_val *root, struct err *err)
{
    yyjson_val *messages = json_find(root, "messages"), *input = json_find(root, "input");

    if (ask->task == TASK_embed) {
        if (!yyjson_is_str(input) && !yyjson_is_arr(input))
            return err_set(err, -EINVAL, "input: expected text or a list of texts");
        scan_text(ask, input);
        return 0;
    }
    if (messages && !yyjson_is_arr(messages))
        return err_set(err, -EINVAL, "messages: expected a list");
    scan_messages(ask, messages);
    scan_text(ask, json_find(root, "prompt"));
    scan_text(ask, json_find(root, "system"));
    /* No words at all: that is how Ollama is told to load a model, or to unload it. */
    if (!ask->prompt_bytes && is_unload(json_find(root, "keep_alive")))
        return err_set(err, -EINVAL,
                       "keep_alive: what is loaded is decided by the plan; "
                       "an unload is not passed on");
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
    uint64_t max = json_find_u64(json_find(root, "options"), "num_predict");
    yyjson_val *think = json_find(root, "think");

    ask->max_tokens = max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
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

static bool is_ours(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(name, names[i]))
            return true;
    return false;
}

static void put_options(struct json_out *o, yyjson_val *options, const struct copy_shape *shape)
{
    /* Each of these makes Ollama start its runner anew when it changes. */
    static const char *const ours[] = {"num_ctx",  "num_batch",  "num_gpu",          "main_gpu",
                                       "use_mmap", "num_thread", "draft_num_predict"};
    yyjson_obj_iter each = yyjson_obj_iter_with(options);
    yyjson_val *key;

    json_open(json_key(o, "options"), '{');
    while ((key = yyjson_obj_iter_next(&each)))
        if (!is_ours(json_str(key), ours, COUNT_OF(ours)))
            json_value(json_key_str(o, json_str(key)), yyjson_obj_iter_get_val(key));
    if (shape->num_ctx)
        json_number(json_key(o, "num_ctx"), shape->num_ctx);
    json_close(o, '}');
}
