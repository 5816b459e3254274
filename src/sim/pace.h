/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a world is told of real facts: an engine's rules as it plays them, and the pace of a copy.
 *
 * The imagined fleet on loopback and the one under a virtual clock have it from here.
 */
#pragma once

#include "fleet/engine_rules.h"
#include "sim/world.h"

struct world_engine pace_engine(const struct engine_rules *rules);

/* For world_hooks.pace: this artifact on that engine of a machine, in what is free of it. */
void pace_reckon(struct pace *ret, const struct box *machine, const struct engine_rules *rules,
                 const struct artifact *a, const struct pace_asked *asked);
