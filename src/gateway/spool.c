/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that come once and are read any number of times. */
#include "gateway/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int open_file(struct spool *s);
static int write_file(struct spool *s, struct str bytes);
static bool reserve(struct spool *s, uint64_t more);

void spool_init(struct spool *s, const struct spool_limits *limits)
{
    *s = (struct spool){.limits = *limits, .file = -1};
    buf_init(&s->memory, limits->memory_max);
}

void spool_fini(struct spool *s)
{
    buf_fini(&s->memory);
    if (s->file >= 0)
        close(s->file);
    if (s->filed)
        __atomic_sub_fetch(s->limits.all_bytes, s->filed, __ATOMIC_RELAXED);
    s->file = -1;
    s->length = s->filed = 0;
}

int spool_put(struct spool *s, struct str bytes)
{
    int r = 0;

    if (bytes.len > s->limits.bytes_max - s->length)
        return -EMSGSIZE;
    if (s->file < 0 && bytes.len <= s->limits.memory_max - s->memory.len) {
        r = buf_put(&s->memory, bytes);
    } else {
        if (s->file < 0 && (r = open_file(s)) < 0)
            return r;
        r = write_file(s, bytes);
    }
    if (r == 0)
        s->length += bytes.len;
    return r;
}

int64_t spool_read(const struct spool *s, uint64_t at, char *out, size_t room)
{
    ssize_t n;

    if (at >= s->length)
        return -EIO;
    if (s->file < 0) {
        size_t rest = (size_t)(s->length - at);

        n = (ssize_t)(rest < room ? rest : room);
        memcpy(out, s->memory.data + at, (size_t)n);
        return n;
    }
    do {
        n = pread(s->file, out, room, (off_t)at);
    } while (n < 0 && errno == EINTR);
    return n > 0 ? n : n < 0 ? -errno : -EIO;
}

/* What was kept in memory so far goes first. */
static int open_file(struct spool *s)
{
    char path[4200];
    int r;

    snprintf(path, sizeof path, "%s/upload-XXXXXX", s->limits.folder);
    s->file = mkostemp(path, O_CLOEXEC);
    if (s->file < 0)
        return -errno;
    unlink(path);
    r = write_file(s, buf_str(&s->memory));
    buf_release(&s->memory);
    return r;
}

static int write_file(struct spool *s, struct str bytes)
{
    if (!reserve(s, bytes.len))
        return -ENOSPC;
    while (bytes.len) {
        ssize_t n = write(s->file, bytes.data, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes = str_slice(bytes.data + n, bytes.len - (size_t)n);
    }
    return 0;
}

static bool reserve(struct spool *s, uint64_t more)
{
    uint64_t all = __atomic_add_fetch(s->limits.all_bytes, more, __ATOMIC_RELAXED);

    if (all <= s->limits.all_bytes_max) {
        s->filed += more;
        return true;
    }
    __atomic_sub_fetch(s->limits.all_bytes, more, __ATOMIC_RELAXED);
    return false;
}
