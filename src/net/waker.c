/* SPDX-License-Identifier: Apache-2.0 */
/* Tells when a socket takes bytes again. */
#include "net/waker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/auto.h"

struct waker {
    uv_poll_t poll;
    int fd; /* the duplicate */
    loop_fn *fn;
    void *ctx;
};

static void on_ready(uv_poll_t *poll, int status, int events);
static void on_closed(uv_handle_t *handle);

int waker_new(struct waker **ret, struct loop *l, int fd, loop_fn *fn, void *ctx)
{
    struct waker *w = calloc(1, sizeof *w);
    int r = -ENOMEM;

    if (!w)
        return r;
    *w = (struct waker){.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0), .fn = fn, .ctx = ctx};
    r = w->fd < 0 ? -errno : uv_poll_init(loop_uv(l), &w->poll, w->fd);
    if (r < 0) {
        if (w->fd >= 0)
            close(w->fd);
        free(w);
        return r;
    }
    w->poll.data = w;
    *ret = w;
    return 0;
}

void waker_wait(struct waker *w)
{
    uv_poll_start(&w->poll, UV_WRITABLE, on_ready); /* of an open handle: cannot fail */
}

bool waker_waits(const struct waker *w)
{
    return w && uv_is_active((const uv_handle_t *)&w->poll);
}

void waker_close(struct waker **w)
{
    struct waker *gone = TAKE(*w);

    if (gone)
        uv_close((uv_handle_t *)&gone->poll, on_closed);
}

/* A broken socket counts as one that takes bytes: who writes hears of it. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct waker *w = poll->data;

    (void)status, (void)events;
    uv_poll_stop(poll);
    w->fn(w->ctx);
}

static void on_closed(uv_handle_t *handle)
{
    struct waker *w = handle->data;

    close(w->fd);
    free(w);
}
