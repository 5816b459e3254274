/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan that a fleet file declares, as it stands: what `plan` is compared with.
 *
 *     r = declared_make(&declared, &wish, &err);
 *     certificate_make(&certificate, &declared->plan, &wish, &err);
 *     declared_free(declared);
 *
 * Lines that are optional, that no engine there serves, that fit nowhere, or that nobody knows
 * have no copy. A row asks machines in the order that the gateway would.
 */
#pragma once

#include "base/arena.h"
#include "plan/plan.h"

enum { DECLARED_BYTES_MAX = 64 << 20 };

struct declared {
    struct plan plan;
    struct arena arena;
};

/* Of the wish: fleet, catalog, day, lost, demand (NULL: none). 0 or -ENOMEM. */
MUST_USE int declared_make(struct declared **ret, const struct plan_wish *wish, struct err *err);

void declared_free(struct declared *d);
AUTO_FREE(declared)
