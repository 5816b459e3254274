/* SPDX-License-Identifier: Apache-2.0 */
/* Which copies a name stands for. */
#include "route/candidates.h"

#include <errno.h>
#include <stdio.h>

#include "route/space.h"

/* What is being gathered: everything that has the name, then what of it is able. */
struct gather {
    const struct view *view;
    struct candidates *found;
    uint32_t capabilities;
    struct space space;       /* its identity is empty: any */
    uint32_t named;           /* copies that have the name, able or not */
    uint32_t lacking;         /* capabilities that some of them lack */
    const struct copy *asked; /* NULL: the first that is found is what was asked for */
};

static void gather_named(struct gather *g, struct str name);
static void gather_category(struct gather *g, const struct category *category);
static void gather_machine(struct gather *g, const struct category *category,
                           const struct machine *machine);
static void gather_selected(struct gather *g, const struct selector *selector);
static void add(struct gather *g, const struct copy *copy);
static bool is_of(const struct view *view, const struct category *category,
                  const struct copy *copy);
static uint8_t sizes_apart(const struct copy *a, const struct copy *b, enum parity parity);
static int size_of(const struct copy *c);
static bool is_known(const struct candidates *found, const struct copy *copy);
static bool is_other_space(const struct gather *g, const struct copy *copy);
static int not_found(const struct view *view, struct str name, struct err *err);
static int not_able(const struct gather *g, struct str name, struct err *err);
static int not_there(const struct gather *g, struct str name, struct str space, struct err *err);

int candidates_find(struct candidates *ret, const struct view *view, struct str name,
                    uint32_t capabilities, struct err *err)
{
    return candidates_find_space(ret, view, name, capabilities, (struct str){0}, err);
}

int candidates_find_space(struct candidates *ret, const struct view *view, struct str name,
                          uint32_t capabilities, struct str space, struct err *err)
{
    const struct pair *alias = fleet_alias(view->fleet, name);
    struct gather g = {
        .view = view, .found = ret, .capabilities = capabilities, .space = space_read(space)};
    struct str asked = alias ? alias->value : name;
    const struct category *category = fleet_category(view->fleet, asked);
    struct selector selector;

    ret->count = ret->fenced_count = ret->ruled_out_count = 0;
    ret->line = (struct str){0};
    gather_named(&g, asked);
    if (!g.named && category) {
        ret->line = category->name;
        gather_category(&g, category);
    }
    if (!g.named && !category && selector_read(&selector, asked) == 0)
        gather_selected(&g, &selector);
    /* Ollama's clients put it behind a name that has no tag. */
    if (!g.named && str_ends(name, STR(":latest")))
        return candidates_find_space(ret, view, str_slice(name.data, name.len - strlen(":latest")),
                                     capabilities, space, err);
    if (!g.named)
        return not_found(view, name, err);
    if (!ret->count && ret->fenced_count)
        return not_there(&g, name, space, err);
    return ret->count ? 0 : not_able(&g, name, err);
}

void candidates_step_down(struct candidates *ret, const struct view *view, const struct copy *asked,
                          uint32_t capabilities)
{
    const struct fleet *f = view->fleet;
    struct gather g = {.view = view, .found = ret, .capabilities = capabilities, .asked = asked};

    ret->count = ret->fenced_count = ret->ruled_out_count = 0;
    for (uint32_t i = 0; i < view->copies_count; i++)
        if (parity_of(asked, &view->copies[i]) == PARITY_equivalent)
            add(&g, &view->copies[i]);
    for (uint32_t i = 0, before = ret->count; i < f->categories_count && ret->count == before; i++)
        if (is_of(view, &f->categories[i], asked))
            gather_category(&g, &f->categories[i]);
}

static bool is_of(const struct view *view, const struct category *category, const struct copy *copy)
{
    struct candidates found = {.count = 0};
    struct gather g = {.view = view, .found = &found};

    gather_category(&g, category);
    for (uint32_t i = 0; i < found.count; i++)
        if (copy_is_same_artifact(found.rows[i].copy, copy))
            return true;
    return false;
}

void candidates_rule_out(struct candidates *c, const struct copy *copy, enum rejection why,
                         const char *what)
{
    if (c->ruled_out_count < CANDIDATES_MAX)
        c->ruled_out[c->ruled_out_count++] = (struct ruled_out){copy, why, what};
}

