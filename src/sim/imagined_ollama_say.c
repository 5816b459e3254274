/* SPDX-License-Identifier: Apache-2.0 */
/* How an Ollama says what it says in its own API: lines of JSON, or one object at the end. */
#include "net/clock.h"
#include "sim/faces.h"

static void chat_piece(struct guest *g, bool is_thinking, struct str text);
static void chat_end(struct guest *g);
static void chat_whole(struct guest *g);
static void generate_piece(struct guest *g, bool is_thinking, struct str text);
static void generate_end(struct guest *g);
static void generate_whole(struct guest *g);
static void load_end(struct guest *g);
static void embed_end(struct guest *g);
static void embeddings_end(struct guest *g);
static void line_open(struct guest *g, struct json_out *o);
static void line_send(struct guest *g, struct json_out *o);
static void put_message(struct guest *g, struct json_out *o, struct str thinking, struct str text,
                        bool with_call);
static void put_end(struct guest *g, struct json_out *o);
static void put_counts(struct guest *g, struct json_out *o);
static void put_nonzero(struct json_out *o, const char *key, uint64_t value);

const struct speech speech_chat_stream = {.piece = chat_piece, .end = chat_end};
const struct speech speech_chat_plain = {.end = chat_whole};
const struct speech speech_generate_stream = {.piece = generate_piece, .end = generate_end};
const struct speech speech_generate_plain = {.end = generate_whole};
const struct speech speech_load_only = {.end = load_end};
const struct speech speech_embed = {.end = embed_end};
const struct speech speech_embeddings = {.end = embeddings_end};

/* Nothing was said: "load" or "unload" was all. */
void face_loaded(struct guest *g, const char *reason)
{
    struct json_out o;

    line_open(g, &o);
    if (g->asked.is_prompt)
        json_text(json_key(&o, "response"), STR(""));
    else
        put_message(g, &o, STR(""), STR(""), false);
    json_bool(json_key(&o, "done"), true);
    json_text(json_key(&o, "done_reason"), str_from(reason));
    json_close(&o, '}');
    face_answer(g, &o);
}

void face_vector(struct json_out *o, const struct guest *g, struct str text)
{
    uint32_t count = guest_dimensions(g);
    float vector[DIMENSIONS_MAX];

    guest_vector(g, text, vector, count);
    json_open(o, '[');
    for (uint32_t i = 0; i < count; i++)
        json_double(o, (double)vector[i]);
    json_close(o, ']');
}

static void chat_piece(struct guest *g, bool is_thinking, struct str text)
{
    struct json_out o = {.out = &g->out};

    line_open(g, &o);
    put_message(g, &o, is_thinking ? text : STR(""), is_thinking ? STR("") : text, false);
    json_bool(json_key(&o, "done"), false);
    line_send(g, &o);
}

static void chat_end(struct guest *g)
{
    struct json_out o = {.out = &g->out};

    if (g->finish == SAID_call) {
        line_open(g, &o);
        put_message(g, &o, STR(""), STR(""), true);
        json_bool(json_key(&o, "done"), false);
        line_send(g, &o);
    }
    line_open(g, &o);
    put_message(g, &o, STR(""), STR(""), false);
    put_end(g, &o);
    line_send(g, &o);
    guest_end(g, true);
}

static void chat_whole(struct guest *g)
{
    struct json_out o = {.out = &g->out};
    struct str thinking, text;

    guest_said(g, &thinking, &text);
    line_open(g, &o);
    put_message(g, &o, thinking, text, true);
    put_end(g, &o);
    json_close(&o, '}');
    face_answer(g, &o);
}

static void generate_piece(struct guest *g, bool is_thinking, struct str text)
{
    struct json_out o = {.out = &g->out};

    line_open(g, &o);
    json_text(json_key(&o, "response"), is_thinking ? STR("") : text);
    if (is_thinking)
        json_text(json_key(&o, "thinking"), text);
    json_bool(json_key(&o, "done"), false);
    line_send(g, &o);
}

static void generate_end(struct guest *g)
{
    struct json_out o = {.out = &g->out};

    line_open(g, &o);
    json_text(json_key(&o, "response"), STR(""));
    put_end(g, &o);
    line_send(g, &o);
    guest_end(g, true);
}

