/* SPDX-License-Identifier: Apache-2.0 */
/* What the registry's files share: known blobs, and bringing one. Nobody else includes it. */
#pragma once

#include "apply/fetch.h"
#include "apply/manifest.h"
#include "apply/registry.h"
#include "net/timer.h"

#include <pthread.h>

struct registry {
    struct registry_options options;
    struct endpoint upstream;
    char *url;               /* the same, as it was given */
    struct ceiling wan, lan; /* with locks of their own */
    /* registry_bring.c: the thread of what comes over the WAN. */
    struct loop *loop;
    struct client *client;
    pthread_t thread;
    bool has_thread;
    struct link bringings;         /* that thread's alone */
    atomic_uint_least64_t brought; /* bytes */
    pthread_mutex_t mutex;         /* guards what follows */
    struct link asked, gates;      /* asked: bringings that it has not begun */
    uint64_t lan_bytes;
    uint64_t given[REGISTRY_PLACES];
    char trouble[REGISTRY_TROUBLE];
};

/* Also after it failed, registry_close_wan() is due. */
MUST_USE int registry_open_wan(struct registry *r, struct err *err);
void registry_close_wan(struct registry *r);

/* Sees to it that somebody brings it; path: "library/qwen2.5". 0, or what fetch_new() says. */
MUST_USE int registry_bring(struct registry *r, struct str path, const struct manifest_blob *blob,
                            struct err *err);

/* "/v2/library/qwen2.5/manifests/14b" */
struct wanted {
    struct str path, kind, name;
};

/* registry_part.c: a part of a blob, given as it comes. */
struct part {
    struct registry *registry;
    struct loop *loop;
    struct stream *stream; /* NULL when it is gone */
    struct blob *blob;     /* NULL: it is none */
    struct blob_waiter waiter;
    struct timer timer; /* until the ceiling allows more */
    uint64_t at, end;
    unsigned place;   /* where it is counted; REGISTRY_PLACES: nowhere */
    bool is_expected; /* it will be called, and must live until then */
    loop_fn *on_left; /* see part_leave() */
    void *ctx;
};

/* What is set: registry, loop, stream, blob (held until part_leave() is over), at, end, place,
 * on_left, ctx. */
void part_begin(struct part *p);
void part_on_writable(struct part *p);

/* Its stream is gone. False: on_left(ctx) will be called, and p must live until then. */
bool part_leave(struct part *p);

/* registry_push.c: one request of a push. */
struct push {
    struct registry_gate *gate; /* NULL: it is none */
    struct stream *stream;
    struct blob *blob; /* held while it takes bytes of it */
    struct blob_part part;
    uint64_t at;        /* where the next byte of the body belongs */
    bool ends;          /* the blob, or all of it */
    char location[512]; /* for the next part */
};

/* False: no gate has that path. */
bool push_begin(struct registry *r, struct push *push, struct stream *s,
                const struct request *request);
void registry_free_gates(struct registry *r);
int push_on_body(struct push *push, struct str chunk);
void push_on_body_end(struct push *push);
void push_leave(struct push *push); /* its stream is gone */

void registry_tell_trouble(struct registry *r, const char *words);
void registry_count(struct registry *r, unsigned place, uint64_t lan_bytes);
