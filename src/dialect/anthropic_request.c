/* SPDX-License-Identifier: Apache-2.0 */
/* A request to an engine or provider that speaks Anthropic's dialect, from what was asked in
 * another one. */
#include <errno.h>

#include "dialect/anthropic.h"
#include "wire/json_out.h"

/* max_tokens is required: what is asked for when the caller leaves it open; and the least that
 * can be thought. */
enum { OUTPUT_TOKENS = 8192, THOUGHT_TOKENS_MIN = 1024 };

/* What is worked out before anything is written. */
struct output {
    uint32_t max_tokens;
    uint32_t thinking_tokens; /* 0: no thinking, or as the effort says */
    bool thinks;
};

static int check(const struct chat *chat, struct err *err);
static int plan_output(struct output *ret, struct chat *chat, const struct copy_shape *shape,
                       struct arena *arena);
static int plan_thinking(struct output *p, struct chat *chat, const struct copy_shape *shape,
                         struct arena *arena);
static bool has_unthought_calls(const struct chat *chat);
static int drop_lost(struct chat *chat, struct arena *arena);
static void put_tools(struct json_out *o, const struct chat *chat);
static void put_tool_choice(struct json_out *o, const struct chat *chat);
static void put_thinking(struct json_out *o, const struct chat *chat, const struct output *p,
                         const struct copy_shape *shape);
static void put_sampling(struct json_out *o, struct chat *chat, const struct output *p,
                         struct arena *arena);
static void put_number(struct json_out *o, struct chat *chat, struct arena *arena, const char *name,
                       struct maybe value, bool is_allowed);
static void put_stops(struct json_out *o, struct chat *chat, struct arena *arena);
static bool is_blank(struct str text);
static void put_account(struct json_out *o, struct chat *chat, struct arena *arena);

int anthropic_write_request(struct buf *out, struct chat *chat, const struct copy_shape *shape,
                            bool stream, struct arena *arena, struct err *err)
{
    struct json_out o = {.out = out};
    struct output p = {0};
    int r = check(chat, err);

    if (r == 0)
        r = plan_output(&p, chat, shape, arena);
    if (r == 0)
        r = drop_lost(chat, arena);
    if (r < 0)
        return r;
    json_open(&o, '{');
    json_text(json_key(&o, "model"), shape->model);
    if (chat->task == TASK_chat)
        json_number(json_key(&o, "max_tokens"), p.max_tokens);
    if ((r = anthropic_put_turns(&o, chat, shape, arena, err)) < 0)
        return r;
    if (chat->tool_count)
        put_tools(&o, chat);
    put_thinking(&o, chat, &p, shape);
    put_sampling(&o, chat, &p, arena);
    put_stops(&o, chat, arena);
    put_account(&o, chat, arena);
    if (chat->task == TASK_chat)
        json_bool(json_key(&o, "stream"), stream);
    json_close(&o, '}');
    return o.error;
}

static int check(const struct chat *chat, struct err *err)
{
    if (chat->logprobs)
        return err_set(err, -ENOTSUP, "logprobs: they cannot be had from this engine");
    return 0;
}

static int plan_output(struct output *ret, struct chat *chat, const struct copy_shape *shape,
                       struct arena *arena)
{
    struct output p = {.max_tokens = chat->ask->max_tokens};
    int r = plan_thinking(&p, chat, shape, arena);

    if (!p.max_tokens)
        p.max_tokens = OUTPUT_TOKENS + p.thinking_tokens;
    if (shape->max_output && p.max_tokens > shape->max_output)
        p.max_tokens = shape->max_output;
    *ret = p;
    return r;
}

/* Anthropic refuses to think before a tool that it is made to call, and wants its own thought,
 * which nobody else keeps, before calls that were made already. */
static int plan_thinking(struct output *p, struct chat *chat, const struct copy_shape *shape,
                         struct arena *arena)
{
    uint32_t budget = chat_thinking_tokens(chat);
    uint32_t most =
        shape->max_output && shape->max_output < UINT32_MAX ? shape->max_output : UINT32_MAX;

    if (chat->ask->max_tokens && chat->ask->max_tokens < most)
        most = chat->ask->max_tokens;
    if (!chat->effort.len || str_is(chat->effort, "none"))
        return 0;
    if (budget >= most)
        budget = most / 2;
    if (!shape->can_think || budget < THOUGHT_TOKENS_MIN || chat->tool_choice == CHOICE_required ||
        chat->tool_choice == CHOICE_named || has_unthought_calls(chat))
        return chat_lose(chat, arena, STR("reasoning_effort"));
    p->thinks = true;
    p->thinking_tokens = shape->can_grade ? 0 : budget;
    return 0;
}

/* Is the conversation in the middle of a turn: are the last calls' results what was said last? */
static bool has_unthought_calls(const struct chat *chat)
{
    return chat->message_count && chat->messages[chat->message_count - 1].role == ROLE_tool;
}

/* What Anthropic's dialect has no place for. */
static int drop_lost(struct chat *chat, struct arena *arena)
{
    const struct loss lost[] = {
        {chat->seed.given, STR("seed")},
        {chat->presence_penalty.given, STR("presence_penalty")},
        {chat->frequency_penalty.given, STR("frequency_penalty")},
    };

    return chat_lose_given(chat, arena, lost, COUNT_OF(lost));
}

