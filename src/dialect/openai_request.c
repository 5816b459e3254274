/* SPDX-License-Identifier: Apache-2.0 */
/* A request to an engine that speaks OpenAI's dialect, from what was asked in another one. */
#include <errno.h>

#include "dialect/openai.h"
#include "wire/json_out.h"

static void put_prompt(struct json_out *o, const struct chat *chat);
static void put_inputs(struct json_out *o, const struct chat *chat);
static void put_messages(struct json_out *o, const struct chat *chat);
static void put_message(struct json_out *o, const struct message *message);
static void put_content(struct json_out *o, const struct message *message);
static void put_part(struct json_out *o, const struct part *part);
static void put_calls(struct json_out *o, const struct message *message);
static void put_tools(struct json_out *o, const struct chat *chat);
static void put_tool_choice(struct json_out *o, const struct chat *chat);
static void put_format(struct json_out *o, const struct chat *chat);
static void put_sampling(struct json_out *o, const struct chat *chat);
static int put_thinking(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                        struct arena *arena);

int openai_write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err)
{
    struct json_out o = {.out = out};
    enum task task = chat->task;

    (void)err;
    json_open(&o, '{');
    json_text(json_key(&o, "model"), shape->model);
    if (task == TASK_embed) {
        put_inputs(&o, chat);
        json_close(&o, '}');
        return o.error;
    }
    if (task == TASK_chat)
        put_messages(&o, chat);
    else
        put_prompt(&o, chat);
    if (chat->tool_count && chat->tool_choice != CHOICE_none)
        put_tools(&o, chat);
    put_format(&o, chat);
    put_sampling(&o, chat);
    if (!o.error)
        o.error = put_thinking(&o, chat, shape, arena);
    json_bool(json_key(&o, "stream"), stream);
    if (stream) {
        json_open(json_key(&o, "stream_options"), '{');
        json_bool(json_key(&o, "include_usage"), true);
        json_close(&o, '}');
    }
    json_close(&o, '}');
    return o.error;
}

static void put_prompt(struct json_out *o, const struct chat *chat)
{
    json_text(json_key(o, "prompt"), chat->prompt);
    if (chat->suffix.len)
        json_text(json_key(o, "suffix"), chat->suffix);
}

/* Floats, whatever the caller wants: every engine can, and the writer makes base64 of them. */
static void put_inputs(struct json_out *o, const struct chat *chat)
{
    json_open(json_key(o, "input"), '[');
    for (size_t i = 0; i < chat->input_count; i++)
        json_text(o, chat->inputs[i]);
    json_close(o, ']');
    if (chat->dimensions)
        json_number(json_key(o, "dimensions"), chat->dimensions);
    json_text(json_key(o, "encoding_format"), STR("float"));
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
    if (message->thinking.len)
        json_text(json_key(o, "reasoning_content"), message->thinking);
    if (message->call_count)
        put_calls(o, message);
    if (message->role == ROLE_tool)
        json_text(json_key(o, "tool_call_id"), message->call_id);
    json_close(o, '}');
}

/* One text is a string, as every engine understands it; more is a list of parts. */
static void put_content(struct json_out *o, const struct message *message)
{
    json_key(o, "content");
    if (message->part_count == 1 && message->parts[0].kind == PART_text) {
        json_text(o, message->parts[0].text);
        return;
    }
    if (!message->part_count) {
        json_text(o, STR(""));
        return;
    }
    json_open(o, '[');
    for (size_t i = 0; i < message->part_count; i++)
        put_part(o, &message->parts[i]);
    json_close(o, ']');
}

static void put_part(struct json_out *o, const struct part *part)
{
    struct buf url;

    json_open(o, '{');
    if (part->kind == PART_text) {
        json_text(json_key(o, "type"), STR("text"));
        json_text(json_key(o, "text"), part->text);
    } else if (part->kind == PART_image) {
        buf_init(&url, 256);
        json_text(json_key(o, "type"), STR("image_url"));
        json_open(json_key(o, "image_url"), '{');
        if (!part->url.len && !o->error)
            o->error = buf_printf(&url, "data:%.*s;base64,", STR_ARG(part->media_type));
        json_joined(json_key(o, "url"), buf_str(&url), part->url.len ? part->url : part->base64);
        json_close(o, '}');
        buf_fini(&url);
    } else {
        struct str slash = part->media_type;

        json_text(json_key(o, "type"), STR("input_audio"));
        json_open(json_key(o, "input_audio"), '{');
        json_text(json_key(o, "data"), part->base64);
        str_cut(slash, '/', &slash);
        json_text(json_key(o, "format"), slash);
        json_close(o, '}');
    }
    json_close(o, '}');
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
        if (chat->tools[i].parameters)
            json_value(json_key(o, "parameters"), chat->tools[i].parameters);
        json_close(o, '}');
        json_close(o, '}');
    }
    json_close(o, ']');
    put_tool_choice(o, chat);
}

static void put_tool_choice(struct json_out *o, const struct chat *chat)
{
    if (chat->tool_choice == CHOICE_required)
        json_text(json_key(o, "tool_choice"), STR("required"));
    if (chat->tool_choice != CHOICE_named)
        return;
    json_open(json_key(o, "tool_choice"), '{');
    json_text(json_key(o, "type"), STR("function"));
    json_open(json_key(o, "function"), '{');
    json_text(json_key(o, "name"), chat->tool_name);
    json_close(o, '}');
    json_close(o, '}');
}

static void put_format(struct json_out *o, const struct chat *chat)
{
    if (chat->format == FORMAT_text)
        return;
    json_open(json_key(o, "response_format"), '{');
    if (chat->format == FORMAT_json) {
        json_text(json_key(o, "type"), STR("json_object"));
    } else {
        json_text(json_key(o, "type"), STR("json_schema"));
        json_open(json_key(o, "json_schema"), '{');
        json_text(json_key(o, "name"), STR("answer"));
        json_bool(json_key(o, "strict"), true);
        json_value(json_key(o, "schema"), chat->schema);
        json_close(o, '}');
    }
    json_close(o, '}');
}

static void put_sampling(struct json_out *o, const struct chat *chat)
{
    const struct {
        const char *name;
        const struct maybe *value;
    } numbers[] = {
        {"temperature", &chat->temperature},
        {"top_p", &chat->top_p},
        {"top_k", &chat->top_k}, /* not OpenAI's own, but llama-server, vLLM and others take it */
        {"seed", &chat->seed},
        {"presence_penalty", &chat->presence_penalty},
        {"frequency_penalty", &chat->frequency_penalty},
    };

    if (chat->ask->max_tokens)
        json_number(json_key(o, "max_tokens"), chat->ask->max_tokens);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (numbers[i].value->given)
            json_double(json_key(o, numbers[i].name), numbers[i].value->value);
    if (!chat->stop_count)
        return;
    json_open(json_key(o, "stop"), '[');
    for (size_t i = 0; i < chat->stop_count; i++)
        json_text(o, chat->stops[i]);
    json_close(o, ']');
}

static int put_thinking(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                        struct arena *arena)
{
    if (!chat->effort.len)
        return 0;
    if (!shape->can_think)
        return chat_drop(chat, arena, STR("reasoning_effort"));
    json_text(json_key(o, "reasoning_effort"), chat->effort);
    return o->error;
}