int candidates_each_name(const struct view *view, name_fn *fn, void *ctx)
{
    const struct fleet *f = view->fleet;
    int r = 0;

    for (uint32_t i = 0; i < f->categories_count && r == 0; i++)
        r = fn(ctx, f->categories[i].name, "category");
    for (uint32_t i = 0; i < view->copies_count && r == 0; i++) {
        bool seen = false;

        /* Quadratic in the number of copies, hundreds: asked for by people, not per request. */
        for (uint32_t j = 0; j < i && !seen; j++)
            seen = str_equal(view->copies[j].name, view->copies[i].name);
        if (!seen)
            r = fn(ctx, view->copies[i].name, "deployment");
    }
    for (uint32_t i = 0; i < f->aliases_count && r == 0; i++)
        r = fn(ctx, f->aliases[i].key, "alias");
    return r;
}

/* Deployment names first, then artifacts by tag; then the same artifact wherever it is. */
static void gather_named(struct gather *g, struct str name)
{
    const struct artifact *artifact = catalog_artifact(g->view->catalog, name);
    const struct copy *first = NULL;

    for (uint32_t i = 0; i < g->view->copies_count; i++) {
        const struct copy *c = &g->view->copies[i];

        if (!str_equal(c->name, name) && !str_equal(c->tag, name) &&
            !(artifact && c->artifact == artifact))
            continue;
        if (!first || (str_equal(c->name, name) && !str_equal(first->name, name)))
            first = c;
    }
    if (!first)
        return;
    g->found->line = str_equal(first->name, name) ? first->name : first->tag;
    for (uint32_t i = 0; i < g->view->copies_count; i++)
        if (str_equal(g->view->copies[i].name, name))
            add(g, &g->view->copies[i]);
    for (uint32_t i = 0; i < g->view->copies_count; i++)
        if (!str_equal(g->view->copies[i].name, name) &&
            copy_is_same_artifact(first, &g->view->copies[i]))
            add(g, &g->view->copies[i]);
}

static void gather_category(struct gather *g, const struct category *category)
{
    const struct fleet *f = g->view->fleet;

    if (category->machines == MACHINES_listed) {
        gather_machine(g, category, fleet_machine(f, category->primary));
        for (uint32_t i = 0; i < category->backups_count; i++)
            gather_machine(g, category, fleet_machine(f, category->backups[i]));
    } else {
        for (uint32_t i = 0; i < f->machines_count; i++)
            gather_machine(g, category, &f->machines[i]);
    }
    for (uint32_t i = 0; i < category->cloud_count; i++)
        for (uint32_t j = 0; j < g->view->copies_count; j++)
            if (g->view->copies[j].cloud && str_equal(g->view->copies[j].name, category->cloud[i]))
                add(g, &g->view->copies[j]);
    g->named++; /* the category exists, even when nothing qualifies */
}

/* What qualifies on one machine: in the order of `models:` when the category says one, else the
 * machine's own. */
static void gather_machine(struct gather *g, const struct category *category,
                           const struct machine *machine)
{
    uint32_t rounds = category->models_count ? category->models_count : 1;

    for (uint32_t round = 0; round < rounds && machine; round++)
        for (uint32_t i = 0; i < g->view->copies_count; i++) {
            const struct copy *c = &g->view->copies[i];

            if (c->machine != machine)
                continue;
            if (category->models_count ? (str_equal(category->models[round], c->name) ||
                                          str_equal(category->models[round], c->tag))
                                       : copy_meets(c, &category->needs))
                add(g, c);
        }
}

static void gather_selected(struct gather *g, const struct selector *selector)
{
    g->found->line = STR("selector");
    for (uint32_t i = 0; i < g->view->copies_count; i++) {
        const struct copy *c = &g->view->copies[i];

        if (c->has_parts && selector_matches(selector, &c->parts, c->is_known ? c->purposes : 0,
                                             c->is_known ? c->capabilities : 0))
            add(g, c);
    }
}

