/* SPDX-License-Identifier: Apache-2.0 */
/* What would do instead: the fastest artifact of the catalog that fits a machine and a need. */
#include "fleet/engine_rules.h"
#include "plan/check_inside.h"
#include "plan/running.h"

static bool model_meets(const struct model *m, const struct needs *needs, double slack);
static void try_artifact(const struct check *c, struct choice *best, const struct machine *m,
                         const struct fleet_engine *e, const struct artifact *a);

static const struct {
    uint64_t from, to;
} bands[SIZE_COUNT] = {
#define SIZE_BAND(size, from, to) [SIZE_##size] = {from, to},
#include "tables/sizes.def"
};

struct choice check_choose(const struct check *c, const struct machine *m,
                           const struct needs *needs, double slack)
{
    struct choice best = {0};

    for (uint32_t i = 0; i < c->catalog->models_count; i++) {
        const struct model *model = &c->catalog->models[i];

        if (!model_meets(model, needs, slack) || !model->artifacts_count)
            continue;
        for (uint32_t j = 0; j < m->engines_count; j++)
            if (model->engines & 1u << m->engines[j].kind && m->engines[j].kind != ENGINE_openai &&
                !engine_refuses(&m->engines[j], model))
                try_artifact(c, &best, m, &m->engines[j], &model->artifacts[0]);
    }
    return best;
}

const char *check_line(struct check *c, const struct machine *m, const struct choice *choice)
{
    struct str tag = artifact_short_tag(choice->artifact);
    char name[DEPLOYMENT_NAME_MAX];
    size_t len = 0;
    const char *engine = "";

    for (; len < tag.len && len + 1 < sizeof name; len++)
        name[len] = tag.data[len] == ':' || tag.data[len] == '/' ? '-' : tag.data[len];
    name[len] = '\0';
    if (choice->engine != m->engines)
        engine = check_text(c, ", engine: %.*s", STR_ARG(choice->engine->name));
    return check_text(c, "- {pull: \"%.*s\", name: %s-LOC-FRE-%s%s}", STR_ARG(tag),
                      size_names[check_size(choice->artifact->model->params)], name, engine);
}

enum size check_size(uint64_t params)
{
    int size = SIZE_XS;

    while (size < SIZE_XL && params > bands[size].to)
        size++;
    return (enum size)size;
}

static bool model_meets(const struct model *m, const struct needs *needs, double slack)
{
    uint32_t capabilities = needs->capabilities | 1u << purpose_needs((enum purpose)needs->purpose);
    struct needs wide = *needs;

    wide.params.low -= (uint64_t)((double)wide.params.low * slack);
    if (wide.params.high && wide.params.high != UINT64_MAX)
        wide.params.high += (uint64_t)((double)wide.params.high * slack);
    return (m->capabilities & capabilities) == capabilities &&
           (needs->purpose == PURPOSE_general || m->purposes & 1u << needs->purpose) &&
           needs_size(&wide, m->params) && (!needs->context || m->context >= needs->context);
}

static void try_artifact(const struct check *c, struct choice *best, const struct machine *m,
                         const struct fleet_engine *e, const struct artifact *a)
{
    struct run run = {.context = RUNNING_CONTEXT_LEAST, .slots = 1};
    struct load load = speed_load_of(a);
    struct footprint need;
    struct fit fit;
    struct box box;
    double tps;

    if (artifact_context(a) < run.context)
        run.context = artifact_context(a);
    if (!machine_box(&box, c->catalog, m, e))
        return;
    need = memory_need_of_artifact(a, &run);
    fit = memory_fit(&box, &need);
    if (fit.kind == FIT_no)
        return;
    tps = speed_decode_tps(&box, &load, &fit, 1024, 1);
    if (!best->artifact || tps > best->tps)
        *best = (struct choice){.artifact = a, .engine = e, .tps = tps};
}
