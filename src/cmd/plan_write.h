/* SPDX-License-Identifier: Apache-2.0 */
/* `plan --write`: the plan into the fleet file and those it includes. */
#pragma once

#include "plan/plan.h"

/* Writes what changes, reads the fleet again, and puts the old texts back when it does not declare
 * exactly the plan. An exit status; what was done, or why not, is said on stderr. */
int plan_write_fleet(const struct plan *plan, const char *path);
