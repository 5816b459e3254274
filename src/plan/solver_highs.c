/* SPDX-License-Identifier: Apache-2.0 */
/* HiGHS, through its C interface: libhighs.so.1, where the system has it (MIT). */
#include "plan/solver.h"

#include <errno.h>

static bool is_there(void);
static int solve(const struct program *m, const struct solver_limits *limits,
                 struct solver_answer *ret);

const struct solver solver_highs = {
    .name = "highs", .means = "search+highs", .solve = solve, .is_there = is_there};

static bool is_there(void)
{
    return false;
}

static int solve(const struct program *m, const struct solver_limits *limits,
                 struct solver_answer *ret)
{
    (void)m, (void)limits, (void)ret;
    return -ENODEV;
}
