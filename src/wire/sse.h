/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events: bytes in, events out, as the bytes arrive.
 *
 *     sse_init(&sse, EVENT_MAX, on_event, ctx);
 *     while (a chunk arrives)
 *         if ((r = sse_feed(&sse, chunk)) < 0)
 *             give up on this stream;
 *     sse_fini(&sse);
 *
 * As the WHATWG says: lines end with CR, LF or CRLF, a byte order mark may come first, data lines
 * are joined with LF, comments are skipped, and an event that no blank line ends is dropped.
 * `id` and `retry` are skipped too: nobody here reconnects.
 *
 * Pure: no sockets, no clock. Cutting the input anywhere changes nothing.
 */
#pragma once

#include "base/buf.h"

/* name is empty when the event had none. The slices die when the callback returns. Negative
 * stops the stream. */
typedef int sse_event_fn(void *ctx, struct str name, struct str data);

struct sse {
    sse_event_fn *on_event;
    void *ctx;
    size_t event_max;
    struct buf line; /* the beginning of a line that was cut */
    struct buf data, name;
    struct str held; /* the only data line so far, while the chunk that it stands in lives */
    bool has_data;
    bool after_cr; /* an LF that comes now belongs to the CR before it */
    unsigned mark; /* bytes of the byte order mark that came */
    uint64_t fed, whole;
};

void sse_init(struct sse *s, size_t event_max, sse_event_fn *on_event, void *ctx);
void sse_fini(struct sse *s);

/* 0, -EMSGSIZE when one line or event outgrows event_max, -ENOMEM, or what on_event returned;
 * after an error nothing more may be fed. */
MUST_USE int sse_feed(struct sse *s, struct str chunk);

/* How many of all bytes fed so far end on a frame boundary: after the last blank line. */
static inline uint64_t sse_whole(const struct sse *s)
{
    return s->whole;
}
