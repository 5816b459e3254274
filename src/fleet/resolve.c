/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a fleet file say about each other: names that must lead somewhere, and what
 * follows from elsewhere. */
#include <errno.h>

#include "config/settings.h"
#include "fleet/file.h"
#include "fleet/name.h"

static void resolve_settings(struct fleet_owner *o, struct schema_reader *rd);
static void resolve_machine(struct fleet_owner *o, struct schema_reader *rd, struct machine *m);
static void resolve_hardware(struct hardware *h);
static void resolve_addresses(struct schema_reader *rd, const struct addresses *a);
static void resolve_engine(struct schema_reader *rd, const struct machine *m,
                           struct fleet_engine *e);
static void refuse_same_engine(struct schema_reader *rd, const struct machine *m,
                               const struct fleet_engine *e);
static void resolve_model(struct schema_reader *rd, const struct machine *m,
                          struct fleet_model *model);
static void resolve_keep_loaded(struct schema_reader *rd, const struct machine *m);
static void resolve_cloud(struct fleet_owner *o, struct schema_reader *rd, struct cloud_model *c);
static void resolve_category(struct fleet_owner *o, struct schema_reader *rd, struct category *c);
static void refuse_repeated_machine(struct schema_reader *rd, const struct category *c,
                                    uint32_t backup);
static void need_machine(struct fleet_owner *o, struct schema_reader *rd, struct place at,
                         struct str name, const char *under);
static void need_cloud(struct fleet_owner *o, struct schema_reader *rd, const struct category *c,
                       struct str name);
static void need_model(struct fleet_owner *o, struct schema_reader *rd, const struct category *c,
                       struct str name);
static void resolve_alias(struct fleet_owner *o, struct schema_reader *rd, struct pair *alias);
static bool is_known_target(const struct fleet_owner *o, struct str name);
static bool has_model(const struct fleet *f, struct str name);
static bool is_mac(struct str text);
static bool is_url(struct str text);
static void keep(struct schema_reader *rd, struct map *m, struct str name, void *value,
                 struct place at, const char *what);
static const char *suggest(struct schema_reader *rd, char out[static 96], struct str word,
                           const struct str *(*name_at)(const void *ctx, uint32_t i),
                           const void *ctx, uint32_t count);
static const struct str *machine_name_at(const void *ctx, uint32_t i);
static const struct str *cloud_name_at(const void *ctx, uint32_t i);
static const struct str *engine_name_at(const void *ctx, uint32_t i);

void fleet_resolve(struct fleet_owner *o, struct schema_reader *rd)
{
    struct fleet *f = &o->fleet;

    resolve_settings(o, rd);
    for (uint32_t i = 0; i < f->machines_count; i++)
        resolve_machine(o, rd, &f->machines[i]);
    for (uint32_t i = 0; i < f->cloud_count; i++)
        resolve_cloud(o, rd, &f->cloud[i]);
    for (uint32_t i = 0; i < f->categories_count; i++)
        resolve_category(o, rd, &f->categories[i]);
    for (uint32_t i = 0; i < f->aliases_count; i++)
        resolve_alias(o, rd, &f->aliases[i]);
    for (uint32_t i = 0; i < f->expectations_count; i++)
        if (f->expectations[i].machine.len)
            need_machine(o, rd, f->expectations[i].at, f->expectations[i].machine, "machine");
}

/* Tried on settings of their own; whoever serves applies them again, before flags. */
static void resolve_settings(struct fleet_owner *o, struct schema_reader *rd)
{
    struct settings tried;

    settings_init(&tried);
    for (uint32_t i = 0; i < o->fleet.settings_count; i++) {
        struct pair *p = &o->fleet.settings[i];
        char *key = arena_printf(&o->arena, "gateway.%.*s", STR_ARG(p->key));
        struct err err;

        if (!key) {
            rd->failed = -ENOMEM;
            return;
        }
        p->key = str_from(key);
        if (settings_set(&tried, p->key, p->value, NULL, &err) < 0)
            schema_problem(rd, p->at, "%s", err.text);
    }
}

