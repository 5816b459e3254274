/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the mixed-integer program: its parts, in the order of their columns. */
#pragma once

#include "plan/milp.h"

void milp_add_seats(struct milp *m, const struct problem *p);
void milp_add_wares(struct milp *m, const struct problem *p);
void milp_add_rooms(struct milp *m, const struct problem *p);

/* milp_flow.c: who serves what. */
void milp_add_flows(struct milp *m, const struct problem *p);

/* A process has one column for both: there is kept. */
bool milp_has_seat(const struct milp *m, uint32_t seat);
