/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a chat as Gemini wants them: what the system says on top, then user and model by
 * turns; the results of calls in a turn of their own. */
#include <errno.h>

#include "dialect/gemini.h"
#include "wire/json_out.h"

/* How far back a result looks for its call. */
enum { LOOKS_MAX = 4096 };

/* Which kind of turn is open. */
enum side { SIDE_none, SIDE_user, SIDE_model, SIDE_results };

struct turns {
    struct json_out *o;
    struct chat *chat;
    struct arena *arena;
    struct err *err;
    enum side open;
};

static int put_system(struct turns *t);
static int put_message(struct turns *t, const struct message *message);
static void turn_to(struct turns *t, enum side side);
static int put_parts(struct turns *t, const struct message *message);
static int put_part(struct turns *t, const struct part *part);
static void put_blob(struct json_out *o, const struct part *part);
static void put_call(struct json_out *o, const struct tool_call *call, bool is_first);
static int put_result(struct turns *t, const struct message *message);
static struct str name_of(const struct turns *t, const struct message *result);
static struct str cut_signature(struct str id, struct str *signature);

int gemini_put_turns(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                     struct arena *arena, struct err *err)
{
    struct turns t = {o, chat, arena, err, SIDE_none};
    int r = put_system(&t);

    (void)shape;
    json_open(json_key(o, "contents"), '[');
    for (size_t i = 0; r == 0 && i < chat->message_count; i++) {
        r = put_message(&t, &chat->messages[i]);
        if (r == -ENOTSUP)
            err_wrap(err, r, "messages[%zu]", i);
    }
    turn_to(&t, SIDE_none);
    json_close(o, ']');
    return r < 0 ? r : o->error;
}

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
            if (!has_any) {
                json_open(json_key(t->o, "systemInstruction"), '{');
                json_open(json_key(t->o, "parts"), '[');
            }
            json_open(t->o, '{');
            json_text(json_key(t->o, "text"), message->parts[j].text);
            json_close(t->o, '}');
            has_any = true;
        }
    }
    if (has_any) {
        json_close(t->o, ']');
        json_close(t->o, '}');
    }
    return 0;
}

/* A model's thoughts are not sent back: Gemini keeps its own in signatures. */
static int put_message(struct turns *t, const struct message *message)
{
    int r;

    if (message->role == ROLE_system)
        return 0;
    if (message->thinking.len && chat_drop(t->chat, t->arena, STR("reasoning_content")) < 0)
        return -ENOMEM;
    if (message->role == ROLE_tool)
        return put_result(t, message);
    if (!message->part_count && !message->call_count)
        return 0;
    turn_to(t, message->role == ROLE_assistant ? SIDE_model : SIDE_user);
    r = put_parts(t, message);
    for (size_t i = 0; r == 0 && i < message->call_count; i++)
        put_call(t->o, &message->calls[i], i == 0);
    return r;
}

/* One turn for all messages of a side that follow each other. */
static void turn_to(struct turns *t, enum side side)
{
    if (t->open == side)
        return;
    if (t->open != SIDE_none) {
        json_close(t->o, ']');
        json_close(t->o, '}');
    }
    t->open = side;
    if (side == SIDE_none)
        return;
    json_open(t->o, '{');
    json_text(json_key(t->o, "role"), side == SIDE_model ? STR("model") : STR("user"));
    json_open(json_key(t->o, "parts"), '[');
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

static int put_part(struct turns *t, const struct part *part)
{
    struct json_out *o = t->o;

    if (part->url.len)
        return err_set(t->err, -ENOTSUP,
                       "url: this engine does not fetch; send data:TYPE;base64,DATA");
    json_open(o, '{');
    if (part->text.data)
        json_text(json_key(o, "text"), part->text);
    else
        put_blob(o, part);
    json_close(o, '}');
    return 0;
}

static void put_blob(struct json_out *o, const struct part *part)
{
    json_open(json_key(o, "inlineData"), '{');
    json_text(json_key(o, "mimeType"), part->media_type);
    json_text(json_key(o, "data"), part->base64);
    json_close(o, '}');
}

/* The first call of a turn must be signed: by whoever made it, or with the word for the unsigned.
 */
static void put_call(struct json_out *o, const struct tool_call *call, bool is_first)
{
    struct str signature = {0}, id = cut_signature(call->id, &signature);

    json_open(o, '{');
    json_open(json_key(o, "functionCall"), '{');
    if (id.len)
        json_text(json_key(o, "id"), id);
    json_text(json_key(o, "name"), call->name);
    json_raw(json_key(o, "args"), call->arguments);
    json_close(o, '}');
    if (signature.len)
        json_text(json_key(o, "thoughtSignature"), signature);
    else if (is_first)
        json_text(json_key(o, "thoughtSignature"), STR(GEMINI_UNSIGNED));
    json_close(o, '}');
}

/* A result is an object there: {"result": TEXT}, or {"error": TEXT}. */
static int put_result(struct turns *t, const struct message *message)
{
    struct json_out *o = t->o;
    struct str signature, id = cut_signature(message->call_id, &signature);
    struct str name = name_of(t, message);

    if (!name.len)
        return err_set(t->err, -EINVAL, "tool_call_id: no call before it has the id '%.*s'",
                       STR_ARG(message->call_id));
    for (size_t i = 0; i < message->part_count; i++)
        if (message->parts[i].kind != PART_text)
            return err_set(t->err, -ENOTSUP,
                           "content[%zu]: the result of a call is text alone for this engine", i);
    turn_to(t, SIDE_results);
    json_open(o, '{');
    json_open(json_key(o, "functionResponse"), '{');
    if (id.len)
        json_text(json_key(o, "id"), id);
    json_text(json_key(o, "name"), name);
    json_open(json_key(o, "response"), '{');
    json_raw(json_key(o, message->is_error ? "error" : "result"), STR("\""));
    for (size_t i = 0; i < message->part_count && !o->error; i++)
        o->error = json_put_escaped(o->out, message->parts[i].text);
    if (!o->error)
        o->error = buf_put_char(o->out, '"');
    json_close(o, '}');
    json_close(o, '}');
    json_close(o, '}');
    return 0;
}

static struct str name_of(const struct turns *t, const struct message *result)
{
    size_t looks = LOOKS_MAX;

    if (result->name.len)
        return result->name;
    for (const struct message *m = result; m-- > t->chat->messages && looks > 0; looks--)
        for (size_t i = 0; i < m->call_count && looks > 1; i++, looks--)
            if (str_equal(m->calls[i].id, result->call_id))
                return m->calls[i].name;
    return (struct str){0};
}

static struct str cut_signature(struct str id, struct str *signature)
{
    const struct str mark = STR(GEMINI_SIGNED);

    *signature = (struct str){0};
    for (size_t i = 0; i + mark.len <= id.len; i++)
        if (memcmp(id.data + i, mark.data, mark.len) == 0) {
            *signature = str_slice(id.data + i + mark.len, id.len - i - mark.len);
            return str_slice(id.data, i);
        }
    return id;
}
