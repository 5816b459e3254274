/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drift: where an engine has not what the fleet file declares (fleet/stock says where). Told when
 * it begins and when it is over, counted, and shown.
 *
 *     drifts = drifts_new(stats);
 *     drifts_note(drifts, engine, rows, count);           what a look at the engine found
 *     count = drifts_look(drifts, "machine/engine", seen, DRIFTS_SEEN_MAX);
 *     drifts_free(drifts);
 *
 * Any thread. What is known outlives fleet files, by the engine's name.
 */
#pragma once

#include "fleet/stock.h"
#include "stats/stats.h"

struct drifts;

enum { DRIFTS_SEEN_MAX = STOCK_DRIFTS_MAX, DRIFT_NAME_ROOM = 128 };

struct drift_seen {
    enum drift_kind kind;
    char name[DRIFT_NAME_ROOM];
};

/* Aborts without memory: made at start. */
struct drifts *drifts_new(struct stats *stats);
void drifts_free(struct drifts *d);

void drifts_note(struct drifts *d, const struct view_engine *engine, const struct stock_drift *rows,
                 uint32_t count);

/* How many rows were written. */
uint32_t drifts_look(struct drifts *d, struct str engine, struct drift_seen *ret, uint32_t max);
