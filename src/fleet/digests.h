/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which digest each engine has of each model: one name should mean the same bytes everywhere.
 *
 *     d = digests_new();
 *     count = digests_note(d, view, engine, &stock, rows, max);      whenever one was asked
 *     digests_free(d);
 *
 * A tag can be published anew: who pulls it then has other weights under the old name. Whoever has
 * what most others have is right; where as many have one as the other, both are told. Engines whose
 * names left the fleet file do not count. Pure; not thread-safe.
 */
#pragma once

#include "base/auto.h"
#include "fleet/stock.h"

struct digests;

/* Aborts without memory: made at start. */
struct digests *digests_new(void);
void digests_free(struct digests *d);
AUTO_FREE(digests)

/* Remembers what that engine has of what the file declares there, and writes a row for each of
 * which others have another digest: how many. Without memory nothing is remembered. */
uint32_t digests_note(struct digests *d, const struct view *view, uint32_t engine,
                      const struct stock *stock, struct stock_drift *ret, uint32_t max);
