/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's words for chat, completions and embeddings, as Ollama, llama-server and others write
 * them: the same fields in another order, with other things added. */
#include <stdio.h>

#include "net/clock.h"
#include "sim/faces.h"
#include "wire/base64.h"

static void chat_piece(struct guest *g, bool is_thinking, struct str text);
static void chat_end(struct guest *g);
static void chat_whole(struct guest *g);
static void text_piece(struct guest *g, bool is_thinking, struct str text);
static void text_end(struct guest *g);
static void text_whole(struct guest *g);
static void embed_end(struct guest *g);
static void event_open(struct guest *g, struct json_out *o, const char *object);
static void event_close(struct guest *g, struct json_out *o, const char *object, unsigned with);
static void object_open(struct guest *g, struct json_out *o, const char *object);
static void object_close(struct guest *g, struct json_out *o, const char *object, unsigned with);
static void put_name(const struct guest *g, struct json_out *o, const char *object);
static void put_llama_name(const struct guest *g, struct json_out *o, const char *object,
                           bool with_id);
static void choice_open(const struct guest *g, struct json_out *o, const char *finish);
static void choice_close(const struct guest *g, struct json_out *o, const char *finish);
static void put_finish(struct json_out *o, const char *finish);
static void send_role(struct guest *g);
static void send_calls(struct guest *g);
static void call_event(struct guest *g, bool is_first, struct str arguments);
static void put_call(struct guest *g, struct json_out *o, bool is_first, struct str arguments);
static void put_text_choice(const struct guest *g, struct json_out *o, struct str text,
                            const char *finish);
static void put_usage(const struct guest *g, struct json_out *o, bool is_zero);
static void put_timings(const struct guest *g, struct json_out *o);
static void put_rate(struct json_out *o, const char *of, uint32_t count, double ms, uint32_t steps);
static struct str with_prefix(struct guest *g, struct str text);
static void put_embedding(struct guest *g, struct json_out *o, size_t index);
static void send_done(struct guest *g);
static void answer_v1(struct guest *g, const struct json_out *o);

enum { WITH_usage = 1, WITH_no_usage = 2, WITH_timings = 4 };

#define CHUNK "chat.completion.chunk"

const struct speech speech_v1_stream = {.piece = chat_piece, .end = chat_end};
const struct speech speech_v1_plain = {.end = chat_whole};
const struct speech speech_v1_text_stream = {.piece = text_piece, .end = text_end};
const struct speech speech_v1_text_plain = {.end = text_whole};
const struct speech speech_v1_embed = {.end = embed_end};

void face_v1_begin(struct guest *g, const char *id_prefix, enum v1_style style)
{
    g->style = style;
    if (style == V1_ollama)
        snprintf(g->id, sizeof g->id, "%s%d", id_prefix,
                 (int)(asked_mix(++g->engine->machine->im->drawn, STR("id")) % 999));
    else
        guest_draw_id(g, id_prefix, 32);
}

/* In the middle of a stream there are no words for it: the connection ends too early. */
void face_v1_failed(struct guest *g, int status, const char *words)
{
    struct json_out o = {.out = &g->out};

    json_open(&o, '{');
    json_open(json_key(&o, "error"), '{');
    json_text(json_key(&o, "message"), str_from(words));
    json_text(json_key(&o, "type"), status == 400   ? STR("invalid_request_error")
                                    : status == 404 ? STR("not_found_error")
                                                    : STR("api_error"));
    json_raw(json_key(&o, "param"), STR("null"));
    json_raw(json_key(&o, "code"), STR("null"));
    json_close(&o, '}');
    json_close(&o, '}');
    if (g->has_begun || buf_put_char(&g->out, '\n') < 0)
        guest_end(g, false);
    else
        guest_answer(g, status, "application/json");
}

static void chat_piece(struct guest *g, bool is_thinking, struct str text)
{
    const char *thinking = g->style == V1_llama ? "reasoning_content" : "reasoning";
    struct json_out o;

    if (g->style == V1_llama)
        send_role(g);
    event_open(g, &o, CHUNK);
    choice_open(g, &o, NULL);
    json_open(json_key(&o, "delta"), '{');
    if (!g->role_told)
        json_text(json_key(&o, "role"), STR("assistant"));
    if (is_thinking && g->style != V1_llama)
        json_text(json_key(&o, "content"), STR(""));
    json_text(json_key(&o, is_thinking ? thinking : "content"), text);
    json_close(&o, '}');
    choice_close(g, &o, NULL);
    event_close(g, &o, CHUNK, 0);
    g->role_told = true;
    guest_send(g);
}

