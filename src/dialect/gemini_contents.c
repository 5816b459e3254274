/* SPDX-License-Identifier: Apache-2.0 */
/* What is said in a caller's Gemini request. One of its turns may be several messages elsewhere:
 * results of calls have messages of their own. */
#include <errno.h>

#include "dialect/gemini.h"

/* One content while it is read. */
struct turn {
    struct chat *chat;
    struct arena *arena;
    struct err *err;
    enum role role;
    struct message *open;    /* what the next text or call belongs to; NULL: a new one */
    struct part *parts;      /* room for all parts of this content */
    struct tool_call *calls; /* ... and calls */
};

static int read_content(struct chat *chat, enum role role, yyjson_val *content, struct arena *arena,
                        struct err *err);
static int read_role(enum role *ret, struct str name, struct err *err);
static int read_part(struct turn *t, yyjson_val *part);
static struct message *open_message(struct turn *t);
static struct part *add_part(struct turn *t, enum part_kind kind);
static int read_text(struct turn *t, yyjson_val *part);
static int read_inline(struct turn *t, yyjson_val *blob);
static int read_call(struct turn *t, yyjson_val *part, yyjson_val *call);
static int read_result(struct turn *t, yyjson_val *result);
static int read_response(struct turn *t, struct str *ret, yyjson_val *response);
static int write_text(struct turn *t, struct str *ret, yyjson_val *value);

int gemini_read_contents(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    yyjson_val *contents = json_find(root, "contents"), *content;
    yyjson_val *system = gemini_find(root, "systemInstruction");
    yyjson_arr_iter each = yyjson_arr_iter_with(contents);
    size_t room = 2;
    enum role role = ROLE_user;
    int r = 0;

    /* At most one message for each part. */
    while ((content = yyjson_arr_iter_next(&each)))
        room += yyjson_get_len(json_find(content, "parts")) + 1;
    chat->messages = arena_alloc(arena, room * sizeof *chat->messages);
    if (!chat->messages)
        return -ENOMEM;
    if (system && !yyjson_is_null(system) &&
        (r = read_content(chat, ROLE_system, system, arena, err)) < 0)
        return err_wrap(err, r, "systemInstruction");
    each = yyjson_arr_iter_with(contents);
    while (r == 0 && (content = yyjson_arr_iter_next(&each))) {
        r = read_role(&role, json_find_str(content, "role"), err);
        if (r == 0)
            r = read_content(chat, role, content, arena, err);
        if (r < 0)
            err_wrap(err, r, "contents[%zu]", each.idx - 1);
    }
    return r;
}

static int read_role(enum role *ret, struct str name, struct err *err)
{
    static const struct {
        const char *name;
        enum role role;
    } roles[] = {{"user", ROLE_user},
                 {"model", ROLE_assistant},
                 {"function", ROLE_user}, /* results, in older libraries */
                 {"", ROLE_user}};

    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (str_is(name, roles[i].name)) {
            *ret = roles[i].role;
            return 0;
        }
    return err_set(err, -EINVAL, "role: expected user or model, found '%.*s'", STR_ARG(name));
}

static int read_content(struct chat *chat, enum role role, yyjson_val *content, struct arena *arena,
                        struct err *err)
{
    struct turn t = {.chat = chat, .arena = arena, .err = err, .role = role};
    yyjson_val *parts = json_find(content, "parts"), *part;
    yyjson_arr_iter each = yyjson_arr_iter_with(parts);
    size_t room = yyjson_is_arr(parts) ? yyjson_arr_size(parts) : 1;
    int r = 0;

    t.parts = arena_alloc(arena, room * sizeof *t.parts);
    t.calls = arena_alloc(arena, room * sizeof *t.calls);
    if (!t.parts || !t.calls)
        return -ENOMEM;
    if (yyjson_is_obj(parts))
        return read_part(&t, parts);
    while (r == 0 && (part = yyjson_arr_iter_next(&each)))
        if ((r = read_part(&t, part)) < 0)
            err_wrap(err, r, "parts[%zu]", each.idx - 1);
    return r;
}

static int read_part(struct turn *t, yyjson_val *part)
{
    static const char *const foreign[] = {"executableCode", "codeExecutionResult"};
    yyjson_val *found;

    if (json_find(part, "text"))
        return read_text(t, part);
    if ((found = gemini_find(part, "inlineData")))
        return read_inline(t, found);
    if ((found = gemini_find(part, "functionCall")))
        return read_call(t, part, found);
    if ((found = gemini_find(part, "functionResponse")))
        return read_result(t, found);
    if (gemini_find(part, "fileData"))
        return err_set(t->err, -ENOTSUP,
                       "fileData: no engine for this model has that file; send inlineData");
    for (size_t i = 0; i < COUNT_OF(foreign); i++)
        if (gemini_find(part, foreign[i]))
            return err_set(t->err, -ENOTSUP, "%s: no engine for this model has that tool",
                           foreign[i]);
    if (gemini_find(part, "thoughtSignature")) /* nothing but a signature */
        return chat_drop(t->chat, t->arena, STR("thoughtSignature"));
    return err_set(t->err, -EINVAL, "expected text, inlineData, functionCall or functionResponse");
}

