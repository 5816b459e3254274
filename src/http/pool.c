/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to machines, kept for the next call. */
#include "http/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
    REPLY_HEADERS_MAX = 256,
    SEND_HIGH = 64 * 1024,   /* bytes of a request that wait in us rather than at the caller */
    SEND_TIMEOUT_MS = 18000, /* a machine that takes nothing for so long is given up */
    LEFTOVER_MAX = 4 << 18,  /* reading has stopped, one or two reads may still come */
};

static struct host *host_new(struct pool *p, const struct endpoint *endpoint);
static void host_free(struct host *h);
static struct host *find_unused(struct pool *p);
static void close_idle(struct upstream *u);
static void on_idle_late(void *ctx);
static void on_open(struct conn *c);
static void on_read(struct conn *c, struct str bytes);
static void on_drained(struct conn *c);
static void on_end(struct conn *c, int why, const char *words);
static void on_closed(struct conn *c);

static const struct conn_events events = {
    .on_open = on_open,
    .on_read = on_read,
    .on_drained = on_drained,
    .on_end = on_end,
    .on_closed = on_closed,
};

void pool_init(struct pool *p, struct loop *l, const struct client_options *options)
{
    *p = (struct pool){.loop = l, .options = *options};
    link_init(&p->hosts);
}

/* The calls are gone by now; what is idle closes, what is closing tells on_empty. */
void pool_close(struct pool *p)
{
    p->is_closed = true;
    LINK_EACH(&p->hosts, at)
    {
        struct host *h = CONTAINER(at, struct host, link);

        while (!link_is_empty(&h->idle))
            close_idle(CONTAINER(h->idle.next, struct upstream, link));
    }
    if (!p->upstreams)
        p->on_empty(p);
}

void pool_fini(struct pool *p)
{
    while (!link_is_empty(&p->hosts))
        host_free(CONTAINER(p->hosts.next, struct host, link));
    tls_side_close(p->tls);
}

int pool_need_tls(struct pool *p, struct err *err)
{
    return p->tls ? 0 : tls_client_open(&p->tls, p->options.ca_file, err);
}

/* A walk: there are as many hosts as the fleet has engines, tens. */
struct host *pool_find(struct pool *p, const struct endpoint *endpoint)
{
    struct host *h = NULL;

    LINK_EACH(&p->hosts, at)
    {
        struct host *here = CONTAINER(at, struct host, link);

        if (here->endpoint.port == endpoint->port && here->endpoint.tls == endpoint->tls &&
            strcmp(here->endpoint.host, endpoint->host) == 0) {
            h = here;
            break;
        }
    }
    if (!h)
        h = host_new(p, endpoint);
    if (h)
        h->users++;
    return h;
}

void pool_forget(struct host *h)
{
    h->users--;
}

static struct host *host_new(struct pool *p, const struct endpoint *endpoint)
{
    struct host *unused = p->host_count < POOL_HOSTS_MAX ? NULL : find_unused(p);
    struct host *h;

    if (p->host_count == POOL_HOSTS_MAX && !unused)
        return NULL;
    if (unused)
        host_free(unused);
    h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->pool = p;
    h->endpoint = *endpoint;
    link_init(&h->idle);
    link_append(&p->hosts, &h->link);
    p->host_count++;
    return h;
}

static struct host *find_unused(struct pool *p)
{
    LINK_EACH(&p->hosts, at)
    {
        struct host *h = CONTAINER(at, struct host, link);

        if (!h->users)
            return h;
    }
    return NULL;
}

static void host_free(struct host *h)
{
    link_remove(&h->link);
    h->pool->host_count--;
    tls_session_free(h->session);
    free(h);
}

struct upstream *pool_take(struct host *h, struct call *call)
{
    struct upstream *u;

