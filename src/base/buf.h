/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes with a ceiling fixed at birth.
 *
 *     buf_init(&b, BODY_MAX);
 *     if ((r = buf_put(&b, chunk)) < 0)
 *         -EMSGSIZE: over the ceiling; -ENOMEM: no memory. Nothing was added.
 *     buf_fini(&b);
 *
 * The first bytes are allocated on the first put, so an empty buf costs nothing.
 */
#pragma once

#include <stdarg.h>

#include "base/attr.h"
#include "base/str.h"

struct buf {
    char *data;
    size_t len, room, max;
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);

/* Empty, memory kept. */
void buf_reset(struct buf *b);

/* Empty, memory given back. */
void buf_release(struct buf *b);

MUST_USE int buf_put_char(struct buf *b, char c);
MUST_USE int buf_put_u64(struct buf *b, uint64_t value);
MUST_USE int buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);
MUST_USE int buf_vprintf(struct buf *b, const char *format, va_list args) PRINTF(2, 0);

/* Of an empty one without memory: room for so many at first, where the usual would be too much. */
MUST_USE int buf_begin(struct buf *b, size_t room);

/* Gives back the room that is not used. */
void buf_fit(struct buf *b);

/* At least `more` bytes can be written at data + len without growing. */
MUST_USE int buf_reserve(struct buf *b, size_t more);

/* Here, because a head or an answer is made of a hundred small pieces. */
MUST_USE static inline int buf_put(struct buf *b, struct str s)
{
    int r = s.len <= b->room - b->len ? 0 : buf_reserve(b, s.len);

    if (r < 0 || !s.len)
        return r;
    memcpy(b->data + b->len, s.data, s.len);
    b->len += s.len;
    return 0;
}

/* Drops the first n bytes. */
void buf_shift(struct buf *b, size_t n);

/* Valid until the next put. */
static inline struct str buf_str(const struct buf *b)
{
    return str_slice(b->data, b->len);
}
