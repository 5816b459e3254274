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
#include "engine/tell.h"
#include "fleet/view.h"
#include "gateway/tailnet.h"
#include "http/client.h"
#include "route/traffic.h"
#include "stats/stats.h"

/* Beside view->engines. */
struct scene_engine {
    struct endpoint endpoint;
    const struct dialect *dialect; /* NULL: none that is spoken */
    const struct dialect *also;    /* NULL, or another that it speaks as well */
    const struct dialect *counter; /* the one in which it counts tokens, or NULL */
    bool is_reachable; /* an address is known, its credential is there and its dialect is spoken */
    const char *why_not;
    struct engine_place *place;
    struct header credential; /* its value is a secret; an empty one: none */
    struct series *up;
};

struct expected;

/* Beside view->copies. */
struct scene_copy {
    struct copy_place *place;
    struct scene_engine *engine;
    struct series *attempts, *attempt_seconds, *first_token_seconds, *running;
    struct series *breaker_open, *breaker_trips;
    struct series *loaded, *gpu_ratio, *slow, *prefill_slowness, *decode_slowness;
    const struct expected *expected; /* by the planner's model; NULL: not known */
    struct series *prompt_tokens, *completion_tokens, *cached_tokens;
    struct series *prompt_sizes, *completion_sizes; /* NULL: not wanted */
};

struct scene {
    struct fleet *fleet;
    struct catalog *catalog;
    struct view *view;
    struct scene_engine *engines;
    struct scene_copy *copies;
    struct places places; /* of both */
    struct arena *arena;
    struct tailnet tailnet;
    bool keeps_answers; /* a category does */
    char day[16];       /* "2026-11-23": what it judges retired models by */
    int references;     /* atomic */
};

/* What a scene is built with. */
struct scene_parts {
    struct traffic *traffic;
    struct stats *stats;
    bool counts_sizes; /* COUNTER_request_tokens is wanted */
    bool read_secrets; /* false in demo: env: and file: are never read, cloud is never called */
    /* An engine's address instead of the file's, "HOST:PORT"; NULL, or NULL returned: the file's.
     */
    const char *(*address)(void *ctx, const struct machine *machine,
                           const struct fleet_engine *engine);
    void *ctx;
};

/* In which an engine is asked for that, by a caller who speaks so; NULL: it cannot be. */
static inline const struct dialect *scene_dialect(const struct scene_engine *e, enum task task,
                                                  const struct dialect *caller)
{
    return task == TASK_tokens ? e->counter : e->also == caller ? e->also : e->dialect;
}

/* One endpoint may speak below a path of its own: "/v1" is then part of it. */
struct str scene_target(const struct scene_engine *e, struct str target);

/* The number of the copy at that place; -1: there is none. */
int scene_find(const struct scene *s, const struct copy_place *place);

/* What an engine is told about a copy: to keep it for so long, 0: to unload it. */
struct tell_what scene_tell(const struct scene *s, uint32_t copy, int64_t keep_s,
                            uint32_t timeout_ms);

/* Takes fleet and catalog, also when it fails. */
MUST_USE int scene_new(struct scene **ret, struct fleet *fleet, struct catalog *catalog,
                       const struct scene_parts *parts, struct err *err);
struct scene *scene_ref(struct scene *s);
void scene_unref(struct scene *s);
