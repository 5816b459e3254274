/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer on a tape: deltas as bytes, one behind the other, to be played into any writer later.
 *
 *     tape_put(&tape, delta); …            as they pass
 *     tape_play(buf_str(&tape), sink);     the same again
 *
 * For the memory of one process: the bytes are in its own order, and no format for others. Pure.
 */
#pragma once

#include "base/buf.h"
#include "dialect/delta.h"

/* Of a failure or an end nothing is put. -EMSGSIZE: over the buf's ceiling; -ENOMEM. Then the tape
 * is as before. */
MUST_USE int tape_put(struct buf *tape, const struct delta *delta);

/* 0; what put() returned, when negative; -EBADMSG: that is no tape. */
MUST_USE int tape_play(struct str tape, struct sink next);
