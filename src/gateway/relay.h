/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's side of an answer: nothing is sent before the first token, then everything as it
 * comes.
 *
 * A plain answer is kept until it is whole, so that any failure before its end can go to another
 * machine. A stream is passed on frame by frame: what the caller has is always whole frames.
 */
#pragma once

#include "gateway/exchange.h"

/* A new attempt: what an earlier one left is dropped. 0, -ENOMEM. */
MUST_USE int relay_reset(struct exchange *x);

/* The head of an answer that nobody translates: its type decides whether it goes to the caller as
 * it comes. */
void relay_begin_passed(struct exchange *x, const struct reply *r);

/* TASK_tokens without an engine: about four bytes are a token. 0, -ENOMEM, -EMSGSIZE. */
MUST_USE int relay_estimate(struct exchange *x);

/* A delta of the engine's answer. Counts it, translates it when need be. */
int relay_put(void *ctx, const struct delta *delta);

/* The same, when it is known to be new to the caller. */
int relay_deliver(struct exchange *x, const struct delta *delta);

/* The writer of what the caller gets from here on. 0, -ENOMEM. */
MUST_USE int relay_make_writer(struct exchange *x);

/* Pass-through: bytes of the answer, of which the first `whole` since its beginning end on a frame.
 */
MUST_USE int relay_pass(struct exchange *x, struct str chunk, uint64_t whole);

/* Sends what is there. True when the caller is slow: the engine must be paused. */
bool relay_flush(struct exchange *x);

/* The answer is complete. */
void relay_end(struct exchange *x);

/* The answer cannot be completed after part of it was sent: a well-formed error event. */
void relay_fail(struct exchange *x);

/* An error before anything was sent. */
void relay_refuse(struct exchange *x);
