/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a model will run on a machine: what the box has for an engine, and with which context and
 * slots the engine will start it. The lint and the planner ask here.
 *
 *     if (running_box(catalog, &box, machine, engine))
 *         run = running_of(engine, line, artifact, &box);
 */
#pragma once

#include "fleet/fleet.h"
#include "model/catalog.h"
#include "model/memory.h"

enum {
    RUNNING_CONTEXT_LEAST = 4096, /* less context than this is of no use to anybody */
    RUNNING_SLOTS_MAX = 1024,
};

/* What the machine has for that engine (NULL: any); false when it is not known. */
bool running_box(const struct catalog *c, struct box *ret, const struct machine *m,
                 const struct fleet_engine *e);

/* Slots that the engine's settings or arguments say; 0: they say none. */
uint32_t running_slots(const struct fleet_engine *e);

/* Tokens of one slot that they say; 0: they say none. */
uint64_t running_context(const struct fleet_engine *e);

/* As the engine will have it: what the line (NULL: none) or the engine's settings say, else what
 * the engine chooses by itself. */
struct run running_of(const struct fleet_engine *e, const struct fleet_model *line,
                      const struct artifact *a, const struct box *box);
