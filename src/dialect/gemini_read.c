/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's Gemini request, read whole, because the engine speaks another dialect. */
#include <errno.h>

#include "dialect/fields.h"
#include "dialect/gemini.h"

enum { ALLOWED_MAX = 128 };

/* What becomes of a member that struct chat has no place for. */
enum fate {
    FATE_read,   /* it has a place */
    FATE_drop,   /* listed as dropped; so is what is not in a table */
    FATE_refuse, /* its absence would change the meaning of the answer */
    FATE_one,    /* refused unless 1 */
};

struct member {
    const char *name;
    enum fate fate;
};

static const struct member members[] = {
    {"contents", FATE_read},       {"systemInstruction", FATE_read}, {"tools", FATE_read},
    {"toolConfig", FATE_read},     {"generationConfig", FATE_read},  {"model", FATE_read},
    {"safetySettings", FATE_drop}, {"cachedContent", FATE_refuse},
};

static const struct member config_members[] = {
    {"temperature", FATE_read},
    {"topP", FATE_read},
    {"topK", FATE_read},
    {"maxOutputTokens", FATE_read},
    {"stopSequences", FATE_read},
    {"candidateCount", FATE_one},
    {"seed", FATE_read},
    {"presencePenalty", FATE_read},
    {"frequencyPenalty", FATE_read},
    {"responseMimeType", FATE_read},
    {"responseSchema", FATE_read},
    {"responseJsonSchema", FATE_read},
    {"thinkingConfig", FATE_read},
    {"responseModalities", FATE_read},
    {"responseLogprobs", FATE_read},
    {"logprobs", FATE_read},
    {"speechConfig", FATE_refuse},
    {"imageConfig", FATE_refuse},
};

static int read_members(struct chat *chat, yyjson_val *obj, const char *prefix,
                        const struct member *table, size_t count, struct arena *arena,
                        struct err *err);
static int read_member(struct chat *chat, struct str name, yyjson_val *value, const char *prefix,
                       enum fate fate, struct arena *arena, struct err *err);
static int read_embeds(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err);
static int read_embed(struct chat *chat, yyjson_val *request, struct arena *arena, struct err *err);
static int read_config(struct chat *chat, yyjson_val *config, struct arena *arena, struct err *err);
static int read_numbers(struct chat *chat, yyjson_val *config, struct err *err);
static int read_format(struct chat *chat, yyjson_val *config, struct err *err);
static int read_thinking(struct chat *chat, yyjson_val *config, struct arena *arena,
                         struct err *err);
static int read_tools(struct chat *chat, yyjson_val *tools, struct arena *arena, struct err *err);
static int read_tool(struct chat *chat, yyjson_val *entry, struct err *err);
static int read_function(struct tool *tool, yyjson_val *function, struct err *err);
static int read_calling(struct chat *chat, yyjson_val *calling, struct err *err);
static void keep_allowed(struct chat *chat, yyjson_val *allowed);
static void lower_types(yyjson_val *schema);

int gemini_read_request(struct chat *ret, const struct ask *ask, struct arena *arena,
                        struct err *err)
{
    yyjson_val *root = yyjson_doc_get_root(ask->doc), *inner;
    struct chat chat = {.ask = ask, .task = ask->task};
    int r;

    if (task_is_embedding(ask->task)) {
        r = read_embeds(&chat, root, arena, err);
        if (r == 0)
            *ret = chat;
        return r;
    }
    if (ask->task == TASK_tokens && (inner = gemini_find(root, "generateContentRequest")))
        root = inner;
    r = read_members(&chat, root, "", members, COUNT_OF(members), arena, err);
    if (r == 0)
        r = gemini_read_contents(&chat, root, arena, err);
    if (r == 0)
        r = read_config(&chat, gemini_find(root, "generationConfig"), arena, err);
    if (r == 0)
        r = read_tools(&chat, json_find(root, "tools"), arena, err);
    if (r == 0)
        r = read_calling(
            &chat, gemini_find(gemini_find(root, "toolConfig"), "functionCallingConfig"), err);
    if (r == 0)
        *ret = chat;
    return r;
}

static int read_members(struct chat *chat, yyjson_val *obj, const char *prefix,
                        const struct member *table, size_t count, struct arena *arena,
                        struct err *err)
{
    yyjson_obj_iter each = yyjson_obj_iter_with(obj);
    yyjson_val *key;
    int r = 0;

