/* SPDX-License-Identifier: Apache-2.0 */
/* Raw sockets on loopback. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

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
