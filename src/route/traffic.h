/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traffic: the lock around a board and a line. The live state behind every routing decision.
 *
 *     traffic_show(t, view, &places, now_ms)     the fleet, at the start and after each reload
 *     traffic_ask(t, &w, now_ms)                 w says which copies would do, in its errand
 *         ASK_taken: w->taken is the copy; one of its slots is ours
 *         ASK_waits: w stands in line; w->granted(w) is called when a slot is ours
 *         ASK_full, ASK_none: no room in line; no copy that is up (w->retry_ms says when)
 *     traffic_began(t, &w, now_ms)               its first token is there
 *     traffic_done(t, &w, &end, now_ms)          gives the slot back; what was measured is learned
 *     traffic_leave(t, &w, now_ms)               out of the line; a slot granted meanwhile is given
 * on traffic_tick(t, now_ms, &orders)           once a second: what should be loaded unasked
 *
 * Places are found by name ("machine/engine/artifact") and live as long as t, so that whoever waits
 * or runs outlives a reload of the fleet file; what was learned moves over with them.
 *
 * Thread-safe by one mutex, held for a few microseconds; granted() is called while it is held, on
 * the thread that freed the slot: it may only post. Pure: the time is handed in.
 */
#pragma once

#include "route/line.h"
#include "route/place.h"

enum { TRAFFIC_ORDERS_MAX = 16 };

struct traffic;

struct waiter {
    /* Set by the asker, with the first part of the errand but for the numbers of its options. The
     * errand's name is the line: each has its own ceiling. */
    struct errand errand;
    struct copy_place **copies; /* beside errand.options */
    uint32_t line_max;
    /* False: the word could not be sent. Recalled: its try is to be ended, and it asks again. */
    bool (*granted)(struct waiter *w), (*recalled)(struct waiter *w);

    /* After ASK_taken, or when granted() was heard. */
    struct copy_place *taken, **victims; /* victims: to be unloaded first; waiter_fini() frees */
    uint32_t victims_count;
    double keep_alive_s; /* how long the engine should keep it, to go with the request */

    uint64_t retry_ms; /* ASK_full, ASK_none: when to come back, honestly guessed */
    struct link link;  /* of all that wait or run */
    bool told, is_known;
};

enum asked { ASK_taken, ASK_waits, ASK_full, ASK_none };
/* A copy to be loaded unasked, the victims unloaded first; or whose engine is told to keep it. */
struct order {
    struct copy_place *copy;
    bool is_load;
    struct copy_place *victims[BOARD_LOADED_MAX];
    uint32_t victims_count;
    double keep_alive_s;
};

struct orders {
    int64_t wall_ms;   /* what the clock on the wall says, since 1970 */
    bool is_new_hour;  /* another one has begun: habits are worth keeping */
    bool keeps, loads; /* what is wanted: what the plan keeps; also what was missed lately */
    struct order rows[TRAFFIC_ORDERS_MAX];
    uint32_t count;
};

/* What is known of one copy and of its engine, at one moment. */
struct copy_look {
    enum copy_state state;
    uint32_t slots, running, waiting, aside; /* aside: drills that run, and take no slot */
    double step_s;   /* a token takes so long there now, as learned; 0: nobody knows */
    bool is_open;    /* an attempt may be made now */
    bool was_loaded; /* and is away now */
    bool is_benched; /* it, or its engine */
    bool is_slow;    /* lastingly slower than expected */
    double decode_slowness, prompt_slowness; /* takes so many times as long, lately */
    uint32_t measured;                       /* answers that tell */
};

/* NULL without memory. */
struct traffic *traffic_new(const struct breaker_rules *rules);
void traffic_free(struct traffic *t);

/* Found or made; live as long as t. NULL without memory. */
struct engine_place *traffic_engine(struct traffic *t, struct str name);
struct copy_place *traffic_copy(struct traffic *t, struct str name);

/* Borrows the view until the next one, copies the places. -ENOMEM: nothing changed. */
MUST_USE int traffic_show(struct traffic *t, const struct view *view, const struct places *places,
                          uint64_t now_ms);

enum asked traffic_ask(struct traffic *t, struct waiter *w, uint64_t now_ms);
void waiter_fini(struct waiter *w);
void traffic_began(struct traffic *t, struct waiter *w, uint64_t now_ms);
struct verdict_change traffic_done(struct traffic *t, struct waiter *w,
                                   const struct errand_end *end, uint64_t now_ms);
/* True when granted() has been called: its word is on the way, the slot was handed on. */
bool traffic_leave(struct traffic *t, struct waiter *w, uint64_t now_ms);

/* See line_hedge(). Second has room for late's options; if a copy takes it, it is to be ended. */
bool traffic_hedge(struct traffic *t, const struct waiter *late, struct waiter *second,
                   uint64_t waited_ms, uint64_t now_ms);

/* What w tried first has ended: it goes on as what second was. */
void traffic_take_over(struct traffic *t, struct waiter *w, struct waiter *second, uint64_t now_ms);

/* Is a copy it waits for being loaded; how long until its first token, UINT64_MAX: nobody knows. */
bool traffic_is_loading(struct traffic *t, const struct waiter *w);
uint64_t traffic_estimate_ms(struct traffic *t, struct waiter *w, uint64_t now_ms);

/* It asked to be left alone until then, whatever else it answers. True: it was not held before. */
bool traffic_hold(struct traffic *t, const struct engine_place *engine, uint64_t now_ms,
                  uint64_t until_ms);

/* What a probe found. */
void traffic_probed(struct traffic *t, const struct engine_place *engine, bool up, uint64_t now_ms);

/* Nothing was loaded there since: a list of then holds, but for who works or loads (resident). */
bool traffic_is_calm(struct traffic *t, const struct engine_place *engine, uint64_t since_ms);
void traffic_resident(struct traffic *t, const struct copy_place *copy, bool in, uint64_t now_ms);

/* How an order ended. */
void traffic_ordered(struct traffic *t, const struct copy_place *copy, bool is_loaded,
                     uint64_t now_ms);

/* What an operator says of it: it serves; nobody new is sent there; and it is emptied, too. */
enum machine_duty { DUTY_serves, DUTY_cordoned, DUTY_drained };

/* -ENOENT: no such machine. It outlives a reload; the process: gateway/duties. */
int traffic_set_duty(struct traffic *t, struct str machine, enum machine_duty duty,
                     uint64_t now_ms);

/* What is said of it now, and how many attempts are under way there. */
enum machine_duty traffic_duty(struct traffic *t, struct str machine, uint32_t *ret_running);

/* What the provider's own list says. True when it changed something. */
bool traffic_absent(struct traffic *t, const struct copy_place *copy, bool absent);
/* What time alone changes, and what idle machines should load; ret NULL: nothing unasked. */
void traffic_tick(struct traffic *t, uint64_t now_ms, struct orders *ret);

/* To be kept; what was kept, at the start; what a bench measured, from which estimates start. */
void traffic_habit(struct traffic *t, const struct copy_place *copy, struct habit *ret);
void traffic_recall_habit(struct traffic *t, const struct copy_place *copy, const struct habit *h);
void traffic_start(struct traffic *t, const struct copy_place *copy, const struct bench_speeds *s);
/* Whether an attempt on that copy may be made now (its engine is up, nobody is benched). */
bool traffic_is_open(struct traffic *t, const struct copy_place *copy, uint64_t now_ms);

/* A consistent look at one copy; zeroed when it is not in the present fleet file. */
struct copy_look traffic_look(struct traffic *t, const struct copy_place *copy, uint64_t now_ms);
unsigned traffic_waiting(struct traffic *t, struct str line);
