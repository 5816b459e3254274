/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine has: asked over HTTP, with GETs only.
 *
 *     observe(&seen, asker, machine, engine);       nothing fails: what is wrong stands in words
 *     model = seen_model(&seen, STR("qwen2.5:14b"));
 *     seen_fini(&seen);
 */
#pragma once

#include "engine/question.h"
#include "fleet/fleet.h"

enum { SEEN_MODELS_MAX = 4096, SEEN_WORDS = 256 };

struct seen_model {
    char *name;      /* as the engine lists it */
    char digest[72]; /* of an Ollama's model, "sha256:" before it; else empty */
    uint64_t bytes;
    bool is_loaded;
};

struct seen {
    const struct machine *machine;
    const struct fleet_engine *engine;
    struct endpoint endpoint;
    bool is_up;
    char version[32];
    char words[SEEN_WORDS];        /* why it is not up */
    bool knows_settings;           /* it was asked over SSH */
    bool is_missing;               /* then: the engine is not installed there */
    struct buf settings;           /* as its script shows them */
    struct buf files;              /* that are there for it: "sha256-…", a line each */
    char remote_words[SEEN_WORDS]; /* why it could not be asked over SSH; else empty */
    struct seen_model *models;
    uint32_t count;
};

void observe(struct seen *s, struct asker *a, const struct machine *machine,
             const struct fleet_engine *engine);
void seen_fini(struct seen *s);

/* Letter case, "library/" and ":latest" make no difference; NULL. */
const struct seen_model *seen_model(const struct seen *s, struct str name);

/* Where it is: its url, else its machine's address. -ENOENT with words: the file gives none. */
MUST_USE int observe_endpoint(struct endpoint *ret, const struct machine *machine,
                              const struct fleet_engine *engine, struct err *err);
