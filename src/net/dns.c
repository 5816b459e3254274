/* SPDX-License-Identifier: Apache-2.0 */
/* getaddrinfo on uv's threads, and a small memory of what it said. */
#include "net/dns.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/list.h"
#include "net/door.h"

enum { NAME_ROOM = 256 };

struct known {
    struct link link;
    uint64_t until_ms;
    size_t count;
    union address addresses[DNS_ADDRESSES_MAX];
    char host[NAME_ROOM];
};

struct dns {
    struct loop *loop;
    struct link known; /* oldest first */
    size_t known_count, lookups;
    bool is_closed;
};

struct dns_lookup {
    uv_getaddrinfo_t req;
    struct dns *dns;
    dns_fn *fn; /* NULL: cancelled */
    void *ctx;
    uint16_t port;
    char host[NAME_ROOM];
};

static void answer_known(void *ctx);
static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list);
static struct known *find_known(struct dns *d, const char *host);
static struct known *remember(struct dns *d, const char *host, const struct addrinfo *list);
static void forget(struct dns *d, struct known *k);
static void tell(struct dns_lookup *l, const struct known *k, const char *words);
static void lookup_free(struct dns_lookup *l);

int dns_open(struct dns **ret, struct loop *l)
{
    struct dns *d = calloc(1, sizeof *d);

    if (!d)
        return -ENOMEM;
    d->loop = l;
    link_init(&d->known);
    *ret = d;
    return 0;
}

/* Lookups that were cancelled may still be on their thread: the last one frees us. */
void dns_close(struct dns *d)
{
    if (!d)
        return;
    while (!link_is_empty(&d->known))
        forget(d, CONTAINER(d->known.next, struct known, link));
    d->is_closed = true;
    if (!d->lookups)
        free(d);
}

int dns_find(struct dns_lookup **ret, struct dns *d, const char *host, uint16_t port, dns_fn *fn,
             void *ctx)
{
    struct dns_lookup *l;
    int r = door_check_name(str_from(host));

    if (r < 0)
        return r;
    l = calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    *l = (struct dns_lookup){.dns = d, .fn = fn, .ctx = ctx, .port = port};
    snprintf(l->host, sizeof l->host, "%s", host);
    if (find_known(d, l->host)) {
        loop_defer(d->loop, answer_known, l);
    } else {
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

        r = uv_getaddrinfo(loop_uv(d->loop), &l->req, on_resolved, l->host, NULL, &hints);
        if (r < 0) {
            free(l);
            return r;
        }
    }
    d->lookups++;
    *ret = l;
    return 0;
}

void dns_cancel(struct dns_lookup *lookup)
{
    lookup->fn = NULL;
    /* Works while it waits for a thread; one that runs ends by itself. */
    if (lookup->req.type == UV_GETADDRINFO)
        uv_cancel((uv_req_t *)&lookup->req);
}

bool dns_read_address(union address *ret, const char *host, uint16_t port)
{
    return uv_ip4_addr(host, port, &ret->v4) == 0 || uv_ip6_addr(host, port, &ret->v6) == 0;
}

static void answer_known(void *ctx)
{
    struct dns_lookup *l = ctx;
    struct known *k = l->dns->is_closed ? NULL : find_known(l->dns, l->host);

    tell(l, k, "the name was forgotten while it was asked for");
    lookup_free(l);
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct dns_lookup *l = CONTAINER(req, struct dns_lookup, req);
    struct known *k = NULL;

    if (status == 0 && !l->dns->is_closed)
        k = remember(l->dns, l->host, list);
    uv_freeaddrinfo(list);
    tell(l, k, status < 0 ? uv_strerror(status) : "the name has no address that may be used");
    lookup_free(l);
}

static struct known *find_known(struct dns *d, const char *host)
{
    uint64_t now_ms = loop_now_ms(d->loop);

    while (!link_is_empty(&d->known)) {
        struct known *oldest = CONTAINER(d->known.next, struct known, link);

        if (oldest->until_ms > now_ms)
            break;
        forget(d, oldest);
    }
    /* At most DNS_NAMES_MAX, and asked only when a connection is opened. */
    LINK_EACH(&d->known, at)
    {
        struct known *k = CONTAINER(at, struct known, link);

        if (strcmp(k->host, host) == 0)
            return k;
    }
    return NULL;
}

static struct known *remember(struct dns *d, const char *host, const struct addrinfo *list)
{
    struct known *k = find_known(d, host);

    if (k) /* another lookup was quicker; what is newer counts */
        forget(d, k);
    if (d->known_count == DNS_NAMES_MAX)
        forget(d, CONTAINER(d->known.next, struct known, link));
    k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    snprintf(k->host, sizeof k->host, "%s", host);
    k->until_ms = loop_now_ms(d->loop) + DNS_KEEP_MS;
    for (; list && k->count < DNS_ADDRESSES_MAX; list = list->ai_next) {
        if (list->ai_addrlen > sizeof *k->addresses || door_check_address(list->ai_addr) < 0)
            continue;
        memcpy(&k->addresses[k->count++], list->ai_addr, list->ai_addrlen);
    }
    if (!k->count) {
        free(k);
        return NULL;
    }
    link_append(&d->known, &k->link);
    d->known_count++;
    return k;
}

static void forget(struct dns *d, struct known *k)
{
    link_remove(&k->link);
    d->known_count--;
    free(k);
}

static void tell(struct dns_lookup *l, const struct known *k, const char *words)
{
    union address addresses[DNS_ADDRESSES_MAX];
    size_t count = k ? k->count : 0;

    if (!l->fn)
        return;
    for (size_t i = 0; i < count; i++) {
        addresses[i] = k->addresses[i];
        /* The port lies at the same place in both kinds. */
        addresses[i].v4.sin_port = htons(l->port);
    }
    l->fn(l->ctx, addresses, count, words);
}

static void lookup_free(struct dns_lookup *l)
{
    struct dns *d = l->dns;

    free(l);
    d->lookups--;
    if (d->is_closed && !d->lookups)
        free(d);
}
