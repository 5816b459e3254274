/* SPDX-License-Identifier: Apache-2.0 */
/* Plays an engine's answer through reader and writer, as the gateway would. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "golden.h"
#include "wire/json_out.h"

enum { EVENT_MAX = 1 << 20, OUT_MAX = 8 << 20 };

static int on_delta(void *ctx, const struct delta *delta);
static void refuse(struct replay *r);
static void stream(struct replay *r, size_t cut);
static int feed(struct replay *r, struct reader *reader, size_t from, size_t to);
static void settle(struct replay *r, int result);
static void describe_need(struct json_out *o, uint32_t needs, enum need need, struct str name);

#define MUST(call) \
    do { \
        int must_ = (call); \
        assert(must_ == 0); \
    } while (0)

void replay_answer(struct replay *ret, struct golden *g, size_t cut)
{
    ret->golden = g;
    buf_init(&ret->client, OUT_MAX);
    buf_init(&ret->deltas, OUT_MAX);
    if (g->status >= 400) {
        refuse(ret);
        return;
    }
    if (g->caller != g->engine)
        MUST(g->caller->writer_new(&ret->writer, &g->reply, &ret->client));
    stream(ret, cut);
}

void replay_fini(struct replay *r)
{
    if (r->writer)
        r->golden->caller->writer_free(r->writer);
    buf_fini(&r->client);
    buf_fini(&r->deltas);
}

static void refuse(struct replay *r)
{
    struct golden *g = r->golden;

    r->why = g->engine->read_failure(g->status, g->upstream, &g->arena, &r->found);
    MUST(buf_printf(&r->deltas, "failure %s %.*s\n", failure_row(r->why)->name, STR_ARG(r->found)));
    MUST(g->caller->write_failure(&r->client, r->why, r->found, false));
}

static void stream(struct replay *r, size_t cut)
{
    struct golden *g = r->golden;
    size_t length = g->upstream.len;
    struct reader *reader;
    int result = 0;

    MUST(g->engine->reader_new(&reader, g->asked, g->upstream_streams, EVENT_MAX,
                               (struct sink){on_delta, r}));
    if (cut == SIZE_MAX)
        for (size_t at = 0; at < length; at++)
            if (result == 0)
                result = feed(r, reader, at, at + 1);
            else
                r->whole[at + 1] = r->whole[at];
    else if ((result = feed(r, reader, 0, cut)) == 0)
        result = feed(r, reader, cut, length);
    if (result == 0)
        result = g->engine->reader_end(reader);
    g->engine->reader_free(reader);
    settle(r, result);
}

static int feed(struct replay *r, struct reader *reader, size_t from, size_t to)
{
    struct golden *g = r->golden;
    uint64_t whole = 0;
    /* A copy of its own: whoever reads beyond the chunk is caught. */
    char *chunk = malloc(to - from + 1);
    int result;

    assert(chunk);
    memcpy(chunk, g->upstream.data + from, to - from);
    chunk[to - from] = '!';
    result = g->engine->reader_feed(reader, str_slice(chunk, to - from), &whole);
    free(chunk);
    assert(whole <= to);
    if (r->whole)
        r->whole[to] = whole;
    return result;
}

static int on_delta(void *ctx, const struct delta *delta)
{
    struct replay *r = ctx;

    describe_delta(&r->deltas, delta);
    if (delta->kind == DELTA_failure) {
        r->why = delta->why;
        r->found = arena_str(&r->golden->arena, delta->text);
        return 0;
    }
    return r->writer ? r->golden->caller->writer_put(r->writer, delta) : 0;
}

static void settle(struct replay *r, int result)
{
    struct golden *g = r->golden;

    if (!r->why && result < 0)
        r->why = g->upstream_streams ? FAILURE_stream_cut : FAILURE_upstream_garbage;
    if (r->why && r->writer) {
        if (!g->reply.stream)
            buf_reset(&r->client);
        MUST(g->caller->write_failure(&r->client, r->why, r->found, g->reply.stream));
    } else if (r->writer) {
        MUST(g->caller->writer_end(r->writer));
    }
    MUST(buf_printf(&r->deltas, "over %s\n", result < 0 ? strerrorname_np(-result) : "0"));
}

void describe_delta(struct buf *out, const struct delta *delta)
{
    static const char *const kinds[] = {"text",   "thinking", "call",    "embedding",
                                        "finish", "usage",    "failure", "end"};
    static const char *const finishes[] = {"none",       "stop",           "length",
                                           "tool_calls", "content_filter", "load"};

    MUST(buf_printf(out, "%s", kinds[delta->kind]));
    if (delta->index)
        MUST(buf_printf(out, " [%u]", delta->index));
    if (delta->kind == DELTA_text || delta->kind == DELTA_thinking) {
        MUST(buf_put_char(out, ' '));
        MUST(json_put_string(out, delta->text));
    } else if (delta->kind == DELTA_call) {
        MUST(buf_printf(out, " %u id=%.*s name=%.*s %.*s", delta->call.index,
                        STR_ARG(delta->call.id), STR_ARG(delta->call.name),
                        STR_ARG(delta->call.arguments)));
    } else if (delta->kind == DELTA_finish) {
        MUST(buf_printf(out, " %s", finishes[delta->finish]));
    } else if (delta->kind == DELTA_failure) {
        MUST(buf_printf(out, " %s %.*s", failure_row(delta->why)->name, STR_ARG(delta->text)));
    }
    for (size_t i = 0; delta->kind == DELTA_embedding && i < delta->dimensions; i++)
        MUST(buf_printf(out, " %.9g", delta->vector[i]));
    if (delta->kind == DELTA_usage)
        MUST(buf_printf(
            out, " known=%d prompt=%ju completion=%ju cached=%ju thinking=%ju us=%ju,%ju,%ju",
            delta->usage.known, (uintmax_t)delta->usage.prompt_tokens,
            (uintmax_t)delta->usage.completion_tokens, (uintmax_t)delta->usage.cached_tokens,
            (uintmax_t)delta->usage.thinking_tokens, (uintmax_t)delta->times.load_us,
            (uintmax_t)delta->times.prefill_us, (uintmax_t)delta->times.decode_us));
    MUST(buf_put_char(out, '\n'));
}

void describe_ask(struct buf *out, const struct ask *ask)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_text(json_key(&o, "model"), ask->model);
    json_text(json_key(&o, "model_at"), str_slice(ask->body.data + ask->model_at, ask->model_len));
    json_bool(json_key(&o, "stream"), ask->stream);
    json_bool(json_key(&o, "include_usage"), ask->include_usage);
    json_open(json_key(&o, "needs"), '[');
    describe_need(&o, ask->needs, NEED_images, STR("images"));
    describe_need(&o, ask->needs, NEED_tools, STR("tools"));
    describe_need(&o, ask->needs, NEED_schema, STR("schema"));
    describe_need(&o, ask->needs, NEED_thinking, STR("thinking"));
    describe_need(&o, ask->needs, NEED_insert, STR("insert"));
    describe_need(&o, ask->needs, NEED_audio, STR("audio"));
    json_close(&o, ']');
    json_number(json_key(&o, "max_tokens"), ask->max_tokens);
    json_number(json_key(&o, "prompt_bytes"), ask->prompt_bytes);
    json_close(&o, '}');
    MUST(o.error);
}

static void describe_need(struct json_out *o, uint32_t needs, enum need need, struct str name)
{
    if (needs & need)
        json_text(o, name);
}
