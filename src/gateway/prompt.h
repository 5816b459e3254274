/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prompt as routing sees it: a chain of fingerprints, one for each message, by which a
 * conversation finds the copy that has read its beginning.
 *
 *     prompt_read(x);                      into x->waiter.errand.pieces, while it is parsed
 *     prompt_answered(x, text);            the answer, as it comes
 *     chain = prompt_answer_chain(x);      of the conversation with it; 0: of no use
 *
 * The order of a message's members and how its text is cut make no difference.
 */
#pragma once

#include "gateway/exchange.h"

/* How many pieces it has, at most: room for them is the asker's. */
uint32_t prompt_pieces(const struct exchange *x);
void prompt_read(struct exchange *x);
void prompt_answered(struct exchange *x, struct str text);
uint64_t prompt_answer_chain(const struct exchange *x);
