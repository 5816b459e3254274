/* SPDX-License-Identifier: Apache-2.0 */
/* An answer that goes on elsewhere: whether it can, and where. */
#include "gateway/resume.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/course.h"
#include "gateway/outgoing.h"
#include "gateway/relay.h"
#include "gateway/resume_inside.h"
#include "gateway/worker.h"

static bool may_go_on(const struct exchange *x);
static bool note_cut(struct exchange *x);
static bool is_whole(struct exchange *x);
static bool end_here(struct exchange *x);
static bool find_copies(struct exchange *x);
static bool is_equal(const struct exchange *x, const struct copy *copy);
static bool was_cut(const struct exchange *x, const struct copy *copy);
static bool may_return(enum failure why);

enum resumed resume_begin(struct exchange *x)
{
    bool is_read;

    if (!may_go_on(x) || !note_cut(x))
        return RESUME_no;
    relay_flush(x);
    if (is_whole(x))
        return end_here(x) ? RESUME_whole : RESUME_no;
    is_read = resume_read_again(x);
    x->found = arena_str(&x->arena, str_from(x->resume->going->found));
    if (!is_read || !resume_is_joinable(x) || !find_copies(x))
        return RESUME_no;
    x->first_token = false;
    return RESUME_again;
}

static bool may_go_on(const struct exchange *x)
{
    const struct resume *r = x->resume;
    const struct failure_row *row = failure_row(x->why);

    return r && r->keeps_body && !r->is_fragile && x->stream && row->again &&
           (row->blame == BLAME_machine || row->blame == BLAME_copy) &&
           (!r->going || r->going->count < CUTS_MAX) && !x->attempt.copy->cloud;
}

static bool note_cut(struct exchange *x)
{
    struct resume *r = x->resume;
    struct going *g = r->going;
    uint32_t tokens = r->said_tokens + r->thought_tokens;

    if (!g) {
        g = r->going = calloc(1, sizeof *g);
        if (!g)
            return false;
        g->max_tokens = x->ask.max_tokens;
        g->prompt_bytes = x->ask.prompt_bytes;
    }
    g->cuts[g->count++] = (struct cut){x->attempt.copy, g->given, tokens - g->before};
    g->attempts = x->attempts;
    g->before = tokens;
    g->why = x->why;
    snprintf(g->found, sizeof g->found, "%.*s", STR_ARG(x->found));
    return true;
}

/* Nothing is missing but its end, or it may not become longer. */
static bool is_whole(struct exchange *x)
{
    const struct resume *r = x->resume;

    return x->finish != FINISH_none ||
           (r->going->max_tokens && r->going->before >= r->going->max_tokens);
}

static bool end_here(struct exchange *x)
{
    bool is_told = x->finish != FINISH_none; /* that it is over */
    const struct delta finish = {.kind = DELTA_finish,
                                 .finish = is_told ? x->finish : FINISH_length};
    int r = 0;

    if (!x->writer)
        r = relay_make_writer(x);
    if (r == 0 && (!is_told || !x->attempt.translated))
        r = x->dialect->writer_put(x->writer, &finish);
    if (r == 0 && is_told && !x->attempt.translated)
        buf_reset(&x->out); /* it was passed on */
    if (r == 0)
        r = x->dialect->writer_end(x->writer);
    x->attempt.translated = true;
    x->finish = finish.finish;
    x->why = r < 0 ? x->why : FAILURE_none;
    return r == 0;
}

bool resume_read_again(struct exchange *x)
{
    struct err err = {0};

    exchange_forget_request(x);
    x->ask.body = buf_str(&x->body);
    return outgoing_read_chat(x, &err) == 0;
}

bool resume_is_joinable(const struct exchange *x)
{
    /* By these, engines are told what an answer must look like. */
    static const char *const forms[] = {"grammar",           "json_schema",   "guided_json",
                                        "guided_regex",      "guided_choice", "guided_grammar",
                                        "structured_outputs"};
    const struct chat *chat = x->chat;

    if (!x->resume->said.len)
        return true;
    for (size_t i = 0; i < chat->dropped_count; i++)
        for (size_t j = 0; j < COUNT_OF(forms); j++)
            if (str_is(chat->dropped[i], forms[j]))
                return false;
    return chat->format == FORMAT_text && !chat->logprobs && !chat->suffix.len;
}

/* Its equals, best first; the one that was cut comes last, if it may be well again. */
static bool find_copies(struct exchange *x)
{
    const struct going *g = x->resume->going;
    const struct copy *last = g->cuts[g->count - 1].copy;
    struct candidate kept[CANDIDATES_MAX];
    struct err err = {0};
    uint32_t count = 0;

    x->ask.prompt_bytes = g->prompt_bytes + (uint32_t)x->resume->said.len;
    if (course_find(x, &err))
        return false;
    for (uint32_t i = 0; i < x->candidate_count; i++) {
        struct candidate row = x->candidates[i];

        bool is_back = row.copy == last && may_return(x->why);

        row.is_last |= is_back;
        if (is_equal(x, row.copy) && (is_back || !was_cut(x, row.copy)))
            kept[count++] = row;
    }
    course_narrow(x, kept, count);
    return count > 0;
}

/* To the copy that began; and its engine can be given a beginning. */
static bool is_equal(const struct exchange *x, const struct copy *copy)
{
    const struct copy *first = x->resume->going->cuts[0].copy;

    if (!resume_is_equal(x, first, copy))
        return false;
    if (x->chat->task == TASK_chat)
        return engine_kind_row(copy->engine->kind)->shows;
    /* Ollama puts a prompt through a template. */
    return copy->engine->kind != ENGINE_ollama;
}

bool resume_is_equal(const struct exchange *x, const struct copy *first, const struct copy *copy)
{
    enum parity least = x->least < PARITY_equivalent ? x->least : PARITY_equivalent;

    return !copy->cloud && parity_of(first, copy) <= least;
}

static bool was_cut(const struct exchange *x, const struct copy *copy)
{
    const struct going *g = x->resume->going;

    for (unsigned i = 0; i < g->count; i++)
        if (g->cuts[i].copy == copy)
            return true;
    return false;
}

/* A lost connection may be made anew, and Ollama starts a runner that has crashed again. */
static bool may_return(enum failure why)
{
    return why == FAILURE_stream_cut || why == FAILURE_upstream_gone ||
           why == FAILURE_upstream_error;
}

bool resume_is_on(const struct exchange *x)
{
    return x->resume && x->resume->going;
}

void resume_give_up(struct exchange *x)
{
    const struct going *g = x->resume ? x->resume->going : NULL;

    if (!g)
        return;
    x->why = FAILURE_none;
    exchange_fail(x, g->why, str_from(g->found));
}

unsigned resume_attempts(const struct exchange *x)
{
    return resume_is_on(x) ? x->resume->going->attempts : 0;
}
