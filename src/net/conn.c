/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, on a libuv stream. */
#include "net/conn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "net/door.h"

enum {
    PIECES_MAX = 8,
    FIRST_PUT = 960,    /* what malloc() keeps at hand */
    PLAIN_ROOM = 16384, /* one TLS record */
    READ_USUAL = 65536, /* what a read brings may have to be kept, where its taker is slow */
    /* Probes after 10, 13, 16 and 19 s of silence; by the last one, 18 s without a sign of life
     * are over (with TCP_USER_TIMEOUT the kernel counts time, not probes). */
    KEEP_IDLE_S = 10,
    KEEP_INTERVAL_S = 3,
    KEEP_COUNT = 3,
    USER_TIMEOUT_MS = 18000,
};

struct conn_write {
    uv_write_t req;
    struct conn *conn;
    struct buf bytes;
};

static void tune(struct conn *c);
static void on_connected(uv_connect_t *req, int status);
static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *ret);
static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);
static void on_cipher(struct conn *c, struct str bytes);
static void shake(struct conn *c);
static void report_end(struct conn *c, int why);
static bool is_full(const struct conn *c);
static int write_now(struct conn *c, const struct str *pieces, size_t count);
static int send_now(struct conn *c, struct iovec *pieces, size_t count);
static int keep_rest(struct conn *c, const struct str *pieces, size_t count, size_t sent);
static int keep(struct conn *c, const struct str *pieces, size_t count, size_t skip);
static int start_writing(struct conn *c);
static void on_written(uv_write_t *req, int status);
static void on_write_late(void *ctx);
static void on_writable(void *ctx);
static int verdict(const struct conn *c);
static int break_off(struct conn *c, int why);
static void on_broken(void *ctx);
static void on_uv_closed(uv_handle_t *handle);

void conn_init(struct conn *c, struct loop *l, const struct conn_events *events, size_t queue_high,
               uint32_t write_timeout_ms)
{
    *c = (struct conn){.loop = l, .events = events, .queue_high = queue_high};
    c->write_timeout_ms = write_timeout_ms;
    buf_init(&c->waiting, SIZE_MAX);
}

void conn_set_tls(struct conn *c, struct tls **tls)
{
    c->tls = *tls;
    *tls = NULL;
}

int conn_accept(struct conn *c, uv_stream_t *listener)
{
    int r = listener->type == UV_TCP ? uv_tcp_init(loop_uv(c->loop), &c->uv.tcp)
                                     : uv_pipe_init(loop_uv(c->loop), &c->uv.pipe, 0);

    assert(r == 0); /* these only fill in a struct */
    c->uv.handle.data = c;
    if ((r = uv_accept(listener, &c->uv.stream)) < 0)
        return r;
    tune(c);
    c->is_connected = true;
    c->is_open = !c->tls;
    conn_start_reading(c);
    return 0;
}

int conn_connect(struct conn *c, const struct sockaddr *address)
{
    uv_connect_t *req = calloc(1, sizeof *req);
    int r = uv_tcp_init(loop_uv(c->loop), &c->uv.tcp);

    assert(r == 0);
    c->uv.handle.data = c;
    if (!req)
        return -ENOMEM;
    if ((r = door_check_address(address)) < 0 ||
        (r = uv_tcp_connect(req, &c->uv.tcp, address, on_connected)) < 0)
        free(req);
    return r;
}

static void tune(struct conn *c)
{
    const int idle = KEEP_IDLE_S, interval = KEEP_INTERVAL_S, count = KEEP_COUNT, on = 1;
    /* A peer that is there and takes nothing gets the time it was promised. */
    const unsigned user_ms =
        c->write_timeout_ms > USER_TIMEOUT_MS ? c->write_timeout_ms : USER_TIMEOUT_MS;
    uv_os_fd_t fd;

    if (c->uv.handle.type != UV_TCP || uv_fileno(&c->uv.handle, &fd) < 0)
        return;
    /* None of these can fail on a TCP socket, and if one did, the connection would still serve. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof user_ms);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct conn *c = req->handle->data;

    free(req);
    if (c->is_closing)
        return;
    if (status < 0) {
        report_end(c, status);
        return;
    }
    tune(c);
    c->is_connected = true;
    conn_start_reading(c);
    if (c->tls) {
        shake(c);
        return;
    }
    c->is_open = true;
    c->events->on_open(c);
}

void conn_close(struct conn *c)
{
    if (c->is_closing)
        return;
    if (c->tls && c->is_shaken && !c->writing && !c->broken) {
        tls_end(c->tls);
        if (tls_take(c->tls, &c->waiting) == 0)
            write_now(c, NULL, 0);
    }
    c->is_closing = true;
    timer_stop(&c->write_timer);
    waker_close(&c->waker);
    uv_close(&c->uv.handle, on_uv_closed);
}

void conn_reset(struct conn *c)
{
    const struct linger at_once = {.l_onoff = 1};
    uv_os_fd_t fd;

    if (!c->is_closing && uv_fileno(&c->uv.handle, &fd) == 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    c->is_shaken = false; /* no goodbye */
    conn_close(c);
}

