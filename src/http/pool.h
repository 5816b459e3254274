/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to machines, kept for the next call; inside src/http only.
 *
 *     u = pool_take(host);                an idle one, the newest first, or NULL
 *     pool_open(&u, host, address);       a new one: the call hears of it through call_on_*()
 *     pool_give_back(&u);                 after an answer that ended cleanly
 *     pool_drop(&u);                      in every other case
 *
 * A connection is idle and belongs to its host, or lent and belongs to its call.
 */
#pragma once

#include "base/list.h"
#include "http/client.h"
#include "net/conn.h"
#include "net/dns.h"
#include "wire/http1.h"

enum { POOL_HOSTS_MAX = 1024 };

struct host {
    struct link link; /* in pool->hosts */
    struct link idle; /* the newest last */
    struct pool *pool;
    struct ssl_session_st *session;
    unsigned idle_count, users; /* users: connections and calls */
    struct endpoint endpoint;   /* base is not used */
};

struct upstream {
    struct conn conn;
    struct link link; /* in host->idle */
    struct host *host;
    struct call *call; /* NULL: idle, or closing */
    struct timer idle_timer;
    struct http1 in;
    struct buf leftover; /* what came while the call was paused */
    bool is_reused, has_answered, has_ended;
};

struct pool {
    struct loop *loop;
    struct client_options options;
    struct tls_side *tls; /* opened when first needed */
    struct link hosts;
    unsigned host_count, upstreams, idle_count;
    bool is_closed;
    void (*on_empty)(struct pool *p); /* after pool_close(), when the last socket is closed */
};

void pool_init(struct pool *p, struct loop *l, const struct client_options *options);
void pool_close(struct pool *p);
void pool_fini(struct pool *p); /* after on_empty */
int pool_need_tls(struct pool *p, struct err *err);

/* NULL: no memory, or too many. Counts a user until pool_forget(). */
struct host *pool_find(struct pool *p, const struct endpoint *endpoint);
void pool_forget(struct host *h);

struct upstream *pool_take(struct host *h, struct call *call);
MUST_USE int pool_open(struct upstream **ret, struct host *h, const union address *address,
                       struct call *call);
void pool_give_back(struct upstream **u);
void pool_drop(struct upstream **u);

/* What the connection tells the call it is lent to; in client.c. */
void call_on_open(struct call *call);
void call_on_read(struct call *call, struct str bytes);
void call_on_drained(struct call *call);
void call_on_broken(struct call *call, int why, const char *words);
