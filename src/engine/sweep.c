/* SPDX-License-Identifier: Apache-2.0 */
/* Which of many addresses accept a connection. */
#include "engine/sweep.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/door.h"

static int sweep_some(struct sweep_point *points, size_t count, int timeout_ms, struct err *err);
static int begin(const struct sweep_point *point);
static size_t wait_for(struct pollfd *polls, struct sweep_point *points, size_t count,
                       int timeout_ms);
static bool is_connected(int fd);

int sweep_connect(struct sweep_point *points, size_t count, int timeout_ms, struct err *err)
{
    int r = 0;

    for (size_t at = 0; at < count && r == 0; at += SWEEP_AT_ONCE)
        r = sweep_some(points + at, count - at < SWEEP_AT_ONCE ? count - at : SWEEP_AT_ONCE,
                       timeout_ms, err);
    return r;
}

static int sweep_some(struct sweep_point *points, size_t count, int timeout_ms, struct err *err)
{
    struct pollfd polls[SWEEP_AT_ONCE];
    uint64_t until_us = clock_true_us() + (uint64_t)timeout_ms * 1000, now_us;
    size_t left = 0;
    int r = 0;

    for (size_t i = 0; i < count; i++) {
        int fd = begin(&points[i]);

        points[i].is_open = false;
        polls[i] = (struct pollfd){.fd = fd, .events = POLLOUT};
        left += fd >= 0;
        if (fd == -EMFILE || fd == -ENFILE)
            r = err_set(err, fd, "no more connections can be opened: %s", strerror(-fd));
    }
    while (r == 0 && left && (now_us = clock_true_us()) < until_us)
        left -= wait_for(polls, points, count, (int)((until_us - now_us) / 1000) + 1);
    for (size_t i = 0; i < count; i++)
        if (polls[i].fd >= 0)
            close(polls[i].fd);
    return r;
}

/* A connection under way, or negative: nobody is there, or the door is closed. */
static int begin(const struct sweep_point *point)
{
    const struct sockaddr *address = &point->address.any;
    socklen_t length =
        address->sa_family == AF_INET6 ? sizeof point->address.v6 : sizeof point->address.v4;
    int fd;

    if (door_check_address(address) < 0)
        return -EPERM;
    fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, address, length) == 0 || errno == EINPROGRESS)
        return fd;
    close(fd);
    return -ECONNREFUSED;
}

/* How many are decided. */
static size_t wait_for(struct pollfd *polls, struct sweep_point *points, size_t count,
                       int timeout_ms)
{
    size_t decided = 0;

    if (poll(polls, (nfds_t)count, timeout_ms) <= 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (polls[i].fd < 0 || !polls[i].revents)
            continue;
        points[i].is_open = is_connected(polls[i].fd);
        close(polls[i].fd);
        polls[i].fd = -1;
        decided++;
    }
    return decided;
}

static bool is_connected(int fd)
{
    int error = 0;
    socklen_t length = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}
