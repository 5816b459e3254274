/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LAN registry: stock Ollama pulls through it, and each byte crosses the WAN once.
 *
 *     registry_open(&r, &(struct registry_options){.shelf = s, .upstream = "https://…"}, err);
 *     visit = registry_begin(r, loop, client, stream, request);     GET or HEAD of /v2/…
 *     registry_on_writable(visit); registry_on_gone(visit);         what the stream says
 *     registry_leave(r, loop);                                      before that loop's client ends
 *     registry_close(r);                                            when no visit is left
 *
 * Speaks what Ollama's puller expects: a manifest's own bytes; a length for HEAD; for GET without
 * Range an empty 200 with a Location, without which the puller gives up; for GET with Range a 206
 * whose bytes may still be on their way. Only blobs of manifests that were asked for are brought.
 * Any loop may begin visits; the first that asks for a blob brings it, for all.
 */
#pragma once

#include "apply/shelf.h"
#include "http/client.h"
#include "http/server.h"

struct registry;
struct registry_visit;

enum {
    REGISTRY_MANIFEST_MAX = 4 << 20,
    REGISTRY_BLOBS_MAX = 10000, /* known from manifests */
};

struct registry_options {
    struct shelf *shelf;      /* borrowed */
    const char *upstream;     /* "https://registry.ollama.ai" */
    uint64_t wan_bytes_per_s; /* 0: no ceiling */
};

struct registry_sum {
    uint64_t wan_bytes, lan_bytes; /* of blobs: brought, and given to machines */
};

MUST_USE int registry_open(struct registry **ret, const struct registry_options *options,
                           struct err *err);
void registry_close(struct registry *r);
static inline void registry_free(struct registry *r)
{
    registry_close(r);
}
AUTO_FREE(registry)

struct registry_sum registry_sum(struct registry *r);

/* The request and the client live on that loop. NULL: it was answered at once. */
struct registry_visit *registry_begin(struct registry *r, struct loop *loop, struct client *client,
                                      struct stream *stream, const struct request *request);
void registry_on_writable(struct registry_visit *v);
void registry_on_gone(struct registry_visit *v);

/* Blobs that come over this loop come no further. On that loop. */
void registry_leave(struct registry *r, const struct loop *loop);
