/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose template leaves an answer's turn open: asked of an engine once for each artifact, when the
 * first answer is to go on there.
 *
 *     if (turns_find(&turns, copy) == TURN_unknown)
 *         turns_ask(x);      the attempt goes on with attempt_send() when the engine has answered
 */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "dialect/prefill.h"

struct copy;
struct exchange;

struct turns {
    pthread_mutex_t lock;
    struct map known; /* "llama-server/qwen3:8b": a row of ours */
};

void turns_init(struct turns *t);
void turns_fini(struct turns *t);

/* From any thread. */
enum turn turns_find(struct turns *t, const struct copy *copy);
void turns_note(struct turns *t, const struct copy *copy, enum turn turn);

/* FAILURE_none, or why nothing was sent. Raises the attempt's events. */
enum failure turns_ask(struct exchange *x);
