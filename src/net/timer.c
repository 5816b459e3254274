/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers on a wheel of slots.
 *
 * A timer that is moved to later stays in its slot; when the slot comes up and the timer is not
 * due, it is put where it belongs. So a deadline that every chunk moves costs one store. One uv
 * timer wakes us for the next slot that has something in it.
 */
#include "net/timer.h"

#include <math.h>

#include "net/clock.h"
#include "net/wheel.h"

static void on_alarm(uv_timer_t *alarm);
static void place(struct wheel *w, struct timer *t);
static void turn_slot(struct wheel *w, uint64_t step, uint64_t now_ms);
static void arm(struct wheel *w, uint64_t step);
static void arm_next(struct wheel *w);

int wheel_open(struct wheel *w, uv_loop_t *uv)
{
    int r = uv_timer_init(uv, &w->alarm);

    if (r < 0)
        return r;
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        link_init(&w->slots[i]);
    w->alarm.data = w;
    w->done_step = wheel_now_ms(uv) / WHEEL_STEP_MS;
    return 0;
}

void wheel_close(struct wheel *w)
{
    uv_close((uv_handle_t *)&w->alarm, NULL);
}

uint64_t wheel_now_ms(const uv_loop_t *uv)
{
    return (uint64_t)((double)uv_now(uv) * clock_hurried());
}

void timer_start(struct timer *t, struct loop *l, uint64_t after_ms, loop_fn *fn, void *ctx)
{
    uint64_t due_ms = loop_now_ms(l) + after_ms;
    bool waits = t->link.next && !link_is_empty(&t->link);

    t->fn = fn;
    t->ctx = ctx;
    if (waits && t->loop == l && due_ms >= t->due_ms) {
        t->due_ms = due_ms;
        return;
    }
    timer_stop(t);
    t->loop = l;
    t->due_ms = due_ms;
    place(loop_wheel(l), t);
}

void timer_stop(struct timer *t)
{
    if (t->link.next)
        link_remove(&t->link);
}

/* Rounded up, so that nothing fires early; what lies beyond the ring waits in its last slot. */
static void place(struct wheel *w, struct timer *t)
{
    uint64_t step = (t->due_ms + WHEEL_STEP_MS - 1) / WHEEL_STEP_MS;
    size_t slot;

    if (step <= w->done_step)
        step = w->done_step + 1;
    if (step > w->done_step + WHEEL_SLOTS - 1)
        step = w->done_step + WHEEL_SLOTS - 1;
    slot = step % WHEEL_SLOTS;
    if (!t->link.next)
        link_init(&t->link);
    link_append(&w->slots[slot], &t->link);
    w->used[slot / 64] |= 1ull << (slot % 64);
    if (!w->armed_step || step < w->armed_step)
        arm(w, step);
}

static void on_alarm(uv_timer_t *alarm)
{
    struct wheel *w = alarm->data;
    uint64_t now_ms = wheel_now_ms(alarm->loop);
    uint64_t now_step = now_ms / WHEEL_STEP_MS;
    uint64_t first = w->done_step + 1;

    w->armed_step = 0;
    if (now_step < first) { /* cannot be: uv wakes late, not early */
        arm_next(w);
        return;
    }
    if (now_step - first >= WHEEL_SLOTS)
        first = now_step - WHEEL_SLOTS + 1;
    /* From now on, new timers go behind this turn of the ring. */
    w->done_step = now_step;
    for (uint64_t step = first; step <= now_step; step++)
        turn_slot(w, step, now_ms);
    arm_next(w);
}

/* The slot is emptied first: a timer that starts again lands in a slot of the next turn. */
static void turn_slot(struct wheel *w, uint64_t step, uint64_t now_ms)
{
    size_t slot = step % WHEEL_SLOTS;
    struct link due;

    if (!(w->used[slot / 64] & 1ull << (slot % 64)))
        return;
    w->used[slot / 64] &= ~(1ull << (slot % 64));
    link_init(&due);
    while (!link_is_empty(&w->slots[slot])) {
        struct link *first = w->slots[slot].next;

        link_remove(first);
        link_append(&due, first);
    }
    while (!link_is_empty(&due)) {
        struct timer *t = CONTAINER(due.next, struct timer, link);

        link_remove(&t->link);
        if (t->due_ms > now_ms)
            place(w, t);
        else
            t->fn(t->ctx);
    }
}

static void arm(struct wheel *w, uint64_t step)
{
    uint64_t now_ms = wheel_now_ms(w->alarm.loop);
    uint64_t at_ms = step * WHEEL_STEP_MS;

    w->armed_step = step;
    uv_timer_start(&w->alarm, on_alarm,
                   at_ms > now_ms ? (uint64_t)ceil((double)(at_ms - now_ms) / clock_hurried()) : 0,
                   0);
}

static void arm_next(struct wheel *w)
{
    for (uint64_t step = w->done_step + 1; step < w->done_step + WHEEL_SLOTS;) {
        size_t slot = step % WHEEL_SLOTS;
        uint64_t rest = w->used[slot / 64] >> (slot % 64);

        if (rest) {
            step += (uint64_t)__builtin_ctzll(rest);
            if (!w->armed_step || step < w->armed_step)
                arm(w, step);
            return;
        }
        step += 64 - slot % 64;
    }
}