static void chat_end(struct guest *g)
{
    unsigned timings = g->style == V1_llama ? WITH_timings : 0;
    const char *finish = finish_name(g->finish);
    struct json_out o;

    send_role(g);
    if (g->finish == SAID_call)
        send_calls(g);
    event_open(g, &o, CHUNK);
    choice_open(g, &o, finish);
    json_raw(json_key(&o, "delta"), STR("{}"));
    choice_close(g, &o, finish);
    event_close(g, &o, CHUNK, g->asked.include_usage ? 0 : timings);
    if (g->asked.include_usage) {
        event_open(g, &o, CHUNK);
        event_close(g, &o, CHUNK, WITH_usage | timings);
    }
    guest_send(g);
    send_done(g);
}

static void chat_whole(struct guest *g)
{
    const char *thinking_key = g->style == V1_llama ? "reasoning_content" : "reasoning";
    const char *finish = finish_name(g->finish);
    struct json_out o = {.out = &g->out};
    struct str thinking, text;

    guest_said(g, &thinking, &text);
    object_open(g, &o, "chat.completion");
    choice_open(g, &o, finish);
    json_open(json_key(&o, "message"), '{');
    json_text(json_key(&o, "role"), STR("assistant"));
    json_text(json_key(&o, "content"), with_prefix(g, text));
    if (thinking.len)
        json_text(json_key(&o, thinking_key), thinking);
    if (g->finish == SAID_call)
        put_call(g, &o, true, g->answer.call_arguments);
    json_close(&o, '}');
    choice_close(g, &o, finish);
    object_close(g, &o, "chat.completion", WITH_usage | WITH_timings);
    answer_v1(g, &o);
}

static void text_piece(struct guest *g, bool is_thinking, struct str text)
{
    struct json_out o;

    event_open(g, &o, "text_completion");
    put_text_choice(g, &o, is_thinking ? STR("") : text, NULL);
    event_close(g, &o, "text_completion",
                g->style == V1_ollama && g->asked.include_usage ? WITH_no_usage : 0);
    guest_send(g);
}

static void text_end(struct guest *g)
{
    bool own_usage = g->style != V1_llama && g->asked.include_usage;
    struct json_out o;

    event_open(g, &o, "text_completion");
    put_text_choice(g, &o, STR(""), finish_name(g->finish));
    event_close(g, &o, "text_completion",
                g->style == V1_llama ? WITH_usage | WITH_timings
                : own_usage          ? WITH_no_usage
                                     : 0);
    if (own_usage) {
        event_open(g, &o, "text_completion");
        event_close(g, &o, "text_completion", WITH_usage);
    }
    guest_send(g);
    send_done(g);
}

static void text_whole(struct guest *g)
{
    struct json_out o = {.out = &g->out};
    struct str thinking, text;

    guest_said(g, &thinking, &text);
    object_open(g, &o, "text_completion");
    put_text_choice(g, &o, text, finish_name(g->finish));
    object_close(g, &o, "text_completion", WITH_usage | WITH_timings);
    answer_v1(g, &o);
}

static void embed_end(struct guest *g)
{
    struct json_out o = {.out = &g->out};

    json_open(&o, '{');
    json_text(json_key(&o, "model"), str_from(g->model));
    json_text(json_key(&o, "object"), STR("list"));
    json_open(json_key(&o, "usage"), '{');
    json_number(json_key(&o, "prompt_tokens"), g->visit.prompt_tokens);
    json_number(json_key(&o, "total_tokens"), g->visit.prompt_tokens);
    json_close(&o, '}');
    json_open(json_key(&o, "data"), '[');
    for (size_t i = 0; i < g->asked.input_count; i++)
        put_embedding(g, &o, i);
    json_close(&o, ']');
    json_close(&o, '}');
    answer_v1(g, &o);
}

static void event_open(struct guest *g, struct json_out *o, const char *object)
{
    *o = (struct json_out){.out = &g->out};
    o->error = buf_put(&g->out, STR("data: "));
    object_open(g, o, object);
}

static void event_close(struct guest *g, struct json_out *o, const char *object, unsigned with)
{
    object_close(g, o, object, with);
    if (!g->has_begun)
        guest_start(g, "text/event-stream");
    if ((o->error < 0 || buf_put(&g->out, STR("\n\n")) < 0) && !g->is_over)
        guest_end(g, false);
}

/* Up to and into the list of choices. */
static void object_open(struct guest *g, struct json_out *o, const char *object)
{
    json_open(o, '{');
    if (g->style != V1_llama)
        put_name(g, o, object);
    json_open(json_key(o, "choices"), '[');
}

