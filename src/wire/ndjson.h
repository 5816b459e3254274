/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Newline-delimited JSON: bytes in, lines out, as the bytes arrive.
 *
 *     ndjson_init(&lines, LINE_MAX, on_line, ctx);
 *     while (a chunk arrives)
 *         if ((r = ndjson_feed(&lines, chunk)) < 0)
 *             give up on this stream;
 *     r = ndjson_end(&lines);                 a last line without its newline
 *     ndjson_fini(&lines);
 *
 * Lines end with LF or CRLF; blank ones are skipped. What a line holds is not looked at.
 *
 * Pure: no sockets, no clock. Cutting the input anywhere changes nothing.
 */
#pragma once

#include "base/buf.h"

/* The slice dies when the callback returns. Negative stops the stream. */
typedef int ndjson_line_fn(void *ctx, struct str line);

struct ndjson {
    ndjson_line_fn *on_line;
    void *ctx;
    size_t line_max;
    struct buf line; /* the beginning of a line that was cut */
    uint64_t fed, whole;
};

void ndjson_init(struct ndjson *n, size_t line_max, ndjson_line_fn *on_line, void *ctx);
void ndjson_fini(struct ndjson *n);

/* 0, -EMSGSIZE when one line outgrows line_max, -ENOMEM, or what on_line returned; after an
 * error nothing more may be fed. */
MUST_USE int ndjson_feed(struct ndjson *n, struct str chunk);
MUST_USE int ndjson_end(struct ndjson *n);

/* How many of all bytes fed so far end on a frame boundary: after the last newline. */
static inline uint64_t ndjson_whole(const struct ndjson *n)
{
    return n->whole;
}
