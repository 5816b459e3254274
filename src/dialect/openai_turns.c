/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a chat as engines that speak OpenAI's dialect read them. */
#include <errno.h>

#include "dialect/openai.h"
#include "wire/json_out.h"

struct turns {
    struct json_out *o;
    struct chat *chat;
    const struct copy_shape *shape;
    struct arena *arena;
    struct err *err;
};

static int check_parts(const struct turns *t, const struct message *message);
static int check_part(const struct turns *t, const struct part *part);
static int put_message(struct turns *t, const struct message *message);
static int put_shown(struct turns *t, size_t end);
static bool is_shown(const struct part *part);
static void put_content(struct json_out *o, const struct message *message);
static void put_part(struct json_out *o, const struct part *part);
static void put_image(struct json_out *o, const struct part *part);
static void put_audio(struct json_out *o, const struct part *part);
static void put_document(struct json_out *o, const struct part *part);
static void put_data_url(struct json_out *o, const struct part *part);
static void put_calls(struct json_out *o, const struct message *message);

int openai_put_turns(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                     struct arena *arena, struct err *err)
{
    struct turns t = {o, chat, shape, arena, err};
    int r = 0;

    json_open(json_key(o, "messages"), '[');
    for (size_t i = 0; r == 0 && i < chat->message_count; i++) {
        bool is_last = i + 1 == chat->message_count || chat->messages[i + 1].role != ROLE_tool;

        r = check_parts(&t, &chat->messages[i]);
        if (r < 0)
            return err_wrap(err, r, "messages[%zu]", i);
        r = put_message(&t, &chat->messages[i]);
        if (r == 0 && chat->messages[i].role == ROLE_tool && is_last)
            r = put_shown(&t, i + 1);
    }
    json_close(o, ']');
    return r < 0 ? r : o->error;
}

static int check_parts(const struct turns *t, const struct message *message)
{
    for (size_t i = 0; i < message->part_count; i++)
        if (check_part(t, &message->parts[i]) < 0)
            return err_wrap(t->err, -ENOTSUP, "content[%zu]", i);
    return 0;
}

static int check_part(const struct turns *t, const struct part *part)
{
    bool is_file = part->kind == PART_document && !part->text.data;

    if (part->url.len && (is_file || !t->shape->can_fetch))
        return err_set(t->err, -ENOTSUP,
                       "url: this engine does not fetch; send data:TYPE;base64,DATA");
    if (is_file && !t->shape->reads_files)
        return err_set(t->err, -ENOTSUP, "document: this engine reads text, not %.*s",
                       STR_ARG(part->media_type));
    return 0;
}

static int put_message(struct turns *t, const struct message *message)
{
    static const char *const roles[] = {[ROLE_system] = "system",
                                        [ROLE_user] = "user",
                                        [ROLE_assistant] = "assistant",
                                        [ROLE_tool] = "tool"};
    struct json_out *o = t->o;
    int r = 0;

    json_open(o, '{');
    json_text(json_key(o, "role"), str_from(roles[message->role]));
    put_content(o, message);
    if (message->thinking.len && t->shape->is_strict)
        r = chat_lose(t->chat, t->arena, STR("reasoning_content"));
    else if (message->thinking.len)
        json_text(json_key(o, "reasoning_content"), message->thinking);
    if (message->call_count)
        put_calls(o, message);
    if (message->role == ROLE_tool)
        json_text(json_key(o, "tool_call_id"), message->call_id);
    json_close(o, '}');
    if (r == 0 && message->is_error)
        r = chat_lose(t->chat, t->arena, STR("is_error"));
    return r;
}

/* The results of tools are text here. What they show besides follows the last of them, before
 * `end`, as if the user showed it. */
