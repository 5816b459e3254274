/* SPDX-License-Identifier: Apache-2.0 */
/* Every copy that the fleet file declares. */
#include "fleet/view.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"

enum { VIEW_BYTES_MAX = 64 << 20 };

struct view_owner {
    struct view view;
    struct arena arena;
};

static int count_rows(struct view_owner *o);
static int add_machine(struct view_owner *o, uint32_t index);
static int add_copy(struct view_owner *o, const struct machine *m, const struct fleet_model *model,
                    uint32_t engine_index);
static int add_cloud(struct view_owner *o, const struct cloud_model *cloud, struct str day);
static uint32_t find_provider(struct view_owner *o, const struct cloud_model *cloud);
static void fill_facts(struct copy *c);
static uint32_t slots_of(const struct fleet_model *model, const struct model *facts);
static struct str join(struct arena *a, struct str x, struct str y, struct str z);

int view_new(struct view **ret, const struct fleet *fleet, const struct catalog *catalog,
             struct str day, struct err *err)
{
    struct view_owner *o = calloc(1, sizeof *o);
    int r;

    if (!o)
        return err_set(err, -ENOMEM, "out of memory");
    arena_init(&o->arena, VIEW_BYTES_MAX);
    o->view.fleet = fleet;
    o->view.catalog = catalog;
    r = count_rows(o);
    for (uint32_t i = 0; i < fleet->machines_count && r == 0; i++)
        if (machine_serves(&fleet->machines[i]))
            r = add_machine(o, i);
    for (uint32_t i = 0; i < fleet->cloud_count && r == 0; i++)
        r = add_cloud(o, &fleet->cloud[i], day);
    if (r < 0) {
        view_free(&o->view);
        return err_set(err, r, "the fleet is too large for memory");
    }
    *ret = &o->view;
    return 0;
}

void view_free(struct view *v)
{
    struct view_owner *o = (struct view_owner *)v;

    if (!o)
        return;
    arena_fini(&o->arena);
    free(o);
}

bool copy_is_same_artifact(const struct copy *a, const struct copy *b)
{
    if (a->artifact || b->artifact)
        return a->artifact == b->artifact;
    if (a->cloud || b->cloud)
        return a->cloud && b->cloud && a->cloud->provider == b->cloud->provider &&
               str_equal(a->tag, b->tag);
    return a->engine->kind == b->engine->kind && str_equal(a->tag, b->tag);
}

bool copy_meets(const struct copy *c, const struct needs *needs)
{
    uint32_t capabilities = needs->capabilities | 1u << purpose_needs(needs->purpose);

    if (!c->is_known || (c->capabilities & capabilities) != capabilities)
        return false;
    /* Every model that talks will do for talk; other purposes are a property of the model. */
    if (needs->purpose != PURPOSE_general && !(c->purposes & 1u << needs->purpose))
        return false;
    if (needs->context && c->context && c->context < needs->context)
        return false;
    return needs_size(needs, c->params);
}

/* An "11B" has 10.67 thousand million parameters and an "8B" 8.19: a twentieth is rounding. */
bool needs_size(const struct needs *needs, uint64_t params)
{
    const struct units_range *want = &needs->params;

    return !want->high || (params >= want->low - want->low / 20 &&
                           (want->high == UINT64_MAX || params <= want->high + want->high / 20));
}

static int count_rows(struct view_owner *o)
{
    const struct fleet *f = o->view.fleet;
    size_t copies = f->cloud_count, engines = f->cloud_count;

    for (uint32_t i = 0; i < f->machines_count; i++) {
        copies += f->machines[i].models_count;
        engines += f->machines[i].engines_count;
    }
    o->view.copies = arena_alloc(&o->arena, copies * sizeof *o->view.copies);
    o->view.engines = arena_alloc(&o->arena, engines * sizeof *o->view.engines);
    return o->view.copies && o->view.engines ? 0 : -ENOMEM;
}

static int add_machine(struct view_owner *o, uint32_t index)
{
    const struct machine *m = &o->view.fleet->machines[index];
    uint32_t first = o->view.engines_count;
    int r = 0;

    for (uint32_t i = 0; i < m->engines_count; i++) {
        struct view_engine *e = &o->view.engines[o->view.engines_count++];

        *e = (struct view_engine){
            .machine = m, .engine = &m->engines[i], .machine_index = index, .index_on_machine = i};
        e->name = join(&o->arena, m->name, m->engines[i].name, STR(""));
        if (!e->name.data)
            return -ENOMEM;
    }
    for (uint32_t i = 0; i < m->models_count && r == 0; i++)
        if (m->models[i].engine && !m->models[i].is_optional)
            r = add_copy(o, m, &m->models[i], first + (uint32_t)(m->models[i].engine - m->engines));
    return r;
}

