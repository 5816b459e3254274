/* SPDX-License-Identifier: Apache-2.0 */
/* Inside fleet/: how a fleet is kept, and the check of what its parts say about each other. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "fleet/fleet.h"

/* What fleet_free() frees; the fleet is its first member. */
struct fleet_owner {
    struct fleet fleet;
    struct arena arena;
    struct map machines, categories, cloud, aliases;
};

/* Fills in what follows from elsewhere (names, ports, domains, engines of models), indexes by
 * name, and reports names that lead nowhere or stand twice. */
void fleet_resolve(struct fleet_owner *o, struct schema_reader *rd);