    while (r == 0 && (key = yyjson_obj_iter_next(&each))) {
        enum fate fate = FATE_drop;

        for (size_t i = 0; i < count; i++)
            if (gemini_is_name(json_str(key), table[i].name))
                fate = table[i].fate;
        r = read_member(chat, json_str(key), yyjson_obj_iter_get_val(key), prefix, fate, arena,
                        err);
    }
    return r;
}

static int read_member(struct chat *chat, struct str name, yyjson_val *value, const char *prefix,
                       enum fate fate, struct arena *arena, struct err *err)
{
    char *full;

    if (yyjson_is_null(value) || fate == FATE_read || (fate == FATE_one && json_u64(value) == 1))
        return 0;
    if (fate != FATE_drop)
        return err_set(err, -ENOTSUP, "%s%.*s: no engine for this model can do that", prefix,
                       STR_ARG(name));
    full = arena_printf(arena, "%s%.*s", prefix, STR_ARG(name));
    return full ? chat_drop(chat, arena, str_from(full)) : -ENOMEM;
}

static int read_embeds(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    yyjson_val *requests = json_find(root, "requests"), *request;
    yyjson_arr_iter each = yyjson_arr_iter_with(requests);
    size_t count = chat->ask->task == TASK_embed ? yyjson_arr_size(requests) : 1;
    int r = 0;

    chat->task = TASK_embed;
    chat->inputs = arena_alloc(arena, (count + 1) * sizeof *chat->inputs);
    if (!chat->inputs)
        return -ENOMEM;
    if (chat->ask->task == TASK_embed_one)
        return read_embed(chat, root, arena, err);
    while (r == 0 && (request = yyjson_arr_iter_next(&each)))
        if ((r = read_embed(chat, request, arena, err)) < 0)
            err_wrap(err, r, "requests[%zu]", each.idx - 1);
    return r;
}

/* One text of several parts. */
static int read_embed(struct chat *chat, yyjson_val *request, struct arena *arena, struct err *err)
{
    static const struct member known[] = {
        {"model", FATE_read}, {"content", FATE_read}, {"outputDimensionality", FATE_read}};
    uint64_t dimensions = json_u64(gemini_find(request, "outputDimensionality"));
    yyjson_val *parts = json_find(json_find(request, "content"), "parts"), *part;
    yyjson_arr_iter each = yyjson_arr_iter_with(parts);
    struct buf text;
    int r = read_members(chat, request, "", known, COUNT_OF(known), arena, err);

    if (chat->input_count && dimensions != chat->dimensions)
        return err_set(err, -ENOTSUP, "outputDimensionality: expected the same for all");
    chat->dimensions = dimensions > UINT32_MAX ? UINT32_MAX : (uint32_t)dimensions;
    buf_init(&text, chat->ask->body.len + 1);
    if (r == 0 && yyjson_is_obj(parts))
        r = buf_put(&text, json_find_str(parts, "text"));
    while (r == 0 && (part = yyjson_arr_iter_next(&each))) {
        if (!yyjson_is_str(json_find(part, "text")))
            r = err_set(err, -ENOTSUP, "content.parts[%zu]: only text can be made a vector",
                        each.idx - 1);
        else
            r = buf_put(&text, json_find_str(part, "text"));
    }
    if (r == 0) {
        struct str copy = arena_str(arena, buf_str(&text));

        chat->inputs[chat->input_count++] = copy;
        r = copy.data ? 0 : -ENOMEM;
    }
    buf_fini(&text);
    return r;
}

static int read_config(struct chat *chat, yyjson_val *config, struct arena *arena, struct err *err)
{
    yyjson_val *modality;
    yyjson_arr_iter each = yyjson_arr_iter_with(gemini_find(config, "responseModalities"));
    int r = read_members(chat, config, "generationConfig.", config_members,
                         COUNT_OF(config_members), arena, err);

    while (r == 0 && (modality = yyjson_arr_iter_next(&each)))
        if (!str_equal_nocase(json_str(modality), STR("TEXT")))
            r = err_set(err, -ENOTSUP,
                        "generationConfig.responseModalities: no engine for this model answers "
                        "in '%.*s'",
                        STR_ARG(json_str(modality)));
    if (r == 0)
        r = read_numbers(chat, config, err);
    if (r == 0)
        r = read_stops(chat, gemini_find(config, "stopSequences"),
                       "generationConfig.stopSequences: expected a list of texts", arena, err);
    if (r == 0)
        r = read_format(chat, config, err);
    if (r == 0)
        r = read_thinking(chat, gemini_find(config, "thinkingConfig"), arena, err);
    if (r == 0 && yyjson_is_true(gemini_find(config, "responseLogprobs")))
        r = err_set(err, -ENOTSUP,
                    "generationConfig.responseLogprobs: they cannot be had from this engine");
    return r;
}

