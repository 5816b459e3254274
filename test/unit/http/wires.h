/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw sockets beside a loop, in one thread: say bytes, hear bytes, turn the loop until something
 * is true. Nothing sleeps; everything has a deadline.
 */
#pragma once

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "net/clock.h"
#include "net/loop.h"

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

static inline struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static inline int dial(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* A listening socket that no loop knows. */
static inline int listen_raw(uint16_t *ret_port, int backlog)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
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

/* The port at the end of "127.0.0.1:4000". */
static inline uint16_t port_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    uint64_t port = 0;

    assert_non_null(colon);
    assert_int_equal(str_to_u64(&port, str_from(colon + 1)), 0);
    return (uint16_t)port;
}

/* Closes a socket that is a member: the member knows that it is closed. */
static inline void hang_up(int *fd)
{
    close(*fd);
    *fd = -1;
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