static void object_close(struct guest *g, struct json_out *o, const char *object, unsigned with)
{
    bool is_llama = g->style == V1_llama, id_first = strcmp(object, CHUNK) == 0;

    json_close(o, ']');
    if (is_llama)
        put_llama_name(g, o, object, id_first);
    if (with & (WITH_usage | WITH_no_usage))
        put_usage(g, o, with & WITH_no_usage);
    if (is_llama && !id_first)
        json_text(json_key(o, "id"), str_from(g->id));
    if (is_llama && with & WITH_timings)
        put_timings(g, o);
    json_close(o, '}');
}

static void put_name(const struct guest *g, struct json_out *o, const char *object)
{
    json_text(json_key(o, "id"), str_from(g->id));
    json_text(json_key(o, "object"), str_from(object));
    json_number(json_key(o, "created"), (uint64_t)(g->came_us / 1000000));
    json_text(json_key(o, "model"), str_from(g->model));
    json_text(json_key(o, "system_fingerprint"),
              g->style == V1_ollama ? STR("fp_ollama") : STR("fp_imagined"));
}

static void put_llama_name(const struct guest *g, struct json_out *o, const char *object,
                           bool with_id)
{
    json_number(json_key(o, "created"), (uint64_t)(g->came_us / 1000000));
    if (with_id)
        json_text(json_key(o, "id"), str_from(g->id));
    json_text(json_key(o, "model"), str_from(g->model));
    json_text(json_key(o, "system_fingerprint"), STR("b11669-imagined"));
    json_text(json_key(o, "object"), str_from(object));
}

static void choice_open(const struct guest *g, struct json_out *o, const char *finish)
{
    json_open(o, '{');
    if (g->style == V1_llama)
        put_finish(o, finish);
    json_number(json_key(o, "index"), 0);
}

static void choice_close(const struct guest *g, struct json_out *o, const char *finish)
{
    if (g->style != V1_llama)
        put_finish(o, finish);
    json_close(o, '}');
}

static void put_finish(struct json_out *o, const char *finish)
{
    json_key(o, "finish_reason");
    if (finish)
        json_text(o, str_from(finish));
    else
        json_raw(o, STR("null"));
}

/* llama-server says who speaks before anything else; so does Ollama where nothing else is said. */
static void send_role(struct guest *g)
{
    struct json_out o;

    if (g->role_told)
        return;
    event_open(g, &o, CHUNK);
    choice_open(g, &o, NULL);
    json_open(json_key(&o, "delta"), '{');
    json_text(json_key(&o, "role"), STR("assistant"));
    json_key(&o, "content");
    json_raw(&o, g->style == V1_llama ? STR("null") : STR("\"\""));
    json_close(&o, '}');
    choice_close(g, &o, NULL);
    event_close(g, &o, CHUNK, 0);
    g->role_told = true;
}

/* Ollama says a call whole; llama-server its name, then its arguments piece by piece. */
static void send_calls(struct guest *g)
{
    struct str arguments = g->answer.call_arguments, piece;

    if (g->style == V1_ollama) {
        call_event(g, true, arguments);
        return;
    }
    call_event(g, true, STR(""));
    for (size_t at = 0; words_token(arguments, &at, &piece);)
        call_event(g, false, piece);
}

static void call_event(struct guest *g, bool is_first, struct str arguments)
{
    struct json_out o;

    event_open(g, &o, CHUNK);
    choice_open(g, &o, NULL);
    json_open(json_key(&o, "delta"), '{');
    if (g->style == V1_ollama)
        json_text(json_key(&o, "content"), STR(""));
    put_call(g, &o, is_first, arguments);
    json_close(&o, '}');
    choice_close(g, &o, NULL);
    event_close(g, &o, CHUNK, 0);
    guest_send(g);
}

static void put_call(struct guest *g, struct json_out *o, bool is_first, struct str arguments)
{
    char id[64];

    json_open(json_key(o, "tool_calls"), '[');
    json_open(o, '{');
    json_number(json_key(o, "index"), 0);
    if (is_first) {
        snprintf(id, sizeof id, "call_%08x", (unsigned)g->answer.chain);
        json_text(json_key(o, "id"), str_from(id));
        json_text(json_key(o, "type"), STR("function"));
    }
    json_open(json_key(o, "function"), '{');
    if (is_first)
        json_text(json_key(o, "name"), g->answer.call_name);
    json_text(json_key(o, "arguments"), arguments);
    json_close(o, '}');
    json_close(o, '}');
    json_close(o, ']');
}

