/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an engine behaves on its machine: its kind, and what its settings say.
 *
 *     struct box box = box_assumed(catalog, machine);
 *     engine_rules_read(&rules, engine);
 *     tokens = engine_rules_context(&rules, &box, artifact, asked);
 *
 * The simulator's machines behave so, and routing expects it of the real ones. Pure.
 */
#pragma once

#include "fleet/box.h"

struct engine_rules {
    bool on_demand;    /* it loads what is asked for; else what it was started with */
    bool takes_orders; /* it can be told what to load and to unload */
    uint32_t slots, max_loaded, max_queue;
    double keep_alive_s; /* negative: for ever */
    uint32_t context;    /* OLLAMA_CONTEXT_LENGTH; 0: by memory */
    enum kv_type kv;
    bool cpu_only; /* it uses no GPU */
    bool offloads; /* weights rest in RAM and borrow the GPU */
};

void engine_rules_read(struct engine_rules *ret, const struct fleet_engine *e);

/* A machine whose RAM the file does not say has an ordinary PC's, twice. */
struct box box_assumed(const struct catalog *c, const struct machine *m);

/* The machine's box as far as this engine uses it. */
struct box engine_rules_box(const struct engine_rules *rules, const struct box *machine);

/* The tokens of one slot that an engine gives an artifact when asked for `context` (0: unsaid). */
uint64_t engine_rules_context(const struct engine_rules *rules, const struct box *machine,
                              const struct artifact *a, uint64_t context);

/* What the copy takes, of a box with so much free; FIT_no when it does not fit there. */
struct fit engine_rules_fit(const struct engine_rules *rules, const struct box *free,
                            const struct footprint *need);

/* Until an unloaded copy's memory is free: a discrete GPU reports it so only after a while, and
 * Ollama waits for that. */
double engine_rules_unload_s(const struct box *machine);

/* Does it not load this model, although it serves such: too new a version (unsaid: a new one)? */
bool engine_refuses(const struct fleet_engine *e, const struct model *m);
