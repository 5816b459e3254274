/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw sockets beside a loop, in one thread: say bytes, hear bytes, turn the loop until something
 * is true. Nothing sleeps; everything has a deadline.
 */
#pragma once

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <uv.h>

#include "base/buf.h"
#include "net/clock.h"
#include "net/loop.h"
#include "sockets.h"

enum { PATIENCE_US = 5000000, HEARD_MAX = 64 << 20 };

/* Turns the loop until `condition`; a test that waits for nothing fails in words. */
#define UNTIL(loop, condition) \
    do { \
        uint64_t give_up_us = clock_monotonic_us() + PATIENCE_US; \
        while (!(condition)) { \
            if (clock_monotonic_us() > give_up_us) \
                fail_msg("waited in vain for: %s", #condition); \
            turn(loop, -1); \
        } \
    } while (0)

/* One turn of the loop; then waits a moment until it or fd has something. */
static inline void turn(struct loop *l, int fd)
{
    struct pollfd fds[2] = {{.fd = uv_backend_fd(loop_uv(l)), .events = POLLIN},
                            {.fd = fd, .events = POLLIN}};

    uv_run(loop_uv(l), UV_RUN_NOWAIT);
    poll(fds, fd >= 0 ? 2 : 1, 1);
}

static inline int accept_raw(struct loop *l, int listener)
{
    uint64_t give_up_us = clock_monotonic_us() + PATIENCE_US;
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0) {
        assert_true(errno == EAGAIN);
        if (clock_monotonic_us() > give_up_us)
            fail_msg("nobody connected");
        turn(l, listener);
    }
    return fd;
}

/* The loop turns while the socket is full. */
static inline void say(struct loop *l, int fd, struct str text)
{
    while (text.len) {
        ssize_t n = send(fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            turn(l, -1);
        else if (n < 0)
            return; /* the other side has had enough; what was heard is what counts */
        else
            text = str_slice(text.data + n, text.len - (size_t)n);
    }
}

static inline bool contains(const struct buf *b, const char *text)
{
    return b->len && memmem(b->data, b->len, text, strlen(text));
}

static inline size_t times(const struct buf *b, const char *text)
{
    const char *at = b->data, *end = b->data + b->len;
    size_t count = 0;

    while (at && (at = memmem(at, (size_t)(end - at), text, strlen(text)))) {
        at += strlen(text);
        count++;
    }
    return count;
}

/* What is there, without waiting. False: the other side has ended or reset. */
static inline bool hear_some(int fd, struct buf *heard)
{
    char room[65536];
    ssize_t n = recv(fd, room, sizeof room, MSG_DONTWAIT);

    if (n > 0)
        assert_int_equal(buf_put(heard, str_slice(room, (size_t)n)), 0);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Turns the loop until `text` was heard. */
static inline void hear(struct loop *l, int fd, struct buf *heard, const char *text)
{
    uint64_t give_up_us = clock_monotonic_us() + PATIENCE_US;

    while (!contains(heard, text)) {
        bool open = hear_some(fd, heard);

        if (contains(heard, text))
            return;
        if (!open || clock_monotonic_us() > give_up_us)
            fail_msg("heard: %.*s, expected: %s", STR_ARG(buf_str(heard)), text);
        turn(l, fd);
    }
}

/* Turns the loop until the other side has closed. */
static inline void hear_end(struct loop *l, int fd, struct buf *heard)
{
    uint64_t give_up_us = clock_monotonic_us() + PATIENCE_US;

    while (hear_some(fd, heard)) {
        if (clock_monotonic_us() > give_up_us)
            fail_msg("not closed; heard: %.*s", STR_ARG(buf_str(heard)));
        turn(l, fd);
    }
}