static void put_text_choice(const struct guest *g, struct json_out *o, struct str text,
                            const char *finish)
{
    json_open(o, '{');
    json_text(json_key(o, "text"), text);
    json_number(json_key(o, "index"), 0);
    if (g->style != V1_ollama)
        json_raw(json_key(o, "logprobs"), STR("null"));
    put_finish(o, finish);
    json_close(o, '}');
}

static void put_usage(const struct guest *g, struct json_out *o, bool is_zero)
{
    uint32_t prompt = is_zero ? 0 : g->visit.prompt_tokens;
    uint32_t answer = is_zero ? 0 : g->visit.tokens_done;

    json_open(json_key(o, "usage"), '{');
    if (g->style == V1_llama)
        json_number(json_key(o, "completion_tokens"), answer);
    json_number(json_key(o, "prompt_tokens"), prompt);
    if (g->style != V1_llama)
        json_number(json_key(o, "completion_tokens"), answer);
    json_number(json_key(o, "total_tokens"), prompt + answer);
    if (g->style == V1_llama) {
        json_open(json_key(o, "prompt_tokens_details"), '{');
        json_number(json_key(o, "cached_tokens"), g->visit.cached_tokens);
        json_close(o, '}');
    }
    json_close(o, '}');
}

static void put_timings(const struct guest *g, struct json_out *o)
{
    const struct visit *v = &g->visit;
    uint32_t evaluated = v->prompt_tokens - v->cached_tokens;

    json_open(json_key(o, "timings"), '{');
    json_number(json_key(o, "cache_n"), v->cached_tokens);
    put_rate(o, "prompt", evaluated, v->first_ms - v->slot_ms, evaluated);
    put_rate(o, "predicted", v->tokens_done, v->end_ms - v->first_ms,
             v->tokens_done ? v->tokens_done - 1 : 0);
    json_close(o, '}');
}

/* The first token comes with the prompt: of n tokens, n - 1 took time of their own. */
static void put_rate(struct json_out *o, const char *of, uint32_t count, double ms, uint32_t steps)
{
    char key[64];

    snprintf(key, sizeof key, "%s_n", of);
    json_number(json_key(o, key), count);
    snprintf(key, sizeof key, "%s_ms", of);
    json_double(json_key(o, key), ms);
    snprintf(key, sizeof key, "%s_per_token_ms", of);
    json_double(json_key(o, key), steps ? ms / steps : 0);
    snprintf(key, sizeof key, "%s_per_second", of);
    json_double(json_key(o, key), ms > 0 ? 1e3 * steps / ms : 0);
}

/* llama-server's whole answer (but not its stream) repeats the beginning that it was given. */
static struct str with_prefix(struct guest *g, struct str text)
{
    const struct asked *asked = &g->asked;
    const struct asked_message *last = &asked->messages[asked->message_count - 1];
    char *whole;

    if (g->style != V1_llama || asked->message_count == 0 || !str_is(last->role, "assistant"))
        return text;
    whole = arena_printf(&g->arena, "%.*s%.*s", STR_ARG(last->text), STR_ARG(text));
    return whole ? str_from(whole) : text;
}

static void put_embedding(struct guest *g, struct json_out *o, size_t index)
{
    uint32_t count = guest_dimensions(g);
    float vector[DIMENSIONS_MAX];

    json_open(o, '{');
    json_key(o, "embedding");
    if (g->asked.base64) {
        struct buf text;

        buf_init(&text, 8 * sizeof vector);
        guest_vector(g, g->asked.inputs[index], vector, count);
        o->error = base64_put(&text, str_slice((const char *)vector, count * sizeof vector[0]));
        json_text(o, buf_str(&text));
        buf_fini(&text);
    } else {
        face_vector(o, g, g->asked.inputs[index]);
    }
    json_number(json_key(o, "index"), index);
    json_text(json_key(o, "object"), STR("embedding"));
    if (g->asked.base64 && g->style == V1_llama)
        json_text(json_key(o, "encoding_format"), STR("base64"));
    json_close(o, '}');
}

static void send_done(struct guest *g)
{
    if (g->is_over)
        return;
    if (buf_put(&g->out, STR("data: [DONE]\n\n")) == 0)
        guest_send(g);
    guest_end(g, true);
}

static void answer_v1(struct guest *g, const struct json_out *o)
{
    const char *type =
        g->style == V1_llama ? "application/json; charset=utf-8" : "application/json";

    if (o->error < 0 || (g->style == V1_ollama && buf_put_char(&g->out, '\n') < 0))
        guest_end(g, false);
    else
        guest_answer(g, 200, type);
}
