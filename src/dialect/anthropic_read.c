/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's Anthropic request, read whole, because the engine speaks another dialect. */
#include <errno.h>

#include "dialect/anthropic.h"
#include "dialect/fields.h"

/* What becomes of a member that struct chat has no place for. */
enum fate {
    FATE_read,   /* it has a place */
    FATE_drop,   /* listed as dropped; so is what is not in the table */
    FATE_refuse, /* its absence would change the meaning of the answer */
};

static const struct {
    const char *name;
    enum fate fate;
} members[] = {
    {"model", FATE_read},           {"max_tokens", FATE_read},    {"messages", FATE_read},
    {"system", FATE_read},          {"stream", FATE_read},        {"temperature", FATE_read},
    {"top_p", FATE_read},           {"top_k", FATE_read},         {"stop_sequences", FATE_read},
    {"tools", FATE_read},           {"tool_choice", FATE_read},   {"thinking", FATE_read},
    {"output_config", FATE_read},   {"output_format", FATE_read}, {"metadata", FATE_read},
    {"service_tier", FATE_read},    {"container", FATE_refuse},   {"mcp_servers", FATE_refuse},
    {"inference_geo", FATE_refuse},
};

static const struct own_word words[] = {
    {STR("user"), STR("metadata.user_id")},
    {STR("stop"), STR("stop_sequences")},
    {STR("reasoning_effort"), STR("thinking")},
    {STR("reasoning_content"), STR("messages.content.thinking")},
    {STR("parallel_tool_calls"), STR("tool_choice.disable_parallel_tool_use")},
    {STR("is_error"), STR("messages.content.is_error")},
    {STR("strict"), STR("tools.strict")},
    {{0}, {0}},
};

static int read_members(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);
static enum fate fate_of(struct str name);
static int read_sampling(struct chat *chat, yyjson_val *root, struct err *err);
static int read_tool(struct tool *tool, yyjson_val *entry, struct err *err);
static int drop_cache_control(struct chat *chat, yyjson_val *tools, struct arena *arena);
static int read_tool_choice(struct chat *chat, yyjson_val *choice, struct err *err);
static int read_thinking(struct chat *chat, yyjson_val *root, struct err *err);
static struct str effort_of(uint64_t budget_tokens);
static int read_format(struct chat *chat, yyjson_val *root, struct err *err);

int anthropic_read_request(struct chat *ret, const struct ask *ask, struct arena *arena,
                           struct err *err)
{
    yyjson_val *root = yyjson_doc_get_root(ask->doc);
    struct chat chat = {.ask = ask, .task = ask->task, .words = words};
    int r = read_members(&chat, root, arena, err);

    if (r == 0)
        r = anthropic_read_messages(&chat, root, arena, err);
    if (r == 0)
        r = read_sampling(&chat, root, err);
    if (r == 0)
        r = read_stops(&chat, json_find(root, "stop_sequences"),
                       "stop_sequences: expected a list of texts", arena, err);
    if (r == 0)
        r = read_tool_list(&chat, json_find(root, "tools"), read_tool, arena, err);
    if (r == 0)
        r = drop_cache_control(&chat, json_find(root, "tools"), arena);
    if (r == 0)
        r = read_tool_choice(&chat, json_find(root, "tool_choice"), err);
    if (r == 0)
        r = read_thinking(&chat, root, err);
    if (r == 0)
        r = read_format(&chat, root, err);
    if (r < 0)
        return r;
    chat.user = json_find_str(json_find(root, "metadata"), "user_id");
    chat.service_tier = json_find_str(root, "service_tier");
    *ret = chat;
    return 0;
}

static int read_members(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    yyjson_obj_iter each = yyjson_obj_iter_with(root);
    yyjson_val *key;
    int r = 0;

    while (r == 0 && (key = yyjson_obj_iter_next(&each))) {
        enum fate fate = fate_of(json_str(key));

        if (yyjson_is_null(yyjson_obj_iter_get_val(key)))
            continue;
        if (fate == FATE_refuse)
            r = err_set(err, -ENOTSUP, "%.*s: no engine for this model can do that",
                        STR_ARG(json_str(key)));
        else if (fate == FATE_drop)
            r = chat_drop(chat, arena, json_str(key));
    }
    return r;
}

static enum fate fate_of(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (str_is(name, members[i].name))
            return members[i].fate;
    return FATE_drop;
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
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(numbers); i++)
        r = read_number(numbers[i].value, json_find(root, numbers[i].name), "", numbers[i].name,
                        err);
    return r;
}

