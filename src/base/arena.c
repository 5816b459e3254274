/* SPDX-License-Identifier: Apache-2.0 */
/* Memory given back all at once. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Most arenas hold little: what malloc() keeps at hand is enough for them. */
enum { FIRST_SIZE = 256 - 32, CHUNK_SIZE = 4096 - 32, ALIGN = 16 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, room;
    _Alignas(ALIGN) char data[];
};

static struct arena_chunk *add_chunk(struct arena *a, size_t size);

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_fini(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *next = a->chunks->next;

        free(a->chunks);
        a->chunks = next;
    }
    a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_chunk *chunk = a->chunks;
    void *p;

    if (size > SIZE_MAX - ALIGN)
        return NULL;
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (size > a->max || a->used > a->max - size)
        return NULL;
    if (!chunk || chunk->room - chunk->used < size)
        chunk = add_chunk(a, size);
    if (!chunk)
        return NULL;
    p = chunk->data + chunk->used;
    chunk->used += size;
    a->used += size;
    return memset(p, 0, size);
}

struct str arena_str(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.len + 1);

    if (!copy)
        return (struct str){0};
    if (s.len)
        memcpy(copy, s.data, s.len);
    return str_slice(copy, s.len);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length >= 0)
        text = arena_alloc(a, (size_t)length + 1);
    if (!text)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

/* A block larger than a chunk gets a chunk of its own, behind the current one. */
static struct arena_chunk *add_chunk(struct arena *a, size_t size)
{
    size_t usual = a->chunks ? CHUNK_SIZE : FIRST_SIZE;
    size_t room = size > usual ? size : usual;
    struct arena_chunk *chunk = malloc(sizeof *chunk + room);

    if (!chunk)
        return NULL;
    *chunk = (struct arena_chunk){.room = room};
    if (a->chunks && size > usual) {
        chunk->next = a->chunks->next;
        a->chunks->next = chunk;
    } else {
        chunk->next = a->chunks;
        a->chunks = chunk;
    }
    return chunk;
}
