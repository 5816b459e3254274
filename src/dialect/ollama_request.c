/* SPDX-License-Identifier: Apache-2.0 */
/* A request to Ollama's own API, from what was asked in another dialect. */
#include <errno.h>

#include "dialect/ollama.h"
#include "dialect/put.h"

static int check(const struct chat *chat, struct err *err);
static int check_media(const struct chat *chat, struct err *err);
static int check_part(const struct part *part, struct err *err);
static int drop_lost(struct chat *chat, struct arena *arena);
static bool is_text(const struct part *part);
static void put_messages(struct json_out *o, const struct chat *chat);
static void put_message(struct json_out *o, const struct message *message);
static void put_content(struct json_out *o, const struct message *message);
static void put_images(struct json_out *o, const struct message *message);
static void put_calls(struct json_out *o, const struct message *message);
static void put_tools(struct json_out *o, const struct chat *chat);
static void put_format(struct json_out *o, const struct chat *chat);
static void put_options(struct json_out *o, const struct chat *chat,
                        const struct copy_shape *shape);
static int put_think(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                     struct arena *arena);
static struct str think_word(struct str effort, bool can_grade);

int ollama_write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err)
{
    struct json_out o = {.out = out};
    enum task task = chat->task;

    if ((o.error = check(chat, err)) < 0 || (o.error = drop_lost(chat, arena)) < 0)
        return o.error;
    json_open(&o, '{');
    json_text(json_key(&o, "model"), shape->model);
    if (task == TASK_chat)
        put_messages(&o, chat);
    else if (task == TASK_complete)
        put_prompt(&o, chat);
    else
        put_inputs(&o, chat);
    if (chat->tool_count && chat->tool_choice != CHOICE_none)
        put_tools(&o, chat);
    put_format(&o, chat);
    if (!o.error && task != TASK_embed)
        o.error = put_think(&o, chat, shape, arena);
    put_options(&o, chat, shape);
    if (shape->keep_alive.len)
        json_raw(json_key(&o, "keep_alive"), shape->keep_alive);
    /* What does not fit is refused and said, as OpenAI does; Ollama would cut it without a word. */
    json_bool(json_key(&o, "truncate"), false);
    if (task != TASK_embed)
        json_bool(json_key(&o, "stream"), stream);
    if (chat->is_shown)
        json_bool(json_key(&o, "_debug_render_only"), true);
    json_close(&o, '}');
    return o.error;
}

/* What Ollama cannot do and what leaving out would change the answer. */
static int check(const struct chat *chat, struct err *err)
{
    if (chat->tool_count && chat->tool_choice == CHOICE_required)
        return err_set(err, -ENOTSUP, "tool_choice: Ollama cannot be made to call one; use auto");
    if (chat->tool_count && chat->tool_choice == CHOICE_named)
        return err_set(err, -ENOTSUP, "tool_choice: Ollama cannot be made to call '%.*s'; use auto",
                       STR_ARG(chat->tool_name));
    if (chat->logprobs)
        return err_set(err, -ENOTSUP, "logprobs: they cannot be had from this engine");
    return check_media(chat, err);
}

static int check_media(const struct chat *chat, struct err *err)
{
    for (size_t i = 0; i < chat->message_count; i++)
        for (size_t j = 0; j < chat->messages[i].part_count; j++)
            if (check_part(&chat->messages[i].parts[j], err) < 0)
                return err_wrap(err, -ENOTSUP, "messages[%zu].content[%zu]", i, j);
    return 0;
}

static int check_part(const struct part *part, struct err *err)
{
    if (part->url.len)
        return err_set(err, -ENOTSUP,
                       "url: this engine does not fetch; send data:TYPE;base64,DATA");
    if (part->kind == PART_document && !part->text.data)
        return err_set(err, -ENOTSUP, "document: this engine reads text, not %.*s",
                       STR_ARG(part->media_type));
    return 0;
}

/* What Ollama has no place for. */
static int drop_lost(struct chat *chat, struct arena *arena)
{
    const struct loss lost[] = {
        {chat->one_call && chat->tool_count, STR("parallel_tool_calls")},
        {chat->user.len, STR("user")},
        {chat->service_tier.len, STR("service_tier")},
    };
    int r = chat_lose_given(chat, arena, lost, COUNT_OF(lost));

    for (size_t i = 0; r == 0 && i < chat->message_count; i++)
        if (chat->messages[i].is_error)
            r = chat_lose(chat, arena, STR("is_error"));
    for (size_t i = 0; r == 0 && i < chat->tool_count; i++)
        if (chat->tools[i].strict)
            r = chat_lose(chat, arena, STR("strict"));
    return r;
}

static bool is_text(const struct part *part)
{
    return part->kind == PART_text || (part->kind == PART_document && part->text.data);
}

static void put_messages(struct json_out *o, const struct chat *chat)
{
    json_open(json_key(o, "messages"), '[');
    for (size_t i = 0; i < chat->message_count; i++)
        put_message(o, &chat->messages[i]);
    json_close(o, ']');
}