static void on_uv_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;

    assert(!c->writing); /* uv ends writes before it closes */
    buf_fini(&c->waiting);
    tls_free(c->tls);
    c->tls = NULL;
    c->events->on_closed(c);
}

void conn_start_reading(struct conn *c)
{
    if (c->is_reading || c->is_closing)
        return;
    c->is_reading = true;
    uv_read_start(&c->uv.stream, lend, on_bytes);
}

void conn_stop_reading(struct conn *c)
{
    if (!c->is_reading || c->is_closing)
        return;
    c->is_reading = false;
    uv_read_stop(&c->uv.stream);
}

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
    struct conn *c = handle->data;
    size_t size;

    (void)wanted;
    ret->base = loop_read_room(c->loop, &size);
    ret->len = c->is_bulk || size < READ_USUAL ? size : READ_USUAL;
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = stream->data;

    if (n == 0)
        return;
    if (n < 0) {
        conn_stop_reading(c);
        report_end(c, n == UV_EOF ? 0 : (int)n);
    } else if (c->tls) {
        on_cipher(c, str_slice(buf->base, (size_t)n));
    } else {
        c->events->on_read(c, str_slice(buf->base, (size_t)n));
    }
}

/* The owner may close the connection in any of its callbacks. */
static void on_cipher(struct conn *c, struct str bytes)
{
    char plain[PLAIN_ROOM];
    long n = 0;

    if (tls_feed(c->tls, bytes) < 0) {
        report_end(c, -ENOMEM);
        return;
    }
    if (!c->is_shaken)
        shake(c);
    while (c->is_shaken && !c->is_closing && (n = tls_read(c->tls, plain, sizeof plain)) > 0)
        c->events->on_read(c, str_slice(plain, (size_t)n));
    if (c->is_closing || !c->is_shaken)
        return;
    if (n == -ENODATA) {
        c->has_polite_end = true;
        conn_stop_reading(c);
        report_end(c, 0);
    } else if (n < 0) {
        report_end(c, (int)n);
    } else if (tls_take(c->tls, &c->waiting) == 0 && c->waiting.len) {
        (void)!conn_flush(c); /* an answer to a key update; if it fails, on_end comes */
    }
}

static void shake(struct conn *c)
{
    int r = tls_shake(c->tls);

    /* Also after a failure: the peer wants to hear the alert. */
    if (tls_take(c->tls, &c->waiting) == 0)
        write_now(c, NULL, 0);
    if (r < 0) {
        report_end(c, r);
        return;
    }
    if (r == 0 || c->is_shaken)
        return;
    c->is_shaken = c->is_open = true;
    c->events->on_open(c);
}

static void report_end(struct conn *c, int why)
{
    const char *words = why == 0 ? "the peer closed the connection" : uv_strerror(why);

    if (c->is_closing)
        return;
    if (why == -EPROTO && c->tls)
        words = tls_words(c->tls);
    else if (why == 0 && c->tls && !c->has_polite_end)
        /* Bytes may have been cut off by somebody between. */
        why = -ECONNRESET, words = "the peer closed the connection without ending TLS";
    else if (why == -ETIMEDOUT && (c->writing || waker_waits(c->waker)))
        words = "the peer takes nothing";
    timer_stop(&c->write_timer);
    c->broken = why ? why : -EPIPE;
    c->events->on_end(c, why, words);
}

size_t conn_queued(const struct conn *c)
{
    return c->waiting.len + (c->writing ? uv_stream_get_write_queue_size(&c->uv.stream) : 0);
}