static void resolve_machine(struct fleet_owner *o, struct schema_reader *rd, struct machine *m)
{
    keep(rd, &o->machines, m->name, m, m->at, "machine");
    if (str_starts(m->name, STR("cloud:")) || str_index(m->name, '/') < m->name.len)
        schema_problem(rd, m->at, "found machine '%.*s', expected a name without 'cloud:' and '/'",
                       STR_ARG(m->name));
    m->count = m->count ? m->count : 1;
    if (!m->domain.len)
        m->domain = m->name;
    if (m->wake.len && !is_mac(m->wake))
        schema_problem(rd, m->at,
                       "found '%.*s' under 'wake', expected a MAC address, as in "
                       "02:00:5e:10:00:01",
                       STR_ARG(m->wake));
    resolve_hardware(&m->hardware);
    resolve_addresses(rd, &m->addresses);
    for (uint32_t i = 0; i < m->engines_count; i++)
        resolve_engine(rd, m, &m->engines[i]);
    for (uint32_t i = 0; i < m->models_count; i++)
        resolve_model(rd, m, &m->models[i]);
    resolve_keep_loaded(rd, m);
}

/* "gpu: unknown" says no more than no gpu at all. */
static void resolve_hardware(struct hardware *h)
{
    struct str *parts[] = {&h->cpu, &h->gpu, &h->npu};

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (str_is(*parts[i], "unknown"))
            *parts[i] = STR("");
}

static void resolve_addresses(struct schema_reader *rd, const struct addresses *a)
{
    const struct str hosts[] = {a->lan, a->tailscale, a->hostname};

    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct str rest;

        str_cut(hosts[i], ':', &rest);
        if (str_index(hosts[i], '/') < hosts[i].len)
            schema_problem(rd, a->at,
                           "found '%.*s', expected an address alone; a URL goes under "
                           "the engine's 'url'",
                           STR_ARG(hosts[i]));
        else if (rest.len && str_index(rest, ':') == rest.len)
            schema_problem(rd, a->at,
                           "found '%.*s', expected an address alone; the port goes "
                           "under the engine's 'port'",
                           STR_ARG(hosts[i]));
    }
}

static void resolve_engine(struct schema_reader *rd, const struct machine *m,
                           struct fleet_engine *e)
{
    const struct engine_kind_row *kind = engine_kind_row((enum engine_kind)e->kind);

    if (!e->name.len)
        e->name = str_from(kind->name);
    if (!e->port)
        e->port = kind->port;
    if (e->base_path.len && e->base_path.data[0] != '/')
        schema_problem(rd, e->at, "found base_path '%.*s', expected it to begin with '/'",
                       STR_ARG(e->base_path));
    if (e->url.len && !is_url(e->url))
        schema_problem(rd, e->at, "found url '%.*s', expected http://… or https://…",
                       STR_ARG(e->url));
    refuse_same_engine(rd, m, e);
}

static void refuse_same_engine(struct schema_reader *rd, const struct machine *m,
                               const struct fleet_engine *e)
{
    for (const struct fleet_engine *at = m->engines; at < e; at++) {
        if (str_equal(at->name, e->name))
            schema_problem(rd, e->at,
                           "found a second engine '%.*s' on machine %.*s, expected different "
                           "names; add 'name: …' to one",
                           STR_ARG(e->name), STR_ARG(m->name));
        else if (at->port == e->port && !at->url.len && !e->url.len)
            schema_problem(rd, e->at,
                           "found port %u twice on machine %.*s (also of engine %.*s), expected "
                           "different ports; add 'port: …' to one",
                           e->port, STR_ARG(m->name), STR_ARG(at->name));
    }
}

static void resolve_model(struct schema_reader *rd, const struct machine *m,
                          struct fleet_model *model)
{
    char near[96];

    if (!m->engines_count) {
        schema_problem(rd, model->at,
                       "found a model on machine %.*s, which has no engines; add "
                       "'engines: [ollama]' to it",
                       STR_ARG(m->name));
        return;
    }
    model->engine = model->engine_name.len ? machine_engine(m, model->engine_name) : m->engines;
    if (!model->engine)
        schema_problem(rd, model->at,
                       "found engine '%.*s' for %.*s, expected the name of one engine of machine "
                       "%.*s%s",
                       STR_ARG(model->engine_name), STR_ARG(model->pull), STR_ARG(m->name),
                       suggest(rd, near, model->engine_name, engine_name_at, m, m->engines_count));
}

