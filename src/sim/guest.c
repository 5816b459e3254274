/* SPDX-License-Identifier: Apache-2.0 */
/* A request at an imagined engine, from its first header to its last byte. */
#include "sim/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "net/clock.h"
#include "sim/instance.h"

static void on_request(void *ctx, struct stream *s, const struct request *r);
static void serve_exporter(struct guest *g);
static void on_body(struct stream *s, struct str chunk);
static void on_body_end(struct stream *s);
static void on_gone(struct stream *s, bool ok);
static void serve(struct guest *g);
static const struct route *find_route(const struct face *face, const struct guest *g,
                                      bool *ret_other_method);
static bool path_matches(const char *pattern, const char *path);
static void answer_garbage(struct guest *g);
static size_t write_headers(const struct guest *g, const char *content_type, bool streams,
                            struct header *out);
static void copy_text(char *out, size_t room, struct str s);
static void start_visit(struct guest *g, struct imagined_artifact *artifact,
                        const struct speech *speech);
static uint32_t count_answer(struct guest *g);
static void tell_pieces(struct guest *g);

enum { HEADERS_MAX = 8 };

static const struct route exporter_route = {METHOD_GET, IMAGINED_EXPORTER "/metrics",
                                            serve_exporter, ROUTE_survives};

/* What an imagined sensor shows: at rest, and so much more when something or everything works. */
static const double idle_c = 38, work_c = 16, full_c = 22;

const struct server_events guest_events = {
    .on_request = on_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_gone = on_gone,
};

void guest_on_visit(void *ctx, struct visit *v, enum visit_event what)
{
    struct guest *g = CONTAINER(v, struct guest, visit);

    (void)ctx;
    g->is_visiting = what == VISIT_EVENT_token;
    if (g->is_over)
        return;
    if (what != VISIT_EVENT_failed)
        tell_pieces(g);
    if (what == VISIT_EVENT_done)
        g->speech->end(g);
    else if (what == VISIT_EVENT_failed)
        g->engine->face->visit_failed(g, v->fail);
    else if (what == VISIT_EVENT_cut)
        guest_end(g, false);
}

/* The machine has gone, or comes back from where nobody remembers what was asked. */
void guest_cut_all(struct imagined_machine *m)
{
    LINK_EACH(&m->guests, at)
    {
        struct guest *g = CONTAINER(at, struct guest, link);

        if (!g->is_over)
            guest_end(g, false);
    }
}

bool guest_read(struct guest *g, enum asked_words words)
{
    struct err err;
    int r = json_read(&g->json, buf_str(&g->body), JSON_MEMORY(g->body.len), &err);

    if (r < 0) {
        g->engine->face->not_json(g, err.text);
        return false;
    }
    r = asked_read(&g->asked, g->json.root, words, &g->arena);
    copy_text(g->model, sizeof g->model, g->asked.model);
    if (r < 0)
        g->engine->face->failed(g, r == -EINVAL ? 400 : 500,
                                r == -EINVAL ? "invalid input type" : "out of memory");
    return r == 0;
}

void guest_tell(struct guest *g, struct imagined_artifact *artifact, const struct speech *speech)
{
    bool think = artifact_can(artifact, CAPABILITY_thinking) && g->asked.think != ASKED_think_off;
    uint32_t tokens;

    if (words_answer(&g->answer, &g->asked, artifact->facts->tag,
                     g->engine->machine->im->options.seed, think, &g->arena) < 0) {
        g->engine->face->failed(g, 500, "out of memory");
        return;
    }
    tokens = count_answer(g);
    g->finish = g->answer.call_name.data ? SAID_call : SAID_stop;
    if (g->asked.max_tokens >= 0 && tokens > g->asked.max_tokens) {
        tokens = g->asked.max_tokens ? (uint32_t)g->asked.max_tokens : 1;
        g->finish = SAID_length;
    }
    g->engine->answers++;
    g->visit.answer_tokens = tokens;
    g->visit.answer_chain = g->finish == SAID_length ? 0 : g->answer.chain;
    asked_pieces(&g->asked, &g->visit);
    start_visit(g, artifact, speech);
}