/* Tools of other types than "custom" are Anthropic's own: it runs them, or knows their schema. */
static int read_tool(struct tool *tool, yyjson_val *entry, struct err *err)
{
    struct str type = json_find_str(entry, "type");

    if (type.len && !str_is(type, "custom"))
        return err_set(err, -ENOTSUP, "type: no engine for this model has '%.*s'", STR_ARG(type));
    tool->name = json_find_str(entry, "name");
    tool->description = json_find_str(entry, "description");
    tool->parameters = json_find(entry, "input_schema");
    tool->strict = json_find_true(entry, "strict");
    if (!tool->name.len)
        return err_set(err, -EINVAL, "name: expected a name");
    return yyjson_is_obj(tool->parameters)
               ? 0
               : err_set(err, -EINVAL, "input_schema: expected an object");
}

static int drop_cache_control(struct chat *chat, yyjson_val *tools, struct arena *arena)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(tools);
    yyjson_val *entry;

    while ((entry = yyjson_arr_iter_next(&each)))
        if (json_find(entry, "cache_control"))
            return chat_drop(chat, arena, STR("cache_control"));
    return 0;
}

static int read_tool_choice(struct chat *chat, yyjson_val *choice, struct err *err)
{
    static const struct {
        const char *type;
        enum tool_choice choice;
    } types[] = {
        {"auto", CHOICE_auto},
        {"any", CHOICE_required},
        {"tool", CHOICE_named},
        {"none", CHOICE_none},
    };
    struct str type = json_find_str(choice, "type");
    size_t i = 0;

    if (!choice || yyjson_is_null(choice))
        return 0;
    while (i < COUNT_OF(types) && !str_is(type, types[i].type))
        i++;
    if (i == COUNT_OF(types))
        return err_set(err, -EINVAL, "tool_choice.type: expected auto, any, tool or none");
    chat->tool_choice = types[i].choice;
    chat->tool_name = json_find_str(choice, "name");
    chat->one_call = json_find_true(choice, "disable_parallel_tool_use");
    if (chat->tool_choice == CHOICE_named && !chat->tool_name.len)
        return err_set(err, -EINVAL, "tool_choice.name: expected a name");
    return 0;
}

static int read_thinking(struct chat *chat, yyjson_val *root, struct err *err)
{
    yyjson_val *thinking = json_find(root, "thinking");
    struct str type = json_find_str(thinking, "type");
    uint64_t budget = json_find_u64(thinking, "budget_tokens");

    chat->effort = json_find_str(json_find(root, "output_config"), "effort");
    if (!thinking || yyjson_is_null(thinking))
        return 0;
    if (str_is(type, "disabled")) {
        chat->effort = STR("none");
        return 0;
    }
    if (!str_is(type, "enabled") && !str_is(type, "adaptive"))
        return err_set(err, -EINVAL, "thinking.type: expected enabled, adaptive or disabled");
    if (str_is(type, "enabled") && budget < 1024)
        return err_set(err, -EINVAL, "thinking.budget_tokens: expected 1024 or more");
    chat->thinking_tokens = budget > UINT32_MAX ? UINT32_MAX : (uint32_t)budget;
    if (!chat->effort.len)
        chat->effort = effort_of(budget);
    return 0;
}

/* What others have a word for; 0: as the model likes. */
static struct str effort_of(uint64_t budget_tokens)
{
    if (!budget_tokens)
        return STR("medium");
    if (budget_tokens < 2048)
        return STR("low");
    return budget_tokens < 4096 ? STR("medium") : STR("high");
}

/* output_format is the name that output_config.format had before. */
static int read_format(struct chat *chat, yyjson_val *root, struct err *err)
{
    yyjson_val *format = json_find(json_find(root, "output_config"), "format");

    if (!format || yyjson_is_null(format))
        format = json_find(root, "output_format");
    if (!format || yyjson_is_null(format))
        return 0;
    if (!str_is(json_find_str(format, "type"), "json_schema"))
        return err_set(err, -EINVAL, "output_config.format.type: expected json_schema");
    chat->format = FORMAT_schema;
    chat->schema = json_find(format, "schema");
    return yyjson_is_obj(chat->schema)
               ? 0
               : err_set(err, -EINVAL, "output_config.format.schema: expected an object");
}