/* With tool_choice none too: a history of calls is refused where no tools are named. */
static void put_tools(struct json_out *o, const struct chat *chat)
{
    json_open(json_key(o, "tools"), '[');
    for (size_t i = 0; i < chat->tool_count; i++) {
        const struct tool *tool = &chat->tools[i];

        json_open(o, '{');
        json_text(json_key(o, "name"), tool->name);
        if (tool->description.len)
            json_text(json_key(o, "description"), tool->description);
        json_key(o, "input_schema");
        if (tool->parameters)
            json_value(o, tool->parameters);
        else
            json_raw(o, STR("{\"type\":\"object\",\"properties\":{}}"));
        if (tool->strict)
            json_bool(json_key(o, "strict"), true);
        json_close(o, '}');
    }
    json_close(o, ']');
    put_tool_choice(o, chat);
}

static void put_tool_choice(struct json_out *o, const struct chat *chat)
{
    static const char *const types[] = {[CHOICE_auto] = "auto",
                                        [CHOICE_none] = "none",
                                        [CHOICE_required] = "any",
                                        [CHOICE_named] = "tool"};

    if (chat->tool_choice == CHOICE_auto && !chat->one_call)
        return;
    json_open(json_key(o, "tool_choice"), '{');
    json_text(json_key(o, "type"), str_from(types[chat->tool_choice]));
    if (chat->tool_choice == CHOICE_named)
        json_text(json_key(o, "name"), chat->tool_name);
    if (chat->one_call && chat->tool_choice != CHOICE_none)
        json_bool(json_key(o, "disable_parallel_tool_use"), true);
    json_close(o, '}');
}

/* A schema and an effort share a member. */
static void put_thinking(struct json_out *o, const struct chat *chat, const struct output *p,
                         const struct copy_shape *shape)
{
    bool has_effort = p->thinks && shape->can_grade;

    if (p->thinks) {
        json_open(json_key(o, "thinking"), '{');
        json_text(json_key(o, "type"), shape->can_grade ? STR("adaptive") : STR("enabled"));
        if (p->thinking_tokens)
            json_number(json_key(o, "budget_tokens"), p->thinking_tokens);
        json_close(o, '}');
    }
    if (!has_effort && chat->format != FORMAT_schema)
        return;
    json_open(json_key(o, "output_config"), '{');
    if (has_effort)
        json_text(json_key(o, "effort"),
                  str_is(chat->effort, "minimal") ? STR("low") : chat->effort);
    if (chat->format == FORMAT_schema) {
        json_open(json_key(o, "format"), '{');
        json_text(json_key(o, "type"), STR("json_schema"));
        json_value(json_key(o, "schema"), chat->schema);
        json_close(o, '}');
    }
    json_close(o, '}');
}

/* Temperatures end at 1 here. Beside it no top_p is taken, and beside thinking none of the three.
 */
static void put_sampling(struct json_out *o, struct chat *chat, const struct output *p,
                         struct arena *arena)
{
    struct maybe temperature = chat->temperature;

    if (temperature.given && temperature.value > 1) {
        temperature.value = 1;
        if (!o->error)
            o->error = chat_lose(chat, arena, STR("temperature"));
    }
    put_number(o, chat, arena, "temperature", temperature, !p->thinks);
    put_number(o, chat, arena, "top_p", chat->top_p, !p->thinks && !temperature.given);
    put_number(o, chat, arena, "top_k", chat->top_k, !p->thinks);
}

static void put_number(struct json_out *o, struct chat *chat, struct arena *arena, const char *name,
                       struct maybe value, bool is_allowed)
{
    if (!value.given)
        return;
    if (is_allowed)
        json_double(json_key(o, name), value.value);
    else if (!o->error)
        o->error = chat_lose(chat, arena, str_from(name));
}

/* A stop text of nothing but space is refused there. */
static void put_stops(struct json_out *o, struct chat *chat, struct arena *arena)
{
    bool has_any = false;

    for (size_t i = 0; i < chat->stop_count; i++) {
        if (is_blank(chat->stops[i])) {
            if (!o->error)
                o->error = chat_lose(chat, arena, STR("stop"));
            continue;
        }
        if (!has_any)
            json_open(json_key(o, "stop_sequences"), '[');
        json_text(o, chat->stops[i]);
        has_any = true;
    }
    if (has_any)
        json_close(o, ']');
}

static bool is_blank(struct str text)
{
    while (text.len && strchr(" \t\r\n", text.data[text.len - 1]))
        text.len--;
    return !text.len;
}

/* Who asks, and how dearly. */
static void put_account(struct json_out *o, struct chat *chat, struct arena *arena)
{
    if (chat->user.len) {
        json_open(json_key(o, "metadata"), '{');
        json_text(json_key(o, "user_id"), chat->user);
        json_close(o, '}');
    }
    if (str_is(chat->service_tier, "auto"))
        json_text(json_key(o, "service_tier"), STR("auto"));
    else if (str_is(chat->service_tier, "default") || str_is(chat->service_tier, "standard_only"))
        json_text(json_key(o, "service_tier"), STR("standard_only"));
    else if (chat->service_tier.len && !o->error)
        o->error = chat_lose(chat, arena, STR("service_tier"));
}
