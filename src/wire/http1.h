/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 messages, strictly: bytes in, heads and bodies out, as the bytes arrive; and heads
 * written.
 *
 *     http1_init(&h, HTTP1_request, head_max, header_count_max);
 *     while ((event = http1_feed(&h, &in, &piece)) != HTTP1_more)
 *         HTTP1_head:  h.method, h.target, h.headers … can be read
 *         HTTP1_body:  a piece of the body, which lies in `in`
 *         HTTP1_end:   the message is complete; http1_reset(&h) before the next one is fed
 *         HTTP1_wrong: h.wrong and h.words say why; nothing behind it may be read
 *     http1_fini(&h);
 *
 * Pure: no sockets, no clock. Cutting the input anywhere changes nothing. What two programs might
 * read in two ways is refused: see docs/internals/http.md for the list.
 */
#pragma once

#include <llhttp.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/chunked.h"
#include "wire/message.h"

enum http1_kind { HTTP1_request, HTTP1_response };

enum http1_event { HTTP1_more, HTTP1_head, HTTP1_body, HTTP1_end, HTTP1_wrong };

struct http1 {
    /* The head, from HTTP1_head until http1_reset(). */
    struct header *headers;
    size_t header_count;
    struct str target;      /* of a request, as it came */
    struct str path, query; /* of the target: undecoded; without '?' */
    struct str host;        /* who was asked: Host, or the authority of an absolute target */
    int64_t content_length; /* 0: no body; -1: known when it has ended */
    int status;             /* of a response */
    enum method method;     /* of a request */
    uint8_t minor;          /* HTTP/1.minor */
    bool keep_alive, expects_continue;

    /* After HTTP1_wrong: the status to answer with, and why. */
    int wrong;
    const char *words;

    /* Private. */
    llhttp_t parser;
    struct chunked chunked;
    struct buf text; /* the first line, then name and value of each header, end to end */
    size_t line_length, header_end, header_room, header_max, head_max, head_bytes;
    int64_t left; /* of a body with a length */
    uint8_t kind, step;
    bool is_chunked, is_until_eof, has_no_body;
};

void http1_init(struct http1 *h, enum http1_kind kind, size_t head_max, size_t header_count_max);
void http1_fini(struct http1 *h);

/* Ready for the next message; memory that grew beyond the usual is given back. */
void http1_reset(struct http1 *h);

/* All memory is given back: for connections that idle. */
void http1_release(struct http1 *h);

/* The response to be read answers a HEAD: it has no body. After http1_reset(). */
void http1_expect_no_body(struct http1 *h);

/* Takes bytes from the front of *in. */
enum http1_event http1_feed(struct http1 *h, struct str *in, struct str *ret_piece);

/* The peer has ended its stream: HTTP1_end when that ends the message, HTTP1_more when no message
 * had begun, else HTTP1_wrong. */
enum http1_event http1_finish(struct http1 *h);

/* The usual words behind a status: 404 "Not Found". */
const char *http1_reason(int status);

enum { HTTP1_NO_BODY = -2, HTTP1_CHUNKED = -1, HTTP1_CHUNK_HEAD_MAX = 20 };

struct http1_out {
    int status;                                 /* of a response, or */
    struct str method, base, target, authority; /* of a request: base and target are joined */
    const struct header *headers;               /* without framing, Connection, Date and Host */
    size_t header_count;
    int64_t content_length; /* or HTTP1_CHUNKED, or HTTP1_NO_BODY: says nothing of it */
    struct str date;        /* empty: none */
    struct str connection;  /* "close", "keep-alive" or empty */
};

/* Appends a head. -EINVAL when a name, value or target holds what it must not (nothing is
 * added then), -EMSGSIZE or -ENOMEM. */
MUST_USE int http1_put_response(struct buf *out, const struct http1_out *head);
MUST_USE int http1_put_request(struct buf *out, const struct http1_out *head);

/* What ends a chunked body: the last chunk and such headers. The same errors. */
MUST_USE int http1_put_trailers(struct buf *out, const struct header *headers, size_t count);

/* "1f40\r\n"; returns the length. A chunk is this, the bytes, and "\r\n". */
size_t http1_chunk_head(char out[HTTP1_CHUNK_HEAD_MAX], size_t size);
