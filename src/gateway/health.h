/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health: asks every engine now and then whether it is there, and what it has loaded.
 *
 * Probes are GETs that load no model and cost no token (tables/engines.def; Ollama's /api/ps beside
 * it, and now and then its /api/tags: where that is not what the file declares, gateway/drifts
 * tells). Providers are not probed: their answers to real requests say how they are;
 * only which models they have is asked, once for each fleet file (gateway/rolls).
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "config/settings.h"
#include "stats/stats.h"

struct health;
struct decisions;
struct duties;
struct drifts;
struct scene;
struct traffic;

/* All must outlive it. */
struct health_parts {
    const struct settings *settings;
    struct traffic *traffic;
    struct decisions *decisions; /* its thread keeps them, as it has time: */
    struct duties *duties;
    const char *folder;  /* of the state, for what the steward remembers; empty: none */
    struct stats *stats; /* for drift */
};

/* Runs on a thread and loop of its own. */
MUST_USE int health_open(struct health **ret, const struct health_parts *parts, struct scene *scene,
                         struct err *err);
void health_close(struct health *h);

/* From any thread: other engines from now on. */
void health_show(struct health *h, struct scene *scene);

/* What the last probe saw of a loaded copy. */
struct sighting {
    bool loaded;
    uint64_t memory_bytes, gpu_bytes, context;
    char until[40]; /* RFC 3339, or empty */
};

struct engine_sighting {
    bool probed, up;
    char version[32];
    int64_t since_us; /* wall clock of the last change */
};

struct temperature {
    bool is_known;
    double celsius; /* of its hottest sensor */
};

/* By place ("machine/engine/artifact", "machine/engine"); zeroed when nothing is known. Any thread.
 */
struct sighting health_copy(struct health *h, struct str place);
struct engine_sighting health_engine(struct health *h, struct str place);
struct temperature health_temperature(struct health *h, struct str machine);

/* Where that engine has not what the file declares, as last seen. Any thread. */
struct drifts *health_drifts(struct health *h);
