/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart/form-data: bytes in, parts out, as the bytes arrive.
 *
 *     if ((r = multipart_boundary(&boundary, content_type)) < 0)
 *         -EINVAL: the header names no boundary that may be used
 *     multipart_init(&m, boundary, &events, ctx);
 *     while (a chunk arrives)
 *         if ((r = multipart_feed(&m, chunk)) < 0)
 *             -EBADMSG, -EMSGSIZE: m.words say why; or -ENOMEM, or what a callback returned
 *     r = multipart_end(&m);                       -EBADMSG: the last boundary is missing
 *     multipart_fini(&m);
 *
 * Strict: what two programs might read in two ways is refused (lines end with CRLF, one
 * Content-Disposition with one name for each part, no folded headers, no other encodings, no forms
 * within forms, no text behind a boundary). What stands before the first boundary and behind the
 * last is counted and skipped.
 *
 * Pure: no sockets, no clock. Cutting the input anywhere gives the same parts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    MULTIPART_BOUNDARY_MAX = 70, /* RFC 2046 5.1.1 */
    MULTIPART_HEAD_MAX = 8192,   /* bytes of one part's headers */
    MULTIPART_HEADERS_MAX = 16,
    MULTIPART_PARTS_MAX = 256,
    MULTIPART_OUTSIDE_MAX = 4096, /* bytes before the first boundary, and behind the last */
};

/* A part's head. The slices die when on_part returns. */
struct multipart_part {
    struct str name;
    struct str filename; /* of filename* when both are there */
    struct str type;     /* Content-Type; empty: none */
    bool is_file;        /* there is a filename, even an empty one */
};

/* at: how many bytes of the body stand before. Negative stops the reading. */
struct multipart_events {
    int (*on_part)(void *ctx, const struct multipart_part *part);
    int (*on_data)(void *ctx, struct str piece, uint64_t at); /* piece dies on return */
    int (*on_part_end)(void *ctx);
};

struct multipart {
    const char *words; /* after -EBADMSG or -EMSGSIZE */
    uint64_t first_at; /* where the first boundary's "--" stands */
    uint64_t end_at;   /* just behind the last boundary's "--" */

    /* Private. */
    struct multipart_events events;
    void *ctx;
    char mark[MULTIPART_BOUNDARY_MAX + 5]; /* CR LF "--" boundary */
    size_t mark_length, matched;
    struct buf head, text; /* of the part under way; text: what its parameters say */
    uint64_t fed;
    size_t outside;
    unsigned parts;
    uint8_t step, tail;
};

/* Does this Content-Type say that the body is a form, properly or not? */
bool multipart_is_form(struct str content_type);

/* The boundary that a Content-Type header names; a slice of it. -EINVAL: it is not
 * multipart/form-data, or has none, two, or one that may not be; -ENOMEM. */
MUST_USE int multipart_boundary(struct str *ret, struct str content_type);

void multipart_init(struct multipart *m, struct str boundary, const struct multipart_events *events,
                    void *ctx);
void multipart_fini(struct multipart *m);
MUST_USE int multipart_feed(struct multipart *m, struct str chunk);
MUST_USE int multipart_end(struct multipart *m);
