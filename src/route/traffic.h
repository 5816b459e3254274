/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traffic: what runs where, who is benched, who waits. The live state behind every routing
 * decision.
 *
 *     traffic_ask(t, &w, now_ms)         w says which copies would do, in order of preference
 *         ASK_taken: w->taken is the copy; one of its slots is ours
 *         ASK_waits: w stands in line; w->granted(w) is called when a slot is ours
 *         ASK_full, ASK_none: no room in line; no copy that is up (w->retry_ms says when)
 *     traffic_done(t, copy, outcome, now_ms)      gives the slot back
 *     traffic_leave(t, &w)                        out of the line; a slot granted meanwhile is
 * given on
 *
 * A slot that becomes free goes to the first in line who can use it. Places are found by name
 * ("machine/engine/artifact"), so that they outlive a reload of the fleet file.
 *
 * Thread-safe by one mutex, held for a few hundred nanoseconds; granted() is called while it is
 * held, on the thread that freed the slot: it may only post. Pure: the time is handed in.
 */
#pragma once

#include "base/failure.h"
#include "base/list.h"
#include "base/str.h"
#include "route/breaker.h"

struct traffic;

/* One engine of one machine, or one credential of a provider. */
struct engine_place {
    struct str name; /* "machine/engine" */
    struct breaker breaker;
    uint64_t held_until_ms; /* it asked to be left alone: a limit of a provider */
    bool probed, up;  /* what the health probe says; a place that was never probed counts as up */
    bool unreachable; /* benched because nobody listened: a probe that is answered ends that */
};

/* One copy. Other folders read it through traffic_look() only. */
struct copy_place {
    struct str name; /* "machine/engine/artifact" */
    struct engine_place *engine;
    struct breaker breaker;
    uint32_t slots; /* at most so many attempts at once */
    uint32_t running;
    uint32_t waiting; /* how many in line could use it */
    bool resident;    /* in the engine's memory, as far as we know */
    bool absent;      /* its provider has it no more */
};

/* Whether an attempt is the one that a breaker lets through after its bench. */
struct trial {
    bool of_copy, of_engine;
};

struct waiter {
    /* Set by the asker. */
    struct copy_place **copies; /* in order of preference; outlive the wait */
    unsigned count;
    struct str line; /* the name that was asked for: each has its own ceiling; outlives the wait */
    uint32_t line_max;
    bool (*granted)(struct waiter *w); /* false: the word could not be sent */

    struct copy_place *taken; /* after ASK_taken, or when granted() was heard */
    struct trial trial;       /* the same; for the outcome */
    uint64_t retry_ms;
    struct link link;
    bool in_line, told;
};

enum asked { ASK_taken, ASK_waits, ASK_full, ASK_none };

/* How an attempt ended, as far as the engine is concerned. */
struct outcome {
    enum failure why;   /* FAILURE_none: it answered */
    bool unknown;       /* it says nothing about the engine: the caller left */
    struct trial trial; /* while a breaker's one try is under way, no other attempt counts */
};

/* What changed, for the log and the counters. */
struct verdict_change {
    bool copy_opened, copy_closed, engine_opened, engine_closed;
};

struct traffic *traffic_new(const struct breaker_rules *rules);
void traffic_free(struct traffic *t);

/* Found or made; live as long as t. slots is set anew. NULL without memory. */
struct engine_place *traffic_engine(struct traffic *t, struct str name);
struct copy_place *traffic_copy(struct traffic *t, struct str name, struct engine_place *engine,
                                uint32_t slots);

enum asked traffic_ask(struct traffic *t, struct waiter *w, uint64_t now_ms);
struct verdict_change traffic_done(struct traffic *t, struct copy_place *copy,
                                   struct outcome outcome, uint64_t now_ms);
/* True when granted() has been called: its word is on the way, the slot was handed on. */
bool traffic_leave(struct traffic *t, struct waiter *w, uint64_t now_ms);

/* It asked to be left alone until then; good answers to what is under way do not end that. True
 * when it was not held before. */
bool traffic_hold(struct traffic *t, struct engine_place *engine, uint64_t now_ms,
                  uint64_t until_ms);

/* What a probe found. True when it changed something. */
bool traffic_probed(struct traffic *t, struct engine_place *engine, bool up, uint64_t now_ms);
void traffic_resident(struct traffic *t, struct copy_place *copy, bool resident);

/* What the provider's own list says. True when it changed something. */
bool traffic_absent(struct traffic *t, struct copy_place *copy, bool absent);

/* Hands free slots to those who wait: once a second, for breakers whose time is over. */
void traffic_sweep(struct traffic *t, uint64_t now_ms);

/* Whether an attempt on that copy may be made now (its engine is up, nobody is benched). */
bool traffic_is_open(struct traffic *t, const struct copy_place *copy, uint64_t now_ms);

/* A consistent look at one copy. */
struct copy_place traffic_look(struct traffic *t, const struct copy_place *copy);
struct engine_place traffic_look_engine(struct traffic *t, const struct engine_place *engine);

unsigned traffic_waiting(struct traffic *t, struct str line);
