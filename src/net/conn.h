/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: bytes in, bytes out, plain or TLS, with everything that must wait kept in bounds.
 *
 *     conn_init(&c, loop, &events, queue_high, write_timeout_ms);
 *     conn_accept(&c, listener)  or  conn_connect(&c, address)        then on_open
 *     conn_put(&c, piece);  conn_flush(&c);      many puts, one write
 *     conn_send(&c, pieces, count);              at once, together with what was put
 *     conn_close(&c);                            then on_closed: now its memory may go
 *
 * A plain member of its owner. Callbacks come from the loop, never from inside a call made here.
 * After on_end nothing but conn_close() makes sense; after conn_close() only on_closed comes.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/attr.h"
#include "base/buf.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/tls.h"
#include "net/waker.h"

struct conn;

struct conn_events {
    void (*on_open)(struct conn *c); /* connected and, with TLS, the handshake is done */
    /* The bytes die when this returns. May come once more after conn_stop_reading(). */
    void (*on_read)(struct conn *c, struct str bytes);
    void (*on_drained)(struct conn *c); /* nothing waits any more; only after something had to */
    /* why 0: the peer ended its side; -EPROTO: TLS; -ETIMEDOUT: the peer takes nothing;
     * else what the system said. */
    void (*on_end)(struct conn *c, int why, const char *words);
    void (*on_closed)(struct conn *c);
};

struct conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct loop *loop;
    const struct conn_events *events;
    struct tls *tls;
    struct buf waiting;         /* put and not yet written */
    struct conn_write *writing; /* handed to uv, because the socket was full */
    struct waker *waker;        /* NULL until conn_send_file() found the socket full */
    struct timer write_timer;
    size_t queue_high, queue_seen;
    uint32_t write_timeout_ms;
    int broken; /* why, until on_end has said it */
    bool is_connected, is_open, is_reading, is_closing, is_shaken, has_polite_end;
    bool is_bulk; /* reads all that the loop has room for: of files, not of words */
};

enum { CONN_QUEUE_MAX = 64 << 20 }; /* bytes: a producer that does not listen to -EAGAIN is cut */

void conn_init(struct conn *c, struct loop *l, const struct conn_events *events, size_t queue_high,
               uint32_t write_timeout_ms);

/* Over TLS from the first byte on; before conn_accept() or conn_connect(). Takes *tls. */
void conn_set_tls(struct conn *c, struct tls **tls);

/* 0, or negative errno; then conn_close() is due. */
MUST_USE int conn_accept(struct conn *c, uv_stream_t *listener);
MUST_USE int conn_connect(struct conn *c, const struct sockaddr *address);

void conn_close(struct conn *c);

/* The same, so that the peer sees an error and not an end. */
void conn_reset(struct conn *c);

void conn_start_reading(struct conn *c);
void conn_stop_reading(struct conn *c);

/* 0; -EAGAIN: taken, but queue_high is reached: stop until on_drained; -EPIPE: the connection
 * is broken or closing. The bytes are copied or sent before these return. */
MUST_USE int conn_put(struct conn *c, struct str piece);
MUST_USE int conn_flush(struct conn *c);
MUST_USE int conn_send(struct conn *c, const struct str *pieces, size_t count);

/* Straight from a file's cache, after what was put: how many bytes the system took; -EAGAIN: none
 * now, stop until on_drained; 0: not this way (TLS), conn_send() instead; -EPIPE. */
MUST_USE int64_t conn_send_file(struct conn *c, int file, uint64_t at, size_t length);

/* on_drained comes when the system takes bytes again: at once, or later. For who has sent enough in
 * this turn of the loop. -EPIPE, or -ENOMEM and the like. */
MUST_USE int conn_wait(struct conn *c);

/* Bytes put and not yet taken by the system. */
size_t conn_queued(const struct conn *c);

/* Ends our side; the peer's stays open. Everything must have been written (conn_queued() is 0). */
void conn_end(struct conn *c);

/* The peer is on this machine: a loopback address, or a Unix socket. */
bool conn_is_loopback(const struct conn *c);
