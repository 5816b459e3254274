/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's OpenAI request, read whole, because the engine speaks another dialect. */
#include <errno.h>

#include "dialect/fields.h"
#include "dialect/openai.h"

/* What becomes of a member that struct chat has no place for: listed as dropped, unless its
 * absence would change the meaning of the answer. */
enum fate {
    FATE_read,      /* it has a place */
    FATE_one,       /* refused unless 1 */
    FATE_nothing,   /* refused unless false or empty */
    FATE_auto,      /* refused unless "auto" or "none" */
    FATE_text_only, /* refused unless the list names nothing but "text" */
    FATE_absent,    /* refused, whatever it holds */
};

static const struct {
    const char *name;
    enum fate fate;
} members[] = {
    {"model", FATE_read},
    {"messages", FATE_read},
    {"prompt", FATE_read},
    {"suffix", FATE_read},
    {"input", FATE_read},
    {"stream", FATE_read},
    {"stream_options", FATE_read},
    {"max_completion_tokens", FATE_read},
    {"max_tokens", FATE_read},
    {"temperature", FATE_read},
    {"top_p", FATE_read},
    {"top_k", FATE_read},
    {"seed", FATE_read},
    {"presence_penalty", FATE_read},
    {"frequency_penalty", FATE_read},
    {"stop", FATE_read},
    {"tools", FATE_read},
    {"tool_choice", FATE_read},
    {"parallel_tool_calls", FATE_read},
    {"user", FATE_read},
    {"safety_identifier", FATE_read},
    {"service_tier", FATE_read},
    {"response_format", FATE_read},
    {"reasoning_effort", FATE_read},
    {"reasoning", FATE_read},
    {"logprobs", FATE_read},
    {"top_logprobs", FATE_read},
    {"dimensions", FATE_read},
    {"encoding_format", FATE_read},
    {"n", FATE_one},
    {"best_of", FATE_one},
    {"logit_bias", FATE_nothing},
    {"functions", FATE_nothing},
    {"echo", FATE_nothing},
    {"function_call", FATE_auto},
    {"modalities", FATE_text_only},
    {"audio", FATE_absent},
    {"web_search_options", FATE_absent},
};

static int read_members(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);
static enum fate fate_of(struct str name, bool *is_known);
static bool is_harmless(enum fate fate, yyjson_val *value);
static int read_content(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);
static int read_prompt(struct chat *chat, yyjson_val *root, struct err *err);
static int read_inputs(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);
static int read_sampling(struct chat *chat, yyjson_val *root, struct err *err);
static int read_tool(struct tool *tool, yyjson_val *entry, struct err *err);
static int read_tool_choice(struct chat *chat, yyjson_val *choice, struct err *err);
static int read_format(struct chat *chat, yyjson_val *format, struct err *err);

int openai_read_request(struct chat *ret, const struct ask *ask, struct arena *arena,
                        struct err *err)
{
    yyjson_val *root = yyjson_doc_get_root(ask->doc);
    struct chat chat = {.ask = ask, .task = ask->task};
    int r;

    if (task_is_passed(ask->task))
        return err_set(err, -ENOTSUP, "only an engine that has this endpoint can do that");
    r = read_members(&chat, root, arena, err);
    if (r == 0)
        r = read_content(&chat, root, arena, err);
    if (r == 0)
        r = read_sampling(&chat, root, err);
    if (r == 0)
        r = read_stops(&chat, json_find(root, "stop"), "stop: expected text or a list of texts",
                       arena, err);
    if (r == 0)
        r = read_tool_list(&chat, json_find(root, "tools"), read_tool, arena, err);
    if (r == 0)
        r = read_tool_choice(&chat, json_find(root, "tool_choice"), err);
    if (r == 0)
        r = read_format(&chat, json_find(root, "response_format"), err);
    if (r < 0)
        return r;
    openai_read_account(&chat, root);
    *ret = chat;
    return 0;
}

static int read_members(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    yyjson_obj_iter each = yyjson_obj_iter_with(root);
    yyjson_val *key;
    int r = 0;

    while (r == 0 && (key = yyjson_obj_iter_next(&each))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        bool is_known;
        enum fate fate = fate_of(json_str(key), &is_known);

        if (yyjson_is_null(value) || fate == FATE_read)
            continue;
        if (is_known && !is_harmless(fate, value))
            r = err_set(err, -ENOTSUP, "%.*s: no engine for this model can do that",
                        STR_ARG(json_str(key)));
        else if (!is_known)
            r = chat_drop(chat, arena, json_str(key));
    }
    return r;
}

static enum fate fate_of(struct str name, bool *is_known)
{
    *is_known = true;
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (str_is(name, members[i].name))
            return members[i].fate;
    *is_known = false;
    return FATE_absent;
}

static bool is_harmless(enum fate fate, yyjson_val *value)
{
    switch (fate) {
    case FATE_one:
        return json_u64(value) == 1;
    case FATE_nothing:
        return yyjson_is_false(value) || (yyjson_is_ctn(value) && yyjson_get_len(value) == 0);
    case FATE_auto:
        return str_is(json_str(value), "auto") || str_is(json_str(value), "none");
    case FATE_text_only:
        return yyjson_arr_size(value) == 1 && str_is(json_str(yyjson_arr_get_first(value)), "text");
    default:
        return false;
    }
}

static int read_content(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    switch (chat->ask->task) {
    case TASK_chat:
        return openai_read_messages(chat, json_find(root, "messages"), arena, err);
    case TASK_complete:
        return read_prompt(chat, root, err);
    default:
        return read_inputs(chat, root, arena, err);
    }
}

