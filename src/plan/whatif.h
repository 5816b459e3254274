/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What if: a plan for machines, contexts and clouds that are not as the file says.
 *
 *     whatif_init(&what);
 *     r = whatif_read(&what, STR("add=spare:AI Max+ 395,128 GB"), fleet, catalog, &err);
 *     r = fleet_load_with(&other, path, buf_str(&what.machines), "--what-if", &err);
 *     r = whatif_apply(&what, &wish, &err);               wish.fleet is the other one by now
 *     whatif_fini(&what);
 *
 * lose=NAME        a machine, or all of a failure domain
 * add=NAME:PARTS   a machine like another one (its name), or parts with commas between: hardware of
 *                  the catalog, RAM, kinds of engine (ollama unless said)
 * ctx=TOKENS       for every text model
 * without-cloud
 */
#pragma once

#include "base/arena.h"
#include "plan/plan.h"

enum { WHATIF_LOST_MAX = 64, WHATIF_BYTES_MAX = 1 << 20 };

struct whatif {
    struct buf machines; /* YAML: what is added to the fleet; empty: nothing */
    struct str lost[WHATIF_LOST_MAX];
    uint32_t lost_count;
    const struct machine *machines_lost[PLAN_MACHINES_MAX];
    uint64_t context;
    bool without_cloud;
};

void whatif_init(struct whatif *w);
void whatif_fini(struct whatif *w);

/* The word is borrowed. 0; -EINVAL with words: no such question, machine or hardware; -E2BIG. */
MUST_USE int whatif_read(struct whatif *w, struct str word, const struct fleet *fleet,
                         const struct catalog *catalog, struct err *err);

/* Into a wish whose fleet has the added machines; the wish borrows w. 0 or -E2BIG. */
MUST_USE int whatif_apply(struct whatif *w, struct plan_wish *wish, struct err *err);
