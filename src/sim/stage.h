/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage: a whole imagined fleet under a virtual clock, on which a policy plays a trace.
 *
 *     s = stage_new(view, &options, &err);
 *     stage_play(s, &trace, policy, &tally);      as often as wanted, each on a machine that rested
 *     stage_free(s);
 *
 * The machines are those of sim/world.h, with the paces of model/speed.h; what a policy may know is
 * what a gateway may know: who asked, what it sent, what came back. Each copy's true speed differs
 * from the model's by a factor that nobody is told (options.unknown). Pure: discrete events, no
 * clock.
 */
#pragma once

#include "route/board.h"
#include "route/candidates.h"
#include "sim/tally.h"
#include "sim/trace.h"
#include "sim/world.h"

struct stage_options {
    uint64_t seed;
    double unknown;     /* log-normal spread of true speeds about the expected; 0: as expected */
    bool relaxed;       /* everything is loaded, memory has no end: no real machine */
    bool keeps;         /* OLLAMA_KEEP_ALIVE=-1 on every engine */
    bool tells_each;    /* what became of each request is kept in the tally */
    bool no_slo;        /* requests promise what a gateway's do, not what is good to each */
    const char *lose;   /* a machine that dies, NULL: none */
    double lose_s;      /* when; it does not come back */
    double cloud_share; /* of requests that may go to the cloud; 0: none */
};

/* A copy that could serve a demand. */
struct stage_option {
    uint32_t copy;
    enum parity parity;
    uint8_t sizes; /* larger or smaller than what was asked for */
};

struct stage_options_of {
    struct stage_option rows[CANDIDATES_MAX];
    uint32_t count;
};

enum asker_end {
    ASKER_done,
    ASKER_refused, /* nobody listens there, or the engine said no */
    ASKER_cut,     /* the machine died under it */
};

/* One request of the trace. */
struct asker {
    struct stage *stage;
    const struct trace_row *row;
    const struct prompt_piece *pieces;
    uint32_t index;
    uint32_t copy; /* where it is, or was last */
    uint32_t attempts;
    uint32_t said;             /* tokens that earlier attempts have given */
    double sent_s;             /* there */
    double first_s;            /* when its first token came; 0: not yet */
    const struct visit *visit; /* in began() and ended(): what became of it there; NULL: nothing */
    void *of_policy;

    /* The stage's. */
    struct visit *running;
    struct asker *next_event, *next_cloud;
    double cloud_end_s;
    enum asker_end end;
    bool is_sent, is_over, is_raised, saw_first, saw_end;
};

struct policy;
struct stage;

/* The view must outlive it. Copies whose artifact the catalog does not know take no part. */
struct stage *stage_new(const struct view *view, const struct stage_options *options,
                        struct err *err);
void stage_free(struct stage *s);

/* The facts of each copy; what changes in a board is not kept here. */
const struct board *stage_facts(const struct stage *s);

/* Who could serve it: never too long for their context, never too large for their machine. */
const struct stage_options_of *stage_options_for(const struct stage *s, uint32_t demand);

/* Requests a second of this trace that the machines could serve, all of it loaded already and
 * placed best: the busiest machine is then busy all the time. */
double stage_capacity_per_s(const struct stage *s, const struct trace *t);

/* The time to the first token, at least: the fastest machine is idle and has it loaded. INFINITY:
 * no machine serves such requests. */
double stage_first_s(const struct stage *s, const struct trace_row *row);

/* Prompts that no copy has the context for are cut, as clients of small models do. */
void stage_cut(const struct stage *s, struct trace *t);

void stage_play(struct stage *s, const struct trace *t, const struct policy *policy,
                struct tally *ret);

/* For policies, while it plays. keep_alive_s: negative for ever, 0: as the engine is set. */
double stage_now_s(const struct stage *s);
void stage_send(struct asker *a, uint32_t copy, double keep_alive_s);
void stage_lose(struct asker *a);
void stage_unload(struct stage *s, uint32_t copy);
void stage_load(struct stage *s, uint32_t copy, double keep_alive_s);
bool stage_is_up(const struct stage *s, uint32_t machine);
bool stage_is_loaded(const struct stage *s, uint32_t copy);
uint64_t stage_seed(const struct stage *s);
bool stage_has_slo(const struct stage *s);
bool stage_cloud_left(const struct stage *s);

/* How good the policy's estimate was. */
void stage_judge(struct stage *s, enum estimate_kind kind, double expected_s, double took_s);
