/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever solver of mixed-integer programs this system has: HiGHS or CBC, opened when asked for.
 *
 *     solver = solver_find();                     NULL: none; local search must do
 *     r = solver->solve(program, &limits, &answer);
 *     answer.bound, answer.values …
 *     solver_answer_fini(&answer);
 *
 * The libraries are opened at run time and stay open: a program that never plans never holds one,
 * and a system without them lacks the proof, not the plan.
 */
#pragma once

#include "plan/program.h"

struct solver_limits {
    double gap; /* it may stop this near to the best, as a share */
    double seconds;
    const double *start; /* to begin with, a value for each integer column; NULL: none */
    bool is_relaxed;     /* integers may be broken: only the bound is wanted */
};

struct solver_answer {
    double bound;   /* nothing costs less; -INFINITY: not known */
    double cost;    /* of the values */
    double *values; /* of all columns; NULL: no solution was found */
    bool is_infeasible;
};

struct solver {
    const char *name, *means; /* "cbc", "search+cbc" */
    /* 0; -ENODEV when the library is not there or too old; -ENOMEM. */
    int (*solve)(const struct program *m, const struct solver_limits *limits,
                 struct solver_answer *ret);
    bool (*is_there)(void);
};

/* The best there is; NULL. */
const struct solver *solver_find(void);
void solver_answer_fini(struct solver_answer *a);

extern const struct solver solver_highs, solver_cbc;
