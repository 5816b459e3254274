/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's request to the Responses API, read whole, for an engine that does not have it. */
#include <errno.h>

#include "dialect/fields.h"
#include "dialect/openai.h"
#include "dialect/responses.h"

/* What becomes of a member that struct chat has no place for. */
enum fate {
    FATE_read,    /* it has a place, or means nothing here */
    FATE_false,   /* refused unless false */
    FATE_absent,  /* refused, whatever it holds */
    FATE_dropped, /* listed as dropped */
};

static const struct {
    const char *name;
    enum fate fate;
    const char *words; /* for who is refused */
} members[] = {
    {"model", FATE_read, NULL},
    {"input", FATE_read, NULL},
    {"instructions", FATE_read, NULL},
    {"stream", FATE_read, NULL},
    {"max_output_tokens", FATE_read, NULL},
    {"temperature", FATE_read, NULL},
    {"top_p", FATE_read, NULL},
    {"tools", FATE_read, NULL},
    {"tool_choice", FATE_read, NULL},
    {"parallel_tool_calls", FATE_read, NULL},
    {"reasoning", FATE_read, NULL},
    {"text", FATE_read, NULL},
    {"user", FATE_read, NULL},
    {"safety_identifier", FATE_read, NULL},
    {"service_tier", FATE_read, NULL},
    {"store", FATE_dropped, NULL},
    {"previous_response_id", FATE_absent, "answers are not kept here; send the whole conversation"},
    {"conversation", FATE_absent, "answers are not kept here; send the whole conversation"},
    {"prompt", FATE_absent, "there are no stored prompts here; send instructions"},
    {"background", FATE_false, "no engine for this model answers later"},
};

static int read_members(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);
static int read_member(struct chat *chat, yyjson_val *key, yyjson_val *value, struct arena *arena,
                       struct err *err);
static int read_tool(struct tool *tool, yyjson_val *entry, struct err *err);
static int read_tool_choice(struct chat *chat, yyjson_val *choice, struct err *err);
static int read_format(struct chat *chat, yyjson_val *format, struct err *err);

int responses_read_request(struct chat *ret, const struct ask *ask, struct arena *arena,
                           struct err *err)
{
    yyjson_val *root = yyjson_doc_get_root(ask->doc);
    struct chat chat = {.ask = ask, .task = ask->task};
    int r = read_members(&chat, root, arena, err);

    if (r == 0)
        r = responses_read_input(&chat, root, arena, err);
    if (r == 0)
        r = read_number(&chat.temperature, json_find(root, "temperature"), "", "temperature", err);
    if (r == 0)
        r = read_number(&chat.top_p, json_find(root, "top_p"), "", "top_p", err);
    if (r == 0)
        r = read_tool_list(&chat, json_find(root, "tools"), read_tool, arena, err);
    if (r == 0)
        r = read_tool_choice(&chat, json_find(root, "tool_choice"), err);
    if (r == 0)
        r = read_format(&chat, json_find(json_find(root, "text"), "format"), err);
    if (r < 0)
        return r;
    chat.effort = json_find_str(json_find(root, "reasoning"), "effort");
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

        if (!yyjson_is_null(value))
            r = read_member(chat, key, value, arena, err);
    }
    return r;
}

static int read_member(struct chat *chat, yyjson_val *key, yyjson_val *value, struct arena *arena,
                       struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        enum fate fate = members[i].fate;

        if (!str_is(json_str(key), members[i].name))
            continue;
        /* What keeps nothing and answers now is what is wanted. */
        if (fate == FATE_read || (fate != FATE_absent && yyjson_is_false(value)))
            return 0;
        if (fate != FATE_dropped)
            return err_set(err, -ENOTSUP, "%s: %s", members[i].name, members[i].words);
        break;
    }
    return chat_drop(chat, arena, json_str(key));
}

static int read_tool(struct tool *tool, yyjson_val *entry, struct err *err)
{
    struct str type = json_find_str(entry, "type");

    if (!str_is(type, "function"))
        return err_set(err, type.len ? -ENOTSUP : -EINVAL,
                       "type: no engine for this model has '%.*s', only functions", STR_ARG(type));
    tool->name = json_find_str(entry, "name");
    tool->description = json_find_str(entry, "description");
    tool->parameters = json_find(entry, "parameters");
    tool->strict = json_find_true(entry, "strict");
    if (!yyjson_is_obj(tool->parameters))
        tool->parameters = NULL;
    return tool->name.len ? 0 : err_set(err, -EINVAL, "name: expected a name");
}

static int read_tool_choice(struct chat *chat, yyjson_val *choice, struct err *err)
{
    struct str word = json_str(choice), type = json_find_str(choice, "type");

    if (!choice || yyjson_is_null(choice) || str_is(word, "auto"))
        return 0;
    if (str_is(word, "none"))
        chat->tool_choice = CHOICE_none;
    else if (str_is(word, "required"))
        chat->tool_choice = CHOICE_required;
    else if (str_is(type, "function"))
        chat->tool_choice = CHOICE_named;
    else
        return err_set(err, type.len ? -ENOTSUP : -EINVAL,
                       "tool_choice: expected auto, none, required or a function");
    chat->tool_name = json_find_str(choice, "name");
    if (chat->tool_choice == CHOICE_named && !chat->tool_name.len)
        return err_set(err, -EINVAL, "tool_choice.name: expected a name");
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
        return err_set(err, -EINVAL, "text.format.type: expected text, json_object or json_schema");
    chat->format = FORMAT_schema;
    chat->schema = json_find(format, "schema");
    return yyjson_is_obj(chat->schema)
               ? 0
               : err_set(err, -EINVAL, "text.format.schema: expected an object");
}
