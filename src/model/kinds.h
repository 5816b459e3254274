/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of engine, provider, capability and purpose: enums and rows of their tables.
 *
 *     engine_kind_row(ENGINE_ollama)->port
 *     if (capabilities & 1u << CAPABILITY_vision) …
 *
 * The word lists fit schema_find_word(): "name|other spelling".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

enum engine_kind {
#define ENGINE(id, ...) ENGINE_##id,
#include "tables/engines.def"
    ENGINE_COUNT
};

enum provider_kind {
#define PROVIDER(id, ...) PROVIDER_##id,
#include "tables/providers.def"
    PROVIDER_COUNT
};

enum capability {
#define CAPABILITY(id, ...) CAPABILITY_##id,
#include "tables/capabilities.def"
    CAPABILITY_COUNT
};

enum purpose {
#define PURPOSE(id, ...) PURPOSE_##id,
#include "tables/purposes.def"
    PURPOSE_COUNT
};

struct engine_kind_row {
    const char *name;
    unsigned port, slots;
    const char *health, *dialect;
    const char *counts; /* a dialect, or NULL */
    bool told;          /* it can be told to load and to unload a model */
    bool stays;         /* what it loaded, it keeps until it ends */
    bool fetches;
    const char *shows; /* or NULL */
    const char *help;
};

struct provider_kind_row {
    const char *name;
    const char *url, *dialect;
    const char *also; /* NULL: no other dialect */
    const char *key;  /* env:NAME, or NULL */
    const char *credential;
    const char *models; /* or NULL */
    bool fetches, reads_files, is_strict;
    const char *help;
};

const struct engine_kind_row *engine_kind_row(enum engine_kind kind);
const struct provider_kind_row *provider_kind_row(enum provider_kind kind);

/* The first spelling: "gemini", "vision". */
struct str provider_name(enum provider_kind kind);
const char *capability_name(enum capability c);
const char *purpose_name(enum purpose p);

/* What a model for this purpose must be able to do. */
enum capability purpose_needs(enum purpose p);

/* By any spelling; -1 when there is none. */
int capability_find(struct str word);
int purpose_find(struct str word);

extern const char *const engine_words[ENGINE_COUNT];
extern const char *const provider_words[PROVIDER_COUNT];
extern const char *const capability_words[CAPABILITY_COUNT];
extern const char *const purpose_words[PURPOSE_COUNT];
