/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scene: one fleet file as the gateway acts on it — the view, where each engine is, what is
 * counted for each copy. Immutable; a reload makes a new one, and the old lives until its last
 * exchange has settled.
 *
 *     scene_new(&scene, fleet, catalog, &parts, err);      takes fleet and catalog
 *     scene_ref(scene); … scene_unref(scene);               from any thread
 */
#pragma once

#include "dialect/dialect.h"
#include "fleet/view.h"
#include "http/client.h"
#include "route/traffic.h"
#include "stats/stats.h"

/* Beside view->engines. */
struct scene_engine {
    struct endpoint endpoint;
    const struct dialect *dialect; /* NULL: none that is spoken */
    bool is_reachable; /* an address is known, its credential is there and its dialect is spoken */
    const char *why_not;
    struct engine_place *place;
    struct header credential; /* its value is a secret; an empty one: none */
    struct series *up;
};

/* Beside view->copies. */
struct scene_copy {
    struct copy_place *place;
    struct scene_engine *engine;
    struct series *attempts, *attempt_seconds, *first_token_seconds, *running;
    struct series *breaker_open, *breaker_trips;
    struct series *prompt_tokens, *completion_tokens, *cached_tokens;
};

struct scene {
    struct fleet *fleet;
    struct catalog *catalog;
    struct view *view;
    struct scene_engine *engines;
    struct scene_copy *copies;
    struct arena *arena;
    int references; /* atomic */
};

/* What a scene is built with. */
struct scene_parts {
    struct traffic *traffic;
    struct stats *stats;
    bool read_secrets; /* false in demo: env: and file: are never read, cloud is never called */
    /* An engine's address instead of the file's, "HOST:PORT"; NULL, or NULL returned: the file's.
     */
    const char *(*address)(void *ctx, const struct machine *machine,
                           const struct fleet_engine *engine);
    void *ctx;
};

/* Takes fleet and catalog, also when it fails. */
MUST_USE int scene_new(struct scene **ret, struct fleet *fleet, struct catalog *catalog,
                       const struct scene_parts *parts, struct err *err);
struct scene *scene_ref(struct scene *s);
void scene_unref(struct scene *s);
