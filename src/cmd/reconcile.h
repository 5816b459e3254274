/* SPDX-License-Identifier: Apache-2.0 */
/* Do rows, counters and metrics say the same? */
#pragma once

#include "cmd/option.h"
#include "store/store.h"

enum { RECONCILE_GATEWAYS_MAX = 12 };

/* Asks the gateways of --gateway (none: the usual one) what they counted since they began, and the
 * store for the sums since the first of them did: an exit status. Waits a few seconds for a moment
 * without requests. Whoever else wrote into that store meanwhile makes a difference. */
int reconcile(struct store *s, const struct options *o);