static void generate_whole(struct guest *g)
{
    struct json_out o = {.out = &g->out};
    struct str thinking, text;

    guest_said(g, &thinking, &text);
    line_open(g, &o);
    json_text(json_key(&o, "response"), text);
    if (thinking.len)
        json_text(json_key(&o, "thinking"), thinking);
    put_end(g, &o);
    json_close(&o, '}');
    face_answer(g, &o);
}

static void load_end(struct guest *g)
{
    face_loaded(g, "load");
}

static void embed_end(struct guest *g)
{
    const struct visit *v = &g->visit;
    struct json_out o = {.out = &g->out};

    json_open(&o, '{');
    json_text(json_key(&o, "model"), str_from(g->model));
    json_open(json_key(&o, "embeddings"), '[');
    for (size_t i = 0; i < g->asked.input_count; i++)
        face_vector(&o, g, g->asked.inputs[i]);
    json_close(&o, ']');
    if (g->asked.input_count) {
        put_nonzero(&o, "total_duration", guest_ns(v->end_ms - v->start_ms));
        put_nonzero(&o, "load_duration", guest_ns(v->ready_ms - v->start_ms));
        put_nonzero(&o, "prompt_eval_count", v->prompt_tokens);
    }
    json_close(&o, '}');
    face_answer(g, &o);
}

static void embeddings_end(struct guest *g)
{
    struct json_out o = {.out = &g->out};

    json_open(&o, '{');
    json_key(&o, "embedding");
    if (g->asked.input_count)
        face_vector(&o, g, g->asked.inputs[0]);
    else
        json_raw(&o, STR("[]"));
    json_close(&o, '}');
    face_answer(g, &o);
}

static void line_open(struct guest *g, struct json_out *o)
{
    char at[48];

    guest_write_time(at, clock_wall_us());
    *o = (struct json_out){.out = &g->out};
    json_open(o, '{');
    json_text(json_key(o, "model"), str_from(g->model));
    json_text(json_key(o, "created_at"), str_from(at));
}

static void line_send(struct guest *g, struct json_out *o)
{
    json_close(o, '}');
    if (!g->has_begun)
        guest_start(g, "application/x-ndjson");
    if (o->error < 0 || buf_put_char(&g->out, '\n') < 0)
        guest_end(g, false);
    else
        guest_send(g);
}

static void put_message(struct guest *g, struct json_out *o, struct str thinking, struct str text,
                        bool with_call)
{
    json_open(json_key(o, "message"), '{');
    json_text(json_key(o, "role"), STR("assistant"));
    json_text(json_key(o, "content"), text);
    if (thinking.len)
        json_text(json_key(o, "thinking"), thinking);
    if (with_call && g->finish == SAID_call) {
        json_open(json_key(o, "tool_calls"), '[');
        json_open(o, '{');
        guest_draw_id(g, "call_", 8);
        json_text(json_key(o, "id"), str_from(g->id));
        json_open(json_key(o, "function"), '{');
        json_number(json_key(o, "index"), 0);
        json_text(json_key(o, "name"), g->answer.call_name);
        json_raw(json_key(o, "arguments"), g->answer.call_arguments);
        json_close(o, '}');
        json_close(o, '}');
        json_close(o, ']');
    }
    json_close(o, '}');
}

/* A call ends as "stop": Ollama has no other word for it. */
static void put_end(struct guest *g, struct json_out *o)
{
    json_bool(json_key(o, "done"), true);
    json_text(json_key(o, "done_reason"), str_from(g->finish == SAID_length ? "length" : "stop"));
    put_counts(g, o);
}

static void put_counts(struct guest *g, struct json_out *o)
{
    const struct visit *v = &g->visit;

    put_nonzero(o, "total_duration", guest_ns(v->end_ms - v->start_ms));
    put_nonzero(o, "load_duration", guest_ns(v->ready_ms - v->start_ms));
    put_nonzero(o, "prompt_eval_count", v->prompt_tokens);
    put_nonzero(o, "prompt_eval_duration", guest_ns(v->first_ms - v->slot_ms));
    put_nonzero(o, "eval_count", v->tokens_done);
    put_nonzero(o, "eval_duration", guest_ns(v->end_ms - v->first_ms));
}

/* As Go leaves out what is zero. */
static void put_nonzero(struct json_out *o, const char *key, uint64_t value)
{
    if (value)
        json_number(json_key(o, key), value);
}