void guest_load(struct guest *g, struct imagined_artifact *artifact, const struct speech *speech)
{
    g->engine->changes++;
    g->visit.load_only = true;
    start_visit(g, artifact, speech);
}

void guest_embed(struct guest *g, struct imagined_artifact *artifact, const struct speech *speech)
{
    uint32_t tokens = 0;

    for (size_t i = 0; i < g->asked.input_count; i++)
        tokens += 1 + asked_tokens(g->asked.inputs[i]);
    g->engine->answers++;
    g->visit.pieces[0] = (struct piece){asked_mix(g->engine->answers, STR("embed")), tokens};
    g->visit.piece_count = 1;
    start_visit(g, artifact, speech);
}

void guest_work(struct guest *g, struct imagined_artifact *artifact, double ms,
                const struct speech *speech)
{
    g->engine->answers++;
    g->visit.fixed_ms = ms > 0 ? ms : 1;
    start_visit(g, artifact, speech);
}

void guest_answer(struct guest *g, int status, const char *content_type)
{
    struct header headers[HEADERS_MAX];
    size_t count = write_headers(g, content_type, false, headers);

    g->is_over = true;
    stream_answer(g->stream, status, headers, count, buf_str(&g->out));
    buf_reset(&g->out);
}

void guest_start(struct guest *g, const char *content_type)
{
    struct header headers[HEADERS_MAX];
    size_t count = write_headers(g, content_type, true, headers);

    g->has_begun = true;
    stream_start(g->stream, 200, headers, count, -1);
}

void guest_send(struct guest *g)
{
    struct str piece = buf_str(&g->out);

    if (piece.len)
        stream_send(g->stream, &piece, 1);
    buf_reset(&g->out);
}

void guest_end(struct guest *g, bool ok)
{
    g->is_over = true;
    stream_end(g->stream, ok);
}

void guest_said(const struct guest *g, struct str *ret_thinking, struct str *ret_text)
{
    struct str piece;
    size_t thought_at = 0, text_at = 0;

    for (uint32_t i = 0; i < g->visit.tokens_done; i++)
        if (!words_token(g->answer.thinking, &thought_at, &piece))
            words_token(g->answer.text, &text_at, &piece);
    *ret_thinking = str_slice(g->answer.thinking.data, thought_at);
    *ret_text = str_slice(g->answer.text.data, text_at);
}

uint32_t guest_dimensions(const struct guest *g)
{
    uint32_t own = g->artifact->facts->model->dimensions, count = g->asked.dimensions;

    own = own ? own : g->artifact->facts->model->geometry.hidden;
    own = own && own < DIMENSIONS_MAX ? own : DIMENSIONS_MAX;
    return count && count < own ? count : own;
}

/* What is cut off a vector is cut before its length is made one. */
void guest_vector(const struct guest *g, struct str text, float *out, uint32_t count)
{
    words_embed(out, count, g->artifact->facts->tag, text);
}

void guest_draw_id(struct guest *g, const char *prefix, unsigned length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    uint64_t state = asked_mix(++g->engine->machine->im->drawn, STR("id"));
    int n = snprintf(g->id, sizeof g->id, "%s", prefix);

    for (unsigned i = 0; i < length && (size_t)n + 1 < sizeof g->id; i++)
        g->id[n++] = letters[dice_draw(&state) % (sizeof letters - 1)];
    g->id[n] = '\0';
}

uint64_t guest_ns(double ms)
{
    return ms > 0 ? (uint64_t)(ms * 1e6) : 0;
}

const char *finish_name(enum finish_reason f)
{
    return f == SAID_length ? "length" : f == SAID_call ? "tool_calls" : "stop";
}