static int add_copy(struct view_owner *o, const struct machine *m, const struct fleet_model *model,
                    uint32_t engine_index)
{
    struct copy *c = &o->view.copies[o->view.copies_count];

    *c = (struct copy){
        .index = o->view.copies_count++,
        .machine = m,
        .engine = model->engine,
        .engine_index = engine_index,
        .machine_name = m->name,
        .engine_name = model->engine->name,
        .tag = model->pull,
        .name = model->name.len ? model->name : model->pull,
        .context = model->context,
        .artifact = catalog_artifact(o->view.catalog, model->pull),
    };
    c->slots = slots_of(model, c->artifact ? c->artifact->model : NULL);
    for (uint32_t i = 0; i < m->keep_loaded.names_count; i++)
        if (str_equal(m->keep_loaded.names[i], c->tag) ||
            str_equal(m->keep_loaded.names[i], c->name))
            c->is_pinned = true;
    c->has_parts = name_read(&c->parts, c->name) == 0;
    c->place = join(&o->arena, m->name, model->engine->name, model->pull);
    fill_facts(c);
    return c->place.data ? 0 : -ENOMEM;
}

static int add_cloud(struct view_owner *o, const struct cloud_model *cloud, struct str day)
{
    const struct cloud_facts *facts = catalog_cloud(o->view.catalog, cloud->model);
    struct copy *c = &o->view.copies[o->view.copies_count];

    if ((facts && cloud_is_retired(facts, day)) ||
        (cloud->retired.len && strcmp(cloud->retired.data, day.data) <= 0))
        return 0;
    *c = (struct copy){
        .index = o->view.copies_count++,
        .cloud = cloud,
        .cloud_facts = facts,
        .engine_index = find_provider(o, cloud),
        .engine_name = provider_name((enum provider_kind)cloud->provider),
        .tag = cloud->model,
        .name = cloud->name,
        .context = cloud->context ? cloud->context
                   : facts        ? facts->context
                                  : 0,
        .slots = 64, /* providers limit by tokens, not by slots: a ceiling against a storm */
    };
    c->machine_name = str_from(arena_printf(&o->arena, "cloud:%.*s", STR_ARG(c->engine_name)));
    c->has_parts = name_read(&c->parts, c->name) == 0;
    c->place = join(&o->arena, c->machine_name, c->engine_name, cloud->model);
    fill_facts(c);
    return c->place.data && c->machine_name.data ? 0 : -ENOMEM;
}

/* One for each provider, address and credential: a refused credential benches what uses it. */
static uint32_t find_provider(struct view_owner *o, const struct cloud_model *cloud)
{
    struct view_engine *e;

    for (uint32_t i = 0; i < o->view.engines_count; i++) {
        const struct cloud_model *other = o->view.engines[i].cloud;

        if (other && other->provider == cloud->provider && str_equal(other->url, cloud->url) &&
            str_equal(other->key, cloud->key))
            return i;
    }
    e = &o->view.engines[o->view.engines_count];
    *e = (struct view_engine){.cloud = cloud};
    e->name = str_from(arena_printf(&o->arena, "cloud:%.*s/%.*s",
                                    STR_ARG(provider_name((enum provider_kind)cloud->provider)),
                                    STR_ARG(cloud->key)));
    return o->view.engines_count++;
}

/* What nobody knows about may do everything: the engine will say if it cannot. */
static void fill_facts(struct copy *c)
{
    const struct model *m = c->artifact ? c->artifact->model : NULL;

    if (m) {
        c->is_known = true;
        c->purposes = m->purposes;
        c->capabilities = m->capabilities;
        c->params = m->params;
        c->dimensions = m->dimensions;
        if (!c->context)
            c->context = artifact_context(c->artifact);
    } else if (c->cloud && (c->cloud->capabilities || c->cloud_facts)) {
        c->is_known = true;
        c->capabilities =
            c->cloud->capabilities ? c->cloud->capabilities : c->cloud_facts->capabilities;
        c->purposes = c->cloud_facts ? c->cloud_facts->purposes : ~0u;
    } else {
        c->purposes = c->capabilities = ~0u;
    }
}

/* As the engine will have it: some architectures and embeddings have one slot, whatever is set. */
static uint32_t slots_of(const struct fleet_model *model, const struct model *facts)
{
    uint32_t slots = model->slots ? model->slots : model->engine->slots;

    if (!slots)
        slots = engine_kind_row(model->engine->kind)->slots;
    if (facts && facts->one_slot && model->engine->kind == ENGINE_ollama)
        slots = 1;
    return slots ? slots : 1;
}

/* "x/y/z", NUL-terminated; z may be empty. .data NULL: no memory. */
static struct str join(struct arena *a, struct str x, struct str y, struct str z)
{
    return str_from(
        arena_printf(a, "%.*s/%.*s%s%.*s", STR_ARG(x), STR_ARG(y), z.len ? "/" : "", STR_ARG(z)));
}
