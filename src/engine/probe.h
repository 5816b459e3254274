/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One health probe of one engine: is it there, which version, what is loaded.
 *
 *     probe_start(&p, client, &(struct probe_ask){.endpoint = e, .kind = kind}, on_probed, ctx);
 *     probe_cancel(p);
 *
 * GETs only: no model is loaded, no token spent. Ollama: /api/version, then /api/ps, and where
 * what it has on the disk is asked for, too, /api/tags between them. Others: the
 * health path of tables/engines.def. llama-server says 503 while it loads its model: it is there
 * then, and up.
 */
#pragma once

#include "http/client.h"
#include "model/kinds.h"

enum { PROBE_MODELS_MAX = 64, PROBE_LISTED_MAX = 512, PROBE_BODY_MAX = 1 << 20 };

struct probe;

struct probe_model {
    struct str name;
    uint64_t memory_bytes, gpu_bytes, context;
    struct str until;
};

/* Slices die when on_probed returns. */
struct probe_result {
    bool up;
    bool nobody_listens; /* the machine itself refused the connection, or it cannot be reached */
    bool knows_loaded;   /* the engine says what is loaded */
    struct str version;
    struct probe_model models[PROBE_MODELS_MAX];
    unsigned count;
    bool knows_listed; /* it was asked what it has, and said so: all of it */
    struct str listed[PROBE_LISTED_MAX], digests[PROBE_LISTED_MAX]; /* without "sha256:" */
    unsigned listed_count;
};

struct probe_ask {
    const struct endpoint *endpoint;
    enum engine_kind kind;
    struct str authorization;
    uint32_t timeout_ms;
    bool wants_list; /* of an Ollama, what it has on the disk */
};

typedef void probe_fn(void *ctx, const struct probe_result *result);

/* on_probed is called once, later; p must not be touched from then on. 0 or -ENOMEM. */
MUST_USE int probe_start(struct probe **ret, struct client *client, const struct probe_ask *ask,
                         probe_fn *on_probed, void *ctx);
void probe_cancel(struct probe *p);
