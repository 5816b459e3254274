/* SPDX-License-Identifier: Apache-2.0 */
/* Machines as the planner sees them: rooms with an engine in each stall, and the models that span
 * several of them. Parts of a problem (problem.h), which owns them. */
#pragma once

#include "model/speed.h"
#include "plan/plan.h"

/* One engine of a room. */
struct stall {
    const struct fleet_engine *engine;
    struct box box;    /* what the machine has for it */
    uint32_t kept_max; /* models in memory at once */
    bool is_process;   /* serves the one model it was started with: there is kept */
    bool has_rule;     /* Ollama's rule of RULE_PERCENT holds */
};

/* One machine. */
struct room {
    const struct machine *machine;
    uint32_t index; /* in fleet->machines */
    uint32_t domain;
    struct stall *stalls;
    uint32_t stalls_count;
    uint64_t gpu_bytes, ram_bytes; /* for what is kept; 0 of the first: no GPU */
    bool is_unified;
    uint64_t disk_bytes; /* UINT64_MAX: not known */
    uint32_t kept_max;   /* over all stalls that choose: `keep_loaded: 3` */
    uint32_t seats_first, seats_count;
    struct fit lent; /* to models that span machines; every box and limit here is without it */
};

/* A model too large for each machine, over several: the first one leads and has the file. */
struct span {
    uint32_t ware, stall; /* of the first room */
    struct run run;
    struct footprint need;
    uint32_t *rooms;
    struct speed_part *parts; /* of each room */
    uint32_t count;
};
