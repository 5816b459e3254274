/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog: reading its files and finding things in it. */
#include "model/catalog.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "model/catalog_files.h"

enum { CATALOG_BYTES_MAX = 64 << 20, TAG_MAX = 256 };

/* What catalog_free() frees; the catalog is its first member. Keys of the maps are plain(). */
struct catalog_owner {
    struct catalog catalog;
    struct arena arena;
    struct map tags, mistaken, models, cloud;
};

static int build(struct catalog **ret, const struct catalog_layer *layers, size_t count,
                 struct err *err);
static void index_all(struct catalog_owner *o, struct schema_reader *rd);
static void index_model(struct catalog_owner *o, struct schema_reader *rd, struct model *m);
static void index_artifact(struct catalog_owner *o, struct schema_reader *rd, struct artifact *a);
static void keep(struct catalog_owner *o, struct schema_reader *rd, struct map *m, struct str name,
                 void *value, struct place at);
static struct str plain(char out[static TAG_MAX], struct str tag);
static bool contains(struct str text, struct str part);
static char lower(char c);
static const struct catalog_owner *owner_of(const struct catalog *c);

int catalog_load(struct catalog **ret, const char *dir, struct err *err)
{
    struct catalog_layer layers[2] = {0};
    struct buf bufs[CATALOG_FILE_COUNT];
    int r = catalog_layer_embedded(&layers[0], err);

    for (int i = 0; i < CATALOG_FILE_COUNT; i++)
        buf_init(&bufs[i], YAML_BYTES_MAX);
    if (r == 0 && dir)
        r = catalog_layer_read(&layers[1], bufs, dir, err);
    if (r == 0)
        r = build(ret, layers, dir ? 2 : 1, err);
    for (int i = 0; i < CATALOG_FILE_COUNT; i++)
        buf_fini(&bufs[i]);
    return r;
}

int catalog_parse(struct catalog **ret, struct str models, struct str hardware, struct str cloud,
                  struct err *err)
{
    const struct catalog_layer layer = {.dir = "catalog", .texts = {models, hardware, cloud}};

    return build(ret, &layer, 1, err);
}

void catalog_free(struct catalog *c)
{
    struct catalog_owner *o = (struct catalog_owner *)(void *)c;

    if (!o)
        return;
    map_fini(&o->tags);
    map_fini(&o->mistaken);
    map_fini(&o->models);
    map_fini(&o->cloud);
    arena_fini(&o->arena);
    free(o);
}

const struct artifact *catalog_artifact(const struct catalog *c, struct str tag)
{
    char key[TAG_MAX];

    return map_find(&owner_of(c)->tags, plain(key, tag));
}

const struct artifact *catalog_mistaken(const struct catalog *c, struct str name)
{
    char key[TAG_MAX];

    return map_find(&owner_of(c)->mistaken, plain(key, name));
}

/* O(tags); for messages. */
const struct artifact *catalog_nearest(const struct catalog *c, struct str tag)
{
    const struct artifact *found = NULL;
    size_t best = 1 + tag.len / 4;
    char key[TAG_MAX];

    tag = plain(key, tag);
    for (uint32_t i = 0; i < c->models_count; i++)
        for (uint32_t j = 0; j < c->models[i].artifacts_count; j++) {
            const struct artifact *a = &c->models[i].artifacts[j];
            size_t far = str_distance(tag, a->tag);

            for (uint32_t k = 0; k < a->also_count; k++) {
                size_t other = str_distance(tag, a->also[k]);

                far = other < far ? other : far;
            }
            if (far < best) {
                best = far;
                found = a;
            }
        }
    return found;
}

const struct model *catalog_model(const struct catalog *c, struct str name)
{
    char key[TAG_MAX];

    return map_find(&owner_of(c)->models, plain(key, name));
}

const struct hardware_facts *catalog_hardware(const struct catalog *c, struct str text)
{
    const struct hardware_facts *found = NULL;
    size_t longest = 0;

    for (uint32_t i = 0; i < c->hardware_count; i++)
        for (uint32_t j = 0; j < c->hardware[i].match_count; j++) {
            struct str match = c->hardware[i].match[j];

            if (match.len > longest && contains(text, match)) {
                longest = match.len;
                found = &c->hardware[i];
            }
        }
    return found;
}

/* O(rows); for messages. Never NULL while there is a row of that kind. */
const struct hardware_facts *catalog_nearest_hardware(const struct catalog *c, struct str text,
                                                      enum hardware_kind kind)
{
    const struct hardware_facts *found = NULL;
    size_t best = SIZE_MAX;

    for (uint32_t i = 0; i < c->hardware_count; i++)
        for (uint32_t j = 0; j < c->hardware[i].match_count; j++) {
            size_t far = str_distance(text, c->hardware[i].match[j]);

            if (c->hardware[i].kind == (uint32_t)kind && far < best) {
                best = far;
                found = &c->hardware[i];
            }
        }
    return found;
}

const struct cloud_facts *catalog_cloud(const struct catalog *c, struct str id)
{
    char key[TAG_MAX];

    return map_find(&owner_of(c)->cloud, plain(key, id));
}

