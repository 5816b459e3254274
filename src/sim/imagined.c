/* SPDX-License-Identifier: Apache-2.0 */
/* The imagined fleet: its thread, its time, and the way in for other threads. */
#include "sim/imagined.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "net/clock.h"
#include "sim/guest.h"

static void run_thread(void *ctx);
static void on_timer(uv_timer_t *timer);
static void play(struct imagined *im);
static void stop(void *ctx);
static int ask(struct imagined *im, struct str json, bool is_list, struct buf *reply);
static void answer(void *ctx);

/* A downloading engine reports this often, at least in real milliseconds. */
static const double PULL_WALL_MS = 20;

/* What another thread wants, and waits for. */
struct question {
    struct imagined *im;
    struct str json;
    bool is_list;
    struct buf *reply;
    int status;
    uv_sem_t answered;
};

int imagined_open(struct imagined **ret, const struct fleet *f, const struct catalog *c,
                  const struct imagined_options *options, struct err *err)
{
    struct imagined *im = memory_need(1, sizeof *im);
    int r;

    im->fleet = f;
    im->catalog = c;
    im->options = *options;
    if (!(im->options.speed > 0))
        im->options.speed = 1;
    im->start_us = clock_true_us();
    if ((r = loop_open(&im->loop, 0)) < 0) {
        free(im);
        return err_set(err, r, "no loop for the imagined machines: %s", strerror(-r));
    }
    uv_timer_init(loop_uv(im->loop), &im->timer);
    im->timer.data = im;
    if ((r = imagined_build(im, err)) < 0) {
        imagined_close(im);
        return r;
    }
    imagined_rearm(im);
    r = uv_thread_create(&im->thread, run_thread, im);
    if (r < 0) {
        imagined_close(im);
        return err_set(err, r, "no thread for the imagined machines: %s", strerror(-r));
    }
    im->is_running = true;
    *ret = im;
    return 0;
}

void imagined_close(struct imagined *im)
{
    if (!im)
        return;
    if (im->is_running && loop_post(im->loop, stop, im) == 0)
        uv_thread_join(&im->thread);
    else
        stop(im);
    loop_close(im->loop);
    imagined_unbuild(im);
    free(im);
}

const char *imagined_address(const struct imagined *im, size_t machine, size_t engine)
{
    const struct imagined_machine *m = &im->machines[machine];

    return m->engines && engine < m->facts->engines_count ? m->engines[engine].address : NULL;
}

int imagined_command(struct imagined *im, struct str json, struct buf *reply)
{
    return ask(im, json, false, reply);
}

int imagined_list(struct imagined *im, struct buf *reply)
{
    return ask(im, (struct str){0}, true, reply);
}

double imagined_now_ms(const struct imagined *im)
{
    return (double)(clock_true_us() - im->start_us) / 1e3 * im->options.speed;
}

/* Whenever something may have changed what happens next. */
void imagined_rearm(struct imagined *im)
{
    double next_ms = pulls_next_ms(im), wait_ms;

    if (next_ms < INFINITY)
        next_ms = fmax(next_ms, im->pulled_ms + PULL_WALL_MS * im->options.speed);
    for (size_t i = 0; i < im->fleet->machines_count; i++)
        if (im->machines[i].world)
            next_ms = fmin(next_ms, world_next_ms(im->machines[i].world));
    if (next_ms == INFINITY) {
        uv_timer_stop(&im->timer);
        return;
    }
    /* Rounded up: a timer that fires early would only be set again. */
    wait_ms = ceil((next_ms - imagined_now_ms(im)) / im->options.speed);
    uv_update_time(loop_uv(im->loop));
    uv_timer_start(&im->timer, on_timer, wait_ms > 0 ? (uint64_t)fmin(wait_ms, 1e9) : 0, 0);
}

static void run_thread(void *ctx)
{
    struct imagined *im = ctx;

    loop_run(im->loop);
}

static void on_timer(uv_timer_t *timer)
{
    play(timer->data);
}

static void play(struct imagined *im)
{
    double now_ms = imagined_now_ms(im);

    pulls_play(im, now_ms);
    for (size_t i = 0; i < im->fleet->machines_count; i++)
        if (im->machines[i].world)
            world_advance(im->machines[i].world, now_ms);
    imagined_rearm(im);
}

static void stop(void *ctx)
{
    struct imagined *im = ctx;

    for (size_t i = 0; im->machines && i < im->fleet->machines_count; i++)
        for (size_t k = 0; im->machines[i].engines && k < im->machines[i].facts->engines_count; k++)
            imagined_refuse(&im->machines[i].engines[k]);
    uv_timer_stop(&im->timer);
    uv_close((uv_handle_t *)&im->timer, NULL);
    loop_stop(im->loop);
}

static int ask(struct imagined *im, struct str json, bool is_list, struct buf *reply)
{
    struct question q = {.im = im, .json = json, .is_list = is_list, .reply = reply, .status = 503};

    if (uv_sem_init(&q.answered, 0) < 0)
        return q.status;
    if (loop_post(im->loop, answer, &q) == 0)
        uv_sem_wait(&q.answered);
    uv_sem_destroy(&q.answered);
    return q.status;
}

static void answer(void *ctx)
{
    struct question *q = ctx;

    play(q->im);
    q->status = q->is_list ? imagine_list(q->im, q->reply) : imagine_run(q->im, q->json, q->reply);
    imagined_rearm(q->im);
    uv_sem_post(&q->answered);
}
