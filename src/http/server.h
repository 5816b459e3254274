/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 server: one per loop, all listening on the same address.
 *
 *     server_open(&s, loop, &(struct server_options){…}, &events, ctx, err);
 *     server_drain(s, deadline_ms, on_drained, ctx);   no new requests, finish the running
 *     server_close(s);
 *
 * For each request the owner hears on_request (headers are complete), then on_body any number of
 * times, then on_body_end; and on_gone exactly once, last, when the request is over: answered
 * completely, or the client left (`ok` says which). After on_gone the stream must not be touched.
 * Answers may be given at any time from on_request on, from any callback, or later. If an answer
 * ends before the body has been read, the owner hears no more of it: the rest is read and thrown
 * away up to a limit, or the connection is closed.
 * One request at a time per connection: pipelined ones wait their turn. Framing is made here:
 * handlers never pass Content-Length, Transfer-Encoding or Connection.
 * Requests that break the rules of HTTP/1 are answered here and the connection is closed.
 * A client that ends its side of the connection while its request runs has left: on_gone(false).
 * Callbacks come from the loop, never from inside a call made here; but for server_close().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"
#include "wire/message.h"

struct server;
struct stream; /* one request and its answer */
struct tls_files;

/* Lives until on_gone, its texts until stream_start() or on_gone. */
struct request {
    enum method method;
    struct str target;      /* as it came */
    struct str path, query; /* of the target: path undecoded, query without '?' */
    struct str host;        /* Host, which is also that of an absolute target; validated */
    const struct header *headers;
    size_t header_count;
    int64_t content_length; /* -1: chunked; 0: no body */
    bool peer_is_loopback;  /* or it came over a Unix socket */
};

/* The value of the first header with that name, ignoring case; .data NULL if there is none. */
struct str request_header(const struct request *r, struct str name);

/* How large the body of a request may be, and how long it may take to come. */
struct body_limits {
    uint64_t bytes;
    uint32_t timeout_ms;
};

struct server_events {
    void (*on_request)(void *ctx, struct stream *s, const struct request *r);
    void (*on_body)(struct stream *s, struct str chunk); /* chunk dies when this returns */
    void (*on_body_end)(struct stream *s);
    void (*on_writable)(struct stream *s); /* after -EAGAIN, or stream_wait() */
    void (*on_gone)(struct stream *s, bool ok);
    /* Asked before on_request() when the body is large (BODY_SMALL) or of unknown length: limits
     * hold the options', and may be set anew. NULL: those count. */
    void (*on_large_body)(void *ctx, const struct request *r, struct body_limits *limits);
    /* The body of an error that the server itself answers (400, 408, 413, 431, …) before
     * or instead of on_request; NULL: a plain JSON one. path: empty when it did not come so far.
     * Writes at most room bytes, returns the length. */
    size_t (*error_body)(void *ctx, struct str path, int status, const char *words, char *out,
                         size_t room);
};

enum { BODY_SMALL = 1 << 20 };

struct server_options {
    const char *listen;          /* "127.0.0.1:4000", "[::1]:4000", "unix:/run/tampu.sock" */
    int shared_fd;               /* 0 or -1, or server_fd() of another loop's server: same port */
    uint32_t header_max;         /* bytes of request line and headers; 431 */
    uint32_t header_count_max;   /* 431 */
    uint64_t body_max;           /* bytes; 413 */
    uint32_t head_timeout_ms;    /* absolute, from the first byte (slow-loris); 408 */
    uint32_t body_timeout_ms;    /* absolute, from the end of the headers; 408 */
    uint32_t keep_alive_ms;      /* an idle connection is closed */
    uint32_t write_timeout_ms;   /* a client that takes nothing for so long is cut */
    uint32_t connections_max;    /* beyond it: accept waits */
    uint32_t write_high;         /* bytes waiting to be sent at which stream_send() says -EAGAIN */
    const struct tls_files *tls; /* NULL: plain */
};

struct tls_files {
    const char *certificate, *key; /* PEM */
};

MUST_USE int server_open(struct server **ret, struct loop *l, const struct server_options *options,
                         const struct server_events *events, void *ctx, struct err *err);

/* "127.0.0.1:4000": the address with the port that was given or picked. Lives as long as s. */
const char *server_address(const struct server *s);

int server_fd(const struct server *s); /* for shared_fd of the servers on the other loops */

/* Closes listening and idle connections, lets running requests finish until the deadline, then
 * cuts them. on_drained is called once, on the loop. */
void server_drain(struct server *s, uint32_t deadline_ms, loop_fn *on_drained, void *ctx);

/* At once; every stream hears on_gone(false). Memory goes when the loop has closed the sockets. */
void server_close(struct server *s);

unsigned server_connections(const struct server *s);

/* In on_gone: the status with which the server itself has answered, because the request breaks
 * the rules of HTTP/1 or came too late; 0: it did not. */
int stream_refused(const struct stream *s);

void stream_set_ctx(struct stream *s, void *ctx); /* what the owner hangs on it */
void *stream_ctx(const struct stream *s);

/* A whole answer; a small one leaves at the end of the turn: what its owner does until then is done
 * when the client has it. body is copied or sent before this returns. -EPIPE when the client is
 * gone or there is an answer already; -EINVAL when a header has a byte that no header may have. */
int stream_answer(struct stream *s, int status, const struct header *headers, size_t count,
                  struct str body);

/* Or in parts: start (chunked, or by length when content_length >= 0), send…, end. The parts of
 * one turn of the loop leave in one write, at its end. */
int stream_start(struct stream *s, int status, const struct header *headers, size_t count,
                 int64_t content_length);

/* 0; -EAGAIN: taken, but stop until on_writable; -EPIPE: the client is gone. The pieces are one
 * chunk, sent or copied before this returns. */
int stream_send(struct stream *s, const struct str *pieces, size_t count);

/* Bytes of a file, for an answer whose length was said: how many were sent, at most length;
 * -EAGAIN: none now, stop until on_writable; 0: not this way (TLS), stream_send() them instead;
 * -EPIPE. */
int64_t stream_send_file(struct stream *s, int file, uint64_t at, size_t length);

/* on_writable when others had their turn and the client takes bytes. -EPIPE, -ENOMEM and so on. */
MUST_USE int stream_wait(struct stream *s);

/* ok false: the answer cannot be finished; the connection is cut so that the client can tell. So
 * it is when the parts were not as long as stream_start() said. */
int stream_end(struct stream *s, bool ok);

/* The same as stream_end(s, true), with trailers behind a chunked answer. One with a byte that no
 * header may have: none of them. */
int stream_end_with(struct stream *s, const struct header *trailers, size_t count);

/* Stop and go on reading the request's body. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);
