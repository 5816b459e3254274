/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 client: calls to engines and providers over pooled connections.
 *
 *     client_open(&c, loop, &options);
 *     call_start(&call, c, &(struct call_request){…}, &events, ctx);
 *     call_cancel(call);                  at once; the connection is closed, no callback follows
 *     client_close(c);
 *
 * A call hears on_head once, on_body as bytes arrive, then exactly one of on_end (the answer ended
 * as HTTP says) or on_fail. After either, or call_cancel(), the call must not be touched. Never
 * calls back from inside call_start(). A connection goes back to the pool only after an answer that
 * ended cleanly with nothing behind it. An idle connection that the machine closes in the instant
 * it is used again, before a byte of the answer, is replaced by a new one once, silently: that is
 * not a failure of the machine. An answer that comes before the whole request was sent ends the
 * sending, and the connection with it. Answers are read as strictly as requests: see
 * docs/internals/http.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/failure.h"
#include "base/str.h"
#include "http/server.h"
#include "net/loop.h"

struct client;
struct call;

/* Where to connect. Owned by whoever made it; must outlive its calls. */
struct endpoint {
    char host[256]; /* a name or an address, without brackets */
    uint16_t port;
    bool tls;
    char base[256]; /* path in front of every target: "" or "/v1" style, no trailing slash */
};

/* "http://10.1.2.3:11434", "https://api.example.com/v1", "127.0.0.1:8080". 0, -EINVAL. */
MUST_USE int endpoint_parse(struct endpoint *ret, struct str url, struct err *err);

/* For the Host header and logs: "host:port", brackets around IPv6, without the port where it is
 * the scheme's own (80, 443). Returns the length. */
size_t endpoint_authority(const struct endpoint *e, char *out, size_t room);

struct client_options {
    uint32_t idle_max; /* idle connections kept per endpoint */
    uint32_t idle_timeout_ms;
    uint32_t header_max; /* bytes of an answer's status line and headers */
    const char *ca_file; /* NULL: the system's */
};

/* A body that is not in memory: read as it is sent, and again for another try. */
struct call_source {
    uint64_t length;
    /* Bytes of the body from `at` on, at most room and at least one; negative errno. */
    int64_t (*read)(void *ctx, uint64_t at, char *out, size_t room);
    void *ctx;
};

struct call_request {
    const struct endpoint *endpoint;
    enum method method;
    struct str target;            /* "/api/chat" */
    const struct header *headers; /* without framing and Host */
    size_t header_count;
    const struct str *body;           /* pieces, sent one after the other; their bytes */
    size_t body_count;                /* must live until on_head, on_fail or call_cancel */
    const struct call_source *source; /* NULL, or what follows the pieces; lives as long as they */
    uint32_t connect_timeout_ms;
    uint32_t first_byte_timeout_ms; /* from request sent to status line; 0: none */
    uint32_t idle_timeout_ms;       /* between bytes of the answer; 0: none */
    uint32_t total_timeout_ms;      /* 0: none */
    bool is_bulk;                   /* the answer is a file: read in pieces as large as may be */
};

struct reply {
    int status;
    const struct header *headers; /* die when on_head returns */
    size_t header_count;
    int64_t content_length; /* -1: not known */
};

struct str reply_header(const struct reply *r, struct str name);

struct call_events {
    void (*on_head)(void *ctx, const struct reply *r);
    void (*on_body)(void *ctx, struct str chunk); /* chunk dies when this returns */
    void (*on_end)(void *ctx); /* may start the next call, on the same connection even */
    /* connect_failed, connect_timeout, tls_failed, upstream_gone, upstream_garbage,
     * first_byte_timeout, idle_timeout or total_timeout; out_of_room when it is us who lack memory
     * or sockets. Words say what was found. */
    void (*on_fail)(void *ctx, enum failure why, const char *words);
};

MUST_USE int client_open(struct client **ret, struct loop *l, const struct client_options *options,
                         struct err *err);
/* Calls that still run are cancelled. */
void client_close(struct client *c);

/* 0, -ENOMEM, -EINVAL when a header or the target has a byte that it must not have, -EPERM when
 * TAMPU_LOOPBACK_ONLY forbids the address or the name. *ret is written before any callback. */
MUST_USE int call_start(struct call **ret, struct client *c, const struct call_request *request,
                        const struct call_events *events, void *ctx);
void call_cancel(struct call *call);

/* Back-pressure: stop and go on reading the answer. */
void call_pause(struct call *call);
void call_resume(struct call *call);

unsigned client_idle(const struct client *c);
