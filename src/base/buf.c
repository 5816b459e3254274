/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes with a ceiling. */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ROOM = 256 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
    free(b->data);
    b->data = NULL;
    b->len = b->room = 0;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
}

void buf_release(struct buf *b)
{
    buf_fini(b);
}

int buf_begin(struct buf *b, size_t room)
{
    char *data = room <= b->max ? malloc(room + 1) : NULL;

    if (!data)
        return room <= b->max ? -ENOMEM : -EMSGSIZE;
    b->data = data;
    b->room = room;
    return 0;
}

void buf_fit(struct buf *b)
{
    char *data = b->len < b->room ? realloc(b->data, b->len + 1) : NULL;

    if (!data)
        return;
    b->data = data;
    b->room = b->len;
}

int buf_reserve(struct buf *b, size_t more)
{
    size_t room = b->room ? b->room : FIRST_ROOM;
    char *data;

    if (more > b->max || b->len > b->max - more)
        return -EMSGSIZE;
    if (b->len + more <= b->room)
        return 0;
    while (room < b->len + more)
        room *= 2;
    if (room > b->max)
        room = b->max;
    data = realloc(b->data, room + 1); /* one more, for the NUL that vsnprintf() insists on */
    if (!data)
        return -ENOMEM;
    b->data = data;
    b->room = room;
    return 0;
}

int buf_put_char(struct buf *b, char c)
{
    return buf_put(b, str_slice(&c, 1));
}

int buf_put_u64(struct buf *b, uint64_t value)
{
    char digits[STR_U64_ROOM];

    return buf_put(b, str_from_u64(digits, value));
}

int buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    int r;

    va_start(args, format);
    r = buf_vprintf(b, format, args);
    va_end(args);
    return r;
}

int buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    int length, r;

    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        return -EINVAL;
    if ((r = buf_reserve(b, (size_t)length)) < 0 || !length)
        return r;
    vsnprintf(b->data + b->len, (size_t)length + 1, format, args);
    b->len += (size_t)length;
    return 0;
}

void buf_shift(struct buf *b, size_t n)
{
    assert(n <= b->len);
    b->len -= n;
    if (b->len)
        memmove(b->data, b->data + n, b->len);
}
