/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of slots behind net/timer.h; one in every loop. */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/list.h"

enum { WHEEL_SLOTS = 512, WHEEL_STEP_MS = 10 };

struct wheel {
    struct link slots[WHEEL_SLOTS];
    uint64_t used[WHEEL_SLOTS / 64]; /* a bit per slot: something may be in it */
    uint64_t done_step;              /* everything up to this step has been looked at */
    uint64_t armed_step;             /* when uv will wake us; 0: not at all */
    uv_timer_t alarm;
};

int wheel_open(struct wheel *w, uv_loop_t *uv);
void wheel_close(struct wheel *w);

/* The time of a loop and its timers: uv's, hurried. */
uint64_t wheel_now_ms(const uv_loop_t *uv);
