/* SPDX-License-Identifier: Apache-2.0 */
/* A request to an engine that speaks OpenAI's dialect, from what was asked in another one. */
#include <errno.h>

#include "dialect/openai.h"
#include "dialect/put.h"

static void put_tools(struct json_out *o, const struct chat *chat);
static void put_tool_choice(struct json_out *o, const struct chat *chat);
static void put_format(struct json_out *o, const struct chat *chat);
static void put_sampling(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                         struct arena *arena);
static void put_account(struct json_out *o, const struct chat *chat);
static int put_thinking(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                        struct arena *arena);
static void put_no_thinking(struct json_out *o);

int openai_write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err)
{
    struct json_out o = {.out = out};
    enum task task = chat->task;
    int r;

    json_open(&o, '{');
    json_text(json_key(&o, "model"), shape->model);
    if (task == TASK_embed) {
        put_inputs(&o, chat);
        /* Whatever the caller wants: every engine can, and the writer makes base64 of them. */
        json_text(json_key(&o, "encoding_format"), STR("float"));
        json_close(&o, '}');
        return o.error;
    }
    if (task != TASK_chat)
        put_prompt(&o, chat);
    else if ((r = openai_put_turns(&o, chat, shape, arena, err)) < 0)
        return r;
    if (chat->tool_count && chat->tool_choice != CHOICE_none)
        put_tools(&o, chat);
    put_format(&o, chat);
    put_sampling(&o, chat, shape, arena);
    put_account(&o, chat);
    if (!o.error)
        o.error = put_thinking(&o, chat, shape, arena);
    if (chat->goes_on)
        put_no_thinking(&o);
    json_bool(json_key(&o, "stream"), stream);
    if (stream) {
        json_open(json_key(&o, "stream_options"), '{');
        json_bool(json_key(&o, "include_usage"), true);
        json_close(&o, '}');
    }
    json_close(&o, '}');
    return o.error;
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
        if (chat->tools[i].strict)
            json_bool(json_key(o, "strict"), true);
        json_close(o, '}');
        json_close(o, '}');
    }
    json_close(o, ']');
    if (chat->one_call)
        json_bool(json_key(o, "parallel_tool_calls"), false);
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

static void put_sampling(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                         struct arena *arena)
{
    const struct named_number numbers[] = {
        {"temperature", &chat->temperature},
        {"top_p", &chat->top_p},
        {"seed", &chat->seed},
        {"presence_penalty", &chat->presence_penalty},
        {"frequency_penalty", &chat->frequency_penalty},
    };

    if (chat->ask->max_tokens)
        json_number(json_key(o, shape->is_strict ? "max_completion_tokens" : "max_tokens"),
                    chat->ask->max_tokens);
    /* Not OpenAI's own, but llama-server, vLLM and others take it. */
    if (chat->top_k.given && !shape->is_strict)
        json_double(json_key(o, "top_k"), chat->top_k.value);
    else if (chat->top_k.given && !o->error)
        o->error = chat_lose(chat, arena, STR("top_k"));
    put_numbers(o, numbers, COUNT_OF(numbers));
    if (chat->stop_count)
        put_texts(json_key(o, "stop"), chat->stops, chat->stop_count);
}

static void put_account(struct json_out *o, const struct chat *chat)
{
    if (chat->user.len)
        json_text(json_key(o, "user"), chat->user);
    if (str_is(chat->service_tier, "standard_only")) /* Anthropic's word for it */
        json_text(json_key(o, "service_tier"), STR("default"));
    else if (chat->service_tier.len)
        json_text(json_key(o, "service_tier"), chat->service_tier);
}

static int put_thinking(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                        struct arena *arena)
{
    if (!chat->effort.len || chat->goes_on)
        return 0;
    if (!shape->can_think)
        return chat_lose(chat, arena, STR("reasoning_effort"));
    json_text(json_key(o, "reasoning_effort"), chat->effort);
    return o->error;
}

/* A llama-server goes on with no answer of a model that is to think first. */
static void put_no_thinking(struct json_out *o)
{
    json_open(json_key(o, "chat_template_kwargs"), '{');
    json_bool(json_key(o, "enable_thinking"), false);
    json_close(o, '}');
}
