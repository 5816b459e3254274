/* SPDX-License-Identifier: Apache-2.0 */
/* The turns of a chat as Anthropic wants them: what the system says on top, then user and assistant
 * by turns; the results of calls at the beginning of the user's turn behind them. */
#include <errno.h>

#include "dialect/anthropic.h"
#include "wire/json_out.h"

struct turns {
    struct json_out *o;
    struct chat *chat;
    const struct copy_shape *shape;
    struct arena *arena;
    struct err *err;
    enum role open; /* ROLE_user or ROLE_assistant; ROLE_system: none */
};

static int put_system(struct turns *t);
static int put_message(struct turns *t, const struct message *message);
static void turn_to(struct turns *t, enum role role);
static int put_result(struct turns *t, const struct message *message);
static int put_parts(struct turns *t, const struct message *message);
static int put_part(struct turns *t, const struct part *part);
static int put_source(struct turns *t, const struct part *part);
static void put_text(struct json_out *o, struct str text);
static void put_calls(struct json_out *o, const struct message *message);
static void put_id(struct json_out *o, const char *key, struct str id);

int anthropic_put_turns(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                        struct arena *arena, struct err *err)
{
    struct turns t = {o, chat, shape, arena, err, ROLE_system};
    int r = put_system(&t);

    json_open(json_key(o, "messages"), '[');
    for (size_t i = 0; r == 0 && i < chat->message_count; i++) {
        r = put_message(&t, &chat->messages[i]);
        if (r == -ENOTSUP)
            err_wrap(err, r, "messages[%zu]", i);
    }
    turn_to(&t, ROLE_system);
    json_close(o, ']');
    return r < 0 ? r : o->error;
}

/* JSON without a schema cannot be demanded here, only asked for. */
static int put_system(struct turns *t)
{
    const struct chat *chat = t->chat;
    bool has_any = false;

    for (size_t i = 0; i < chat->message_count; i++) {
        const struct message *message = &chat->messages[i];

        for (size_t j = 0; message->role == ROLE_system && j < message->part_count; j++) {
            if (message->parts[j].kind != PART_text)
                return err_set(t->err, -ENOTSUP,
                               "messages[%zu].content[%zu]: a system message is text alone", i, j);
            if (!message->parts[j].text.len)
                continue;
            if (!has_any)
                json_open(json_key(t->o, "system"), '[');
            put_text(t->o, message->parts[j].text);
            has_any = true;
        }
    }
    if (chat->format == FORMAT_json) {
        if (!has_any)
            json_open(json_key(t->o, "system"), '[');
        put_text(t->o, STR("Answer with one JSON object and nothing else."));
        has_any = true;
    }
    if (has_any)
        json_close(t->o, ']');
    return 0;
}

static int put_message(struct turns *t, const struct message *message)
{
    bool is_empty = !message->call_count && message->role != ROLE_tool;

    for (size_t i = 0; i < message->part_count; i++)
        is_empty = is_empty && message->parts[i].kind == PART_text && !message->parts[i].text.len;
    /* Signed thoughts alone are taken, and whoever signs them speaks this dialect himself. */
    if (message->thinking.len && chat_lose(t->chat, t->arena, STR("reasoning_content")) < 0)
        return -ENOMEM;
    if (message->role == ROLE_system || is_empty)
        return 0;
    turn_to(t, message->role == ROLE_assistant ? ROLE_assistant : ROLE_user);
    if (message->role == ROLE_tool)
        return put_result(t, message);
    if (put_parts(t, message) < 0)
        return -ENOTSUP;
    put_calls(t->o, message);
    return 0;
}

/* One turn for all messages of a side that follow each other. */
static void turn_to(struct turns *t, enum role role)
{
    if (t->open == role)
        return;
    if (t->open != ROLE_system) {
        json_close(t->o, ']');
        json_close(t->o, '}');
    }
    t->open = role;
    if (role == ROLE_system)
        return;
    json_open(t->o, '{');
    json_text(json_key(t->o, "role"), role == ROLE_user ? STR("user") : STR("assistant"));
    json_open(json_key(t->o, "content"), '[');
}

static int put_result(struct turns *t, const struct message *message)
{
    struct json_out *o = t->o;
    int r;

    json_open(o, '{');
    json_text(json_key(o, "type"), STR("tool_result"));
    put_id(o, "tool_use_id", message->call_id);
    json_open(json_key(o, "content"), '[');
    r = put_parts(t, message);
    json_close(o, ']');
    if (message->is_error)
        json_bool(json_key(o, "is_error"), true);
    json_close(o, '}');
    return r;
}

static int put_parts(struct turns *t, const struct message *message)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < message->part_count; i++) {
        r = put_part(t, &message->parts[i]);
        if (r == -ENOTSUP)
            err_wrap(t->err, r, "content[%zu]", i);
    }
    return r;
}

/* An empty text is refused there. */
static int put_part(struct turns *t, const struct part *part)
{
    int r;

    if (part->kind == PART_text) {
        if (part->text.len)
            put_text(t->o, part->text);
        return 0;
    }
    if (part->kind == PART_audio)
        return err_set(t->err, -ENOTSUP, "input_audio: this engine does not listen");
    json_open(t->o, '{');
    json_text(json_key(t->o, "type"), part->kind == PART_image ? STR("image") : STR("document"));
    r = put_source(t, part);
    if (part->name.len)
        json_text(json_key(t->o, "title"), part->name);
    json_close(t->o, '}');
    return r;
}

static int put_source(struct turns *t, const struct part *part)
{
    struct json_out *o = t->o;

    if (part->url.len && !t->shape->can_fetch)
        return err_set(t->err, -ENOTSUP,
                       "url: this engine does not fetch; send data:TYPE;base64,DATA");
    json_open(json_key(o, "source"), '{');
    json_text(json_key(o, "type"), part->url.len     ? STR("url")
                                   : part->text.data ? STR("text")
                                                     : STR("base64"));
    if (part->url.len) {
        json_text(json_key(o, "url"), part->url);
    } else {
        json_text(json_key(o, "media_type"), part->media_type);
        json_text(json_key(o, "data"), part->text.data ? part->text : part->base64);
    }
    json_close(o, '}');
    return 0;
}

static void put_text(struct json_out *o, struct str text)
{
    json_open(o, '{');
    json_text(json_key(o, "type"), STR("text"));
    json_text(json_key(o, "text"), text);
    json_close(o, '}');
}

static void put_calls(struct json_out *o, const struct message *message)
{
    for (size_t i = 0; i < message->call_count; i++) {
        json_open(o, '{');
        json_text(json_key(o, "type"), STR("tool_use"));
        put_id(o, "id", message->calls[i].id);
        json_text(json_key(o, "name"), message->calls[i].name);
        json_raw(json_key(o, "input"), message->calls[i].arguments);
        json_close(o, '}');
    }
}

/* Ids are letters, digits, - and _ there; elsewhere they may be anything. */
static void put_id(struct json_out *o, const char *key, struct str id)
{
    json_raw(json_key(o, key), STR("\""));
    for (size_t i = 0; i < id.len && !o->error; i++) {
        char c = id.data[i];
        bool is_fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        o->error = buf_put_char(o->out, is_fine || c == '-' ? c : '_');
    }
    if (!o->error)
        o->error = buf_put_char(o->out, '"');
}
