/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the tables of kinds. */
#include "model/kinds.h"

#include <assert.h>

#include "wire/schema.h"

static_assert(CAPABILITY_COUNT <= 32 && PURPOSE_COUNT <= 32, "they are bits of a uint32_t");

static const struct engine_kind_row engine_rows[] = {
#define ENGINE(id, text, ...) [ENGINE_##id] = {.name = text, __VA_ARGS__},
#include "tables/engines.def"
};

static const struct provider_kind_row provider_rows[] = {
#define PROVIDER(id, text, ...) [PROVIDER_##id] = {.name = text, __VA_ARGS__},
#include "tables/providers.def"
};

const char *const engine_words[] = {
#define ENGINE(id, text, ...) [ENGINE_##id] = text,
#include "tables/engines.def"
};

const char *const provider_words[] = {
#define PROVIDER(id, text, ...) [PROVIDER_##id] = text,
#include "tables/providers.def"
};

const char *const capability_words[] = {
#define CAPABILITY(id, text, ...) [CAPABILITY_##id] = text,
#include "tables/capabilities.def"
};

const char *const purpose_words[] = {
#define PURPOSE(id, text, ...) [PURPOSE_##id] = text,
#include "tables/purposes.def"
};

static const char *const capability_names[] = {
#define CAPABILITY(id, ...) [CAPABILITY_##id] = #id,
#include "tables/capabilities.def"
};

static const struct {
    const char *name;
    enum capability needs;
} purposes[] = {
#define PURPOSE(id, text, capability, help) [PURPOSE_##id] = {#id, CAPABILITY_##capability},
#include "tables/purposes.def"
};

const struct engine_kind_row *engine_kind_row(enum engine_kind kind)
{
    assert(kind < ENGINE_COUNT);
    return &engine_rows[kind];
}

const struct provider_kind_row *provider_kind_row(enum provider_kind kind)
{
    assert(kind < PROVIDER_COUNT);
    return &provider_rows[kind];
}

struct str provider_name(enum provider_kind kind)
{
    struct str others;

    return str_cut(str_from(provider_kind_row(kind)->name), '|', &others);
}

const char *capability_name(enum capability c)
{
    assert(c < CAPABILITY_COUNT);
    return capability_names[c];
}

const char *purpose_name(enum purpose p)
{
    assert(p < PURPOSE_COUNT);
    return purposes[p].name;
}

enum capability purpose_needs(enum purpose p)
{
    assert(p < PURPOSE_COUNT);
    return purposes[p].needs;
}

int capability_find(struct str word)
{
    return schema_find_word(capability_words, CAPABILITY_COUNT, word);
}

int purpose_find(struct str word)
{
    return schema_find_word(purpose_words, PURPOSE_COUNT, word);
}
