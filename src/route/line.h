/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line: where requests wait for the copy that answers them at the least cost, and are sent to
 * it not before it can begin.
 *
 *     line = line_new(board, &hooks);
 *     r = line_enter(line, errand, now_ms);   -EAGAIN: no candidate will ever do;  -ENOBUFS: full
 *     line_settle(line, now_ms);              after every event: hooks.start says what begins
 *     line_loaded(…)                          as it happens
 *     line_end(line, errand, &how, now_ms);   and line_settle() again; line_again() if it failed
 *
 * Late binding: nobody is promised anything before a slot is free or its load may begin; at every
 * event everybody who waits is reckoned anew. A copy gets as many as it has slots, a machine one
 * load at a time. Who comes first: the least virtual finish time, that is the service a key has
 * had, plus what this request needs over its weight; whoever has waited longer than its worth's
 * give_way_s then lets others go first. So short ones go before long ones, nobody is overtaken for
 * ever, and a key with a thousand waiting delays another's one by at most one service. A batch
 * request that was sent and has no token yet is taken back when somebody who would
 * go before it has to wait for its copy, and loses more by that than it does (line_recall.c).
 *
 * Pure: the time is handed in. Not thread-safe: its owner has the lock. hooks.start is called from
 * line_settle(); it may not call the line.
 */
#pragma once

#include "base/failure.h"
#include "route/choice.h"

enum { LINE_WAITING_MAX = 4096 };

struct line_hooks {
    /* Send it to choice->copy; unload choice->costs.load.victims first, by name. keep_alive_s goes
     * with it. */
    void (*start)(void *ctx, struct errand *e, const struct choice *choice, double keep_alive_s);
    /* An idle machine should load that copy: a request without a prompt. */
    void (*load)(void *ctx, uint32_t copy, const struct load_plan *plan, double keep_alive_s);
    void *ctx;
    /* Take it back: line_end() as one that left, then line_again(). False: it cannot be told. NULL:
     * nobody is taken back. */
    bool (*recall)(void *ctx, struct errand *e);
    const struct breaker_rules *rules; /* NULL: the usual ones */
    bool (*has_room)(void *ctx);       /* for another load(), at this moment; NULL: always */
};

/* What a bench found: answers one at a time. 0: it says nothing of that. */
struct bench_speeds {
    double prompt_tokens, prefill_tps;
    double context_tokens, decode_tps; /* context: in the middle of the answer */
};

/* How an attempt ended, and what was measured of it; 0: not measured. */
struct errand_end {
    enum failure why; /* FAILURE_none: it was answered; its row says whose fault it is */
    bool left;        /* it says nothing about the copy: the caller left, or nothing was sent */
    double load_s, prompt_s, decode_s;
    uint32_t cached_tokens, output_tokens;
    uint64_t answer_chain; /* of the conversation with its answer, for the next prompt; 0: none */
};

/* What that changed, for the log and the counters. */
struct verdict_change {
    bool copy_opened, copy_closed, engine_opened, engine_closed;
    bool copy_slow, copy_well; /* lastingly slower than expected; not any more (route/drift.h) */
};

struct line;

/* NULL without memory. Borrows the board. */
struct line *line_new(struct board *board, const struct line_hooks *hooks);
void line_free(struct line *l);

/* 0: it waits, and line_settle() may start it at once. -EAGAIN: nothing can serve it, now or later
 * (its `why` says so of each); -ENOBUFS: more than LINE_WAITING_MAX wait; -ENOMEM. */
MUST_USE int line_enter(struct line *l, struct errand *e, uint64_t now_ms);

/* Tried and failed, or to be tried once more: it waits again, where it stood. What was tried is not
 * asked again, unless the asker says so in its options. */
MUST_USE int line_again(struct line *l, struct errand *e, uint64_t now_ms);

/* Out of the line, or away from its copy. */
void line_leave(struct line *l, struct errand *e, uint64_t now_ms);

void line_settle(struct line *l, uint64_t now_ms);

/* A request that was sent waited_s ago, in vain so far, is sent to another copy as well, as second:
 * a copy of it with an id of its own, whose options are narrowed down. hooks.start says where.
 * False: its first token is not late, nobody is idle who would be sooner, or the budget is spent.
 */
bool line_hedge(struct line *l, const struct errand *late, struct errand *second, double waited_s,
                uint64_t now_ms);

/* The first one has ended: from here on it is e who runs where second did. */
void line_take_over(struct errand *e, struct errand *second);

/* Its first token is there: it is not taken back any more, and if it was the one try that a breaker
 * let through, the next may follow. */
void line_began(struct line *l, struct errand *e);

/* A copy was loaded, or is gone: an engine's list says so, or a first token. */
void line_loaded(struct line *l, uint32_t copy, bool is_loaded, uint64_t now_ms);

/* An engine answers its probe, or does not. True when that closed its breaker. */
bool line_probed(struct line *l, uint32_t engine, bool is_up, uint64_t now_ms);

/* Its slot is free again, what it tells is learned, and the copy it failed on counts as tried. */
struct verdict_change line_end(struct line *l, struct errand *e, const struct errand_end *how,
                               uint64_t now_ms);

/* From here on another board counts, after a reload. Whoever waits or runs has been told the new
 * numbers of its copies; ERRAND_GONE: of a run whose copy is in the fleet file no more. */
void line_move(struct line *l, struct board *board);

/* Loads what is worth it on machines that are idle; every second or so. keeps_only: of what is
 * away, only what the plan keeps loaded. */
void line_preload(struct line *l, bool keeps_only, uint64_t now_ms);

/* What is loaded and idle on machines that are emptied: hooks.load says so with keep_alive_s 0. */
void line_empty(struct line *l, uint64_t now_ms);

uint32_t line_waiting(const struct line *l);

/* Of those who asked for that name. */
uint32_t line_waiting_for(const struct line *l, struct str name);

/* How long it would take until its first token, as of now; INFINITY: nothing can serve it. */
double line_estimate_s(struct line *l, struct errand *e, uint64_t now_ms);
