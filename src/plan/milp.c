/* SPDX-License-Identifier: Apache-2.0 */
/* The planner's problem as a mixed-integer program: seats, then flows, then rooms. */
#include "plan/milp.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/auto.h"
#include "plan/milp_inside.h"

static int set_values(struct placement *pl, const struct milp *m, const double *values);

int milp_init(struct milp *m, const struct problem *p)
{
    *m = (struct milp){
        .disk = calloc(p->seats_count + 1, sizeof *m->disk),
        .kept = calloc(p->seats_count + 1, sizeof *m->kept),
    };
    program_init(&m->program);
    if (!m->disk || !m->kept)
        m->program.error = -ENOMEM;
    if (m->program.error == 0) {
        milp_add_seats(m, p);
        milp_add_wares(m, p);
        milp_add_flows(m, p);
        milp_add_rooms(m, p);
    }
    return m->program.error;
}

void milp_fini(struct milp *m)
{
    program_fini(&m->program);
    free(m->disk);
    free(m->kept);
    *m = (struct milp){0};
}

int milp_prove(struct placement *pl, const struct solver *solver, const struct milp_limits *limits,
               double *ret_bound)
{
    struct solver_limits l = {
        .gap = limits->gap, .seconds = limits->seconds, .is_relaxed = limits->is_relaxed};
    struct solver_answer answer = {0};
    AUTO_BYTES(double *) start = NULL;
    struct milp m;
    int r = milp_init(&m, pl->problem);

    if (r == 0 && !l.is_relaxed && m.program.rows_count > MILP_ROWS_MAX) {
        milp_fini(&m);
        return 0;
    }
    if (r == 0 && !l.is_relaxed)
        r = milp_values(&m, pl, &start);
    l.start = start;
    if (r == 0)
        r = solver->solve(&m.program, &l, &answer);
    if (r == 0 && answer.bound > *ret_bound)
        *ret_bound = answer.bound;
    if (r == 0 && answer.values)
        r = set_values(pl, &m, answer.values);
    solver_answer_fini(&answer);
    milp_fini(&m);
    return r;
}

/* What the solver found, unless it breaks a limit by its tolerances or is no better. */
static int set_values(struct placement *pl, const struct milp *m, const double *values)
{
    const struct problem *p = pl->problem;
    AUTO(placement) found = NULL;
    int r = placement_new(&found, p);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < p->seats_count; i++) {
        bool is_there = m->disk[i] != UINT32_MAX && values[m->disk[i]] > 0.5;
        bool is_kept = m->kept[i] != UINT32_MAX && values[m->kept[i]] > 0.5;

        if (is_kept || is_there)
            placement_set(found, i, is_kept ? LEVEL_kept : LEVEL_disk);
    }
    for (uint32_t i = 0; i < p->rooms_count; i++)
        if (!placement_fits(found, i))
            return 0;
    if (placement_reckon(found) < placement_reckon(pl) - 1e-9)
        placement_copy(pl, found);
    return 0;
}
