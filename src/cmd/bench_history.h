/* SPDX-License-Identifier: Apache-2.0 */
/* What benches and applies have measured before, from the store. */
#pragma once

#include "base/buf.h"
#include "store/store.h"

/* Only of that machine; NULL: of all. As a table, or as JSON: {"copies": […]}, as `tampu bench
 * --json` says each, the newest of a copy last. */
MUST_USE int bench_history(struct buf *out, struct store *s, const char *machine, bool as_json,
                           struct err *err);
