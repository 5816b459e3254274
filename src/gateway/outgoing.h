/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine is sent: the caller's bytes for that copy, or what they mean in its dialect.
 *
 *     why = outgoing_write(x, &count);         x->attempt.pieces[0] to [count - 1]
 */
#pragma once

#include "gateway/exchange.h"

/* FAILURE_none, or why it cannot be said to that engine. */
enum failure outgoing_write(struct exchange *x, size_t *count);

/* By the settings' policy: what cannot be carried is left out and listed, or not sent at all. */
enum failure outgoing_check_dropped(struct exchange *x);

/* Reads the whole request, x->chat. 0, or what the dialect says of it. */
MUST_USE int outgoing_read_chat(struct exchange *x, struct err *err);

bool outgoing_streams(const struct exchange *x);

/* What is fixed per copy, and how long it is to be kept. */
struct copy_shape outgoing_shape(struct exchange *x);

/* What a negative errno of a dialect means for the attempt. */
enum failure outgoing_failure(int r);