int conn_put(struct conn *c, struct str piece)
{
    int r;

    if (c->broken || c->is_closing)
        return -EPIPE;
    if (is_full(c))
        return break_off(c, -ENOBUFS);
    if (c->tls)
        r = (r = tls_write(c->tls, piece)) < 0 ? r : tls_take(c->tls, &c->waiting);
    else if (c->waiting.room || (r = buf_reserve(&c->waiting, FIRST_PUT)) == 0)
        r = buf_put(&c->waiting, piece);
    /* -EAGAIN promises on_drained, so what is put must be on its way by then. */
    if (r == 0 && c->waiting.len >= c->queue_high)
        r = write_now(c, NULL, 0);
    return r < 0 ? break_off(c, r) : verdict(c);
}

int conn_flush(struct conn *c)
{
    return conn_send(c, NULL, 0);
}

int conn_send(struct conn *c, const struct str *pieces, size_t count)
{
    int r = 0;

    if (c->broken || c->is_closing)
        return -EPIPE;
    if (count && is_full(c))
        return break_off(c, -ENOBUFS);
    if (c->tls || count >= PIECES_MAX) {
        for (size_t i = 0; i < count && r != -EPIPE; i++)
            r = conn_put(c, pieces[i]);
        pieces = NULL;
        count = 0;
    }
    if (r == -EPIPE)
        return r;
    r = write_now(c, pieces, count);
    return r < 0 ? break_off(c, r) : verdict(c);
}

int64_t conn_send_file(struct conn *c, int file, uint64_t at, size_t length)
{
    off_t from = (off_t)at;
    uv_os_fd_t socket;
    ssize_t n;
    int r = 0, why;

    if (c->broken || c->is_closing)
        return -EPIPE;
    if (c->tls || uv_fileno(&c->uv.handle, &socket) < 0)
        return 0;
    if (!c->writing && c->waiting.len && (r = write_now(c, NULL, 0)) < 0)
        return break_off(c, r);
    if (c->writing)
        return -EAGAIN;
    /* Corked, the kernel sends full segments: a third less of the processor's time. */
    setsockopt(socket, IPPROTO_TCP, TCP_CORK, &(int){1}, sizeof(int));
    do
        n = sendfile(socket, file, &from, length);
    while (n < 0 && errno == EINTR);
    why = n < 0 ? -errno : 0;
    setsockopt(socket, IPPROTO_TCP, TCP_CORK, &(int){0}, sizeof(int));
    if (why == -EAGAIN && (r = conn_wait(c)) == 0)
        return -EAGAIN;
    return n < 0 ? break_off(c, r < 0 ? r : why) : n;
}

int conn_wait(struct conn *c)
{
    uv_os_fd_t socket;
    int r = 0;

    if (c->broken || c->is_closing)
        return -EPIPE;
    if (c->writing || waker_waits(c->waker))
        return 0; /* on_drained comes anyway */
    if (!c->waker && (r = uv_fileno(&c->uv.handle, &socket)) == 0)
        r = waker_new(&c->waker, c->loop, socket, on_writable, c);
    if (r < 0)
        return r;
    waker_wait(c->waker);
    c->queue_seen = 0;
    timer_start(&c->write_timer, c->loop, c->write_timeout_ms, on_write_late, c);
    return 0;
}

static void on_writable(void *ctx)
{
    struct conn *c = ctx;

    if (c->broken || c->writing) /* on_written() will say it */
        return;
    timer_stop(&c->write_timer);
    c->events->on_drained(c);
}

/* One whole answer may be larger than what may wait: only what comes on top of that is too much. */
static bool is_full(const struct conn *c)
{
    return c->waiting.len > CONN_QUEUE_MAX;
}

/* One system call for what was put and the pieces; what the socket does not take is kept. */
static int write_now(struct conn *c, const struct str *pieces, size_t count)
{
    struct iovec all[PIECES_MAX + 1];
    size_t used = 0;
    int sent;

    if (c->writing)
        return keep(c, pieces, count, 0);
    if (c->waiting.len)
        all[used++] = (struct iovec){c->waiting.data, c->waiting.len};
    for (size_t i = 0; i < count; i++)
        if (pieces[i].len)
            all[used++] = (struct iovec){(char *)(uintptr_t)pieces[i].data, pieces[i].len};
    if (!used)
        return 0;
    sent = send_now(c, all, used);
    return sent < 0 ? sent : keep_rest(c, pieces, count, (size_t)sent);
}

