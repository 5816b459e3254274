/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line: where requests wait for the copy that answers them at the least cost, and are sent to
 * it not before it can begin.
 *
 *     line = line_new(board, &hooks);
 *     r = line_enter(line, errand, now_ms);   -EAGAIN: no candidate will ever do;  -ENOBUFS: full
 *     line_settle(line, now_ms);              after every event: hooks.start says what begins
 *     line_loaded(…) line_first(…)            as they happen
 *     line_end(line, errand, &how, now_ms);   and line_settle() again
 *
 * Late binding: nobody is promised anything before a slot is free or its load may begin; at every
 * event everybody who waits is reckoned anew. A copy gets as many as it has slots, a machine one
 * load at a time. Who comes first: the least virtual finish time, that is the service a key has
 * had, plus what this request needs over its weight. So short ones go before long ones, nobody is
 * overtaken for ever, and a key with a thousand waiting delays another's one by at most one
 * service.
 *
 * Pure: the time is handed in. Not thread-safe: its owner has the lock. hooks.start is called from
 * line_settle(); it may not call the line.
 */
#pragma once

#include "base/failure.h"
#include "route/choice.h"
#include "route/hedge.h"

enum { LINE_MAX = 4096 };

struct line_hooks {
    /* Send it to choice->copy; unload choice->costs.load.victims first, by name. keep_alive_s goes
     * with it. */
    void (*start)(void *ctx, struct errand *e, const struct choice *choice, double keep_alive_s);
    /* An idle machine should load that copy: a request without a prompt. */
    void (*load)(void *ctx, uint32_t copy, const struct load_plan *plan, double keep_alive_s);
    void *ctx;
};

/* How an attempt ended, and what was measured of it; 0: not measured. */
struct errand_end {
    enum failure why; /* FAILURE_none: it was answered */
    bool unreachable; /* nobody listens there */
    bool left;        /* the caller left: it says nothing about the copy */
    double load_s, prompt_s, decode_s;
    uint32_t cached_tokens, output_tokens;
    uint64_t answer_chain; /* of the conversation with its answer, for the next prompt; 0: none */
};

struct line;

/* NULL without memory. Borrows the board. */
struct line *line_new(struct board *board, const struct line_hooks *hooks);
void line_free(struct line *l);

/* 0: it waits, and line_settle() may start it at once. -EAGAIN: nothing can serve it, now or later
 * (its `why` says so of each); -ENOBUFS: more than LINE_MAX wait; -ENOMEM. */
MUST_USE int line_enter(struct line *l, struct errand *e, uint64_t now_ms);

/* Tried and failed: it waits again, where it stood; the copy is not asked again. */
MUST_USE int line_again(struct line *l, struct errand *e, uint64_t now_ms);

/* Out of the line, or away from its copy. */
void line_leave(struct line *l, struct errand *e, uint64_t now_ms);

void line_settle(struct line *l, uint64_t now_ms);

/* A copy was loaded, or is gone: an engine's list says so, or a first token. */
void line_loaded(struct line *l, uint32_t copy, bool is_loaded, uint64_t now_ms);

/* A machine answers a probe, or does not. */
void line_probed(struct line *l, uint32_t machine, bool is_up, uint64_t now_ms);

void line_end(struct line *l, struct errand *e, const struct errand_end *how, uint64_t now_ms);

/* Loads what is worth it on machines that are idle; every second or so. */
void line_preload(struct line *l, uint64_t now_ms);

uint32_t line_waiting(const struct line *l);

/* How long it would take until its first token, as of now; INFINITY: nothing can serve it. */
double line_estimate_s(struct line *l, struct errand *e, uint64_t now_ms);