static void resolve_keep_loaded(struct schema_reader *rd, const struct machine *m)
{
    const struct keep_loaded *k = &m->keep_loaded;

    for (uint32_t i = 0; i < k->names_count; i++) {
        bool found = false;

        for (uint32_t j = 0; j < m->models_count; j++)
            found |= str_equal(k->names[i], m->models[j].name) ||
                     str_equal(k->names[i], m->models[j].pull);
        if (!found)
            schema_problem(rd, k->at,
                           "found '%.*s' under 'keep_loaded', expected the name or artifact of a "
                           "model of machine %.*s; add it under 'models' or remove it here",
                           STR_ARG(k->names[i]), STR_ARG(m->name));
    }
}

static void resolve_cloud(struct fleet_owner *o, struct schema_reader *rd, struct cloud_model *c)
{
    const struct provider_kind_row *provider = provider_kind_row((enum provider_kind)c->provider);

    if (!c->name.len)
        return;
    keep(rd, &o->cloud, c->name, c, c->at, "cloud model");
    if (!c->url.len && !provider->url)
        schema_problem(rd, c->at, "found no 'url' for %.*s, expected one; add 'url: https://…'",
                       STR_ARG(c->name));
    else if (!c->url.len)
        c->url = str_from(provider->url);
    else if (!is_url(c->url))
        schema_problem(rd, c->at, "found url '%.*s', expected http://… or https://…",
                       STR_ARG(c->url));
    if (!c->key.len && provider->key)
        c->key = str_from(provider->key);
}

static void resolve_category(struct fleet_owner *o, struct schema_reader *rd, struct category *c)
{
    keep(rd, &o->categories, c->name, c, c->at, "category");
    if (map_find(&o->cloud, c->name))
        schema_problem(rd, c->at, "found category '%.*s', which is also a cloud model; rename one",
                       STR_ARG(c->name));
    if (c->machines == MACHINES_listed && !c->primary.len && !c->cloud_count)
        schema_problem(rd, c->at,
                       "found no 'primary' in category %.*s, expected one; add 'primary: MACHINE' "
                       "or 'machines: any'",
                       STR_ARG(c->name));
    if (c->machines != MACHINES_listed && (c->primary.len || c->backups_count))
        schema_problem(rd, c->at,
                       "found both 'machines' and a primary or backups in category %.*s, expected "
                       "one of them; remove the other",
                       STR_ARG(c->name));
    if (c->primary.len)
        need_machine(o, rd, c->at, c->primary, "primary");
    for (uint32_t i = 0; i < c->backups_count; i++) {
        need_machine(o, rd, c->at, c->backups[i], "backups");
        refuse_repeated_machine(rd, c, i);
    }
    for (uint32_t i = 0; i < c->cloud_count; i++)
        need_cloud(o, rd, c, c->cloud[i]);
    for (uint32_t i = 0; i < c->models_count; i++)
        need_model(o, rd, c, c->models[i]);
}

static void refuse_repeated_machine(struct schema_reader *rd, const struct category *c,
                                    uint32_t backup)
{
    bool again = str_equal(c->backups[backup], c->primary);

    for (uint32_t i = 0; i < backup; i++)
        again |= str_equal(c->backups[i], c->backups[backup]);
    if (again)
        schema_problem(rd, c->at,
                       "found machine %.*s twice in category %.*s, expected another one: a "
                       "machine cannot stand in for itself",
                       STR_ARG(c->backups[backup]), STR_ARG(c->name));
}

static void need_machine(struct fleet_owner *o, struct schema_reader *rd, struct place at,
                         struct str name, const char *under)
{
    char near[96];

    if (!map_find(&o->machines, name))
        schema_problem(
            rd, at,
            "found unknown machine '%.*s' under '%s', expected one under "
            "'machines'%s",
            STR_ARG(name), under,
            suggest(rd, near, name, machine_name_at, &o->fleet, o->fleet.machines_count));
}

