/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner's problem as a mixed-integer program, and what a solver proves of it.
 *
 *     r = milp_prove(placement, solver, &limits, &bound);
 *
 * The program's cost is placement_seconds() to the last term: what the solver finds is set into the
 * placement and reckoned there again. The formulation is in docs/internals/plan.md.
 */
#pragma once

#include "plan/placement.h"
#include "plan/solver.h"

/* Larger ones are only relaxed: branching on them takes hours, and memory. */
enum { MILP_ROWS_MAX = 20000 };

struct milp {
    struct program program;
    uint32_t *disk, *kept; /* columns of every seat; UINT32_MAX: none */
};

/* 0 or -ENOMEM. */
MUST_USE int milp_init(struct milp *m, const struct problem *p);
void milp_fini(struct milp *m);

/* A value for each column, those of integers as the placement has them. 0 or -ENOMEM. */
MUST_USE int milp_values(const struct milp *m, const struct placement *pl, double **ret);

struct milp_limits {
    double gap, seconds;
    bool is_relaxed; /* only the bound */
};

/* The placement becomes better, or stays. *ret_bound: nothing costs less; only ever raised.
 * 0, -ENODEV, -ENOMEM. */
MUST_USE int milp_prove(struct placement *pl, const struct solver *solver,
                        const struct milp_limits *limits, double *ret_bound);