static int read_numbers(struct chat *chat, yyjson_val *config, struct err *err)
{
    const struct {
        const char *name;
        struct maybe *value;
    } numbers[] = {
        {"temperature", &chat->temperature},
        {"topP", &chat->top_p},
        {"topK", &chat->top_k},
        {"seed", &chat->seed},
        {"presencePenalty", &chat->presence_penalty},
        {"frequencyPenalty", &chat->frequency_penalty},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(numbers); i++)
        r = read_number(numbers[i].value, gemini_find(config, numbers[i].name), "generationConfig.",
                        numbers[i].name, err);
    return r;
}

static int read_format(struct chat *chat, yyjson_val *config, struct err *err)
{
    struct str type = gemini_find_str(config, "responseMimeType");
    yyjson_val *schema = gemini_find(config, "responseJsonSchema");

    if (type.len && !str_is(type, "text/plain") && !str_is(type, "application/json"))
        return err_set(err, -ENOTSUP,
                       "generationConfig.responseMimeType: no engine for this model answers in "
                       "'%.*s'",
                       STR_ARG(type));
    if (str_is(type, "application/json"))
        chat->format = FORMAT_json;
    if (!yyjson_is_obj(schema))
        schema = gemini_find(config, "responseSchema");
    if (!yyjson_is_obj(schema))
        return 0;
    chat->format = FORMAT_schema;
    chat->schema = schema;
    lower_types(schema);
    return 0;
}

/* A level, or a number of tokens: 0 is none, -1 as the model likes. */
static int read_thinking(struct chat *chat, yyjson_val *config, struct arena *arena,
                         struct err *err)
{
    yyjson_val *budget = gemini_find(config, "thinkingBudget");
    struct str level = gemini_find_str(config, "thinkingLevel");
    double tokens = yyjson_get_num(budget);
    char *effort;

