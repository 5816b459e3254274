/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the imagined machine share among themselves; nobody else includes this. */
#pragma once

#include <math.h>

#include "sim/world.h"

enum {
    SLOTS_MAX = 16,
    ENGINES_MAX = 16,
    CACHED_MAX = 64,
    BATCH_TOKENS = 512, /* of a prompt, in one step: llama-server's ubatch */
};

enum runner_state { RUNNER_loading, RUNNER_loaded, RUNNER_unloading };

/* A place in a runner, and what of the last prompt is still in it. */
struct slot {
    struct visit *visit;
    struct piece pieces[VISIT_PIECES_MAX + 1];
    unsigned piece_count;
    double used_ms;
};

/* One copy in memory. */
struct runner {
    struct link link;
    struct loader *engine;
    const struct world_artifact *artifact;
    enum runner_state state;
    struct pace pace;
    uint32_t asked_ctx; /* as the options said, to see whether they change */
    uint64_t options;
    uint32_t slot_count;
    struct slot slots[SLOTS_MAX];
    struct link waiting; /* visits without a slot, first come, first served */
    unsigned refs;       /* visits with and without a slot */
    struct visit *asker;
    double keep_ms;    /* how long to stay when idle */
    double expires_ms; /* when idle: until when */
    double due_ms;     /* load, unload or step: when it ends */
    double loaded_ms;
    bool stepping, ending; /* a step is under way; it is being ended, and the next will follow */
    uint32_t step_tokens;  /* of a prompt, in this step */
    uint32_t leap;         /* so many decode steps are played as one */
    double leap_begun_ms, leap_step_ms;
    struct visit *step_visit;
};

struct loader {
    struct world *world;
    unsigned number;
    struct world_engine options;
    struct link runners;
    struct link pending; /* visits that need a load */
    unsigned pending_count;
    bool evicting; /* the first of them waits for an unload */
    const struct world_artifact *serves;
    uint32_t serves_ctx;
};

struct world {
    struct box box;
    struct world_hooks hooks;
    struct loader engines[ENGINES_MAX];
    unsigned engine_count;
    struct {
        const struct world_artifact *artifact;
        double used_ms;
    } cached[CACHED_MAX];
    unsigned cached_count;
    enum world_fault fault;
    double factor;
    uint32_t after_tokens;
    bool leaps;
    struct world_counts counts;
};

/* world.c */
struct box world_free_box(const struct world *w);
bool world_is_cached(const struct world *w, const struct world_artifact *artifact);
void world_cache(struct world *w, const struct world_artifact *artifact, double now_ms);
void world_land(struct world *w, double now_ms);
void world_tell(struct world *w, struct visit *v, enum visit_event what);

/* world_runner.c: a loaded copy and its slots. */
struct runner *runner_new(struct loader *e, const struct world_artifact *artifact,
                          const struct pace *pace, uint32_t slots, double now_ms);
void runner_free(struct runner *r);
void runner_use(struct runner *r, struct visit *v, double now_ms);
void runner_drop(struct runner *r, struct visit *v, double now_ms);
void runner_step_end(struct runner *r, double now_ms);
double runner_next_ms(const struct runner *r);
void runner_land(struct runner *r, double now_ms);

/* world_schedule.c: what an engine loads and evicts. */
struct runner *loader_find(const struct loader *e, const struct world_artifact *artifact);
void loader_ask(struct loader *e, struct visit *v, double now_ms);
void loader_schedule(struct loader *e, double now_ms);
void loader_idle(struct runner *r, double now_ms);
void loader_unload(struct runner *r, double now_ms);
void loader_play(struct runner *r, double now_ms);
struct runner *loader_load(struct loader *e, const struct world_artifact *artifact,
                           uint32_t num_ctx, const struct pace *pace, double now_ms);
void loader_pace(struct loader *e, const struct world_artifact *artifact, uint32_t num_ctx,
                 struct pace *ret);
bool loader_would_evict(const struct loader *e, const struct pace *pace);
