/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a request to the Responses API, as the messages of a chat. */
#include <errno.h>

#include "dialect/openai.h"
#include "dialect/responses.h"

struct items {
    struct chat *chat;
    struct arena *arena;
    struct str thinking; /* of the reasoning item before: it belongs to what the assistant says */
};

static int read_item(struct items *in, yyjson_val *item, struct err *err);
static int read_message(struct items *in, yyjson_val *item, struct err *err);
static int read_content(struct message *m, yyjson_val *content, struct arena *arena,
                        struct err *err);
static int read_part(struct part *ret, yyjson_val *part, struct err *err);
static int read_call(struct items *in, yyjson_val *item, struct err *err);
static int read_output(struct items *in, yyjson_val *item, struct err *err);
static int read_reasoning(struct items *in, yyjson_val *item, struct err *err);
static int add_text(struct message *m, struct str text, struct arena *arena);
static struct message *assistant(struct items *in);
static struct message *next(struct items *in, enum role role);

/* Never more messages than items, and one for the instructions. */
int responses_read_input(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    yyjson_val *input = json_find(root, "input"), *item;
    struct str instructions = json_find_str(root, "instructions");
    yyjson_arr_iter each = yyjson_arr_iter_with(input);
    struct items in = {.chat = chat, .arena = arena};
    int r = 0;

    chat->messages = arena_alloc(arena, (yyjson_arr_size(input) + 2) * sizeof *chat->messages);
    if (!chat->messages)
        return -ENOMEM;
    if (instructions.len)
        r = add_text(next(&in, ROLE_system), instructions, arena);
    if (r == 0 && yyjson_is_str(input))
        r = add_text(next(&in, ROLE_user), json_str(input), arena);
    while (r == 0 && (item = yyjson_arr_iter_next(&each)))
        if ((r = read_item(&in, item, err)) < 0)
            err_wrap(err, r, "input[%zu]", each.idx - 1);
    return r;
}

static int read_item(struct items *in, yyjson_val *item, struct err *err)
{
    static const struct {
        const char *type;
        int (*read)(struct items *in, yyjson_val *item, struct err *err);
    } kinds[] = {
        {"message", read_message},
        {"function_call", read_call},
        {"function_call_output", read_output},
        {"reasoning", read_reasoning},
    };
    struct str type = json_find_str(item, "type");

    if (!type.len)
        return read_message(in, item, err);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_is(type, kinds[i].type))
            return kinds[i].read(in, item, err);
    return err_set(err, -ENOTSUP, "type: no engine for this model reads '%.*s'", STR_ARG(type));
}

static int read_message(struct items *in, yyjson_val *item, struct err *err)
{
    static const struct {
        const char *name;
        enum role role;
    } roles[] = {{"user", ROLE_user},
                 {"assistant", ROLE_assistant},
                 {"system", ROLE_system},
                 {"developer", ROLE_system}};
    struct str role = json_find_str(item, "role");

    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (str_is(role, roles[i].name)) {
            struct message *m = next(in, roles[i].role);

            if (roles[i].role == ROLE_assistant) {
                m->thinking = in->thinking;
                in->thinking = (struct str){0};
            }
            return read_content(m, json_find(item, "content"), in->arena, err);
        }
    return err_set(err, -EINVAL, "role: expected user, assistant, system or developer");
}

static int read_content(struct message *m, yyjson_val *content, struct arena *arena,
                        struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(content);
    yyjson_val *part;
    int r;

    if (yyjson_is_str(content))
        return add_text(m, json_str(content), arena);
    if (!yyjson_is_arr(content))
        return err_set(err, -EINVAL, "content: expected text or a list");
    m->parts = arena_alloc(arena, (yyjson_arr_size(content) + 1) * sizeof *m->parts);
    if (!m->parts)
        return -ENOMEM;
    while ((part = yyjson_arr_iter_next(&each))) {
        if ((r = read_part(&m->parts[m->part_count], part, err)) < 0)
            return err_wrap(err, r, "content[%zu]", m->part_count);
        m->part_count++;
    }
    return 0;
}