bool artifact_can(const struct imagined_artifact *a, enum capability c)
{
    return a->facts->model->capabilities & 1u << c;
}

void guest_write_time(char out[static 48], int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm utc;
    size_t n;

    gmtime_r(&seconds, &utc);
    n = strftime(out, 48, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + n, 48 - n, ".%06lldZ", (long long)(wall_us % 1000000));
}

static void on_request(void *ctx, struct stream *s, const struct request *r)
{
    struct guest *g = calloc(1, sizeof *g);

    if (!g) {
        stream_end(s, false);
        return;
    }
    g->engine = ctx;
    g->stream = s;
    g->method = r->method;
    g->came_us = clock_wall_us();
    copy_text(g->path, sizeof g->path, r->path);
    copy_text(g->content_type, sizeof g->content_type, request_header(r, STR("content-type")));
    copy_text(g->origin, sizeof g->origin, request_header(r, STR("origin")));
    buf_init(&g->body, GUEST_BODY_MAX);
    buf_init(&g->out, GUEST_BODY_MAX);
    arena_init(&g->arena, GUEST_ARENA_MAX);
    link_init(&g->pull_link);
    link_append(&g->engine->machine->guests, &g->link);
    stream_set_ctx(s, g);
}

static void on_body(struct stream *s, struct str chunk)
{
    struct guest *g = stream_ctx(s);

    if (g && !g->is_over && buf_put(&g->body, chunk) < 0)
        guest_end(g, false);
}

static void on_body_end(struct stream *s)
{
    struct guest *g = stream_ctx(s);

    if (!g || g->is_over)
        return;
    serve(g);
    imagined_rearm(g->engine->machine->im);
}

static void on_gone(struct stream *s, bool ok)
{
    struct guest *g = stream_ctx(s);
    struct imagined *im;

    (void)ok;
    if (!g)
        return;
    im = g->engine->machine->im;
    g->is_over = true;
    if (g->is_visiting)
        world_leave(g->engine->machine->world, &g->visit, imagined_now_ms(im));
    pull_leave(g);
    link_remove(&g->link);
    json_fini(&g->json);
    buf_fini(&g->body);
    buf_fini(&g->out);
    arena_fini(&g->arena);
    free(g);
    imagined_rearm(im);
}

static void serve(struct guest *g)
{
    struct imagined_engine *e = g->engine;
    enum machine_state state = e->machine->state;
    bool other_method = false;
    const struct route *route = find_route(e->face, g, &other_method);

    e->requests += route != &exporter_route;
    if (state == MACHINE_hung ||
        (state == MACHINE_wedged && !(route && route->flags & ROUTE_survives)))
        return; /* and nothing more is heard of it */
    if (state == MACHINE_error) {
        e->face->failed(g, 500, "imagined failure");
    } else if (state == MACHINE_garbage) {
        answer_garbage(g);
    } else if (!route) {
        e->face->not_found(g, other_method);
    } else {
        e->changes += route->flags & ROUTE_changes;
        route->serve(g);
    }
}

/* The node exporter of its machine: warmer the more of it is at work. */
static void serve_exporter(struct guest *g)
{
    const struct imagined_machine *m = g->engine->machine;
    uint32_t slots = 0, busy = 0;
    struct runner_view r;
    double celsius;

    for (size_t k = 0; k < m->facts->engines_count; k++)
        for (unsigned i = 0; world_runner(m->world, m->engines[k].number, i, &r); i++) {
            slots += r.slots;
            busy += r.busy;
        }
    celsius = idle_c + (busy ? work_c + full_c * busy / slots : 0);
    if (buf_printf(&g->out,
                   "# TYPE node_hwmon_temp_celsius gauge\n"
                   "node_hwmon_temp_celsius{chip=\"imagined\",sensor=\"temp1\"} %.1f\n",
                   celsius) == 0)
        guest_answer(g, 200, "text/plain; version=0.0.4; charset=utf-8");
}

