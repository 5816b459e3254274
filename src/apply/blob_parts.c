/* SPDX-License-Identifier: Apache-2.0 */
/* One blob that several bring: its parts, and the holes between them. */
#include <errno.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "apply/shelf_inside.h"

#define HAVE "user.tampu.have" /* of a file with holes: bytes from its beginning on */

static bool is_taken(const struct blob *b, uint64_t from, uint64_t end);
static int remember(struct blob *b);

bool blob_join(struct blob *b)
{
    bool is_welcome;

    pthread_mutex_lock(&b->shelf->mutex);
    is_welcome = !b->is_claimed && b->state == BLOB_arriving;
    b->company += is_welcome;
    pthread_mutex_unlock(&b->shelf->mutex);
    return is_welcome;
}

void blob_leave(struct blob *b)
{
    pthread_mutex_lock(&b->shelf->mutex);
    b->company--;
    blob_wake(b);
    pthread_mutex_unlock(&b->shelf->mutex);
}

int blob_begin_part(struct blob *b, struct blob_part *part, uint64_t from, uint64_t end)
{
    int r = from < end && end <= b->size ? 0 : -EINVAL;

    pthread_mutex_lock(&b->shelf->mutex);
    if (r == 0 && (b->state != BLOB_arriving || end <= b->have || is_taken(b, from, end)))
        r = -EALREADY;
    if (r == 0 && from > b->have)
        r = b->apart_count == APART_MAX ? -E2BIG : remember(b);
    if (r == 0) {
        part->from = part->at = from > b->have ? from : b->have;
        part->end = end;
        link_append(&b->parts, &part->link);
    }
    pthread_mutex_unlock(&b->shelf->mutex);
    return r;
}

int blob_put_part(struct blob *b, struct blob_part *part, struct str bytes)
{
    int r;

    if (bytes.len > part->end - part->at)
        return -EINVAL;
    if ((r = blob_write(b, part->at, bytes)) < 0)
        return r;
    pthread_mutex_lock(&b->shelf->mutex);
    part->at += bytes.len;
    blob_grow(b, b->have);
    pthread_mutex_unlock(&b->shelf->mutex);
    return 0;
}

void blob_end_part(struct blob *b, struct blob_part *part)
{
    pthread_mutex_lock(&b->shelf->mutex);
    link_remove(&part->link);
    if (part->at > b->have && part->at > part->from && b->apart_count < APART_MAX) {
        b->apart[b->apart_count].from = part->from;
        b->apart[b->apart_count++].end = part->at;
    }
    blob_tell_holes(b);
    pthread_mutex_unlock(&b->shelf->mutex);
}

uint64_t blob_gap_end(struct blob *b)
{
    uint64_t end = b->size;

    pthread_mutex_lock(&b->shelf->mutex);
    for (unsigned i = 0; i < b->apart_count; i++)
        if (b->apart[i].from > b->have && b->apart[i].from < end)
            end = b->apart[i].from;
    pthread_mutex_unlock(&b->shelf->mutex);
    return end;
}

void blob_close_holes(int file)
{
    uint64_t have;

    if (fgetxattr(file, HAVE, &have, sizeof have) == sizeof have &&
        ftruncate(file, (off_t)have) == 0)
        (void)!fremovexattr(file, HAVE);
}

void blob_tell_holes(struct blob *b)
{
    bool has_holes = false;

    for (unsigned i = b->apart_count; i-- > 0;)
        if (b->apart[i].end <= b->have)
            b->apart[i] = b->apart[--b->apart_count];
    LINK_EACH(&b->parts, at)
    {
        has_holes |= CONTAINER(at, struct blob_part, link)->from > b->have;
    }
    if (has_holes || b->apart_count)
        (void)!remember(b); /* it was possible before; what it said then is still true */
    else
        (void)!fremovexattr(b->file, HAVE);
}

/* By somebody who brings it, or because it is there. */
static bool is_taken(const struct blob *b, uint64_t from, uint64_t end)
{
    LINK_EACH(&b->parts, at)
    {
        const struct blob_part *p = CONTAINER(at, struct blob_part, link);

        if (p->from < end && from < p->end)
            return true;
    }
    for (unsigned i = 0; i < b->apart_count; i++)
        if (b->apart[i].from <= from && end <= b->apart[i].end)
            return true;
    return false;
}

/* Under the mutex. Before there is a hole: its file's length says nothing from now on. */
static int remember(struct blob *b)
{
    if (fsetxattr(b->file, HAVE, &b->have, sizeof b->have, 0) < 0)
        return -ENOTSUP;
    b->noted = b->have;
    return 0;
}
