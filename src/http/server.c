/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/1 server: listening, accepting, draining, closing. */
#include "http/server.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/stream.h"

enum { BACKLOG = 1024, SCRATCH_MAX = 256 * 1024 };

static int open_listener(struct server *s, struct err *err);
static void on_connection(uv_stream_t *listener, int status);
static void close_done(void *ctx);
static void close_listener(struct server *s);
static void on_listener_closed(uv_handle_t *handle);
static void close_idle(struct server *s);
static void cut_all(struct server *s);
static void on_drain_late(void *ctx);
static void defer_drained(struct server *s);
static void tell_drained(void *ctx);

struct str request_header(const struct request *r, struct str name)
{
    return header_find(r->headers, r->header_count, name);
}

int server_open(struct server **ret, struct loop *l, const struct server_options *options,
                const struct server_events *events, void *ctx, struct err *err)
{
    struct server *s = calloc(1, sizeof *s);
    const struct tls_files *files = options->tls;
    int r = 0;

    if (!s)
        return err_set(err, -ENOMEM, "out of memory");
    *s = (struct server){.loop = l, .options = *options, .events = *events, .ctx = ctx};
    link_init(&s->streams);
    link_init(&s->todo);
    buf_init(&s->scratch, SCRATCH_MAX);
    if (files)
        r = tls_server_open(&s->tls, files->certificate, files->key, err);
    if (r == 0)
        r = listener_open(&s->address, options->listen, options->shared_fd, err);
    if (r < 0) {
        tls_side_close(s->tls);
        free(s);
        return r;
    }
    if ((r = open_listener(s, err)) < 0) {
        server_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

static int open_listener(struct server *s, struct err *err)
{
    uv_loop_t *uv = loop_uv(s->loop);
    int r;

    if (s->address.is_unix) {
        uv_pipe_init(uv, &s->listener.pipe, 0);
        r = uv_pipe_open(&s->listener.pipe, s->address.fd);
    } else {
        uv_tcp_init(uv, &s->listener.tcp);
        r = uv_tcp_open(&s->listener.tcp, s->address.fd);
    }
    s->listener.handle.data = s;
    if (r < 0)
        close(s->address.fd);
    else
        r = uv_listen(&s->listener.stream, BACKLOG, on_connection);
    return r < 0 ? err_set(err, r, "cannot listen on %s: %s", s->address.text, uv_strerror(r)) : 0;
}

const char *server_address(const struct server *s)
{
    return s->address.text;
}

int server_fd(const struct server *s)
{
    return s->address.fd;
}

unsigned server_connections(const struct server *s)
{
    return s->count;
}

/* A connection that is not accepted stops the listener, so the rest waits in the kernel. */
static void on_connection(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;

    if (status < 0)
        return;
    if (s->count >= s->options.connections_max)
        s->accept_waits = true;
    else
        stream_accept(s);
}

void server_forget(struct server *s)
{
    s->count--;
    if (s->accept_waits && !s->is_draining && !s->is_closed) {
        s->accept_waits = false;
        stream_accept(s);
    }
    if (s->is_draining && !s->count)
        defer_drained(s);
    server_free_when_done(s);
}

void server_drain(struct server *s, uint32_t deadline_ms, loop_fn *on_drained, void *ctx)
{
    if (s->is_draining || s->is_closed)
        return;
    s->is_draining = true;
    s->on_drained = on_drained;
    s->drained_ctx = ctx;
    close_listener(s);
    close_idle(s);
    timer_start(&s->drain_timer, s->loop, deadline_ms, on_drain_late, s);
    if (!s->count)
        defer_drained(s);
}

static void on_drain_late(void *ctx)
{
    cut_all(ctx);
}

static void defer_drained(struct server *s)
{
    if (s->drained_due || !s->on_drained)
        return;
    s->drained_due = true;
    loop_defer(s->loop, tell_drained, s);
}

static void tell_drained(void *ctx)
{
    struct server *s = ctx;
    loop_fn *on_drained = s->on_drained;

    timer_stop(&s->drain_timer);
    s->on_drained = NULL;
    if (!s->is_closed)
        on_drained(s->drained_ctx);
    s->drained_due = false;
    server_free_when_done(s);
}

void server_close(struct server *s)
{
    if (!s || s->is_closed)
        return;
    s->is_closed = true;
    timer_stop(&s->drain_timer);
    close_listener(s);
    cut_all(s);
    s->close_due = true;
    loop_defer(s->loop, close_done, s);
}

/* Whoever called server_close() may still be inside one of our callbacks. */
static void close_done(void *ctx)
{
    struct server *s = ctx;

    s->close_due = false;
    server_free_when_done(s);
}

static void close_listener(struct server *s)
{
    if (uv_is_closing(&s->listener.handle))
        return;
    listener_forget(&s->address);
    uv_close(&s->listener.handle, on_listener_closed);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct server *s = handle->data;

    s->listener_closed = true;
    server_free_when_done(s);
}

static void close_idle(struct server *s)
{
    for (struct link *at = s->streams.next, *next; at != &s->streams; at = next) {
        struct stream *stream = CONTAINER(at, struct stream, link);

        next = at->next;
        if (stream->state == STATE_idle)
            stream_cut(stream);
    }
}

/* Streams leave the list later, when their sockets are closed. */
static void cut_all(struct server *s)
{
    LINK_EACH(&s->streams, at)
    stream_cut(CONTAINER(at, struct stream, link));
}

void server_free_when_done(struct server *s)
{
    if (!s->is_closed || !s->listener_closed || s->count || s->todo_due || s->drained_due ||
        s->close_due)
        return;
    tls_side_close(s->tls);
    buf_fini(&s->scratch);
    free(s);
}
