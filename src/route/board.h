/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: what every machine and copy is doing, as far as routing knows.
 *
 *     b = board_new(view);
 *     board_begin(b, copy, &run);   … board_end(b, copy, run.id);     an attempt
 *     board_set(b, copy, COPY_loading, now_ms);                               what the engine did
 *     board_rest_s(&b->copies[copy], now_ms)                                  what still runs there
 *
 * Copies and machines have the numbers they have in the view. Everybody may read; only these
 * functions write. Seconds are durations, now_ms the time that is handed in. Pure; nothing is
 * allocated after board_new(). Not thread-safe: its owner has the lock.
 */
#pragma once

#include "fleet/view.h"
#include "route/affinity.h"
#include "route/breaker.h"
#include "route/estimate.h"
#include "route/expect.h"
#include "route/rate.h"

enum { BOARD_RUNS_MAX = 16, BOARD_LOADED_MAX = 16, BOARD_NONE = -1 };

enum copy_state { COPY_away, COPY_loading, COPY_loaded };

/* An attempt under way. */
struct board_run {
    uint64_t id;
    uint64_t begun_ms;
    double work_s; /* how long it was expected to take, from begun_ms */
    double weight; /* what a second of it is worth */
};

struct board_copy {
    const struct copy *facts;
    int machine; /* BOARD_NONE: a cloud model */
    bool fits;   /* alone on its machine, and the catalog knows it */
    bool stays;  /* its engine has loaded it for good */
    bool wanted; /* the plan keeps it loaded */
    struct engine_rules rules;
    struct expected expected;
    struct estimate estimate;
    enum copy_state state;
    uint64_t since_ms; /* when that began */
    uint32_t slots, run_count;
    struct board_run runs[BOARD_RUNS_MAX];
    double planned_s;                /* work of those in line who will probably come here */
    struct rate saved_lately, saved; /* seconds that requests were spared: it was loaded */
    struct rate missed;              /* seconds that they would have been spared, had it been */
    struct breaker breaker;
};

struct board_machine {
    const struct machine *facts;
    uint32_t first, copies_count; /* of its copies: they stand together */
    struct box box;
    struct box left;                   /* of it, beside what is loaded */
    uint32_t loaded[BOARD_LOADED_MAX]; /* loading ones, too */
    uint32_t loaded_count;
    int loading;              /* the copy, or BOARD_NONE */
    uint64_t loading_ms;      /* since when */
    bool is_down, is_drained; /* nobody answers there; nobody is to be sent there */
    double wake_s;            /* it sleeps, and takes so long to wake; 0: it is awake */
    struct rate failures;
    struct breaker breaker;
};

struct board {
    const struct view *view;
    struct board_copy *copies;
    struct board_machine *machines;
    uint32_t copies_count, machines_count;
    struct affinity *affinity;
};

/* How long the past counts: for a request that would evict somebody; for what is loaded unasked;
 * for whom to trust. */
#define BOARD_LATELY_S   60.0
#define BOARD_LOADS_S    600.0
#define BOARD_FAILURES_S 3600.0

/* Borrows the view. Copies of engines that load nothing on demand are loaded. NULL without memory.
 */
struct board *board_new(const struct view *view);
void board_free(struct board *b);
AUTO_FREE(board)

/* An attempt takes a slot there; beyond BOARD_RUNS_MAX it is not counted. */
void board_begin(struct board *b, uint32_t copy, const struct board_run *run);
void board_end(struct board *b, uint32_t copy, uint64_t id);

/* The one door of a copy's state. */
void board_set(struct board *b, uint32_t copy, enum copy_state state, uint64_t now_ms);

/* How long it will still run; what outlived its expectation has a part of its age to go. */
double board_run_rest_s(const struct board_run *run, uint64_t now_ms);

/* Until the copy is idle; 0 when it is. */
double board_rest_s(const struct board_copy *c, uint64_t now_ms);

/* Until the machine has ended the load that it does; 0 when it does none. */
double board_loading_rest_s(const struct board *b, const struct board_machine *m, uint64_t now_ms);

/* From disk or page cache, as measured. */
double board_load_s(const struct board_copy *c);

/* May an attempt be made there now? */
bool board_is_open(const struct board *b, uint32_t copy, uint64_t now_ms);
