/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers from what is kept: the exchange's side of cache/cache.h.
 *
 *     if (reuse_begin(x))                  its key, or its category, wants answers kept
 *         switch (reuse_look(x))           each time it is run
 *             REUSE_said:  it was answered from what is kept
 *             REUSE_waits: for an equal request, or for the journal
 *             REUSE_none:  an engine is to be asked
 *     reuse_reset(x); reuse_note(x, delta);   what it answers is noted meanwhile
 *     reuse_end(x);                            and kept, if all went well
 *
 * What a key keeps is its own; what a category keeps is for everybody who may ask for the copy that
 * gave the answer. An answer is kept whole and alone: errors, what was cut and went on elsewhere,
 * and what came from a lesser stand-in are not. It is played back in the caller's own dialect, in
 * pieces or in one, whichever way it was asked for first. `cache-control: no-cache` or `no-store`
 * asks for an engine.
 *
 * A request whose answer is not to be kept has no struct reuse and pays for a comparison.
 */
#pragma once

#include "gateway/exchange.h"
#include "ledger/price.h"

enum reused { REUSE_none, REUSE_waits, REUSE_said };

/* True: reuse_look() is due, after its booking and before its route. */
bool reuse_begin(struct exchange *x);
enum reused reuse_look(struct exchange *x);

/* A new attempt; a delta of its answer. */
void reuse_reset(struct exchange *x);
void reuse_note(struct exchange *x, const struct delta *delta);

/* "hit", "shared" or "miss", and of the first two how old the answer is; NULL: nothing is kept. */
const char *reuse_word(const struct exchange *x, uint64_t *ret_age_s);

/* Whether it was answered from what is kept; then what the answer had cost in tokens. */
bool reuse_spared(const struct exchange *x, struct tokens *ret);

/* Once, when the exchange settles. */
void reuse_end(struct exchange *x);

/* What is kept, for /metrics. */
void reuse_show(struct gateway *g);
