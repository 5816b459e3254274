/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets. */
#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "net/dns.h"

static int open_unix(struct listener *l, const char *path, int beside, struct err *err);
static int open_tcp(struct listener *l, const char *text, int beside, struct err *err);
static int read_address(union address *ret, const char *text, struct err *err);
static int bind_tcp(const union address *address, bool shared);
static void write_address(const union address *address, char *out, size_t room);
static bool nobody_answers(const struct sockaddr_un *address);
static int refused(int r, const char *text, struct err *err);

int listener_open(struct listener *ret, const char *address, int beside, struct err *err)
{
    struct listener l = {.fd = -1};
    int r;

    if (strncmp(address, "unix:", 5) == 0)
        r = open_unix(&l, address + 5, beside, err);
    else
        r = open_tcp(&l, address, beside, err);
    if (r == 0)
        *ret = l;
    return r;
}

void listener_forget(struct listener *l)
{
    if (l->owns_path)
        unlink(l->text + strlen("unix:"));
    l->owns_path = false;
}

static int open_unix(struct listener *l, const char *path, int beside, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!*path || strlen(path) >= sizeof address.sun_path ||
        strlen(path) + sizeof "unix:" > sizeof l->text)
        return err_set(err, -EINVAL, "unix:%s: a path of 1 to %zu bytes is expected", path,
                       sizeof address.sun_path - 1);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    snprintf(l->text, sizeof l->text, "unix:%s", path);
    l->is_unix = true;
    if (beside > 0) {
        l->fd = dup(beside);
        return l->fd < 0 ? err_set(err, -errno, "unix:%s: %s", path, strerror(errno)) : 0;
    }
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return err_set(err, -errno, "unix:%s: %s", path, strerror(errno));
    if (nobody_answers(&address))
        unlink(path); /* left behind by a program that was killed */
    if (bind(l->fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int r = -errno;

        close(l->fd);
        return err_set(err, r, "cannot listen on unix:%s: %s", path, strerror(-r));
    }
    l->owns_path = true;
    return 0;
}

static int open_tcp(struct listener *l, const char *text, int beside, struct err *err)
{
    union address address = {0};
    socklen_t length = sizeof address;
    int r;

    if (beside > 0) {
        if (getsockname(beside, &address.any, &length) < 0)
            return err_set(err, -errno, "%s: %s", text, strerror(errno));
    } else {
        if ((r = read_address(&address, text, err)) < 0)
            return r;
        /* Without SO_REUSEPORT the kernel tells whether another program has the port. */
        if ((r = bind_tcp(&address, false)) >= 0) {
            length = sizeof address;
            getsockname(r, &address.any, &length);
            close(r);
        }
        if (r < 0)
            return refused(r, text, err);
    }
    l->fd = bind_tcp(&address, true);
    if (l->fd < 0)
        return refused(l->fd, text, err);
    length = sizeof address;
    getsockname(l->fd, &address.any, &length);
    write_address(&address, l->text, sizeof l->text);
    return 0;
}

static int read_address(union address *ret, const char *text, struct err *err)
{
    struct str all = str_from(text), host, port_text;
    const char *colon = strrchr(text, ':');
    char name[64];
    uint64_t port;

    host = str_slice(text, colon ? (size_t)(colon - text) : 0);
    port_text = colon ? str_from(colon + 1) : all;
    if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
        host = str_slice(host.data + 1, host.len - 2);
    if (str_is(host, "localhost"))
        host = STR("127.0.0.1");
    if (!colon || host.len >= sizeof name || str_to_u64(&port, port_text) < 0 || port > 65535)
        return err_set(err, -EINVAL, "'%s' is not ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH", text);
    snprintf(name, sizeof name, "%.*s", STR_ARG(host));
    if (!dns_read_address(ret, name, (uint16_t)port))
        return err_set(err, -EINVAL, "'%s': '%s' is not an IPv4 or IPv6 address", text, name);
    return 0;
}

/* The fd, or negative errno. */
static int bind_tcp(const union address *address, bool shared)
{
    const int on = 1;
    socklen_t length = address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if ((shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) ||
        bind(fd, &address->any, length) < 0) {
        int r = -errno;

        close(fd);
        return r;
    }
    return fd;
}

static void write_address(const union address *address, char *out, size_t room)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->v4.sin_addr, text, sizeof text);
        snprintf(out, room, "%s:%u", text, ntohs(address->v4.sin_port));
    } else {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, text, sizeof text);
        snprintf(out, room, "[%s]:%u", text, ntohs(address->v6.sin6_port));
    }
}

static bool nobody_answers(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused;

    if (fd < 0)
        return false;
    refused =
        connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* With what can be done about it. */
static int refused(int r, const char *text, struct err *err)
{
    static const struct {
        int error;
        const char *advice;
    } known[] = {
        {EADDRINUSE, "; end what listens there, or choose another port (0 picks a free one)"},
        {EADDRNOTAVAIL, "; this machine has no such address: 127.0.0.1 and 0.0.0.0 it always has"},
        {EACCES, "; ports below 1024 want rights: choose a higher one"},
    };
    const char *advice = "";

    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (known[i].error == -r)
            advice = known[i].advice;
    return err_set(err, r, "cannot listen on %s: %s%s", text, strerror(-r), advice);
}
