/* SPDX-License-Identifier: Apache-2.0 */
/* One event loop on one thread, on libuv. */
#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "base/memory.h"
#include "net/clock.h"
#include "net/wheel.h"

enum {
    READ_ROOM = 262144,
    LATER_ROOM = 256,
    DATE_ROOM = 32,
};

struct task {
    loop_fn *fn;
    void *ctx;
};

/* A growing queue of tasks, emptied as a whole. */
struct tasks {
    struct task *items;
    size_t count, room;
};

struct loop {
    uv_loop_t uv;
    uv_async_t bell;
    uv_prepare_t before;
    uv_check_t after;
    struct wheel wheel;
    struct tasks later;
    uv_mutex_t lock;
    struct tasks posted; /* under lock */
    bool is_closing;     /* under lock */
    atomic_bool is_stopped;
    unsigned index;
    int64_t date_second;
    char date[DATE_ROOM];
    char read_room[READ_ROOM];
};

static int open_handles(struct loop *l);
static void on_bell(uv_async_t *bell);
static void on_before(uv_prepare_t *before);
static void on_after(uv_check_t *after);
static void run_later(struct loop *l);
static void run_posted(struct loop *l);
static int tasks_put(struct tasks *t, struct task task);

int loop_open(struct loop **ret, unsigned index)
{
    struct loop *l = calloc(1, sizeof *l);
    int r;

    if (!l)
        return -ENOMEM;
    l->index = index;
    l->later.items = calloc(LATER_ROOM, sizeof *l->later.items);
    if (!l->later.items) {
        free(l);
        return -ENOMEM;
    }
    l->later.room = LATER_ROOM;
    if ((r = open_handles(l)) < 0) {
        free(l->later.items);
        free(l);
        return r;
    }
    *ret = l;
    return 0;
}

static int open_handles(struct loop *l)
{
    int r;

    if ((r = uv_mutex_init(&l->lock)) < 0)
        return r;
    if ((r = uv_loop_init(&l->uv)) < 0) {
        uv_mutex_destroy(&l->lock);
        return r;
    }
    if ((r = uv_async_init(&l->uv, &l->bell, on_bell)) < 0) {
        uv_loop_close(&l->uv);
        uv_mutex_destroy(&l->lock);
        return r;
    }
    l->uv.data = l->bell.data = l->before.data = l->after.data = l;
    /* These three only fill in a struct and cannot fail. */
    uv_prepare_init(&l->uv, &l->before);
    uv_check_init(&l->uv, &l->after);
    uv_prepare_start(&l->before, on_before);
    uv_check_start(&l->after, on_after);
    return wheel_open(&l->wheel, &l->uv);
}

void loop_close(struct loop *l)
{
    if (!l)
        return;
    run_posted(l);
    uv_mutex_lock(&l->lock);
    l->is_closing = true;
    uv_mutex_unlock(&l->lock);
    run_posted(l);
    run_later(l);

    uv_close((uv_handle_t *)&l->bell, NULL);
    wheel_close(&l->wheel);
    /* The hooks stay until everything else is closed: what is deferred while closing must run. */
    uv_unref((uv_handle_t *)&l->before);
    uv_unref((uv_handle_t *)&l->after);
    do {
        uv_run(&l->uv, UV_RUN_DEFAULT);
        run_later(l);
    } while (uv_loop_alive(&l->uv));
    uv_close((uv_handle_t *)&l->before, NULL);
    uv_close((uv_handle_t *)&l->after, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);

    if (uv_loop_close(&l->uv) < 0)
        assert(!"everything on a loop is closed before the loop is");
    uv_mutex_destroy(&l->lock);
    free(l->posted.items);
    free(l->later.items);
    free(l);
}

void loop_run(struct loop *l)
{
    while (!atomic_load(&l->is_stopped))
        uv_run(&l->uv, UV_RUN_ONCE);
    atomic_store(&l->is_stopped, false);
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->is_stopped, true);
    uv_async_send(&l->bell);
}

int loop_post(struct loop *l, loop_fn *fn, void *ctx)
{
    int r = -ESHUTDOWN;

    uv_mutex_lock(&l->lock);
    if (!l->is_closing)
        r = tasks_put(&l->posted, (struct task){fn, ctx});
    if (r == 0)
        uv_async_send(&l->bell);
    uv_mutex_unlock(&l->lock);
    return r;
}

void loop_defer(struct loop *l, loop_fn *fn, void *ctx)
{
    /* What is deferred is mostly freeing: it can neither be refused nor run at once. */
    if (tasks_put(&l->later, (struct task){fn, ctx}) < 0) {
        fprintf(stderr, "tampu: out of memory\n");
        abort();
    }
}

unsigned loop_index(const struct loop *l)
{
    return l->index;
}

struct uv_loop_s *loop_uv(struct loop *l)
{
    return &l->uv;
}

uint64_t loop_now_ms(const struct loop *l)
{
    return wheel_now_ms(&l->uv);
}

struct str loop_date(struct loop *l)
{
    int64_t second = clock_wall_us() / 1000000;

    if (second != l->date_second) {
        struct tm utc;
        time_t at = (time_t)second;

        l->date_second = second;
        gmtime_r(&at, &utc);
        strftime(l->date, sizeof l->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    }
    return str_from(l->date);
}

char *loop_read_room(struct loop *l, size_t *ret_size)
{
    *ret_size = sizeof l->read_room;
    return l->read_room;
}

struct wheel *loop_wheel(struct loop *l)
{
    return &l->wheel;
}

static void on_bell(uv_async_t *bell)
{
    run_posted(bell->data);
}

static void on_before(uv_prepare_t *before)
{
    run_later(before->data);
}

static void on_after(uv_check_t *after)
{
    run_later(after->data);
}

/* A task may defer another one: that runs in this turn too. */
static void run_later(struct loop *l)
{
    for (size_t i = 0; i < l->later.count; i++) {
        struct task task = l->later.items[i];

        task.fn(task.ctx);
    }
    l->later.count = 0;
}

/* What is posted meanwhile waits for the next turn. */
static void run_posted(struct loop *l)
{
    struct tasks tasks;

    uv_mutex_lock(&l->lock);
    tasks = l->posted;
    l->posted = (struct tasks){0};
    uv_mutex_unlock(&l->lock);
    for (size_t i = 0; i < tasks.count; i++)
        tasks.items[i].fn(tasks.items[i].ctx);
    free(tasks.items);
}

static int tasks_put(struct tasks *t, struct task task)
{
    size_t room = t->room ? t->room * 2 : 16;
    struct task *items;

    if (t->count == t->room) {
        items = realloc(t->items, room * sizeof *items);
        if (!items)
            return -ENOMEM;
        t->items = items;
        t->room = room;
    }
    t->items[t->count++] = task;
    return 0;
}
