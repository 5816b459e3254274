/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker: a loop on a thread of its own, with its server, its connections to engines and the
 * exchanges that live on it. Workers share the gateway, nothing else.
 */
#pragma once

#include <pthread.h>

#include "base/list.h"
#include "gateway/gateway.h"
#include "gateway/scene.h"
#include "http/client.h"
#include "http/server.h"
#include "net/loop.h"
#include "net/timer.h"
#include "route/traffic.h"
#include "store/keyring.h"

enum { STATUS_CLASSES = 6 }; /* 1xx to 5xx, and others */

struct worker {
    struct gateway *gateway;
    struct loop *loop;
    struct server *server;
    struct client *client;
    struct scene *scene;     /* what new exchanges see; swapped on this loop */
    struct keyring *keyring; /* the same */
    struct link exchanges;
    /* Found once, counted often; NULL until then. */
    struct series *answered[ENDPOINT_COUNT][STATUS_CLASSES], *answer_seconds[ENDPOINT_COUNT];
    uint64_t id_prefix, id_count;
    pthread_t thread;
    struct timer tick;
    int64_t connections_seen;
    bool started;
    bool stopping; /* new requests are refused */
};

struct gateway {
    const struct settings *settings;
    struct stats *stats;
    struct traffic *traffic;
    struct clerk *clerk;
    struct health *health;
    struct recorder *recorder;
    struct scene *scene; /* the present one; for whoever reloads */
    struct pages pages;
    struct series *connections;
    unsigned char secret[32]; /* the store's own: what the gateway seals */
    char spool_folder[4096]; /* where uploads lie while they are under way */
    uint64_t spooled_bytes;  /* atomic: of all of them */
    struct worker *workers;
    unsigned worker_count;
    unsigned key_count; /* atomic */
    int64_t started_us;
};

/* Opens the worker's loop, client and server; 0 or an error in words. Nothing runs yet. */
MUST_USE int worker_open(struct worker *w, struct gateway *g, unsigned index, const char *listen,
                         struct err *err);
MUST_USE int worker_start(struct worker *w, struct err *err);

/* From any thread. */
void worker_show(struct worker *w, struct scene *scene);
void worker_rekey(struct worker *w, struct keyring *keyring);
void worker_drain(struct worker *w);

/* Waits for the thread, gives everything back. */
void worker_close(struct worker *w);

/* A new request id: unique over processes and machines. */
void worker_make_id(struct worker *w, char *out, size_t room);