static int put_shown(struct turns *t, size_t end)
{
    struct json_out *o = t->o;
    bool has_any = false;
    size_t begin = end;

    while (begin > 0 && t->chat->messages[begin - 1].role == ROLE_tool)
        begin--;
    for (size_t i = begin; i < end; i++) {
        const struct message *message = &t->chat->messages[i];

        for (size_t j = 0; j < message->part_count; j++) {
            if (!is_shown(&message->parts[j]))
                continue;
            if (!has_any) {
                json_open(o, '{');
                json_text(json_key(o, "role"), STR("user"));
                json_open(json_key(o, "content"), '[');
            }
            put_part(o, &message->parts[j]);
            has_any = true;
        }
    }
    if (has_any) {
        json_close(o, ']');
        json_close(o, '}');
    }
    return o->error;
}

static bool is_shown(const struct part *part)
{
    return part->kind != PART_text && !part->text.data;
}

/* One text is a string, as every engine understands it; more is a list of parts. */
static void put_content(struct json_out *o, const struct message *message)
{
    bool is_tool = message->role == ROLE_tool;
    size_t count = 0, last = 0;

    for (size_t i = 0; i < message->part_count; i++)
        if (!is_tool || !is_shown(&message->parts[i])) {
            last = i;
            count++;
        }
    json_key(o, "content");
    if (!count || (count == 1 && message->parts[last].kind == PART_text)) {
        json_text(o, count ? message->parts[last].text : STR(""));
        return;
    }
    json_open(o, '[');
    for (size_t i = 0; i < message->part_count; i++)
        if (!is_tool || !is_shown(&message->parts[i]))
            put_part(o, &message->parts[i]);
    json_close(o, ']');
}

static void put_part(struct json_out *o, const struct part *part)
{
    json_open(o, '{');
    switch (part->kind) {
    case PART_text:
        json_text(json_key(o, "type"), STR("text"));
        json_text(json_key(o, "text"), part->text);
        break;
    case PART_image:
        put_image(o, part);
        break;
    case PART_audio:
        put_audio(o, part);
        break;
    case PART_document:
        put_document(o, part);
        break;
    }
    json_close(o, '}');
}

static void put_image(struct json_out *o, const struct part *part)
{
    json_text(json_key(o, "type"), STR("image_url"));
    json_open(json_key(o, "image_url"), '{');
    json_key(o, "url");
    if (part->url.len)
        json_text(o, part->url);
    else
        put_data_url(o, part);
    json_close(o, '}');
}

static void put_audio(struct json_out *o, const struct part *part)
{
    struct str format;

    str_cut(part->media_type, '/', &format);
    json_text(json_key(o, "type"), STR("input_audio"));
    json_open(json_key(o, "input_audio"), '{');
    json_text(json_key(o, "data"), part->base64);
    json_text(json_key(o, "format"), format);
    json_close(o, '}');
}

/* A document that is text is read as text by every engine. */
static void put_document(struct json_out *o, const struct part *part)
{
    if (part->text.data) {
        json_text(json_key(o, "type"), STR("text"));
        json_text(json_key(o, "text"), part->text);
        return;
    }
    json_text(json_key(o, "type"), STR("file"));
    json_open(json_key(o, "file"), '{');
    json_text(json_key(o, "filename"), part->name.len ? part->name : STR("document"));
    put_data_url(json_key(o, "file_data"), part);
    json_close(o, '}');
}

static void put_data_url(struct json_out *o, const struct part *part)
{
    struct buf head;

    buf_init(&head, 256);
    if (!o->error)
        o->error = buf_printf(&head, "data:%.*s;base64,", STR_ARG(part->media_type));
    json_joined(o, buf_str(&head), part->base64);
    buf_fini(&head);
}

static void put_calls(struct json_out *o, const struct message *message)
{
    json_open(json_key(o, "tool_calls"), '[');
    for (size_t i = 0; i < message->call_count; i++) {
        const struct tool_call *call = &message->calls[i];

        json_open(o, '{');
        json_text(json_key(o, "id"), call->id);
        json_text(json_key(o, "type"), STR("function"));
        json_open(json_key(o, "function"), '{');
        json_text(json_key(o, "name"), call->name);
        json_text(json_key(o, "arguments"), call->arguments);
        json_close(o, '}');
        json_close(o, '}');
    }
    json_close(o, ']');
}
