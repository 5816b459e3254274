/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view: every copy that the fleet file declares, with what the catalog knows of it. Immutable.
 *
 *     view_new(&view, fleet, catalog, day, err);
 *     for (size_t i = 0; i < view->copies_count; i++) view->copies[i] …
 *     view_unref(view);
 *
 * Borrows the fleet and the catalog: they must outlive it. A copy is an artifact on an engine of a
 * machine, or a cloud model; copies stand in the order of the file, cloud last. Machines
 * without inference, optional models and cloud models that are retired on `day` have none.
 */
#pragma once

#include "fleet/fleet.h"
#include "fleet/name.h"
#include "model/catalog.h"

struct copy {
    uint32_t index;
    const struct machine *machine;     /* NULL: cloud */
    const struct fleet_engine *engine; /* NULL: cloud */
    const struct cloud_model *cloud;   /* NULL: on a machine */
    const struct artifact *artifact;   /* NULL: not in the catalog */
    const struct cloud_facts *cloud_facts;
    uint32_t engine_index;   /* in view->engines */
    struct str machine_name; /* "gtr9-pro", "cloud:openai" */
    struct str engine_name;  /* "ollama"; a cloud model's provider */
    struct str tag;          /* what the engine or provider is asked for */
    struct str name;         /* deployment name, or the tag when there is none */
    struct deployment_name parts;
    bool has_parts;                  /* the name is a deployment name */
    struct str place;                /* "gtr9-pro/ollama/qwen2.5:72b" */
    uint32_t purposes, capabilities; /* bits; all of them when nobody knows */
    bool is_pinned;                  /* keep_loaded names it: it stays in memory */
    bool is_known;                   /* the catalog or the file says what it can do */
    uint64_t params;                 /* 0: not known */
    uint64_t context;                /* tokens of one slot; 0: not said */
    uint32_t slots;                  /* at least 1 */
    uint32_t dimensions;             /* of an embedding; 0: none or not known */
};

/* An engine of a machine, or a provider with one credential. */
struct view_engine {
    const struct machine *machine; /* NULL: a provider */
    const struct fleet_engine *engine;
    const struct cloud_model *cloud; /* the first that uses it */
    struct str name;                 /* "gtr9-pro/ollama", "cloud:openai/env:OPENAI_API_KEY" */
    uint32_t machine_index, index_on_machine;
};

struct view {
    const struct fleet *fleet;
    const struct catalog *catalog;
    struct copy *copies;
    uint32_t copies_count;
    struct view_engine *engines;
    uint32_t engines_count;
};

/* day: "2026-11-23". 0 or -ENOMEM. */
MUST_USE int view_new(struct view **ret, const struct fleet *fleet, const struct catalog *catalog,
                      struct str day, struct err *err);
void view_free(struct view *v);

/* The same bytes on disk wherever it is: same artifact of the catalog, else same kind of engine
 * and tag. */
bool copy_is_same_artifact(const struct copy *a, const struct copy *b);

/* Is a model of so many parameters of the size a category asks for, as people round sizes? */
bool needs_size(const struct needs *needs, uint64_t params);

/* Does it meet what a category needs? */
bool copy_meets(const struct copy *c, const struct needs *needs);
