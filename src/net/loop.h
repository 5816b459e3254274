/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop on one thread: the clock, timers, work posted from elsewhere.
 *
 *     loop_open(&l, index);
 *     … hang servers and calls on it …
 *     loop_run(l);              until loop_stop() and nothing is alive
 *     loop_close(l);
 *
 * Everything that lives on a loop is touched by its thread only; loop_post()
 * is the one exception. Time is read once per turn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct loop;
struct wheel;
struct uv_loop_s;

typedef void loop_fn(void *ctx);

/* 0, or negative errno. */
MUST_USE int loop_open(struct loop **ret, unsigned index);
void loop_close(struct loop *l);

/* Runs until loop_stop() has been called. */
void loop_run(struct loop *l);

/* From any thread. */
void loop_stop(struct loop *l);

/* Calls fn(ctx) on the loop's thread, soon; from any thread, in order. Never called after
 * loop_close(). -ENOMEM, or -ESHUTDOWN when the loop is closing: then fn will not be called. */
MUST_USE int loop_post(struct loop *l, loop_fn *fn, void *ctx);

/* Calls fn(ctx) at the end of this turn: nothing dies inside its own callback. Same thread only. */
void loop_defer(struct loop *l, loop_fn *fn, void *ctx);

unsigned loop_index(const struct loop *l);
struct uv_loop_s *loop_uv(struct loop *l);

/* Monotonic milliseconds, as of this turn. */
uint64_t loop_now_ms(const struct loop *l);

/* UTC as a Date header has it, "Sun, 06 Nov 1994 08:49:37 GMT"; made once a second. */
struct str loop_date(struct loop *l);

/* The one buffer that every read on this loop is lent; its bytes are good until the next read.
 * Idle connections hold none of their own. */
char *loop_read_room(struct loop *l, size_t *ret_size);

/* The loop's timers; for net/timer.c. */
struct wheel *loop_wheel(struct loop *l);
