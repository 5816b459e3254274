/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the planner's problem: its parts in the order in which they are made. */
#pragma once

#include "plan/problem.h"

/* problem_lines.c: what the file declares, and what is there today. */
MUST_USE int problem_add_lines(struct problem *p);
bool problem_is_declared(const struct problem *p, const struct artifact *a);
bool problem_is_held(const struct problem *p, const struct artifact *a);
bool problem_is_held_on(const struct problem *p, const struct machine *m,
                        const struct fleet_engine *e, const struct artifact *a);

/* The line that declares it there; NULL. */
const struct fleet_model *problem_line(const struct problem *p, const struct machine *m,
                                       const struct fleet_engine *e, const struct artifact *a);

/* The artifact of a line with that deployment name, or with that tag; NULL. */
const struct artifact *problem_named(const struct problem *p, struct str name);

/* problem_rooms.c: machines, engines, what they have. */
MUST_USE int problem_add_rooms(struct problem *p, struct err *err);

/* problem_seats.c: artifacts, and where they may live. Wants must be there, without offers. */
MUST_USE int problem_add_wares(struct problem *p);
MUST_USE int problem_add_seats(struct problem *p);

/* Does it fit on any one machine, if only with less context? */
bool problem_fits_alone(const struct problem *p, uint32_t ware);

/* Tokens of a copy for which its own line says none. */
uint64_t problem_context(const struct problem *p, const struct artifact *a);

/* problem_spans.c: what several machines hold together, before anything else is placed. */
MUST_USE int problem_add_spans(struct problem *p);

/* problem_wants.c: categories; then, when seats are there, their offers. */
MUST_USE int problem_add_wants(struct problem *p);
MUST_USE int problem_add_offers(struct problem *p);