static int read_part(struct part *ret, yyjson_val *part, struct err *err)
{
    struct str type = json_find_str(part, "type");

    if (str_is(type, "input_image") && json_find_str(part, "image_url").len)
        return openai_read_image(ret, part, err);
    if (str_is(type, "input_file") && json_find_str(part, "file_data").len)
        return openai_read_file(ret, part, err);
    if (str_is(type, "input_image") || str_is(type, "input_file"))
        return err_set(err, -ENOTSUP,
                       "type: only what is sent along can be read: image_url or "
                       "file_data");
    if (str_is(type, "input_text") || str_is(type, "output_text"))
        ret->text = json_find_str(part, "text");
    else if (str_is(type, "refusal"))
        ret->text = json_find_str(part, "refusal");
    else
        return err_set(err, -ENOTSUP, "type: no engine for this model reads '%.*s'", STR_ARG(type));
    return ret->text.data ? 0 : err_set(err, -EINVAL, "text: expected text");
}

/* Calls stand alone here; elsewhere they are part of what the assistant said. */
static int read_call(struct items *in, yyjson_val *item, struct err *err)
{
    struct message *m = assistant(in);
    struct tool_call *calls = arena_alloc(in->arena, (m->call_count + 1) * sizeof *calls);
    struct tool_call *call;

    if (!calls)
        return -ENOMEM;
    if (m->call_count) /* quadratic in calls side by side, of which there are few */
        memcpy(calls, m->calls, m->call_count * sizeof *calls);
    call = &calls[m->call_count];
    call->index = (unsigned)m->call_count;
    call->id = json_find_str(item, "call_id");
    m->calls = calls;
    m->call_count++;
    return openai_read_call(call, item, err);
}

static int read_output(struct items *in, yyjson_val *item, struct err *err)
{
    struct str id = json_find_str(item, "call_id");
    struct message *m = next(in, ROLE_tool);

    m->call_id = id;
    m->name = chat_called_name(in->chat, id);
    if (!id.len)
        return err_set(err, -EINVAL, "call_id: expected the id of a call");
    return read_content(m, json_find(item, "output"), in->arena, err);
}

/* What was thought in the open; what only its maker can read is nothing to anybody else. */
static int read_reasoning(struct items *in, yyjson_val *item, struct err *err)
{
    yyjson_val *content = json_find(item, "content"), *part;
    yyjson_arr_iter each;
    size_t room = 1;
    char *text;
    size_t length = 0;

    (void)err;
    if (!yyjson_arr_size(content))
        content = json_find(item, "summary");
    each = yyjson_arr_iter_with(content);
    while ((part = yyjson_arr_iter_next(&each)))
        room += json_find_str(part, "text").len;
    text = arena_alloc(in->arena, room);
    if (!text)
        return -ENOMEM;
    each = yyjson_arr_iter_with(content);
    while ((part = yyjson_arr_iter_next(&each))) {
        struct str piece = json_find_str(part, "text");

        if (piece.len)
            memcpy(text + length, piece.data, piece.len);
        length += piece.len;
    }
    in->thinking = str_slice(text, length);
    return 0;
}

static int add_text(struct message *m, struct str text, struct arena *arena)
{
    m->parts = arena_alloc(arena, sizeof *m->parts);
    if (!m->parts)
        return -ENOMEM;
    m->parts[m->part_count++] = (struct part){.kind = PART_text, .text = text};
    return 0;
}

/* The assistant's message that calls belong to: the last one, or a new one. */
static struct message *assistant(struct items *in)
{
    size_t count = in->chat->message_count;
    struct message *m = count ? &in->chat->messages[count - 1] : NULL;

    if (!m || m->role != ROLE_assistant || in->thinking.len)
        m = next(in, ROLE_assistant);
    if (in->thinking.len)
        m->thinking = in->thinking;
    in->thinking = (struct str){0};
    return m;
}

static struct message *next(struct items *in, enum role role)
{
    struct message *m = &in->chat->messages[in->chat->message_count++];

    m->role = role;
    return m;
}
