/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells once when a socket takes bytes again, for who writes to it past libuv: sendfile().
 *
 *     waker_new(&w, loop, fd, on_writable, ctx);
 *     waker_wait(w);                         then fn(ctx), once, on the loop
 *     waker_close(&w);                       fn is not called any more; fd stays the caller's
 *
 * libuv watches a descriptor for one handle only, and the stream is that one: this watches a
 * duplicate.
 */
#pragma once

#include <stdbool.h>

#include "net/loop.h"

struct waker;

/* 0, or negative errno: no descriptor is left, no memory. */
MUST_USE int waker_new(struct waker **ret, struct loop *l, int fd, loop_fn *fn, void *ctx);

void waker_wait(struct waker *w);
bool waker_waits(const struct waker *w); /* of NULL: false */

/* NULL is fine. */
void waker_close(struct waker **w);