static int read_prompt(struct chat *chat, yyjson_val *root, struct err *err)
{
    yyjson_val *prompt = json_find(root, "prompt"), *first = yyjson_arr_get_first(prompt);

    if (yyjson_is_num(first) || yyjson_is_arr(first))
        return err_set(err, -ENOTSUP, "prompt: token ids differ from model to model; send text");
    if (yyjson_arr_size(prompt) > 1)
        return err_set(err, -ENOTSUP, "prompt: a list of %zu; send them one by one",
                       yyjson_arr_size(prompt));
    if (first)
        prompt = first;
    chat->prompt = json_str(prompt);
    chat->suffix = json_find_str(root, "suffix");
    return chat->prompt.data ? 0 : err_set(err, -EINVAL, "prompt: expected text");
}

static int read_inputs(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    yyjson_val *input = json_find(root, "input"), *first = yyjson_arr_get_first(input);
    struct str encoding = json_find_str(root, "encoding_format");
    int r;

    if (yyjson_is_num(first) || yyjson_is_arr(first))
        return err_set(err, -ENOTSUP, "input: token ids differ from model to model; send text");
    r = read_strings(&chat->inputs, &chat->input_count, input, arena);
    if (r == -EINVAL || (r == 0 && !chat->input_count))
        return err_set(err, -EINVAL, "input: expected text or a list of texts");
    if (encoding.len && !str_is(encoding, "float") && !str_is(encoding, "base64"))
        return err_set(err, -EINVAL, "encoding_format: expected float or base64, found %.*s",
                       STR_ARG(encoding));
    chat->base64 = str_is(encoding, "base64");
    chat->dimensions = (uint32_t)json_find_u64(root, "dimensions");
    return r;
}

static int read_sampling(struct chat *chat, yyjson_val *root, struct err *err)
{
    const struct {
        const char *name;
        struct maybe *value;
    } numbers[] = {
        {"temperature", &chat->temperature},
        {"top_p", &chat->top_p},
        {"top_k", &chat->top_k},
        {"seed", &chat->seed},
        {"presence_penalty", &chat->presence_penalty},
        {"frequency_penalty", &chat->frequency_penalty},
    };
    yyjson_val *logprobs = json_find(root, "logprobs");
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(numbers); i++)
        r = read_number(numbers[i].value, json_find(root, numbers[i].name), "", numbers[i].name,
                        err);
    chat->effort = json_find_str(root, "reasoning_effort");
    if (!chat->effort.len)
        chat->effort = json_find_str(json_find(root, "reasoning"), "effort");
    /* A chat says true, a completion how many. */
    chat->logprobs = yyjson_is_true(logprobs) || yyjson_is_num(logprobs);
    chat->top_logprobs = (uint32_t)json_find_u64(root, "top_logprobs");
    return r;
}

static int read_tool(struct tool *tool, yyjson_val *entry, struct err *err)
{
    yyjson_val *function = json_find(entry, "function");
    struct str type = json_find_str(entry, "type");

    if (type.len && !str_is(type, "function"))
        return err_set(err, -ENOTSUP, "type: no engine for this model has '%.*s', only functions",
                       STR_ARG(type));
    tool->name = json_find_str(function, "name");
    tool->description = json_find_str(function, "description");
    tool->parameters = json_find(function, "parameters");
    tool->strict = json_find_true(function, "strict");
    if (!yyjson_is_obj(tool->parameters))
        tool->parameters = NULL;
    return tool->name.len ? 0 : err_set(err, -EINVAL, "function.name: expected a name");
}

static int read_tool_choice(struct chat *chat, yyjson_val *choice, struct err *err)
{
    struct str word = json_str(choice);
    struct str type = json_find_str(choice, "type");

    if (!choice || yyjson_is_null(choice) || str_is(word, "auto"))
        return 0;
    if (str_is(word, "none"))
        chat->tool_choice = CHOICE_none;
    else if (str_is(word, "required"))
        chat->tool_choice = CHOICE_required;
    else if (str_is(type, "function"))
        chat->tool_choice = CHOICE_named;
    else if (type.len)
        return err_set(err, -ENOTSUP, "tool_choice: no engine for this model has '%.*s'",
                       STR_ARG(type));
    else
        return err_set(err, -EINVAL, "tool_choice: expected auto, none, required or a function");
    chat->tool_name = json_find_str(json_find(choice, "function"), "name");
    if (chat->tool_choice == CHOICE_named && !chat->tool_name.len)
        return err_set(err, -EINVAL, "tool_choice.function.name: expected a name");
    return 0;
}

static int read_format(struct chat *chat, yyjson_val *format, struct err *err)
{
    struct str type = json_find_str(format, "type");

    if (!format || yyjson_is_null(format) || str_is(type, "text"))
        return 0;
    if (str_is(type, "json_object")) {
        chat->format = FORMAT_json;
        return 0;
    }
    if (!str_is(type, "json_schema"))
        return err_set(err, -EINVAL,
                       "response_format.type: expected text, json_object or json_schema");
    chat->format = FORMAT_schema;
    chat->schema = json_find(json_find(format, "json_schema"), "schema");
    return yyjson_is_obj(chat->schema)
               ? 0
               : err_set(err, -EINVAL, "response_format.json_schema.schema: expected an object");
}

/* safety_identifier is what user is called today. */
void openai_read_account(struct chat *chat, yyjson_val *root)
{
    chat->one_call = yyjson_is_false(json_find(root, "parallel_tool_calls"));
    chat->service_tier = json_find_str(root, "service_tier");
    chat->user = json_find_str(root, "safety_identifier");
    if (!chat->user.len)
        chat->user = json_find_str(root, "user");
}