static void add(struct gather *g, const struct copy *copy)
{
    struct candidates *found = g->found;
    const struct copy *asked = g->asked ? g->asked : found->count ? found->rows[0].copy : copy;
    uint32_t lacking = g->capabilities & ~copy->capabilities;
    enum parity parity;

    g->named++;
    if (is_known(found, copy) || (g->asked && copy_is_same_artifact(asked, copy)))
        return;
    if (lacking) {
        g->lacking |= lacking;
        candidates_rule_out(found, copy, REJECTION_unable,
                            capability_name((enum capability)__builtin_ctz(lacking)));
        return;
    }
    if (is_other_space(g, copy)) {
        if (found->fenced_count < CANDIDATES_MAX)
            found->fenced[found->fenced_count++] = copy;
        candidates_rule_out(found, copy, REJECTION_space, NULL);
        return;
    }
    parity = copy == asked ? PARITY_identical : parity_of(asked, copy);
    if (parity == PARITY_incompatible)
        candidates_rule_out(found, copy, REJECTION_space, NULL);
    else if (found->count == CANDIDATES_MAX)
        candidates_rule_out(found, copy, REJECTION_too_many, NULL);
    else
        found->rows[found->count++] = (struct candidate){
            .copy = copy, .parity = parity, .sizes = sizes_apart(asked, copy, parity)};
}

/* As their deployment names say, else as their parameters do; 0 when nobody knows. */
static uint8_t sizes_apart(const struct copy *a, const struct copy *b, enum parity parity)
{
    int apart;

    if (parity != PARITY_degraded || !(a->has_parts || a->params) || !(b->has_parts || b->params))
        return 0;
    apart = size_of(a) - size_of(b);
    return (uint8_t)(apart < 0 ? -apart : apart);
}

static int size_of(const struct copy *c)
{
    static const uint64_t largest[SIZE_COUNT] = {
#define SIZE_BAND(size, from, to) [SIZE_##size] = to,
#include "tables/sizes.def"
    };
    int size = 0;

    if (c->has_parts)
        return (int)c->parts.size;
    while (c->params > largest[size])
        size++;
    return size;
}

/* A copy may be gathered twice: as a model of two names, say. */
static bool is_known(const struct candidates *found, const struct copy *copy)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (found->rows[i].copy == copy)
            return true;
    for (uint32_t i = 0; i < found->ruled_out_count; i++)
        if (found->ruled_out[i].copy == copy)
            return true;
    return false;
}

/* Also of models that nobody knows: two of them are not taken for one. */
static bool is_other_space(const struct gather *g, const struct copy *copy)
{
    if (!(g->capabilities & 1u << CAPABILITY_embedding))
        return false;
    if (g->space.identity.len && !space_has(&g->space, g->view->catalog, copy))
        return true;
    return g->found->count && !copy_is_same_artifact(g->found->rows[0].copy, copy);
}

static int not_found(const struct view *view, struct str name, struct err *err)
{
    const struct fleet *f = view->fleet;
    struct str nearest = {0};
    size_t least = 4;

    for (uint32_t i = 0; i < view->copies_count + f->categories_count; i++) {
        struct str other = i < view->copies_count ? view->copies[i].name
                                                  : f->categories[i - view->copies_count].name;
        size_t distance = str_distance(name, other);

        if (distance < least) {
            least = distance;
            nearest = other;
        }
    }
    if (nearest.len)
        return err_set(err, -ENOENT, "there is no model '%.*s'; did you mean '%.*s'?",
                       STR_ARG(name), STR_ARG(nearest));
    return err_set(err, -ENOENT, "there is no model '%.*s'; GET /v1/models lists what there is",
                   STR_ARG(name));
}

static int not_able(const struct gather *g, struct str name, struct err *err)
{
    char lacking[200] = "";
    size_t used = 0;

    for (unsigned i = 0; i < CAPABILITY_COUNT && used < sizeof lacking; i++)
        if (g->lacking & 1u << i)
            used += (size_t)snprintf(lacking + used, sizeof lacking - used, "%s%s",
                                     used ? ", " : "", capability_name((enum capability)i));
    if (!used)
        return err_set(err, -ENOTSUP,
                       "no machine of '%.*s' holds a model that qualifies; "
                       "tampu check names the reason",
                       STR_ARG(name));
    return err_set(err, -ENOTSUP, "no copy of '%.*s' can do what was asked (%s)", STR_ARG(name),
                   lacking);
}

static int not_there(const struct gather *g, struct str name, struct str space, struct err *err)
{
    char there[SPACE_SIZE];

    space_write(there, g->found->fenced[0], 0);
    return err_set(err, -EXDEV, "'%.*s' is of %s, and %.*s was asked for", STR_ARG(name), there,
                   STR_ARG(space));
}
