/* SPDX-License-Identifier: Apache-2.0 */
/* A request to Gemini, from what was asked in another dialect. */
#include <errno.h>

#include "dialect/gemini.h"
#include "dialect/put.h"

enum { STOPS_MAX = 5 };

static int put_embeds(struct json_out *o, const struct chat *chat, const struct copy_shape *shape);
static int drop_lost(struct chat *chat, struct arena *arena);
static void put_tools(struct json_out *o, const struct chat *chat);
static void put_calling(struct json_out *o, const struct chat *chat);
static int put_config(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                      struct arena *arena);
static void put_sampling(struct json_out *o, const struct chat *chat);
static int put_stops(struct json_out *o, struct chat *chat, struct arena *arena);
static void put_format(struct json_out *o, const struct chat *chat);
static int put_thinking(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                        struct arena *arena);
static struct str level_of(struct str effort);

int gemini_write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                         bool stream, struct arena *arena, struct err *err)
{
    struct json_out o = {.out = out};
    int r = 0;

    (void)stream; /* the path says it */
    if (chat->logprobs)
        return err_set(err, -ENOTSUP, "logprobs: they cannot be had from this engine");
    json_open(&o, '{');
    if (chat->task == TASK_embed) {
        r = put_embeds(&o, chat, shape);
    } else {
        r = drop_lost(chat, arena);
        if (r == 0)
            r = gemini_put_turns(&o, chat, shape, arena, err);
    }
    if (r == 0 && chat->task == TASK_chat) {
        put_tools(&o, chat);
        r = put_config(&o, chat, shape, arena);
    }
    json_close(&o, '}');
    return r < 0 ? r : o.error;
}

static int put_embeds(struct json_out *o, const struct chat *chat, const struct copy_shape *shape)
{
    json_open(json_key(o, "requests"), '[');
    for (size_t i = 0; i < chat->input_count; i++) {
        json_open(o, '{');
        json_joined(json_key(o, "model"), STR("models/"), shape->model);
        json_open(json_key(o, "content"), '{');
        json_open(json_key(o, "parts"), '[');
        json_open(o, '{');
        json_text(json_key(o, "text"), chat->inputs[i]);
        json_close(o, '}');
        json_close(o, ']');
        json_close(o, '}');
        if (chat->dimensions)
            json_number(json_key(o, "outputDimensionality"), chat->dimensions);
        json_close(o, '}');
    }
    json_close(o, ']');
    return o->error;
}

/* What Gemini's dialect has no place for. */
static int drop_lost(struct chat *chat, struct arena *arena)
{
    const struct loss lost[] = {
        {chat->user.len > 0, STR("user")},
        {chat->service_tier.len > 0, STR("service_tier")},
        {chat->one_call, STR("parallel_tool_calls")},
    };

    return chat_lose_given(chat, arena, lost, COUNT_OF(lost));
}

static void put_tools(struct json_out *o, const struct chat *chat)
{
    if (!chat->tool_count)
        return;
    json_open(json_key(o, "tools"), '[');
    json_open(o, '{');
    json_open(json_key(o, "functionDeclarations"), '[');
    for (size_t i = 0; i < chat->tool_count; i++) {
        const struct tool *tool = &chat->tools[i];

        json_open(o, '{');
        json_text(json_key(o, "name"), tool->name);
        if (tool->description.len)
            json_text(json_key(o, "description"), tool->description);
        if (tool->parameters)
            json_value(json_key(o, "parametersJsonSchema"), tool->parameters);
        json_close(o, '}');
    }
    json_close(o, ']');
    json_close(o, '}');
    json_close(o, ']');
    put_calling(o, chat);
}

static void put_calling(struct json_out *o, const struct chat *chat)
{
    static const char *const modes[] = {[CHOICE_auto] = "AUTO",
                                        [CHOICE_none] = "NONE",
                                        [CHOICE_required] = "ANY",
                                        [CHOICE_named] = "ANY"};

    if (chat->tool_choice == CHOICE_auto)
        return;
    json_open(json_key(o, "toolConfig"), '{');
    json_open(json_key(o, "functionCallingConfig"), '{');
    json_text(json_key(o, "mode"), str_from(modes[chat->tool_choice]));
    if (chat->tool_choice == CHOICE_named) {
        json_open(json_key(o, "allowedFunctionNames"), '[');
        json_text(o, chat->tool_name);
        json_close(o, ']');
    }
    json_close(o, '}');
    json_close(o, '}');
}

static int put_config(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                      struct arena *arena)
{
    int r;

    json_open(json_key(o, "generationConfig"), '{');
    if (chat->ask->max_tokens)
        json_number(json_key(o, "maxOutputTokens"), chat->ask->max_tokens);
    put_sampling(o, chat);
    r = put_stops(o, chat, arena);
    put_format(o, chat);
    if (r == 0)
        r = put_thinking(o, chat, shape, arena);
    json_close(o, '}');
    return r;
}

static void put_sampling(struct json_out *o, const struct chat *chat)
{
    const struct named_number numbers[] = {
        {"temperature", &chat->temperature},
        {"topP", &chat->top_p},
        {"topK", &chat->top_k},
        {"seed", &chat->seed},
        {"presencePenalty", &chat->presence_penalty},
        {"frequencyPenalty", &chat->frequency_penalty},
    };

    put_numbers(o, numbers, COUNT_OF(numbers));
}

/* No more than five are taken. */
static int put_stops(struct json_out *o, struct chat *chat, struct arena *arena)
{
    if (!chat->stop_count)
        return 0;
    put_texts(json_key(o, "stopSequences"), chat->stops,
              chat->stop_count < STOPS_MAX ? chat->stop_count : STOPS_MAX);
    return chat->stop_count > STOPS_MAX ? chat_lose(chat, arena, STR("stop")) : 0;
}

static void put_format(struct json_out *o, const struct chat *chat)
{
    if (chat->format == FORMAT_text)
        return;
    json_text(json_key(o, "responseMimeType"), STR("application/json"));
    if (chat->format == FORMAT_schema)
        json_value(json_key(o, "responseJsonSchema"), chat->schema);
}

/* Some models take a level, others a number of tokens; the caller sees what was thought. */
static int put_thinking(struct json_out *o, struct chat *chat, const struct copy_shape *shape,
                        struct arena *arena)
{
    bool thinks = !str_is(chat->effort, "none");

    if (!chat->effort.len)
        return 0;
    if (!shape->can_think)
        return thinks ? chat_lose(chat, arena, STR("reasoning_effort")) : 0;
    json_open(json_key(o, "thinkingConfig"), '{');
    if (thinks)
        json_bool(json_key(o, "includeThoughts"), true);
    if (shape->can_grade)
        json_text(json_key(o, "thinkingLevel"), level_of(chat->effort));
    else
        json_number(json_key(o, "thinkingBudget"), chat_thinking_tokens(chat));
    json_close(o, '}');
    return o->error;
}

/* These models cannot be made not to think at all. */
static struct str level_of(struct str effort)
{
    if (str_is(effort, "none") || str_is(effort, "minimal"))
        return STR("minimal");
    if (str_is(effort, "xhigh") || str_is(effort, "max"))
        return STR("high");
    return effort;
}
