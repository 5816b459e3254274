/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room: copies whose context has room for a prompt and its answer stand before those where it has
 * not; one that cannot hold the prompt is left out.
 *
 *     r = room_arrange(&candidates, &(struct room){.prompt_bytes = 40000, .answer_tokens = 500},
 *                      err);
 *
 * Nobody has counted the tokens. A prompt is taken for one of every four bytes, as English and code
 * have it, and for at least one of every twelve: no language comes cheaper in any vocabulary that
 * is known, so what is left out would have failed. Images and sounds count nothing. A context that
 * nobody has said has room for everything. Pure.
 */
#pragma once

#include "route/candidates.h"

enum { ROOM_TOKEN_BYTES = 4, ROOM_TOKEN_BYTES_MAX = 12 };

struct room {
    uint64_t prompt_bytes;  /* of text */
    uint64_t answer_tokens; /* that the caller asked for at most; 0: not said */
};

/* Keeps the order but for that. -E2BIG: none can hold it, all are left out; err says how long it is
 * and the largest context there is. */
MUST_USE int room_arrange(struct candidates *found, const struct room *room, struct err *err);
