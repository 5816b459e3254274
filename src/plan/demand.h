/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much is asked of a category: given, declared, or what is usual for its purpose.
 *
 *     struct demand d = demand_of(category, NULL);
 *
 * Pure; the usual figures are rows of tables/usual_demand.def.
 */
#pragma once

#include "plan/plan.h"

/* measured may be NULL; of it and of what the file says, zeros are filled in from the table. */
struct demand demand_of(const struct category *category, const struct demand *measured);
