/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One imagined machine: its memory, its engines, what they have loaded, and how long all takes.
 *
 *     w = world_new(&box, &hooks);
 *     e = world_add_engine(w, &engine);
 *     world_start(w, e, &visit, now_ms);         one request; hooks.on_visit tells what becomes of
 * it while (world_next_ms(w) <= now_ms) world_advance(w, now_ms);              or just that: it
 * plays all that is due, in order world_free(w);
 *
 * Pure: no sockets, no clock; the caller hands the time in, in imagined milliseconds that never
 * go back. The same calls give the same events. What a copy needs and how fast it runs is
 * said by hooks.pace, in the terms of model/speed.h. docs/internals/imagined.md explains the rules
 * and their sources.
 */
#pragma once

#include "model/speed.h"
#include "sim/visit.h"

/* What is asked of hooks.pace. */
struct pace_asked {
    const struct world_artifact *artifact;
    unsigned engine;
    uint32_t num_ctx; /* per slot; 0: left to the engine */
    uint32_t slots;
    struct box free; /* the machine with what is free of its memory */
};

/* One copy with one set of options on this machine. */
struct pace {
    struct box box; /* its rates */
    struct load load;
    struct fit fit;           /* in what was free; FIT_no: it cannot be loaded now */
    uint64_t predicted_bytes; /* what Ollama believes before it loads */
    uint32_t num_ctx;         /* per slot, as it will be */
    double unload_ms;
};

struct world_engine {
    bool on_demand;       /* Ollama: loads what is asked for; else the one copy of world_serve() */
    uint32_t slots;       /* OLLAMA_NUM_PARALLEL */
    uint32_t max_loaded;  /* OLLAMA_MAX_LOADED_MODELS */
    uint32_t max_queue;   /* OLLAMA_MAX_QUEUE */
    double keep_alive_ms; /* OLLAMA_KEEP_ALIVE; negative: for ever */
};

struct world_hooks {
    void (*pace)(void *ctx, const struct pace_asked *asked, struct pace *ret);
    void (*on_visit)(void *ctx, struct visit *v, enum visit_event what);
    void *ctx;
};

enum world_fault {
    WORLD_well,
    WORLD_frozen, /* nothing moves */
    WORLD_dead,   /* and all that was loaded is lost */
    WORLD_slow,   /* everything takes factor times as long */
    WORLD_cuts,   /* every answer breaks off after after_tokens tokens */
};

struct world;

/* Abort without memory: made at start. */
struct world *world_new(const struct box *box, const struct world_hooks *hooks);
void world_free(struct world *w);
unsigned world_add_engine(struct world *w, const struct world_engine *engine);

/* Decode steps in which nothing else happens are played as one: the same times, but of an answer's
 * tokens only the first and the last are told. For simulating days. */
void world_leap(struct world *w);

/* What an engine serves that does not load on demand; loading begins now. */
void world_serve(struct world *w, unsigned engine, const struct world_artifact *artifact,
                 uint32_t num_ctx, double now_ms);

/* Loaded already, as if long ago; no time passes. False when it does not fit beside
 * the others, so that the engine would have evicted one for it. */
bool world_warm(struct world *w, unsigned engine, const struct world_artifact *artifact,
                uint32_t num_ctx, double now_ms);

/* on_visit may be called from inside, with failed only. */
void world_start(struct world *w, unsigned engine, struct visit *v, double now_ms);

/* The client left: no event follows. A load that is running for this visit is aborted. */
void world_leave(struct world *w, struct visit *v, double now_ms);

/* Unload as soon as nobody uses it (keep_alive 0 without a prompt). */
void world_expire(struct world *w, unsigned engine, const struct world_artifact *artifact,
                  double now_ms);

/* When something will happen by itself; INFINITY: never. */
double world_next_ms(const struct world *w);
void world_advance(struct world *w, double now_ms);

/* From one fault to another, or back to WORLD_well. After frozen or dead the engines have
 * started anew: visits were cut, nothing is loaded but what an engine serves from its start. */
void world_set_fault(struct world *w, enum world_fault fault, double factor, uint32_t after_tokens,
                     double now_ms);

/* One loaded copy, to look at. */
struct runner_view {
    const struct world_artifact *artifact;
    bool loading, unloading;
    uint64_t gpu_bytes, ram_bytes;
    uint32_t context, slots, busy, waiting;
    double expires_ms; /* INFINITY: never */
    double loaded_ms;  /* when it was loaded */
};

/* The engine's i-th runner, in the order they were loaded; false when there are not so many. */
bool world_runner(const struct world *w, unsigned engine, unsigned i, struct runner_view *ret);
unsigned world_pending(const struct world *w, unsigned engine);

/* Since its beginning: loads that were asked for, and copies that had to go for others. */
struct world_counts {
    uint64_t loads, evictions;
};
struct world_counts world_count(const struct world *w);