static void need_cloud(struct fleet_owner *o, struct schema_reader *rd, const struct category *c,
                       struct str name)
{
    char near[96];

    if (!map_find(&o->cloud, name))
        schema_problem(rd, c->at,
                       "found unknown cloud model '%.*s' in category %.*s, expected a name under "
                       "'cloud'%s",
                       STR_ARG(name), STR_ARG(c->name),
                       suggest(rd, near, name, cloud_name_at, &o->fleet, o->fleet.cloud_count));
}

static void need_model(struct fleet_owner *o, struct schema_reader *rd, const struct category *c,
                       struct str name)
{
    if (!has_model(&o->fleet, name) && !map_find(&o->cloud, name))
        schema_problem(rd, c->at,
                       "found model '%.*s' in category %.*s, expected the artifact or deployment "
                       "name of a model of some machine",
                       STR_ARG(name), STR_ARG(c->name));
}

static void resolve_alias(struct fleet_owner *o, struct schema_reader *rd, struct pair *alias)
{
    keep(rd, &o->aliases, alias->key, alias, alias->at, "alias");
    if (map_find(&o->categories, alias->key) || map_find(&o->cloud, alias->key) ||
        has_model(&o->fleet, alias->key))
        schema_problem(rd, alias->at,
                       "found alias '%.*s', which already names something else; rename it",
                       STR_ARG(alias->key));
    if (!is_known_target(o, alias->value))
        schema_problem(rd, alias->at,
                       "found alias '%.*s' of '%.*s', expected a deployment name, artifact, "
                       "category or selector of this fleet",
                       STR_ARG(alias->key), STR_ARG(alias->value));
}

static bool is_known_target(const struct fleet_owner *o, struct str name)
{
    struct selector selector;

    return map_find(&o->categories, name) || map_find(&o->cloud, name) ||
           has_model(&o->fleet, name) ||
           (selector_read(&selector, name) == 0 && !selector_is_name(&selector));
}

static bool has_model(const struct fleet *f, struct str name)
{
    for (uint32_t i = 0; i < f->machines_count; i++)
        for (uint32_t j = 0; j < f->machines[i].models_count; j++)
            if (str_equal(f->machines[i].models[j].name, name) ||
                str_equal(f->machines[i].models[j].pull, name))
                return true;
    return false;
}

static bool is_mac(struct str text)
{
    if (text.len != 17)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (i % 3 == 2 ? c != ':' && c != '-' : !strchr("0123456789abcdefABCDEF", c))
            return false;
    }
    return true;
}

static bool is_url(struct str text)
{
    return (str_starts(text, STR("http://")) && text.len > 7) ||
           (str_starts(text, STR("https://")) && text.len > 8);
}

/* Twice is reported; within one map the reader has reported it already. */
static void keep(struct schema_reader *rd, struct map *m, struct str name, void *value,
                 struct place at, const char *what)
{
    int r = name.len ? map_put(m, name, value) : 0;

    if (r == -EEXIST)
        schema_problem(rd, at, "found %s '%.*s' a second time, expected it once; rename one", what,
                       STR_ARG(name));
    else if (r < 0)
        rd->failed = r;
}

/* schema_suggest() over names that stand in structs. */
static const char *suggest(struct schema_reader *rd, char out[static 96], struct str word,
                           const struct str *(*name_at)(const void *ctx, uint32_t i),
                           const void *ctx, uint32_t count)
{
    const char **words = arena_alloc(rd->arena, (count ? count : 1) * sizeof *words);

    out[0] = '\0';
    for (uint32_t i = 0; words && i < count; i++)
        words[i] = name_at(ctx, i)->data;
    for (uint32_t i = 0; words && i < count; i++)
        words[i] = words[i] ? words[i] : "";
    return words ? schema_suggest(out, word, words, count) : out;
}

static const struct str *machine_name_at(const void *ctx, uint32_t i)
{
    return &((const struct fleet *)ctx)->machines[i].name;
}

static const struct str *cloud_name_at(const void *ctx, uint32_t i)
{
    return &((const struct fleet *)ctx)->cloud[i].name;
}

static const struct str *engine_name_at(const void *ctx, uint32_t i)
{
    return &((const struct machine *)ctx)->engines[i].name;
}
