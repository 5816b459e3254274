/* SPDX-License-Identifier: Apache-2.0 */
/* What the registry's files share: known blobs, and bringing one. Nobody else includes it. */
#pragma once

#include "apply/fetch.h"
#include "apply/registry.h"
#include "base/buf.h"
#include "base/map.h"

#include <pthread.h>

/* A blob that a manifest names. Never forgotten: the next puller asks for it by digest alone. */
struct known_blob {
    char digest[DIGEST_LENGTH + 1];
    uint64_t size;
    char *url;
};

/* A blob that comes over one loop. */
struct bringing {
    struct link link;
    struct registry *registry;
    const struct loop *loop;
    struct blob *blob; /* held until it is over */
    struct fetch *fetch;
    uint64_t from;
};

struct registry {
    struct registry_options options;
    struct endpoint upstream;
    char *url;             /* the same, as it was given */
    pthread_mutex_t mutex; /* guards what follows */
    struct map blobs;      /* known_blob by digest */
    struct link bringings;
    struct pace pace;
    struct registry_sum sum;
};

/* What a manifest says of its blobs; path: "library/qwen2.5". 0; -EBADMSG: no manifest; -E2BIG: too
 * many blobs are known; -ENOMEM. */
MUST_USE int registry_learn(struct registry *r, struct str path, struct str manifest);

/* NULL: no manifest that was asked for names it. */
const struct known_blob *registry_known(struct registry *r, struct str digest);

/* Sees to it that somebody brings it. 0, or what fetch_start() says. */
MUST_USE int registry_bring(struct registry *r, struct loop *loop, struct client *client,
                            const struct known_blob *known, struct err *err);

void registry_count(struct registry *r, uint64_t lan_bytes);