static void put_message(struct json_out *o, const struct message *message)
{
    static const char *const roles[] = {[ROLE_system] = "system",
                                        [ROLE_user] = "user",
                                        [ROLE_assistant] = "assistant",
                                        [ROLE_tool] = "tool"};

    json_open(o, '{');
    json_text(json_key(o, "role"), str_from(roles[message->role]));
    put_content(o, message);
    put_images(o, message);
    if (message->thinking.len)
        json_text(json_key(o, "thinking"), message->thinking);
    if (message->call_count)
        put_calls(o, message);
    if (message->role == ROLE_tool && message->name.len)
        json_text(json_key(o, "tool_name"), message->name);
    if (message->role == ROLE_tool && message->call_id.len)
        json_text(json_key(o, "tool_call_id"), message->call_id);
    json_close(o, '}');
}

/* Ollama's content is one string: several texts are joined by line ends. */
static void put_content(struct json_out *o, const struct message *message)
{
    bool has_text = false;

    json_raw(json_key(o, "content"), STR("\""));
    for (size_t i = 0; i < message->part_count && !o->error; i++) {
        if (!is_text(&message->parts[i]))
            continue;
        if (has_text && (o->error = buf_put(o->out, STR("\\n"))) < 0)
            return;
        o->error = json_put_escaped(o->out, message->parts[i].text);
        has_text = true;
    }
    if (!o->error)
        o->error = buf_put_char(o->out, '"');
}

/* Sounds go here too: models that hear take them from the same place. */
static void put_images(struct json_out *o, const struct message *message)
{
    bool has_any = false;

    for (size_t i = 0; i < message->part_count; i++) {
        if (is_text(&message->parts[i]))
            continue;
        if (!has_any)
            json_open(json_key(o, "images"), '[');
        json_text(o, message->parts[i].base64);
        has_any = true;
    }
    if (has_any)
        json_close(o, ']');
}

static void put_calls(struct json_out *o, const struct message *message)
{
    json_open(json_key(o, "tool_calls"), '[');
    for (size_t i = 0; i < message->call_count; i++) {
        const struct tool_call *call = &message->calls[i];

        json_open(o, '{');
        if (call->id.len)
            json_text(json_key(o, "id"), call->id);
        json_open(json_key(o, "function"), '{');
        json_number(json_key(o, "index"), i);
        json_text(json_key(o, "name"), call->name);
        json_raw(json_key(o, "arguments"), call->arguments);
        json_close(o, '}');
        json_close(o, '}');
    }
    json_close(o, ']');
}

static void put_tools(struct json_out *o, const struct chat *chat)
{
    json_open(json_key(o, "tools"), '[');
    for (size_t i = 0; i < chat->tool_count; i++) {
        json_open(o, '{');
        json_text(json_key(o, "type"), STR("function"));
        json_open(json_key(o, "function"), '{');
        json_text(json_key(o, "name"), chat->tools[i].name);
        if (chat->tools[i].description.len)
            json_text(json_key(o, "description"), chat->tools[i].description);
        json_key(o, "parameters");
        if (chat->tools[i].parameters)
            json_value(o, chat->tools[i].parameters);
        else
            json_raw(o, STR("{\"type\":\"object\",\"properties\":{}}"));
        json_close(o, '}');
        json_close(o, '}');
    }
    json_close(o, ']');
}

static void put_format(struct json_out *o, const struct chat *chat)
{
    if (chat->format == FORMAT_json)
        json_text(json_key(o, "format"), STR("json"));
    else if (chat->format == FORMAT_schema)
        json_value(json_key(o, "format"), chat->schema);
}

/* num_ctx is the copy's, never the caller's: another one would make Ollama load the model anew. */
static void put_options(struct json_out *o, const struct chat *chat, const struct copy_shape *shape)
{
    const struct named_number numbers[] = {
        {"temperature", &chat->temperature},
        {"top_p", &chat->top_p},
        {"top_k", &chat->top_k},
        {"seed", &chat->seed},
        {"presence_penalty", &chat->presence_penalty},
        {"frequency_penalty", &chat->frequency_penalty},
    };

    json_open(json_key(o, "options"), '{');
    if (shape->num_ctx)
        json_number(json_key(o, "num_ctx"), shape->num_ctx);
    if (chat->ask->max_tokens)
        json_number(json_key(o, "num_predict"), chat->ask->max_tokens);
    put_numbers(o, numbers, COUNT_OF(numbers));
    if (chat->stop_count)
        put_texts(json_key(o, "stop"), chat->stops, chat->stop_count);
    json_close(o, '}');
}

/* Unasked, the model does as it likes: a model that cannot think refuses the field itself. */
static int put_think(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                     struct arena *arena)
{
    if (!chat->effort.len)
        return 0;
    if (!shape->can_think)
        return str_is(chat->effort, "none") ? 0 : chat_lose(chat, arena, STR("reasoning_effort"));
    json_raw(json_key(o, "think"), think_word(chat->effort, shape->can_grade));
    return o->error;
}

/* As JSON. */
static struct str think_word(struct str effort, bool can_grade)
{
    if (str_is(effort, "none"))
        return STR("false");
    if (!can_grade)
        return STR("true");
    if (str_is(effort, "minimal") || str_is(effort, "low"))
        return STR("\"low\"");
    if (str_is(effort, "high"))
        return STR("\"high\"");
    if (str_is(effort, "xhigh") || str_is(effort, "max"))
        return STR("\"max\"");
    return STR("\"medium\"");
}