/* Dates of that form are in order when their texts are. */
bool cloud_is_retired(const struct cloud_facts *facts, struct str day)
{
    return facts->retired.len == day.len && day.len &&
           memcmp(facts->retired.data, day.data, day.len) <= 0;
}

uint64_t artifact_context(const struct artifact *a)
{
    return a->context ? a->context : a->model->context;
}

struct str artifact_short_tag(const struct artifact *a)
{
    return str_index(a->tag, '/') < a->tag.len && a->also_count ? a->also[0] : a->tag;
}

static int build(struct catalog **ret, const struct catalog_layer *layers, size_t count,
                 struct err *err)
{
    struct catalog_owner *o = calloc(1, sizeof *o);
    struct schema_reader rd;
    int r;

    if (!o)
        return err_set(err, -ENOMEM, "no memory for the catalog");
    arena_init(&o->arena, CATALOG_BYTES_MAX);
    schema_reader_init(&rd, &o->arena);
    r = catalog_read_layers(&o->catalog, &rd, layers, count, err);
    if (r == 0) {
        index_all(o, &rd);
        r = schema_finish(&rd, err);
    }
    schema_reader_fini(&rd);
    if (r < 0)
        catalog_free(&o->catalog);
    else
        *ret = &o->catalog;
    return r;
}

static void index_all(struct catalog_owner *o, struct schema_reader *rd)
{
    struct catalog *c = &o->catalog;

    for (uint32_t i = 0; i < c->models_count; i++)
        index_model(o, rd, &c->models[i]);
    for (uint32_t i = 0; i < c->cloud_count; i++) {
        struct cloud_facts *facts = &c->cloud[i];

        keep(o, rd, &o->cloud, facts->id, facts, facts->at);
        for (uint32_t j = 0; j < facts->also_count; j++)
            keep(o, rd, &o->cloud, facts->also[j], facts, facts->at);
        for (uint32_t j = 0; j < facts->mistaken_count; j++)
            keep(o, rd, &o->cloud, facts->mistaken[j], facts, facts->at);
    }
}

static void index_model(struct catalog_owner *o, struct schema_reader *rd, struct model *m)
{
    keep(o, rd, &o->models, m->name, m, m->at);
    if (!m->active_params)
        m->active_params = m->params;
    if (m->active_params > m->params)
        schema_problem(rd, m->at, "found more active than all parameters in %.*s",
                       STR_ARG(m->name));
    for (uint32_t i = 0; i < m->artifacts_count; i++) {
        m->artifacts[i].model = m;
        index_artifact(o, rd, &m->artifacts[i]);
    }
}

static void index_artifact(struct catalog_owner *o, struct schema_reader *rd, struct artifact *a)
{
    keep(o, rd, &o->tags, a->tag, a, a->at);
    for (uint32_t i = 0; i < a->also_count; i++)
        keep(o, rd, &o->tags, a->also[i], a, a->at);
    for (uint32_t i = 0; i < a->mistaken_count; i++)
        keep(o, rd, &o->mistaken, a->mistaken[i], a, a->at);
}

/* One thing may have two spellings that are plainly the same; two things may not. */
static void keep(struct catalog_owner *o, struct schema_reader *rd, struct map *m, struct str name,
                 void *value, struct place at)
{
    char key[TAG_MAX];
    struct str copy = arena_str(&o->arena, plain(key, name));
    int r = copy.data ? map_put(m, copy, value) : -ENOMEM;

    if (r == -ENOMEM)
        rd->failed = r;
    else if (r == -EEXIST && map_find(m, copy) != value)
        schema_problem(rd, at, "found '%.*s' a second time, expected it once", STR_ARG(name));
}

/* Lower case, without "library/" and ":latest": engines do not tell these apart. */
static struct str plain(char out[static TAG_MAX], struct str tag)
{
    size_t len;

    if (str_starts(tag, STR("library/")))
        tag = str_slice(tag.data + 8, tag.len - 8);
    if (str_ends(tag, STR(":latest")))
        tag.len -= 7;
    len = tag.len < TAG_MAX ? tag.len : TAG_MAX;
    for (size_t i = 0; i < len; i++)
        out[i] = lower(tag.data[i]);
    return str_slice(out, len);
}

/* As a run of whole words: "RTX 2080" is in "NVIDIA RTX 2080 Super", "M4" is not in "GM45". */
static bool contains(struct str text, struct str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        char before = i ? lower(text.data[i - 1]) : ' ';
        char after = i + part.len < text.len ? lower(text.data[i + part.len]) : ' ';
        bool begins = !((before >= 'a' && before <= 'z') || (before >= '0' && before <= '9'));
        bool ends = !((after >= 'a' && after <= 'z') || (after >= '0' && after <= '9'));

        if (begins && ends && str_equal_nocase(str_slice(text.data + i, part.len), part))
            return true;
    }
    return false;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static const struct catalog_owner *owner_of(const struct catalog *c)
{
    return (const struct catalog_owner *)(const void *)c;
}
