/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the local search: one random step at a time, taken or taken back. */
#pragma once

#include "plan/placement.h"

struct mover;

/* Moves that placement, which it borrows. 0 or -ENOMEM. */
MUST_USE int mover_new(struct mover **ret, struct placement *pl, uint64_t seed);
void mover_free(struct mover *m);
AUTO_FREE(mover)

/* Tries one change; worse ones are taken as the heat (seconds an hour) allows. What it leaves fits.
 * Was it taken? */
bool mover_step(struct mover *m, double heat);
