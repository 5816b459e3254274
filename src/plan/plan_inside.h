/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the planner: from the problem and its placement to the plan that others read. */
#pragma once

#include "base/arena.h"
#include "plan/placement.h"

enum { PLAN_BYTES_MAX = 256 << 20 };

/* What plan_free() frees; the plan is its first member. */
struct plan_owner {
    struct plan plan;
    struct arena arena;
};

/* plan_rows.c: copies, rows and their reasons. 0, -E2BIG or -ENOMEM. */
MUST_USE int plan_fill(struct plan_owner *o, const struct placement *pl);
