/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunked transfer coding, strictly: bytes in, body out, as the bytes arrive.
 *
 *     chunked_init(&c);
 *     while ((event = chunked_feed(&c, &in, &piece)) == CHUNKED_data)
 *         use piece
 *     CHUNKED_more: all of `in` was taken; CHUNKED_end: what is left of `in` is behind the body;
 *     CHUNKED_wrong: c.words says why
 *
 * Extensions and trailers are read, held to the rules and thrown away. Pure; cutting the input
 * anywhere changes nothing.
 */
#pragma once

#include "base/str.h"

enum {
    CHUNKED_DIGITS_MAX = 16,        /* of one chunk's size */
    CHUNKED_EXTENSION_MAX = 256,    /* bytes behind one size */
    CHUNKED_EXTENSIONS_MAX = 16384, /* bytes behind all sizes of one body */
    CHUNKED_TRAILER_MAX = 8192,     /* bytes of all trailer lines */
};

enum chunked_event { CHUNKED_more, CHUNKED_data, CHUNKED_end, CHUNKED_wrong };

struct chunked {
    uint64_t left; /* of the chunk being read */
    const char *words;
    uint32_t extension, extensions, trailer;
    uint8_t digits, step;
};

void chunked_init(struct chunked *c);
enum chunked_event chunked_feed(struct chunked *c, struct str *in, struct str *ret_piece);
