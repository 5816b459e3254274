/* SPDX-License-Identifier: Apache-2.0 */
/* The LAN registry on a port of its own. */
#include "apply/depot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/dns.h"
#include "net/door.h"

enum {
    HEADER_MAX = 32 << 10,
    HEADERS_MAX = 100,
    CONNECTIONS_MAX = 20000,
    WRITE_HIGH = 256 << 10,
    TIMEOUT_MS = 60000,
    IDLE_MAX = 16,
};

struct depot {
    struct lan lan;
    struct loop *loop;
    struct client *client;
    struct server *server;
    pthread_t thread;
    bool has_thread;
};

static int open_server(struct depot *d, const struct depot_options *options, struct err *err);
static void *run(void *ctx);
static void on_request(void *ctx, struct stream *s, const struct request *r);
static void on_body(struct stream *s, struct str chunk);
static void on_body_end(struct stream *s);
static void on_writable(struct stream *s);
static void on_gone(struct stream *s, bool ok);
static int find_address(union address *ret, const struct endpoint *e, struct err *err);

static const struct server_events events = {
    .on_request = on_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_writable = on_writable,
    .on_gone = on_gone,
};

int depot_open(struct depot **ret, const struct depot_options *options, struct err *err)
{
    struct depot *d = calloc(1, sizeof *d);
    int r;

    if (!d)
        return err_set(err, -ENOMEM, "out of memory");
    r = lan_open(&d->lan, options->settings, options->store_url, err);
    if (r == -EBUSY)
        err_set(
            err, r,
            "another tampu has the blobs of this state open; if it is tampu serve, let machines "
            "pull through it: --registry http://GATEWAY:4000");
    if (r == 0 && !d->lan.registry)
        r = err_set(err, -EINVAL,
                    "gateway.registry.upstream is empty: machines have nowhere to pull from");
    if (r == 0)
        r = open_server(d, options, err);
    if (r == 0 && (r = -pthread_create(&d->thread, NULL, run, d)) < 0)
        err_set(err, r, "no thread for the LAN registry");
    d->has_thread = r == 0;
    if (r < 0)
        depot_close(d);
    else
        *ret = d;
    return r;
}

void depot_close(struct depot *d)
{
    if (!d)
        return;
    if (d->has_thread) {
        loop_stop(d->loop);
        pthread_join(d->thread, NULL);
    }
    if (d->server)
        server_close(d->server);
    if (d->client)
        client_close(d->client);
    if (d->loop)
        loop_close(d->loop);
    lan_close(&d->lan);
    free(d);
}

struct registry *depot_registry(struct depot *d)
{
    return d->lan.registry;
}

struct shelf *depot_shelf(struct depot *d)
{
    return d->lan.shelf;
}

int depot_expect(struct depot *d, const struct fleet *fleet)
{
    return lan_expect(&d->lan, fleet);
}

int depot_expect_file(struct depot *d, struct str digest, uint64_t size, const char *url)
{
    return expected_file(d->lan.expected, digest, size, url);
}

/* A datagram socket that is connected knows its own address, and sends nothing. */
int depot_reach(struct depot *d, const struct endpoint *engine, char *out, size_t room,
                struct err *err)
{
    const char *port = strrchr(server_address(d->server), ':');
    char host[INET6_ADDRSTRLEN + 1];
    union address there, here = {0};
    socklen_t length = sizeof here;
    int fd, r = find_address(&there, engine, err);

    if (r < 0)
        return r;
    fd = socket(there.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, &there.any, sizeof there) < 0 ||
        getsockname(fd, &here.any, &length) < 0 ||
        getnameinfo(&here.any, length, host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        r = err_set(err, -ENOENT, "%s: no way leads there from here: %s", engine->host,
                    strerror(errno));
    if (fd >= 0)
        close(fd);
    if (r == 0)
        snprintf(out, room, here.any.sa_family == AF_INET6 ? "[%s]%s" : "%s%s", host, port);
    return r;
}

static int find_address(union address *ret, const struct endpoint *e, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    char port[8];

    if (!dns_read_address(ret, e->host, e->port)) {
        snprintf(port, sizeof port, "%u", e->port);
        if (door_check_name(str_from(e->host)) < 0 ||
            getaddrinfo(e->host, port, &hints, &found) != 0 || found->ai_addrlen > sizeof *ret)
            return err_set(err, -ENOENT, "%s: the name cannot be looked up", e->host);
        memcpy(ret, found->ai_addr, found->ai_addrlen);
        freeaddrinfo(found);
    }
    if (door_check_address(&ret->any) < 0)
        return err_set(err, -ENOENT, "%s: TAMPU_LOOPBACK_ONLY allows only this machine", e->host);
    return 0;
}

static int open_server(struct depot *d, const struct depot_options *options, struct err *err)
{
    const struct server_options server = {
        .listen = options->listen,
        .header_max = HEADER_MAX,
        .header_count_max = HEADERS_MAX,
        .body_max = UINT64_MAX,
        .head_timeout_ms = TIMEOUT_MS,
        .body_timeout_ms = TIMEOUT_MS,
        .keep_alive_ms = TIMEOUT_MS,
        .write_timeout_ms = TIMEOUT_MS,
        .connections_max = CONNECTIONS_MAX,
        .write_high = WRITE_HIGH,
    };
    const struct client_options client = {
        .idle_max = IDLE_MAX, .idle_timeout_ms = TIMEOUT_MS, .header_max = HEADER_MAX};
    int r = loop_open(&d->loop, 0);

    if (r < 0)
        return err_set(err, r, "no event loop: %s", strerror(-r));
    if ((r = client_open(&d->client, d->loop, &client, err)) < 0)
        return r;
    return server_open(&d->server, d->loop, &server, &events, d, err);
}

static void *run(void *ctx)
{
    loop_run(((struct depot *)ctx)->loop);
    return NULL;
}

static void on_request(void *ctx, struct stream *s, const struct request *r)
{
    struct depot *d = ctx;

    stream_set_ctx(s, registry_begin(d->lan.registry, d->loop, d->client, s, r));
}

static void on_body(struct stream *s, struct str chunk)
{
    if (stream_ctx(s))
        registry_on_body(stream_ctx(s), chunk);
}

static void on_body_end(struct stream *s)
{
    if (stream_ctx(s))
        registry_on_body_end(stream_ctx(s));
}

static void on_writable(struct stream *s)
{
    if (stream_ctx(s))
        registry_on_writable(stream_ctx(s));
}

static void on_gone(struct stream *s, bool ok)
{
    (void)ok;
    if (stream_ctx(s))
        registry_on_gone(stream_ctx(s));
}
