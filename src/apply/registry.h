/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LAN registry: stock Ollama pulls through it, and each byte crosses the WAN once.
 *
 *     registry_open(&r, &(struct registry_options){.shelf = s, .upstream = "https://…"}, err);
 *     visit = registry_begin(r, loop, client, stream, request);     GET or HEAD of /v2/…
 *     registry_on_writable(visit); registry_on_gone(visit);         what the stream says
 *     registry_close(r);                                            when no visit is left
 *
 * Speaks what Ollama's puller expects: a manifest's own bytes; a length for HEAD; for GET without
 * Range an empty 200 with a Location, without which the puller gives up; for GET with Range a 206
 * whose bytes may still be on their way. Only expected models (expected.h) are answered for,
 * whoever asks. Any loop may begin visits; what comes over the WAN comes on a thread of its own.
 */
#pragma once

#include "apply/expected.h"
#include "apply/shelf.h"
#include "http/client.h"
#include "http/server.h"

struct manifest;
struct registry;
struct registry_visit;

struct registry_options {
    struct shelf *shelf;       /* borrowed */
    struct expected *expected; /* borrowed */
    const char *upstream;      /* "https://registry.ollama.ai" */
    uint64_t wan_bytes_per_s;  /* 0: no ceiling */
    uint64_t lan_bytes_per_s;  /* the same, for all that is given to machines */
    struct str rate_hours;     /* in which both hold: "07:00-23:00"; empty: always */
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

/* A one-use path, "/v2/TOKEN/NAME/…", under which machines may push the blobs of that manifest and
 * nothing else, until it is closed; borrows the manifest for the registry's life. 0 or -ENOMEM. */
enum { REGISTRY_TOKEN = 32 };
struct registry_gate;
MUST_USE int registry_gate_open(struct registry_gate **ret, struct registry *r,
                                const struct manifest *manifest);
const char *registry_gate_token(const struct registry_gate *g);
void registry_gate_close(struct registry_gate *g);

struct registry_sum registry_sum(struct registry *r);

/* Bytes given of files under "/v2/tampu/files/PLACE/…"; 0 from REGISTRY_PLACES on. */
enum { REGISTRY_PLACES = 4096 };
uint64_t registry_given(struct registry *r, unsigned place);

/* What went wrong last, in words; empty when a blob came whole since. */
enum { REGISTRY_TROUBLE = 256 };
void registry_trouble(struct registry *r, char out[REGISTRY_TROUBLE]);

/* The request and the client live on that loop. NULL: it was answered at once. */
struct registry_visit *registry_begin(struct registry *r, struct loop *loop, struct client *client,
                                      struct stream *stream, const struct request *request);
/* Of a push; only through a gate. */
void registry_on_body(struct registry_visit *v, struct str chunk);
void registry_on_body_end(struct registry_visit *v);
void registry_on_writable(struct registry_visit *v);
void registry_on_gone(struct registry_visit *v);
