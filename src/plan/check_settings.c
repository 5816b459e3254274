/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of engines: variables that do not exist, and lines that say what the engine does not do.
 */
#include "plan/check_inside.h"
#include "plan/running.h"

static void check_pair(struct check *c, const struct machine *m, const struct fleet_engine *e,
                       const struct pair *pair);
static void check_line_of(struct check *c, const struct judged *line);
static const char *meant_by(enum engine_kind kind, struct str name);
static const char *nearest(enum engine_kind kind, struct str name);

static const struct setting {
    enum engine_kind engine;
    const char *name;
    const char *meant; /* NULL: it exists */
} settings[] = {
#define ENGINE_PREFIX(engine, prefix)
#define ENGINE_SETTING(engine, name)          {ENGINE_##engine, name, NULL},
#define ENGINE_MISTAKE(engine, written, name) {ENGINE_##engine, written, name},
#include "tables/engine_settings.def"
};

static const char *const prefixes[ENGINE_COUNT] = {
#define ENGINE_PREFIX(engine, prefix) [ENGINE_##engine] = prefix,
#define ENGINE_SETTING(engine, name)
#define ENGINE_MISTAKE(engine, written, name)
#include "tables/engine_settings.def"
};

void check_settings(struct check *c)
{
    for (uint32_t i = 0; i < c->fleet->machines_count; i++) {
        const struct machine *m = &c->fleet->machines[i];

        for (uint32_t j = 0; j < m->engines_count; j++)
            for (uint32_t k = 0; k < m->engines[j].env_count; k++)
                check_pair(c, m, &m->engines[j], &m->engines[j].env[k]);
    }
    for (size_t i = 0; i < c->lines_count; i++)
        check_line_of(c, &c->lines[i]);
}

struct str check_setting(const struct fleet_engine *e, const char *name)
{
    struct str found = {0};

    for (uint32_t i = 0; e && i < e->env_count; i++) {
        const char *meant = meant_by(e->kind, e->env[i].key);

        if (str_is(e->env[i].key, name))
            return e->env[i].value;
        if (meant && str_is(str_from(meant), name))
            found = e->env[i].value;
    }
    return found;
}

/* Variables without the engine's prefix are somebody else's: drivers', the system's. */
static void check_pair(struct check *c, const struct machine *m, const struct fleet_engine *e,
                       const struct pair *pair)
{
    struct finding f = {.code = FINDING_unknown_setting,
                        .where = pair->at,
                        .machine = m->name,
                        .subject = pair->key};
    const char *right;

    if (!prefixes[e->kind] || !str_starts(pair->key, str_from(prefixes[e->kind])))
        return;
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        if (settings[i].engine == e->kind && !settings[i].meant &&
            str_is(pair->key, settings[i].name))
            return;
    right = meant_by(e->kind, pair->key);
    if (!right)
        right = nearest(e->kind, pair->key);
    f.fix = right ? check_text(c, "%s: %.*s", right, STR_ARG(pair->value)) : "env: {}";
    check_say(c, f, "%s does not know '%.*s' and ignores it%s%s%s", engine_kind_row(e->kind)->name,
              STR_ARG(pair->key), right ? "; what is meant is '" : "", right ? right : "",
              right ? "'" : "; remove it");
}

/* What the line promises must be what the engine is started with: more requests at once would wait
 * in it unseen, more context would be cut. */
static void check_line_of(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;
    const struct fleet_engine *e = model->engine;
    uint32_t slots = model->slots ? model->slots : e->slots, has_slots = running_slots(e);
    uint64_t context = running_context(e);
    struct finding f = {.code = FINDING_unknown_setting,
                        .where = model->at,
                        .machine = line->machine->name,
                        .subject = model->pull};

    if (has_slots && slots > has_slots) {
        f.severity = SEVERITY_warning;
        f.fix = check_text(c, "slots: %u", has_slots);
        check_say(c, f, "'%.*s' says %u requests at once, and %.*s is told to work on %u",
                  STR_ARG(model->pull), slots, STR_ARG(e->name), has_slots);
    }
    if (e->kind != ENGINE_llama_server || !context || model->context <= context)
        return;
    f.where = check_place(model->context_at, model->at);
    f.fix = check_text(c, "context: %llu", (unsigned long long)context);
    check_say(c, f,
              "'%.*s' says %llu tokens of context, and %.*s is started with %llu for each slot",
              STR_ARG(model->pull), (unsigned long long)model->context, STR_ARG(e->name),
              (unsigned long long)context);
}

static const char *meant_by(enum engine_kind kind, struct str name)
{
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        if (settings[i].engine == kind && settings[i].meant && str_is(name, settings[i].name))
            return settings[i].meant;
    return NULL;
}

static const char *nearest(enum engine_kind kind, struct str name)
{
    const char *found = NULL;
    size_t best = 1 + name.len / 4;

    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        size_t far =
            settings[i].engine == kind ? str_distance(name, str_from(settings[i].name)) : SIZE_MAX;

        if (far < best) {
            best = far;
            found = settings[i].meant ? settings[i].meant : settings[i].name;
        }
    }
    return found;
}
