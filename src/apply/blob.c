/* SPDX-License-Identifier: Apache-2.0 */
/* One blob: its bytes as they come and go, and who waits for them. */
#include <errno.h>
#include <unistd.h>

#include "apply/shelf_inside.h"

static bool will_change(const struct blob *b);

enum blob_state blob_state(struct blob *b)
{
    enum blob_state state;

    pthread_mutex_lock(&b->shelf->mutex);
    state = b->state;
    pthread_mutex_unlock(&b->shelf->mutex);
    return state;
}

uint64_t blob_size(const struct blob *b)
{
    return b->size;
}

uint64_t blob_have(struct blob *b)
{
    uint64_t have;

    pthread_mutex_lock(&b->shelf->mutex);
    have = b->have;
    pthread_mutex_unlock(&b->shelf->mutex);
    return have;
}

bool blob_claim(struct blob *b)
{
    bool is_ours;

    pthread_mutex_lock(&b->shelf->mutex);
    is_ours = !b->is_claimed && !b->company && b->state == BLOB_arriving;
    b->is_claimed |= is_ours;
    pthread_mutex_unlock(&b->shelf->mutex);
    return is_ours;
}

void blob_unclaim(struct blob *b)
{
    pthread_mutex_lock(&b->shelf->mutex);
    b->is_claimed = false;
    blob_wake(b);
    pthread_mutex_unlock(&b->shelf->mutex);
}

bool blob_is_claimed(struct blob *b)
{
    bool is_claimed;

    pthread_mutex_lock(&b->shelf->mutex);
    is_claimed = b->is_claimed || b->company;
    pthread_mutex_unlock(&b->shelf->mutex);
    return is_claimed;
}

/* Only who has claimed it writes, so the bytes need no lock. */
int blob_put(struct blob *b, uint64_t at, struct str bytes)
{
    int r;

    if (at != blob_have(b) || bytes.len > b->size - at)
        return -EINVAL;
    if ((r = blob_write(b, at, bytes)) < 0)
        return r;
    pthread_mutex_lock(&b->shelf->mutex);
    blob_grow(b, at + bytes.len);
    pthread_mutex_unlock(&b->shelf->mutex);
    return 0;
}

int64_t blob_get(struct blob *b, uint64_t at, char *out, size_t room)
{
    uint64_t have = blob_have(b);
    ssize_t n;

    if (blob_state(b) == BLOB_broken)
        return -EBADMSG;
    if (at >= have)
        return 0;
    if (room > have - at)
        room = have - at;
    do
        n = pread(b->file, out, room, (off_t)at);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n > 0 ? n : -EIO;
}

int blob_file(const struct blob *b)
{
    return b->file;
}

bool blob_wait(struct blob *b, struct blob_waiter *w)
{
    bool waits;

    pthread_mutex_lock(&b->shelf->mutex);
    waits = w->is_waiting = will_change(b) && b->have < w->until;
    if (waits)
        link_append(&b->waiters, &w->link);
    pthread_mutex_unlock(&b->shelf->mutex);
    return waits;
}

bool blob_unwait(struct blob *b, struct blob_waiter *w)
{
    bool was_waiting;

    pthread_mutex_lock(&b->shelf->mutex);
    was_waiting = w->is_waiting;
    if (was_waiting)
        link_remove(&w->link);
    w->is_waiting = false;
    pthread_mutex_unlock(&b->shelf->mutex);
    return was_waiting;
}

int blob_write(const struct blob *b, uint64_t at, struct str bytes)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n = pwrite(b->file, bytes.data + done, bytes.len - done, (off_t)(at + done));

        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

void blob_grow(struct blob *b, uint64_t have)
{
    uint64_t before;
    bool has_met = false;

    do {
        before = have;
        LINK_EACH(&b->parts, at)
        {
            const struct blob_part *p = CONTAINER(at, struct blob_part, link);

            if (p->from <= have && p->at > have)
                have = p->at;
        }
        for (unsigned i = 0; i < b->apart_count; i++)
            if (b->apart[i].from <= have && b->apart[i].end > have)
                have = b->apart[i].end;
    } while (have > before);
    b->have = have;
    for (unsigned i = 0; i < b->apart_count; i++)
        has_met |= b->apart[i].end <= have;
    if (has_met || (b->apart_count && have >= b->noted + NOTE_EVERY))
        blob_tell_holes(b);
    blob_look_at_digest(b);
    blob_wake(b);
}

void blob_look_at_digest(struct blob *b)
{
    if (b->have < b->size || b->state != BLOB_arriving)
        return;
    b->state = BLOB_checking;
    b->holders++; /* the checking thread's */
    link_append(&b->shelf->unchecked, &b->check);
    pthread_cond_signal(&b->shelf->wanted);
}

void blob_end(struct blob *b, enum blob_state state)
{
    b->state = state;
    b->is_claimed = false;
    blob_wake(b);
}

bool blob_is_open(const struct blob *b)
{
    return b->state == BLOB_arriving || b->state == BLOB_checking;
}

/* Once posted, the waiter may be gone at any moment. A post that finds no memory, or a loop that
 * ends, wakes nobody. */
void blob_wake(struct blob *b)
{
    for (struct link *at = b->waiters.next, *next; at != &b->waiters; at = next) {
        struct blob_waiter *w = CONTAINER(at, struct blob_waiter, link);

        next = at->next;
        if (will_change(b) && b->have < w->until)
            continue;
        link_remove(&w->link);
        w->is_waiting = false;
        if (loop_post(w->loop, w->fn, w->ctx) < 0) {
            link_append(next, &w->link); /* where it was */
            w->is_waiting = true;
        }
    }
}

/* Somebody brings it, or looks at its digest. */
static bool will_change(const struct blob *b)
{
    return b->state == BLOB_checking ||
           (b->state == BLOB_arriving && (b->is_claimed || b->company));
}
