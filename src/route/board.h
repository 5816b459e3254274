/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: what every machine and copy is doing, as far as routing knows.
 *
 *     b = board_new(view);
 *     board_begin(b, copy, &run);   … board_end(b, copy, run.id);     an attempt
 *     board_inherit(b, old, from, now_ms);                                   after a reload
 *     board_set(b, copy, COPY_loading, now_ms);                               what the engine did
 *
 * Copies, engines and machines have the numbers they have in the view. Everybody may read; only
 * these functions write. Seconds are durations, now_ms the time that is handed in. Pure; nothing is
 * allocated after board_new(). Not thread-safe: its owner has the lock.
 */
#pragma once

#include "fleet/view.h"
#include "route/affinity.h"
#include "route/breaker.h"
#include "route/drift.h"
#include "route/estimate.h"
#include "route/expect.h"
#include "route/habit.h"
#include "route/hint.h"
#include "route/rate.h"

enum { BOARD_RUNS_MAX = 16, BOARD_LOADED_MAX = 16, BOARD_NONE = -1, DRIFT_KINDS = ESTIMATE_load };

enum copy_state { COPY_away, COPY_loading, COPY_loaded };

/* An attempt under way. */
struct board_run {
    uint64_t id;
    uint64_t begun_ms;
    double work_s; /* how long it was expected to take, from begun_ms */
    double weight; /* what a second of it is worth */
};

/* One engine of one machine, or one credential of a provider. */
struct board_engine {
    const struct view_engine *facts;
    struct breaker breaker;
    uint64_t held_until_ms; /* it asked to be left alone: a limit of a provider */
    bool is_down;           /* its probe is not answered */
    bool is_unreachable;    /* benched because nobody listened: an answered probe ends that */
    bool is_doubted;        /* another gateway says something new of it: a probe is due */
    struct hint down_hint, bench_hint;
};

struct board_copy {
    const struct copy *facts;
    uint32_t engine;
    int machine;    /* BOARD_NONE: a cloud model */
    bool fits;      /* alone on its machine, as far as the catalog knows */
    bool is_guess;  /* nobody knows what it needs or how fast it is, until it was measured */
    bool is_twin;   /* another row of the fleet file for what a row before it names */
    bool stays;     /* its engine has loaded it for good */
    bool wanted;    /* the plan keeps it loaded */
    bool is_told;   /* while loaded: its engine has heard from us how long to keep it */
    bool is_absent; /* its provider has it no more */
    bool is_on_map; /* a category asks for it, there */
    struct engine_rules rules;
    struct expected expected;
    struct estimate estimate;
    struct drift drift[DRIFT_KINDS]; /* by enum estimate_kind, loads excepted */
    enum copy_state state;
    uint64_t since_ms; /* when that began */
    uint64_t read_at;  /* its machine's read_bytes when its file was read last; 0: never */
    bool is_cached;    /* so it is probably still in memory, or was when its load began */
    uint32_t slots, run_count;
    uint32_t known_count; /* of them, in runs */
    uint32_t aside_count; /* and beside them: drills, which take no slot from others */
    struct board_run runs[BOARD_RUNS_MAX];
    uint32_t waiters;                /* in line, and might come here */
    double planned_s;                /* work of those in line who will probably come here */
    struct rate saved_lately, saved; /* seconds that requests were spared: it was loaded */
    struct rate missed;              /* seconds that they would have been spared, had it been */
    struct breaker breaker;
    struct hint bench_hint;
    struct habit habit; /* both, by the hour of the day */
};

struct board_machine {
    const struct machine *facts;
    uint32_t first, copies_count;      /* of its copies: they stand together */
    struct box box, left;              /* left: of it, beside what is loaded */
    uint32_t loaded[BOARD_LOADED_MAX]; /* loading ones, too */
    uint32_t loaded_count;
    uint64_t read_bytes;         /* of models' files, since we know it */
    int loading;                 /* the copy, or BOARD_NONE */
    uint64_t loading_ms;         /* since when */
    bool is_drained, is_emptied; /* nobody is to be sent there; and what is idle is unloaded */
    double wake_s;               /* it sleeps, and takes so long to wake; 0: it is awake */
    struct rate failures;
};

struct board {
    const struct view *view;
    struct board_copy *copies;
    struct board_engine *engines;
    struct board_machine *machines;
    uint32_t copies_count, engines_count, machines_count;
    struct affinity *affinity;
    int64_t wall_from_ms; /* added to now_ms: milliseconds since 1970 */
    uint32_t hour;        /* since 1970; 0: nobody has said */
};

/* How long the past counts: for who would evict, for what is loaded unasked, for trust. */
#define BOARD_LATELY_S   60.0
#define BOARD_LOADS_S    600.0
#define BOARD_FAILURES_S 3600.0

/* What took observed_s was expected to take expected_s; few tokens say nothing of slowness. */
void board_learn(struct board_copy *c, enum estimate_kind kind, double context_tokens,
                 double observed_s, double expected_s, double tokens);
bool board_is_slow(const struct board_copy *c); /* lastingly */

/* Borrows the view. What no engine loads on demand is loaded. NULL without memory. */
struct board *board_new(const struct view *view);
void board_free(struct board *b);
AUTO_FREE(board)
/* After a reload: the numbers that copies and engines had on the old board, or BOARD_NONE. */
void board_inherit(struct board *b, const struct board *old, const int *from,
                   const int *engines_from);

/* An attempt takes a slot there; of more than BOARD_RUNS_MAX the others are counted only. */
void board_begin(struct board *b, uint32_t copy, const struct board_run *run);
void board_end(struct board *b, uint32_t copy, uint64_t id);

/* The one door of a copy's state. */
void board_set(struct board *b, uint32_t copy, enum copy_state state, uint64_t now_ms);

/* How long it will still run; what outlived its expectation has a part of its age to go. */
double board_run_rest_s(const struct board_run *run, uint64_t now_ms);

/* Until the copy is idle; until the machine has ended its load. 0: it is, it has. */
double board_rest_s(const struct board_copy *c, uint64_t now_ms);
double board_loading_rest_s(const struct board *b, const struct board_machine *m, uint64_t now_ms);

/* From disk or page cache, whichever it will be: as the model says; as measured. */
double board_expected_load_s(const struct board_copy *c);
double board_load_s(const struct board_copy *c);

/* What the clock on the wall says. True when another hour has begun: habits have turned. */
bool board_tell_time(struct board *b, uint64_t now_ms, int64_t wall_ms);

/* What the copy's being loaded will probably spare in the coming hour; 0: nobody knows. */
double board_foresee_s(const struct board *b, uint32_t copy, uint64_t now_ms);

/* May an attempt be made there now? */
bool board_is_open(const struct board *b, uint32_t copy, uint64_t now_ms);
