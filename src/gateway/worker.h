/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker: a loop on a thread of its own, with its server, its connections to engines and the
 * exchanges that live on it. Workers share the gateway, nothing else.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "gateway/drill_call.h"
#include "gateway/gateway.h"
#include "gateway/scene.h"
#include "gateway/turns.h"
#include "http/client.h"
#include "http/server.h"
#include "net/loop.h"
#include "net/timer.h"
#include "route/traffic.h"
#include "store/keyring.h"

enum { STATUS_CLASSES = 6 }; /* 1xx to 5xx, and others */

struct cache;

struct worker {
    struct gateway *gateway;
    struct loop *loop;
    struct server *server;
    struct server *tailnet; /* gateway.tailscale.socket; NULL: there is none */
    struct server *drills;  /* the first worker's: takes the gateway's own drills; else NULL */
    struct client *client;
    struct scene *scene;           /* what new exchanges see; swapped on this loop */
    struct keyring *keyring;       /* the same */
    struct link exchanges, handed; /* exchanges; streams that were handed over */
    struct link unkept;            /* of the exchanges, who waits for the journal */
    atomic_bool wants_kept;        /* somebody does */
    bool push_due;                 /* at the end of this turn the journal is told */
    /* Found once, counted often; NULL until then. */
    struct series *answered[ENDPOINT_COUNT][STATUS_CLASSES], *answer_seconds[ENDPOINT_COUNT];
    uint64_t id_prefix, id_count;
    pthread_t thread;
    struct timer tick;
    unsigned ticks;
    int64_t connections_seen;
    bool started;
    unsigned draining; /* servers that are not drained yet */
    bool stopping;     /* new requests are refused */
};

/* What the ledger says of itself in /metrics. */
struct books {
    struct series *requests, *prompt_tokens, *completion_tokens, *money_micro;
    struct series *held, *waiting, *journal_trouble, *store_trouble;
    pthread_mutex_t lock; /* guards is_left: */
    bool is_left;         /* workers are told nothing more */
};

struct gateway {
    const struct settings *settings;
    struct stats *stats;
    struct traffic *traffic;
    struct clerk *clerk;
    struct health *health;
    struct drill *drill;
    char drill_token[DRILL_TOKEN_SIZE];
    struct recorder *recorder;
    struct accounts *accounts; /* of keys with limits */
    struct joint *joint;       /* the same, with other gateways; NULL: this one counts alone */
    struct books books;
    bool refuse_unbooked;
    struct recent *recent;
    struct decisions *decisions;
    struct spans *spans;   /* NULL: nobody collects them */
    struct duties *duties; /* what operators said of machines */
    struct scene *scene;   /* the present one */
    pthread_mutex_t scene_lock;
    struct keyring *keyring; /* the present one, under scene_lock, too */
    struct pages pages;
    struct series *connections;
    unsigned char secret[32]; /* the store's own: what the gateway seals */
    char store_url[4200];
    char spool_folder[4096]; /* where uploads lie while they are under way */
    uint64_t spooled_bytes;  /* atomic: of all of them */
    struct turns turns;      /* whose templates let an answer go on */
    struct cache *cache;     /* answers for equal requests; NULL: none are kept */
    uint64_t taped_bytes;    /* atomic: of those under way that may be kept */
    uint64_t resume_bytes;   /* atomic: what is kept so that answers can go on */
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
