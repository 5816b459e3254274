/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that read the store for a stream's visit, so that no loop waits for SQL.
 *
 *     r = reading_start(loop, work, visit);     -EBUSY: READINGS_MAX are under way
 *     …                                         work(visit) on a thread of its own
 *     loop_post(loop, on_done, visit);          the last thing that work does
 *     reading_leave(NULL, loop);                streamer's on_leave: waits for those of that loop
 *
 * Nobody waits for a thread when a client leaves: what its work has posted frees the visit.
 */
#pragma once

#include "base/attr.h"
#include "net/loop.h"

enum { READINGS_MAX = 4 }; /* of all loops together */

/* -EBUSY, or why there is no thread: then work is not called. */
MUST_USE int reading_start(struct loop *loop, loop_fn *work, void *visit);

/* Until all of that loop are over, and what they have posted is in its line. */
void reading_leave(void *ctx, const struct loop *loop);
