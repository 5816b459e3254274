/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines on a loop, cheap enough to set and clear for every request.
 *
 *     timer_start(&x->timer, loop, 2000, on_late, x);   moves it when it runs
 *     timer_stop(&x->timer);
 *
 * A timer is a plain member of its owner; zeroed memory is a stopped timer.
 * timer_stop() before the owner dies. A coarse wheel of 10 ms steps on the
 * loop's thread: no system call, no allocation.
 */
#pragma once

#include <stdint.h>

#include "base/list.h"
#include "net/loop.h"

struct timer {
    struct link link;
    struct loop *loop;
    uint64_t due_ms;
    loop_fn *fn;
    void *ctx;
};

void timer_start(struct timer *t, struct loop *l, uint64_t after_ms, loop_fn *fn, void *ctx);
void timer_stop(struct timer *t);
