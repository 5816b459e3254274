/* SPDX-License-Identifier: Apache-2.0 */
/* What a name stands for: one model, or a category with those that stand in; and aliases. */
#include "litellm/import_inside.h"

static void read_stand_ins(struct import *in, const char *section, const char *key);
static void read_defaults(struct import *in, const struct yaml *list);
static void read_map(struct import *in, const struct yaml *map);
static void add_stand_ins(struct import *in, struct import_group *g, const struct yaml *names);
static void add_stand_in(struct import *in, struct import_group *g, const struct yaml *name);
static void judge_order(struct import *in, const struct import_group *g,
                        const struct import_group *other, const struct yaml *node);
static void find_target(struct import *in, struct import_group *g);
static bool is_one_model(const struct import *in, const struct import_group *g);
static void make_category(struct import *in, struct import_group *g);
static bool is_taken(const struct import *in, struct str name, bool ids_too);
static void add_alias(struct import *in, struct str name, struct str target,
                      const struct yaml *node);
static void read_aliases(struct import *in, const struct yaml *map);

struct import_group *import_find_group(struct import *in, struct str name)
{
    struct import_group *g = in->groups;

    while (g && !str_equal(g->name, name))
        g = g->next;
    return g;
}

void import_stand_ins(struct import *in)
{
    static const char *const sections[] = {"router_settings", "litellm_settings"};
    static const char *const keys[] = {"fallbacks", "context_window_fallbacks",
                                       "default_fallbacks"};

    for (size_t k = 0; k < COUNT_OF(keys); k++)
        for (size_t s = 0; s < COUNT_OF(sections); s++)
            read_stand_ins(in, sections[s], keys[k]);
}

static void read_stand_ins(struct import *in, const char *section, const char *key)
{
    const struct yaml *settings = yaml_find(in->root, section),
                      *list = settings ? yaml_find(settings, key) : NULL;

    if (!list || yaml_is_null(list))
        return;
    if (list->kind != YAML_list)
        judgement_say(in->judgement, list, VERDICT_unsupported, "expected a list");
    else if (strcmp(key, "default_fallbacks") == 0)
        read_defaults(in, list);
    else
        for (const struct yaml *at = list->first; at; at = at->next)
            read_map(in, at);
}

static void read_defaults(struct import *in, const struct yaml *list)
{
    for (struct import_group *g = in->groups; g; g = g->next)
        add_stand_ins(in, g, list);
}

/* {"gpt-4o": ["claude"]}; "*" means every group. */
static void read_map(struct import *in, const struct yaml *map)
{
    for (const struct yaml *at = map->first; at; at = at->next) {
        struct import_group *g = import_find_group(in, at->key);

        if (str_is(at->key, "*")) {
            read_defaults(in, at);
            judgement_say(in->judgement, at, VERDICT_approximate,
                          "stands in behind every group's own");
        } else if (!g) {
            judgement_leave_out(in->judgement, at, "no deployment of that name was imported");
        } else {
            add_stand_ins(in, g, at);
        }
    }
}

static void add_stand_ins(struct import *in, struct import_group *g, const struct yaml *names)
{
    if (names->kind == YAML_text) {
        add_stand_in(in, g, names);
        return;
    }
    for (const struct yaml *at = names->first; at; at = at->next)
        add_stand_in(in, g, at);
}

static void add_stand_in(struct import *in, struct import_group *g, const struct yaml *name)
{
    struct import_group *other = name->kind == YAML_text ? import_find_group(in, name->text) : NULL;
    struct import_stand_in *s = g->stand_ins;

    if (!other) {
        judgement_say(in->judgement, name, VERDICT_unsupported,
                      name->kind == YAML_text ? "no deployment of that name was imported"
                                              : "expected the name of a deployment");
        return;
    }
    if (g->purpose != other->purpose) {
        judgement_say(in->judgement, name, VERDICT_unsupported,
                      "it is used for something else, and cannot answer for it");
        return;
    }
    if (g->purpose == PURPOSE_embedding) {
        judgement_say(in->judgement, name, VERDICT_unsupported,
                      "vectors of two models do not mix: nobody stands in for one");
        return;
    }
    while (s && s->group != other)
        s = s->next;
    if (s || other == g || !(s = import_new(in, sizeof *s)))
        return;
    s->group = other;
    IMPORT_APPEND(g->stand_ins, s);
    judge_order(in, g, other, name);
}