static struct message *open_message(struct turn *t)
{
    if (t->open)
        return t->open;
    t->open = &t->chat->messages[t->chat->message_count++];
    t->open->role = t->role;
    t->open->parts = t->parts;
    t->open->calls = t->calls;
    return t->open;
}

static struct part *add_part(struct turn *t, enum part_kind kind)
{
    struct message *m = open_message(t);

    m->part_count++;
    t->parts->kind = kind;
    return t->parts++;
}

/* What only Gemini can read of its thoughts is of no use to another engine. */
static int read_text(struct turn *t, yyjson_val *part)
{
    struct str text = json_find_str(part, "text");
    struct message *m;

    if (!text.data)
        return err_set(t->err, -EINVAL, "text: expected text");
    if (gemini_find(part, "thoughtSignature") &&
        chat_drop(t->chat, t->arena, STR("thoughtSignature")) < 0)
        return -ENOMEM;
    if (!json_find_true(part, "thought")) {
        add_part(t, PART_text)->text = text;
        return 0;
    }
    m = open_message(t);
    if (m->thinking.len) {
        char *both = arena_printf(t->arena, "%.*s%.*s", STR_ARG(m->thinking), STR_ARG(text));

        if (!both)
            return -ENOMEM;
        text = str_from(both);
    }
    m->thinking = text;
    return 0;
}

static int read_inline(struct turn *t, yyjson_val *blob)
{
    struct str type = gemini_find_str(blob, "mimeType"), base64 = json_find_str(blob, "data");
    enum part_kind kind = PART_document;
    struct part *part;

    if (!type.len || !base64.len)
        return err_set(t->err, -EINVAL, "inlineData: expected mimeType and data");
    if (str_starts(type, STR("video/")))
        return err_set(t->err, -ENOTSUP, "inlineData: no engine for this model watches '%.*s'",
                       STR_ARG(type));
    if (str_starts(type, STR("image/")))
        kind = PART_image;
    else if (str_starts(type, STR("audio/")))
        kind = PART_audio;
    part = add_part(t, kind);
    part->media_type = type;
    part->base64 = base64;
    return 0;
}

/* Others tie a result to its call by an id. */
static int read_call(struct turn *t, yyjson_val *part, yyjson_val *call)
{
    struct message *m = open_message(t);
    struct tool_call *to = t->calls++;
    yyjson_val *args = json_find(call, "args");

    if (gemini_find(part, "thoughtSignature") &&
        chat_drop(t->chat, t->arena, STR("thoughtSignature")) < 0)
        return -ENOMEM;
    to->index = (unsigned)m->call_count++;
    to->name = json_find_str(call, "name");
    to->id = json_find_str(call, "id");
    to->arguments = STR("{}");
    if (!to->name.len)
        return err_set(t->err, -EINVAL, "functionCall.name: expected a name");
    if (!to->id.len) {
        char *id = arena_printf(t->arena, "call_%zu_%u", t->chat->message_count - 1, to->index);

        if (!id)
            return -ENOMEM;
        to->id = str_from(id);
    }
    if (!args || yyjson_is_null(args))
        return 0;
    if (!yyjson_is_obj(args))
        return err_set(t->err, -EINVAL, "functionCall.args: expected an object");
    return write_text(t, &to->arguments, args);
}

static int read_result(struct turn *t, yyjson_val *result)
{
    struct str name = json_find_str(result, "name"), id = json_find_str(result, "id");
    const struct tool_call *call = id.len ? NULL : chat_find_call(t->chat, name);
    struct message *m;

    if (!id.len && !call)
        return err_set(t->err, -EINVAL,
                       "functionResponse.name: no call before it has the name '%.*s'",
                       STR_ARG(name));
    t->open = NULL;
    m = open_message(t);
    m->role = ROLE_tool;
    m->name = name;
    m->call_id = id.len ? id : call->id;
    m->is_error = json_find(json_find(result, "response"), "error") != NULL;
    if (read_response(t, &add_part(t, PART_text)->text, json_find(result, "response")) < 0)
        return -ENOMEM;
    t->open = NULL;
    return 0;
}

/* {"result": TEXT} and {"output": TEXT} are how a text is put where an object is wanted. */
static int read_response(struct turn *t, struct str *ret, yyjson_val *response)
{
    static const char *const wraps[] = {"result", "output", "error"};

    *ret = STR("");
    if (!response || yyjson_is_null(response))
        return 0;
    for (size_t i = 0; yyjson_obj_size(response) == 1 && i < COUNT_OF(wraps); i++)
        if (yyjson_is_str(json_find(response, wraps[i]))) {
            *ret = json_find_str(response, wraps[i]);
            return 0;
        }
    return write_text(t, ret, response);
}

static int write_text(struct turn *t, struct str *ret, yyjson_val *value)
{
    struct buf text;
    int r;

    buf_init(&text, t->arena->max);
    r = json_put_value(&text, value);
    if (r == 0)
        *ret = arena_str(t->arena, buf_str(&text));
    buf_fini(&text);
    return r == 0 && ret->data ? 0 : -ENOMEM;
}
