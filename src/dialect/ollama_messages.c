/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a caller's Ollama chat. */
#include <errno.h>

#include "dialect/ollama.h"

static int read_message(struct chat *chat, yyjson_val *message, struct arena *arena,
                        struct err *err);
static int read_role(struct message *ret, yyjson_val *message, struct err *err);
static int read_parts(struct message *ret, struct str content, yyjson_val *images,
                      struct arena *arena, struct err *err);
static void read_image(struct part *ret, struct str base64);
static int read_calls(struct chat *chat, yyjson_val *calls, struct arena *arena, struct err *err);
static int read_call(struct tool_call *ret, yyjson_val *call, struct arena *arena, struct err *err);
static int read_result(struct chat *chat, yyjson_val *message, struct err *err);

int ollama_read_messages(struct chat *chat, yyjson_val *messages, struct arena *arena,
                         struct err *err)
{
    yyjson_arr_iter each = yyjson_arr_iter_with(messages);
    yyjson_val *message;
    int r;

    chat->messages = arena_alloc(arena, yyjson_arr_size(messages) * sizeof *chat->messages);
    if (!chat->messages)
        return -ENOMEM;
    while ((message = yyjson_arr_iter_next(&each))) {
        if ((r = read_message(chat, message, arena, err)) < 0)
            return err_wrap(err, r, "messages[%zu]", chat->message_count);
        chat->message_count++;
    }
    return 0;
}

int ollama_read_generate(struct chat *chat, yyjson_val *root, struct arena *arena, struct err *err)
{
    struct str system = json_find_str(root, "system");
    struct message *message;

    chat->messages = arena_alloc(arena, 2 * sizeof *chat->messages);
    if (!chat->messages)
        return -ENOMEM;
    if (system.len) {
        message = &chat->messages[chat->message_count++];
        message->role = ROLE_system;
        message->parts = arena_alloc(arena, sizeof *message->parts);
        if (!message->parts)
            return -ENOMEM;
        message->parts[message->part_count++].text = system;
    }
    message = &chat->messages[chat->message_count++];
    message->role = ROLE_user;
    return read_parts(message, chat->prompt, json_find(root, "images"), arena, err);
}

static int read_message(struct chat *chat, yyjson_val *message, struct arena *arena,
                        struct err *err)
{
    struct message *ret = &chat->messages[chat->message_count];
    int r = read_role(ret, message, err);

    if (r == 0)
        r = read_parts(ret, json_find_str(message, "content"), json_find(message, "images"), arena,
                       err);
    if (r == 0)
        r = read_calls(chat, json_find(message, "tool_calls"), arena, err);
    if (r == 0 && ret->role == ROLE_tool)
        r = read_result(chat, message, err);
    ret->thinking = json_find_str(message, "thinking");
    return r;
}

static int read_role(struct message *ret, yyjson_val *message, struct err *err)
{
    static const char *const roles[] = {[ROLE_system] = "system",
                                        [ROLE_user] = "user",
                                        [ROLE_assistant] = "assistant",
                                        [ROLE_tool] = "tool"};
    struct str name = json_find_str(message, "role");

    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        if (str_is(name, roles[i])) {
            ret->role = (enum role)i;
            return 0;
        }
    }
    return err_set(err, -EINVAL, "role: expected system, user, assistant or tool, found '%.*s'",
                   STR_ARG(name));
}

/* The text first, as a person would show a picture to what was said. */
static int read_parts(struct message *ret, struct str content, yyjson_val *images,
                      struct arena *arena, struct err *err)
{
    yyjson_val *image;
    yyjson_arr_iter each = yyjson_arr_iter_with(images);

    ret->parts = arena_alloc(arena, (yyjson_arr_size(images) + 1) * sizeof *ret->parts);
    if (!ret->parts)
        return -ENOMEM;
    if (content.len)
        ret->parts[ret->part_count++].text = content;
    while ((image = yyjson_arr_iter_next(&each))) {
        if (!yyjson_is_str(image))
            return err_set(err, -EINVAL, "images: expected base64");
        read_image(&ret->parts[ret->part_count++], json_str(image));
    }
    return 0;
}

/* Ollama does not say what kind of picture it is; its first bytes do. */
static void read_image(struct part *ret, struct str base64)
{
    static const struct {
        struct str begin, type;
    } kinds[] = {
        {STR("iVBOR"), STR("image/png")},
        {STR("/9j/"), STR("image/jpeg")},
        {STR("UklGR"), STR("image/webp")},
        {STR("R0lGO"), STR("image/gif")},
    };

    ret->kind = PART_image;
    ret->base64 = base64;
    ret->media_type = kinds[0].type;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_starts(base64, kinds[i].begin))
            ret->media_type = kinds[i].type;
}

static int read_calls(struct chat *chat, yyjson_val *calls, struct arena *arena, struct err *err)
{
    struct message *ret = &chat->messages[chat->message_count];
    yyjson_arr_iter each = yyjson_arr_iter_with(calls);
    yyjson_val *call;
    int r;

    if (!yyjson_arr_size(calls))
        return 0;
    ret->calls = arena_alloc(arena, yyjson_arr_size(calls) * sizeof *ret->calls);
    if (!ret->calls)
        return -ENOMEM;
    while ((call = yyjson_arr_iter_next(&each))) {
        struct tool_call *to = &ret->calls[ret->call_count];
        char *id;

        if ((r = read_call(to, call, arena, err)) < 0)
            return err_wrap(err, r, "tool_calls[%zu].function", ret->call_count);
        to->index = (unsigned)ret->call_count++;
        if (to->id.len)
            continue;
        /* Others tie a result to its call by an id. */
        id = arena_printf(arena, "call_%zu_%u", chat->message_count, to->index);
        if (!id)
            return -ENOMEM;
        to->id = str_from(id);
    }
    return 0;
}

static int read_call(struct tool_call *ret, yyjson_val *call, struct arena *arena, struct err *err)
{
    yyjson_val *function = json_find(call, "function");
    yyjson_val *arguments = json_find(function, "arguments");
    struct buf text;
    int r = 0;

    ret->id = json_find_str(call, "id");
    ret->name = json_find_str(function, "name");
    ret->arguments = STR("{}");
    if (!ret->name.len)
        return err_set(err, -EINVAL, "name: expected a name");
    if (!arguments || yyjson_is_null(arguments))
        return 0;
    if (!yyjson_is_obj(arguments))
        return err_set(err, -EINVAL, "arguments: expected an object");
    buf_init(&text, arena->max);
    r = json_put_value(&text, arguments);
    if (r == 0)
        ret->arguments = arena_str(arena, buf_str(&text));
    buf_fini(&text);
    return r == 0 && ret->arguments.data ? 0 : -ENOMEM;
}

static int read_result(struct chat *chat, yyjson_val *message, struct err *err)
{
    struct message *ret = &chat->messages[chat->message_count];
    const struct tool_call *call;

    ret->name = json_find_str(message, "tool_name");
    ret->call_id = json_find_str(message, "tool_call_id");
    if (ret->call_id.len)
        return 0;
    if (!(call = chat_find_call(chat, ret->name)))
        return err_set(err, -EINVAL, "tool_name: no call before it has the name '%.*s'",
                       STR_ARG(ret->name));
    ret->call_id = call->id;
    return 0;
}