    if (link_is_empty(&h->idle))
        return NULL;
    u = CONTAINER(h->idle.prev, struct upstream, link);
    link_remove(&u->link);
    h->idle_count--;
    h->pool->idle_count--;
    u->call = call;
    u->is_reused = true;
    u->has_answered = u->has_ended = false;
    return u;
}

int pool_open(struct upstream **ret, struct host *h, const union address *address,
              struct call *call)
{
    struct pool *p = h->pool;
    struct upstream *u = calloc(1, sizeof *u);
    struct tls *tls = NULL;
    int r;

    if (!u)
        return -ENOMEM;
    if (h->endpoint.tls && (r = tls_new(&tls, p->tls, h->endpoint.host, &h->session)) < 0) {
        free(u);
        return r;
    }
    u->host = h;
    u->call = call;
    link_init(&u->link);
    conn_init(&u->conn, p->loop, &events, SEND_HIGH, SEND_TIMEOUT_MS);
    conn_set_tls(&u->conn, &tls);
    http1_init(&u->in, HTTP1_response, p->options.header_max, REPLY_HEADERS_MAX);
    buf_init(&u->leftover, LEFTOVER_MAX);
    h->users++;
    p->upstreams++;
    r = conn_connect(&u->conn, &address->any);
    if (r < 0)
        pool_drop(&u);
    else
        *ret = u;
    return r;
}

/* The timer of an earlier idle time may still run; timer_start() moves it. */
void pool_give_back(struct upstream **given)
{
    struct upstream *u = *given;
    struct host *h = u->host;
    struct pool *p = h->pool;

    *given = NULL;
    u->call = NULL;
    http1_reset(&u->in);
    conn_start_reading(&u->conn);
    link_append(&h->idle, &u->link);
    h->idle_count++;
    p->idle_count++;
    timer_start(&u->idle_timer, p->loop, p->options.idle_timeout_ms, on_idle_late, u);
    if (h->idle_count > p->options.idle_max)
        close_idle(CONTAINER(h->idle.next, struct upstream, link));
}

void pool_drop(struct upstream **given)
{
    struct upstream *u = *given;

    *given = NULL;
    u->call = NULL;
    timer_stop(&u->idle_timer);
    conn_close(&u->conn);
}

static void close_idle(struct upstream *u)
{
    link_remove(&u->link);
    u->host->idle_count--;
    u->host->pool->idle_count--;
    pool_drop(&u);
}

static void on_idle_late(void *ctx)
{
    struct upstream *u = ctx;

    if (!link_is_empty(&u->link)) /* lent meanwhile: the clock meant nothing */
        close_idle(u);
}

static void on_open(struct conn *c)
{
    struct upstream *u = CONTAINER(c, struct upstream, conn);

    if (u->call)
        call_on_open(u->call);
}

/* What comes while nobody asked is nothing good: the connection is not used again. */
static void on_read(struct conn *c, struct str bytes)
{
    struct upstream *u = CONTAINER(c, struct upstream, conn);

    if (u->call)
        call_on_read(u->call, bytes);
    else if (!link_is_empty(&u->link))
        close_idle(u);
}

static void on_drained(struct conn *c)
{
    struct upstream *u = CONTAINER(c, struct upstream, conn);

    if (u->call)
        call_on_drained(u->call);
}

static void on_end(struct conn *c, int why, const char *words)
{
    struct upstream *u = CONTAINER(c, struct upstream, conn);

    if (u->call)
        call_on_broken(u->call, why, words);
    else if (!link_is_empty(&u->link))
        close_idle(u);
}

static void on_closed(struct conn *c)
{
    struct upstream *u = CONTAINER(c, struct upstream, conn);
    struct pool *p = u->host->pool;

    assert(!u->call && link_is_empty(&u->link));
    pool_forget(u->host);
    http1_fini(&u->in);
    buf_fini(&u->leftover);
    free(u);
    p->upstreams--;
    if (p->is_closed && !p->upstreams)
        p->on_empty(p);
}