/* By hand: sendmsg() costs the kernel less than the writev() of uv_try_write(). */
static int send_now(struct conn *c, struct iovec *pieces, size_t count)
{
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    uv_os_fd_t fd = -1;
    ssize_t sent;

    uv_fileno(&c->uv.handle, &fd);
    do
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN && errno != ENOBUFS)
        return -errno;
    return sent < 0 ? 0 : (int)sent;
}

static int keep_rest(struct conn *c, const struct str *pieces, size_t count, size_t sent)
{
    int r;

    if (sent < c->waiting.len) {
        buf_shift(&c->waiting, sent);
        sent = 0;
    } else {
        sent -= c->waiting.len;
        buf_release(&c->waiting);
    }
    if ((r = keep(c, pieces, count, sent)) < 0)
        return r;
    return c->waiting.len ? start_writing(c) : 0;
}

static int keep(struct conn *c, const struct str *pieces, size_t count, size_t skip)
{
    for (size_t i = 0; i < count; i++) {
        size_t gone = skip < pieces[i].len ? skip : pieces[i].len;
        int r = buf_put(&c->waiting, str_slice(pieces[i].data + gone, pieces[i].len - gone));

        if (r < 0)
            return r;
        skip -= gone;
    }
    return 0;
}

static int start_writing(struct conn *c)
{
    struct conn_write *w = calloc(1, sizeof *w);
    uv_buf_t bytes;
    int r;

    if (!w)
        return -ENOMEM;
    w->conn = c;
    w->bytes = c->waiting;
    buf_init(&c->waiting, SIZE_MAX);
    bytes = (uv_buf_t){.base = w->bytes.data, .len = w->bytes.len};
    if ((r = uv_write(&w->req, &c->uv.stream, &bytes, 1, on_written)) < 0) {
        buf_fini(&w->bytes);
        free(w);
        return r;
    }
    c->writing = w;
    c->queue_seen = uv_stream_get_write_queue_size(&c->uv.stream);
    timer_start(&c->write_timer, c->loop, c->write_timeout_ms, on_write_late, c);
    return 0;
}

static void on_written(uv_write_t *req, int status)
{
    struct conn_write *w = CONTAINER(req, struct conn_write, req);
    struct conn *c = w->conn;
    int r = status;

    buf_fini(&w->bytes);
    free(w);
    c->writing = NULL;
    if (c->is_closing || c->broken)
        return;
    timer_stop(&c->write_timer);
    if (r == 0)
        r = write_now(c, NULL, 0);
    if (r < 0)
        report_end(c, r);
    else if (!c->writing)
        c->events->on_drained(c);
}

/* Slow is allowed, standing still is not. */
static void on_write_late(void *ctx)
{
    struct conn *c = ctx;
    size_t left = uv_stream_get_write_queue_size(&c->uv.stream);

    if (left >= c->queue_seen) {
        report_end(c, -ETIMEDOUT);
        return;
    }
    c->queue_seen = left;
    timer_start(&c->write_timer, c->loop, c->write_timeout_ms, on_write_late, c);
}

static int verdict(const struct conn *c)
{
    return c->writing && conn_queued(c) >= c->queue_high ? -EAGAIN : 0;
}

/* on_end must not come from inside the call that failed. Memory lives until uv has closed the
 * handle, which is after what is deferred. */
static int break_off(struct conn *c, int why)
{
    c->broken = why;
    loop_defer(c->loop, on_broken, c);
    return -EPIPE;
}

static void on_broken(void *ctx)
{
    struct conn *c = ctx;

    if (!c->is_closing)
        report_end(c, c->broken);
}

/* By hand: uv_shutdown() wants a request that outlives us. */
void conn_end(struct conn *c)
{
    uv_os_fd_t fd;

    if (c->is_closing || c->broken)
        return;
    if (c->tls && c->is_shaken) {
        tls_end(c->tls);
        if (tls_take(c->tls, &c->waiting) == 0)
            write_now(c, NULL, 0);
    }
    if (uv_fileno(&c->uv.handle, &fd) == 0)
        shutdown(fd, SHUT_WR);
}

bool conn_is_loopback(const struct conn *c)
{
    struct sockaddr_storage address;
    int length = sizeof address;

    if (c->uv.handle.type != UV_TCP)
        return true;
    return uv_tcp_getpeername(&c->uv.tcp, (struct sockaddr *)&address, &length) == 0 &&
           door_is_loopback((struct sockaddr *)&address);
}
