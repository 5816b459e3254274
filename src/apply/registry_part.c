/* SPDX-License-Identifier: Apache-2.0 */
/* A part of a blob on its way to a puller: what is there, as the socket, the ceiling and the blob
 * allow. */
#include <errno.h>

#include "apply/registry_inside.h"

enum {
    PIECE = 512 << 10,     /* before others have their turn, who find it in the cache */
    COPY_PIECE = 64 << 10, /* where the system cannot send from the file itself */
};

static void pump(void *ctx);
static void go_on(struct part *p);
static int64_t send_piece(struct part *p, uint64_t there);
static int64_t send_copy(struct part *p, size_t room);
static void next(struct part *p, uint64_t sent);
static void wait_for_more(struct part *p);

void part_begin(struct part *p)
{
    p->waiter = (struct blob_waiter){.loop = p->loop, .fn = pump, .ctx = p};
    p->is_expected = true;
    loop_defer(p->loop, pump, p);
}

void part_on_writable(struct part *p)
{
    if (!p->is_expected)
        go_on(p);
}

bool part_leave(struct part *p)
{
    p->stream = NULL;
    timer_stop(&p->timer);
    if (p->is_expected && blob_unwait(p->blob, &p->waiter))
        p->is_expected = false;
    if (!p->is_expected)
        blob_give_back(&p->blob);
    return !p->is_expected;
}

static void pump(void *ctx)
{
    struct part *p = ctx;

    p->is_expected = false;
    if (p->stream) {
        go_on(p);
    } else {
        blob_give_back(&p->blob);
        p->on_left(p->ctx);
    }
}

/* One piece of what is there. */
static void go_on(struct part *p)
{
    uint64_t have = blob_have(p->blob), there = have < p->end ? have : p->end;
    int64_t n = 0;

    if (blob_state(p->blob) == BLOB_broken)
        n = -EBADMSG;
    else if (there > p->at)
        n = send_piece(p, there);
    if (n == -EAGAIN)
        return; /* part_on_writable() */
    if (n < 0) {
        stream_end(p->stream, false);
        return;
    }
    p->at += (uint64_t)n;
    registry_count(p->registry, p->place, (uint64_t)n);
    if (p->at == p->end)
        stream_end(p->stream, true);
    else if (!n || p->at == there)
        wait_for_more(p);
    else
        next(p, (uint64_t)n);
}

static int64_t send_piece(struct part *p, uint64_t there)
{
    size_t most = there - p->at < PIECE ? (size_t)(there - p->at) : PIECE;
    size_t room = ceiling_piece(&p->registry->lan, most);
    int64_t n = stream_send_file(p->stream, blob_file(p->blob), p->at, room < most ? room : most);

    return n ? n : send_copy(p, room < most ? room : most);
}

/* Through TLS. */
static int64_t send_copy(struct part *p, size_t room)
{
    char piece[COPY_PIECE];
    int64_t n = blob_get(p->blob, p->at, piece, room < sizeof piece ? room : sizeof piece);
    struct str bytes = str_slice(piece, n > 0 ? (size_t)n : 0);

    return n > 0 && stream_send(p->stream, &bytes, 1) == -EPIPE ? -EPIPE : n;
}

/* The rest of what is there, when others had their turn and the ceiling allows it. */
static void next(struct part *p, uint64_t sent)
{
    uint64_t after_ms = ceiling_take(&p->registry->lan, sent);

    if (after_ms)
        timer_start(&p->timer, p->loop, after_ms, pump, p);
    else if (stream_wait(p->stream) < 0)
        stream_end(p->stream, false);
}

/* Nothing is there and nobody brings it: the puller is cut off, and asks again by itself. */
static void wait_for_more(struct part *p)
{
    p->waiter.until = p->end - p->at < SHELF_WAKE_BYTES ? p->end : p->at + SHELF_WAKE_BYTES;
    p->is_expected = blob_wait(p->blob, &p->waiter);
    if (p->is_expected)
        return;
    if (blob_have(p->blob) <= p->at || blob_state(p->blob) == BLOB_broken) {
        stream_end(p->stream, false);
        return;
    }
    p->is_expected = true;
    loop_defer(p->loop, pump, p);
}