static const struct route *find_route(const struct face *face, const struct guest *g,
                                      bool *ret_other_method)
{
    if (g->method == METHOD_GET && path_matches(exporter_route.path, g->path))
        return &exporter_route;
    for (const struct route *r = face->routes; r->path; r++) {
        if (!path_matches(r->path, g->path))
            continue;
        if (r->method == g->method)
            return r;
        *ret_other_method = true;
    }
    return NULL;
}

static bool path_matches(const char *pattern, const char *path)
{
    size_t n = strlen(pattern);

    if (pattern[n - 1] == '*')
        return strncmp(pattern, path, n - 1) == 0;
    return strcmp(pattern, path) == 0;
}

/* One sort of nonsense after the other: a page, half an object, noise, and an answer of the right
 * type that means nothing. */
static void answer_garbage(struct guest *g)
{
    uint64_t state = ++g->engine->garbage;
    const char *type = "application/json";
    int r = 0;

    switch (g->engine->garbage % 4) {
    case 1:
        type = "text/html; charset=utf-8";
        r = buf_put(&g->out, STR("<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"));
        break;
    case 2:
        r = buf_put(&g->out, STR("{\"model\":\"qwen\",\"message\":{\"role\":\"assis"));
        break;
    case 3:
        for (int i = 0; i < 64 && r == 0; i++) {
            state = asked_mix(state, STR("noise"));
            r = buf_put_char(&g->out, (char)state);
        }
        break;
    default:
        r = buf_put(&g->out, STR("[42,null,\"llama\"]"));
    }
    if (r == 0)
        guest_answer(g, 200, type);
    else
        guest_end(g, false);
}

static size_t write_headers(const struct guest *g, const char *content_type, bool streams,
                            struct header *out)
{
    const struct face *face = g->engine->face;
    size_t count = 0;

    for (size_t i = 0; i < face->header_count; i++)
        out[count++] = face->headers[i];
    if (face->says_origin)
        out[count++] = (struct header){STR("Access-Control-Allow-Origin"), str_from(g->origin)};
    if (face->says_origin && streams)
        out[count++] = (struct header){STR("X-Accel-Buffering"), STR("no")};
    if (content_type)
        out[count++] = (struct header){STR("Content-Type"), str_from(content_type)};
    return count;
}

static void copy_text(char *out, size_t room, struct str s)
{
    snprintf(out, room, "%.*s", s.data ? (int)s.len : 0, s.data ? s.data : "");
}

static void start_visit(struct guest *g, struct imagined_artifact *artifact,
                        const struct speech *speech)
{
    struct imagined_machine *m = g->engine->machine;

    g->artifact = artifact;
    g->speech = speech;
    g->visit.artifact = &artifact->world;
    g->visit.num_ctx = g->asked.num_ctx;
    g->visit.options = g->asked.options;
    g->visit.keep_alive_given = g->asked.keep_alive_given;
    g->visit.keep_alive_ms = g->asked.keep_alive_ms;
    g->is_visiting = true;
    world_start(m->world, g->engine->number, &g->visit, imagined_now_ms(m->im));
}

/* Thoughts, then the text or the call; and, where it ends by itself, the token that ends it. */
static uint32_t count_answer(struct guest *g)
{
    const struct answer *a = &g->answer;
    struct str said = a->call_name.data ? a->call_arguments : a->text;

    return words_count(a->thinking) + words_count(said) + words_count(a->call_name) + 1;
}

/* The pieces of all tokens decoded so far. */
static void tell_pieces(struct guest *g)
{
    struct str piece;

    for (; g->speech->piece && g->pieces_told < g->visit.tokens_done; g->pieces_told++) {
        if (words_token(g->answer.thinking, &g->thought_at, &piece))
            g->speech->piece(g, true, piece);
        else if (words_token(g->answer.text, &g->text_at, &piece))
            g->speech->piece(g, false, piece);
    }
}
