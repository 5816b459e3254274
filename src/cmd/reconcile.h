/* SPDX-License-Identifier: Apache-2.0 */
/* Do rows, counters and metrics say the same? */
#pragma once

#include "store/store.h"

/* Asks the gateway (NULL: the usual one) what it counted since it began, and the store for the sums
 * of the same time: an exit status. Waits a few seconds for a moment without requests. */
int reconcile(struct store *s, const char *gateway, bool as_json);