/* Machines are asked before the cloud, and those that hold both models once. */
static void judge_order(struct import *in, const struct import_group *g,
                        const struct import_group *other, const struct yaml *node)
{
    bool from_cloud = false, to_machine = false;

    for (const struct import_member *m = g->members; m; m = m->next)
        from_cloud |= m->cloud != NULL;
    for (const struct import_member *m = other->members; m; m = m->next)
        to_machine |= m->model != NULL;
    if (from_cloud && to_machine)
        judgement_say(in->judgement, node, VERDICT_approximate,
                      "stands in, and as it is on a machine it may be asked first: a category asks "
                      "its machines before the cloud");
    else if (to_machine)
        judgement_say(in->judgement, node, VERDICT_approximate,
                      "stands in; who of the two answers is decided in seconds and parity");
}

void import_targets(struct import *in)
{
    const struct yaml *router = yaml_find(in->root, "router_settings"),
                      *aliases = router ? yaml_find(router, "model_group_alias") : NULL;

    for (struct import_group *g = in->groups; g && !in->error; g = g->next)
        find_target(in, g);
    for (struct import_group *g = in->groups; g && !in->error; g = g->next)
        add_alias(in, g->name, g->target, g->node);
    if (aliases && aliases->kind == YAML_map)
        read_aliases(in, aliases);
}

static void find_target(struct import *in, struct import_group *g)
{
    const struct import_member *m = g->members;

    if (!is_one_model(in, g))
        make_category(in, g);
    else if (m->cloud)
        g->target = m->cloud->name;
    else
        g->target = m->model->name.len ? m->model->name : m->model->pull;
}

/* Asked for by its name, a model is served by all of its copies: are they what the group has? */
static bool is_one_model(const struct import *in, const struct import_group *g)
{
    const struct import_member *first = g->members;
    size_t copies = 0, members = 0;

    if (g->stand_ins || (first->cloud && first->next))
        return false;
    for (const struct import_member *m = first; m && !first->cloud; m = m->next, members++)
        if (m->cloud || !str_equal(m->model->pull, first->model->pull))
            return false;
    for (const struct import_machine *at = in->machines; at && first->model; at = at->next)
        for (const struct import_model *m = at->models; m; m = m->next)
            copies += str_equal(m->pull, first->model->pull);
    return copies == members;
}

/* A category's name must not be that of a model: that one would be found first. */
static void make_category(struct import *in, struct import_group *g)
{
    struct str name = g->name;

    if (!import_is_name(name) || str_index(name, '*') < name.len) {
        judgement_say(in->judgement, g->node, VERDICT_unsupported,
                      "expected a name without spaces: a category has none");
        return;
    }
    while (is_taken(in, name, true))
        name = import_text(in, "%.*s+", STR_ARG(name));
    g->category = g->target = name;
    if (str_equal(name, g->name))
        judgement_say(in->judgement, g->node, VERDICT_exact,
                      "a category: who has it, who stands in");
}

/* ids_too: also what a provider calls its models. */
static bool is_taken(const struct import *in, struct str name, bool ids_too)
{
    for (const struct import_machine *at = in->machines; at; at = at->next)
        for (const struct import_model *m = at->models; m; m = m->next)
            if (str_equal(m->pull, name) || str_equal(m->name, name) ||
                (ids_too && catalog_artifact(in->catalog, name) &&
                 catalog_artifact(in->catalog, name) == catalog_artifact(in->catalog, m->pull)))
                return true;
    for (const struct import_cloud *c = in->clouds; c; c = c->next)
        if (str_equal(c->name, name) || (ids_too && str_equal(c->model, name)))
            return true;
    for (const struct import_group *g = in->groups; g; g = g->next)
        if (str_equal(g->category, name))
            return true;
    return false;
}

static void add_alias(struct import *in, struct str name, struct str target,
                      const struct yaml *node)
{
    struct import_alias *a = in->aliases;

    if (!target.len || str_equal(name, target))
        return;
    while (a && !str_equal(a->name, name))
        a = a->next;
    if (a || is_taken(in, name, false)) {
        judgement_say(in->judgement, node, VERDICT_approximate,
                      "that name means the model alone; ask for %.*s to have its stand-ins, too",
                      STR_ARG(target));
        return;
    }
    if (!(a = import_new(in, sizeof *a)))
        return;
    a->name = name;
    a->target = target;
    IMPORT_APPEND(in->aliases, a);
}

/* An alias is a text, or a map with `model`. */
static void read_aliases(struct import *in, const struct yaml *map)
{
    for (const struct yaml *at = map->first; at; at = at->next) {
        const struct yaml *to = at->kind == YAML_map ? yaml_find(at, "model") : at;
        struct import_group *g =
            to && to->kind == YAML_text ? import_find_group(in, to->text) : NULL;

        if (!g || !g->target.len)
            judgement_leave_out(in->judgement, at,
                                "no deployment of the name it stands for was imported");
        else if (import_find_group(in, at->key) || is_taken(in, at->key, false))
            judgement_leave_out(in->judgement, at, "a deployment has that name already");
        else
            add_alias(in, at->key, g->target, at);
    }
}
