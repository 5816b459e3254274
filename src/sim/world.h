/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One imagined machine: its memory, its engines, what they have loaded, and how long all takes.
 *
 *     w = world_new(&box, &hooks);
 *     e = world_add_engine(w, &engine);
 *     world_start(w, e, &visit, now_ms);         one request; hooks.on_visit tells what becomes of it
 *     while (world_next_ms(w) <= now_ms)
 *         world_advance(w, now_ms);              or just that: it plays all that is due, in order
 *     world_free(w);
 *
 * Pure: no sockets, no clock; the caller hands the time in, in imagined milliseconds that never
 * go back. The same calls give the same events. What a copy needs and how fast it runs is
 * said by hooks.pace, in the terms of model/speed.h. docs/internals/imagined.md explains the rules and their sources.
 */
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/str.h"
#include "model/speed.h"

enum { VISIT_PIECES_MAX = 64 };

/* What can be loaded. Owned by the caller, must outlive the world. */
struct world_artifact {
    struct str name; /* breaks ties when one must be evicted, as the path does in Ollama */
    uint64_t bytes;  /* the file: what the page cache holds */
    bool one_slot;   /* embedding models and some families never run in parallel */
    void *ctx;       /* the caller's */
};

/* What is asked of hooks.pace. */
struct pace_asked {
    const struct world_artifact *artifact;
    unsigned engine;
    uint32_t num_ctx; /* per slot; 0: left to the engine */
    uint32_t slots;
    struct box free;  /* the machine with what is free of its memory */
};

/* One copy with one set of options on this machine. */
struct pace {
    struct box box;           /* its rates */
    struct load load;
    struct fit fit;           /* in what was free; FIT_no: it cannot be loaded now */
    uint64_t predicted_bytes; /* what Ollama believes before it loads */
    uint32_t num_ctx;         /* per slot, as it will be */
    double unload_ms;
};

/* The part of a prompt that a message makes: what stands before and in it, and its tokens. */
struct piece {
    uint64_t chain;  /* fingerprint of everything up to its end */
    uint32_t tokens; /* from the beginning up to its end */
};

enum visit_state {
    VISIT_new,
    VISIT_pending, /* waits for its copy to be loaded */
    VISIT_loading, /* its copy is being loaded for it */
    VISIT_waiting, /* for a slot */
    VISIT_prefill,
    VISIT_decode,
    VISIT_over,
};

/* In VISIT_EVENT_done, failed and cut the visit has left the world and may be freed. */
enum visit_event {
    VISIT_EVENT_token,  /* one more token: tokens_done says which */
    VISIT_EVENT_done,   /* the last token, or nothing but the load or the prompt was asked for */
    VISIT_EVENT_failed, /* see fail */
    VISIT_EVENT_cut,    /* the machine broke off */
};

enum visit_fail {
    VISIT_FAIL_none,
    VISIT_FAIL_memory, /* it does not fit, even alone */
    VISIT_FAIL_busy,   /* too many wait for a load */
};

/* One request at an engine. The caller zeroes it, fills the first part in, and owns it. */
struct visit {
    const struct world_artifact *artifact;
    uint32_t num_ctx;        /* 0: left to the engine */
    uint64_t options;        /* fingerprint of the other options that make a runner reload */
    bool keep_alive_given;
    double keep_alive_ms;    /* negative: for ever */
    bool load_only;
    struct piece pieces[VISIT_PIECES_MAX];
    unsigned piece_count;
    uint64_t answer_chain;   /* of pieces and answer, for the next prompt; 0: not known */
    uint32_t answer_tokens;  /* to decode; 0: none, as for embeddings */
    double fixed_ms;         /* above 0: this long at full speed, no prompt and no tokens */
    void *ctx;

    enum visit_state state;
    enum visit_fail fail;
    uint32_t tokens_done;
    uint32_t prompt_tokens, cached_tokens, prompt_done;
    uint32_t context;        /* of the runner */
    unsigned slot;
    double start_ms, ready_ms, slot_ms, first_ms, end_ms; /* when: came, copy loaded, slot got, … */
    bool retried;            /* after an out of memory, everything else was evicted once */
    uint32_t lowered_ctx;    /* and the engine's own choice of context lowered to this */
    unsigned engine;
    struct runner *runner;
    struct link link;
};

struct world_engine {
    bool on_demand;        /* Ollama: loads what is asked for; else the one copy of world_serve() */
    uint32_t slots;        /* OLLAMA_NUM_PARALLEL */
    uint32_t max_loaded;   /* OLLAMA_MAX_LOADED_MODELS */
    uint32_t max_queue;    /* OLLAMA_MAX_QUEUE */
    double keep_alive_ms;  /* OLLAMA_KEEP_ALIVE; negative: for ever */
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

/* What an engine serves that does not load on demand; loading begins now. */
void world_serve(struct world *w, unsigned engine, const struct world_artifact *artifact,
                 uint32_t num_ctx, double now_ms);

/* Loaded already, as if long ago; no time passes. False when it does not fit. */
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