    if (level.len) {
        effort = arena_printf(arena, "%.*s", STR_ARG(level));
        for (char *c = effort; c && *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
        chat->effort = str_from(effort ? effort : "");
        return effort ? 0 : -ENOMEM;
    }
    if (!budget || yyjson_is_null(budget))
        return 0;
    if (!yyjson_is_num(budget) || tokens < -1 || tokens > 1e9)
        return err_set(err, -EINVAL,
                       "generationConfig.thinkingConfig.thinkingBudget: expected a number of "
                       "tokens, 0 or -1");
    chat->thinking_tokens = tokens > 0 ? (uint32_t)tokens : 0;
    chat->effort = tokens == 0     ? STR("none")
                   : tokens < 0    ? STR("medium")
                   : tokens < 2048 ? STR("low")
                   : tokens < 8192 ? STR("medium")
                                   : STR("high");
    return 0;
}

static int read_tools(struct chat *chat, yyjson_val *tools, struct arena *arena, struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(tools);
    size_t count = 0;
    yyjson_val *entry;
    int r = 0;

    if (tools && !yyjson_is_arr(tools) && !yyjson_is_null(tools))
        return err_set(err, -EINVAL, "tools: expected a list");
    while ((entry = yyjson_arr_iter_next(&each)))
        count += yyjson_arr_size(gemini_find(entry, "functionDeclarations"));
    chat->tools = arena_alloc(arena, (count + 1) * sizeof *chat->tools);
    if (!chat->tools)
        return -ENOMEM;
    each = yyjson_arr_iter_with(tools);
    while (r == 0 && (entry = yyjson_arr_iter_next(&each)))
        if ((r = read_tool(chat, entry, err)) < 0)
            err_wrap(err, r, "tools[%zu]", each.idx - 1);
    return r;
}

/* Other tools than functions are Google's own: it runs them. */
static int read_tool(struct chat *chat, yyjson_val *entry, struct err *err)
{
    yyjson_obj_iter keys = yyjson_obj_iter_with(entry);
    yyjson_arr_iter each = yyjson_arr_iter_with(gemini_find(entry, "functionDeclarations"));
    yyjson_val *key, *function;
    int r;

    while ((key = yyjson_obj_iter_next(&keys)))
        if (!gemini_is_name(json_str(key), "functionDeclarations") &&
            !yyjson_is_null(yyjson_obj_iter_get_val(key)))
            return err_set(err, -ENOTSUP, "%.*s: no engine for this model has that tool",
                           STR_ARG(json_str(key)));
    while ((function = yyjson_arr_iter_next(&each))) {
        r = read_function(&chat->tools[chat->tool_count], function, err);
        if (r < 0)
            return err_wrap(err, r, "functionDeclarations[%zu]", each.idx - 1);
        chat->tool_count++;
    }
    return 0;
}

static int read_function(struct tool *tool, yyjson_val *function, struct err *err)
{
    tool->name = json_find_str(function, "name");
    tool->description = json_find_str(function, "description");
    tool->parameters = gemini_find(function, "parametersJsonSchema");
    if (!tool->name.len)
        return err_set(err, -EINVAL, "name: expected a name");
    if (!yyjson_is_obj(tool->parameters))
        tool->parameters = json_find(function, "parameters");
    if (!yyjson_is_obj(tool->parameters))
        tool->parameters = NULL;
    lower_types(tool->parameters);
    return 0;
}

static int read_calling(struct chat *chat, yyjson_val *calling, struct err *err)
{
    static const struct {
        const char *mode;
        enum tool_choice choice;
    } modes[] = {{"MODE_UNSPECIFIED", CHOICE_auto},
                 {"AUTO", CHOICE_auto},
                 {"VALIDATED", CHOICE_auto},
                 {"ANY", CHOICE_required},
                 {"NONE", CHOICE_none}};
    yyjson_val *allowed = gemini_find(calling, "allowedFunctionNames");
    struct str mode = json_find_str(calling, "mode");
    size_t i = 0;

    if (!mode.len)
        return 0;
    while (i < COUNT_OF(modes) && !str_is(mode, modes[i].mode))
        i++;
    if (i == COUNT_OF(modes))
        return err_set(err, -EINVAL,
                       "toolConfig.functionCallingConfig.mode: expected AUTO, ANY, NONE or "
                       "VALIDATED");
    chat->tool_choice = modes[i].choice;
    if (!yyjson_arr_size(allowed))
        return 0;
    if (yyjson_arr_size(allowed) > ALLOWED_MAX)
        return err_set(err, -EINVAL,
                       "toolConfig.functionCallingConfig.allowedFunctionNames: expected at most %d",
                       ALLOWED_MAX);
    keep_allowed(chat, allowed);
    if (chat->tool_choice == CHOICE_required && yyjson_arr_size(allowed) == 1) {
        chat->tool_choice = CHOICE_named;
        chat->tool_name = json_str(yyjson_arr_get_first(allowed));
    }
    return 0;
}

/* What may not be called is not shown. */
static void keep_allowed(struct chat *chat, yyjson_val *allowed)
{
    size_t kept = 0;

    for (size_t i = 0; i < chat->tool_count; i++) {
        yyjson_arr_iter each = yyjson_arr_iter_with(allowed);
        yyjson_val *name;
        bool is_allowed = false;

        while ((name = yyjson_arr_iter_next(&each)))
            is_allowed = is_allowed || str_equal(json_str(name), chat->tools[i].name);
        if (is_allowed)
            chat->tools[kept++] = chat->tools[i];
    }
    chat->tool_count = kept;
}

/* Gemini's own form of a schema has JSON Schema's types in capitals. In place: nobody else reads
 * the tree once it is a chat. The values of a tree lie side by side, so depth costs no stack. */
static void lower_types(yyjson_val *schema)
{
    static const char *const types[][2] = {
        {"STRING", "string"}, {"NUMBER", "number"}, {"INTEGER", "integer"}, {"BOOLEAN", "boolean"},
        {"ARRAY", "array"},   {"OBJECT", "object"}, {"NULL", "null"}};
    yyjson_val *end = schema ? unsafe_yyjson_get_next(schema) : NULL;

    for (yyjson_val *at = schema; at < end; at++) {
        yyjson_val *type = json_find(at, "type");

        for (size_t i = 0; type && i < COUNT_OF(types); i++)
            if (str_is(json_str(type), types[i][0]))
                yyjson_set_str(type, types[i][1]);
    }
}
