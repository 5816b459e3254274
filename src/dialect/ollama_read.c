/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's Ollama request, read whole, because the engine speaks another dialect. */
#include <errno.h>

#include "dialect/fields.h"
#include "dialect/ollama.h"

static const struct own_word words[] = {
    {STR("reasoning_effort"), STR("think")},
    {STR("reasoning_content"), STR("messages.thinking")},
    {STR("temperature"), STR("options.temperature")},
    {STR("top_p"), STR("options.top_p")},
    {STR("top_k"), STR("options.top_k")},
    {STR("seed"), STR("options.seed")},
    {STR("stop"), STR("options.stop")},
    {STR("presence_penalty"), STR("options.presence_penalty")},
    {STR("frequency_penalty"), STR("options.frequency_penalty")},
    {{0}, {0}},
};

static int drop_unknown(struct chat *chat, yyjson_val *obj, const char *prefix,
                        const char *const *known, size_t count, struct arena *arena);
static int read_content(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);
static int read_prompt(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);
static int read_inputs(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);
static int read_options(struct chat *chat, yyjson_val *options, struct arena *arena,
                        struct err *err);
static int read_tools(struct chat *chat, yyjson_val *tools, struct arena *arena, struct err *err);
static int read_settings(struct chat *chat, yyjson_val *root, struct err *err);

int ollama_read_request(struct chat *ret, const struct ask *ask, struct arena *arena,
                        struct err *err)
{
    static const char *const known[] = {"model",        "messages",   "prompt",  "suffix",
                                        "input",        "stream",     "options", "tools",
                                        "format",       "think",      "raw",     "logprobs",
                                        "top_logprobs", "dimensions", "system",  "images"};
    yyjson_val *root = yyjson_doc_get_root(ask->doc);
    struct chat chat = {.ask = ask, .task = ask->task, .words = words};
    int r = read_content(&chat, root, arena, err);

    if (r == 0)
        r = drop_unknown(&chat, root, "", known, COUNT_OF(known), arena);
    if (r == 0)
        r = read_options(&chat, json_find(root, "options"), arena, err);
    if (r == 0)
        r = read_tools(&chat, json_find(root, "tools"), arena, err);
    if (r == 0)
        r = read_settings(&chat, root, err);
    if (r == 0)
        *ret = chat;
    return r;
}

static int drop_unknown(struct chat *chat, yyjson_val *obj, const char *prefix,
                        const char *const *known, size_t count, struct arena *arena)
{
    yyjson_obj_iter each = yyjson_obj_iter_with(obj);
    yyjson_val *key;
    int r = 0;

    while (r == 0 && (key = yyjson_obj_iter_next(&each))) {
        struct str name = json_str(key);
        char *full;
        size_t i;

        for (i = 0; i < count && !str_is(name, known[i]);)
            i++;
        if (i < count || yyjson_is_null(yyjson_obj_iter_get_val(key)))
            continue;
        full = arena_printf(arena, "%s%.*s", prefix, STR_ARG(name));
        r = full ? chat_drop(chat, arena, str_from(full)) : -ENOMEM;
    }
    return r;
}

static int read_content(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    switch (chat->ask->task) {
    case TASK_chat:
        return ollama_read_messages(chat, json_find(root, "messages"), arena, err);
    case TASK_complete:
        return read_prompt(chat, root, arena, err);
    default:
        return read_inputs(chat, root, arena, err);
    }
}

/* Ollama puts a prompt through the model's template, as one message of a chat; but for a raw one,
 * and one with a hole to fill. */
static int read_prompt(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    static const char *const only_here[] = {"template", "context"};

    for (size_t i = 0; i < COUNT_OF(only_here); i++)
        if (yyjson_get_len(json_find(root, only_here[i])))
            return err_set(err, -ENOTSUP, "%s: only Ollama itself can do that; use /api/chat",
                           only_here[i]);
    chat->prompt = json_find_str(root, "prompt");
    chat->suffix = json_find_str(root, "suffix");
    if (!json_find_true(root, "raw") && !chat->suffix.len) {
        chat->task = TASK_chat;
        return ollama_read_generate(chat, root, arena, err);
    }
    if (yyjson_arr_size(json_find(root, "images")))
        return err_set(err, -ENOTSUP, "images: a raw prompt has none; use /api/chat");
    if (json_find_str(root, "system").len)
        return err_set(err, -ENOTSUP, "system: a raw prompt has none; use /api/chat");
    return 0;
}

static int read_inputs(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    bool is_one = chat->ask->task == TASK_embed_one;
    int r = read_strings(&chat->inputs, &chat->input_count,
                         json_find(root, is_one ? "prompt" : "input"), arena);

    chat->task = TASK_embed;
    chat->dimensions = (uint32_t)json_find_u64(root, "dimensions");
    return r == -EINVAL ? err_set(err, r, "input: expected text or a list of texts") : r;
}

static int read_options(struct chat *chat, yyjson_val *options, struct arena *arena,
                        struct err *err)
{
    static const char *const known[] = {
        "temperature",       "top_p", "top_k",      "seed", "presence_penalty",
        "frequency_penalty", "stop",  "num_predict"};
    struct maybe *const numbers[] = {
        &chat->temperature,      &chat->top_p, &chat->top_k, &chat->seed, &chat->presence_penalty,
        &chat->frequency_penalty};
    int r;

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        yyjson_val *value = json_find(options, known[i]);

        if (!value || yyjson_is_null(value))
            continue;
        if (!yyjson_is_num(value))
            return err_set(err, -EINVAL, "options.%s: expected a number", known[i]);
        *numbers[i] = (struct maybe){true, yyjson_get_num(value)};
    }
    r = read_stops(chat, json_find(options, "stop"),
                   "options.stop: expected text or a list of texts", arena, err);
    return r < 0 ? r : drop_unknown(chat, options, "options.", known, COUNT_OF(known), arena);
}

static int read_tools(struct chat *chat, yyjson_val *tools, struct arena *arena, struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(tools);
    yyjson_val *entry;

    if (!yyjson_arr_size(tools))
        return 0;
    chat->tools = arena_alloc(arena, yyjson_arr_size(tools) * sizeof *chat->tools);
    if (!chat->tools)
        return -ENOMEM;
    while ((entry = yyjson_arr_iter_next(&each))) {
        yyjson_val *function = json_find(entry, "function");
        struct tool *tool = &chat->tools[chat->tool_count];

        tool->name = json_find_str(function, "name");
        tool->description = json_find_str(function, "description");
        tool->parameters = json_find(function, "parameters");
        if (!tool->name.len)
            return err_set(err, -EINVAL, "tools[%zu].function.name: expected a name",
                           chat->tool_count);
        chat->tool_count++;
    }
    return 0;
}

static int read_settings(struct chat *chat, yyjson_val *root, struct err *err)
{
    yyjson_val *format = json_find(root, "format"), *think = json_find(root, "think");

    if (json_find_true(root, "logprobs"))
        return err_set(err, -ENOTSUP, "logprobs: they cannot be had from this engine");
    if (yyjson_is_obj(format)) {
        chat->format = FORMAT_schema;
        chat->schema = format;
    } else if (str_is(json_str(format), "json")) {
        chat->format = FORMAT_json;
    } else if (json_str(format).len) {
        return err_set(err, -EINVAL, "format: expected \"json\" or a schema");
    }
    if (yyjson_is_bool(think))
        chat->effort = yyjson_get_bool(think) ? STR("medium") : STR("none");
    else
        chat->effort = json_str(think);
    return 0;
}
