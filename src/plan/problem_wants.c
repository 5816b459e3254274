/* SPDX-License-Identifier: Apache-2.0 */
/* The planner's wants: categories, what is asked of them, and where else it may go. */
#include <errno.h>
#include <math.h>

#include "fleet/view.h"
#include "plan/demand.h"
#include "plan/problem_inside.h"

/* A provider's usual start and speed; what sending something out of the house costs by itself, and
 * a dollar, both as seconds that somebody would rather wait. */
static const double cloud_start_s = 1.5, cloud_tps = 60, privacy_s = 60, dollar_s = 2000;

/* Tokens of thought for each token of the answer, of a model that thinks before it speaks. */
static const double thought_share = 1;

/* Less than this an hour still counts: who asks rarely wants an answer too. */
static const double per_hour_least = 0.02;

static bool thinks_unasked(const struct needs *needs, const struct model *m);
static int add_want(struct problem *p, uint32_t index);
static int add_only(struct problem *p, struct want *w);
static const struct model *space_of(const struct problem *p, const struct want *w);
static uint32_t machines_with(const struct problem *p, const struct model *m);
static const struct cloud_model *cloud_of(const struct problem *p, const struct category *cat);
static double cloud_seconds(const struct problem *p, const struct want *w);

int problem_add_wants(struct problem *p)
{
    const struct fleet *f = p->wish->fleet;
    int r = 0;

    p->wants = arena_alloc(&p->arena, (f->categories_count + 1) * sizeof *p->wants);
    if (!p->wants)
        return -ENOMEM;
    for (uint32_t i = 0; i < f->categories_count && r == 0; i++)
        r = add_want(p, i);
    return r;
}

bool want_accepts(const struct problem *p, const struct want *w, const struct artifact *a,
                  uint64_t context)
{
    const struct model *m = a->model;
    struct copy copy = {.is_known = true,
                        .capabilities = m->capabilities,
                        .purposes = m->purposes,
                        .params = m->params,
                        .context = context};
    bool is_allowed = !w->category->models_count;

    (void)p;
    for (uint32_t i = 0; i < w->only_count && !is_allowed; i++)
        is_allowed = w->only[i] == a;
    return is_allowed && (!w->space || w->space == m) && copy_meets(&copy, &w->category->needs);
}

double want_service_seconds(const struct problem *p, const struct want *w, const struct seat *s)
{
    const struct box *box = &p->rooms[s->room].stalls[s->stall].box;
    struct load load = speed_load_of(p->wares[s->ware].artifact);
    double seconds = s->span
                         ? w->demand.prompt_tokens / s->prefill_tps
                         : speed_prefill_seconds(box, &load, &s->fit, w->demand.prompt_tokens, 0);
    double tokens = w->demand.answer_tokens;

    if (thinks_unasked(&w->category->needs, p->wares[s->ware].artifact->model))
        tokens *= 1 + thought_share;
    if (s->decode_tps > 0)
        seconds += tokens / s->decode_tps;
    return seconds;
}

/* The usual answer to what needs thought has the thought in it. */
static bool thinks_unasked(const struct needs *needs, const struct model *m)
{
    uint32_t thinking = 1u << CAPABILITY_thinking;

    return m->capabilities & thinking && !(needs->capabilities & thinking) &&
           needs->purpose != PURPOSE_reasoning;
}

static int add_want(struct problem *p, uint32_t index)
{
    const struct plan_wish *wish = p->wish;
    struct want *w = &p->wants[p->wants_count++];

    w->category = &wish->fleet->categories[index];
    w->demand = demand_of(w->category, wish->demand ? &wish->demand[index] : NULL);
    w->demand.per_hour = fmax(w->demand.per_hour, per_hour_least);
    if (add_only(p, w) < 0)
        return -ENOMEM;
    if (w->category->needs.purpose == PURPOSE_embedding)
        w->space = space_of(p, w);
    w->cloud = cloud_of(p, w->category);
    if (w->cloud)
        w->cloud_s = cloud_seconds(p, w);
    return 0;
}

static int add_only(struct problem *p, struct want *w)
{
    const struct category *cat = w->category;

    if (!cat->models_count)
        return 0;
    w->only = arena_alloc(&p->arena, cat->models_count * sizeof(const struct artifact *));
    if (!w->only)
        return -ENOMEM;
    for (uint32_t i = 0; i < cat->models_count; i++) {
        const struct artifact *a = problem_named(p, cat->models[i]);

        if (a)
            w->only[w->only_count++] = a;
    }
    return 0;
}

/* Vectors of two models do not mix: the model that the category names first, else the one that most
 * machines hold, else the first of the catalog that will do. */
static const struct model *space_of(const struct problem *p, const struct want *w)
{
    const struct catalog *c = p->wish->catalog;
    const struct model *best = NULL;
    uint32_t most = 0;

    if (w->only_count)
        return w->only[0]->model;
    for (uint32_t i = 0; i < c->models_count; i++) {
        const struct model *m = &c->models[i];
        uint32_t count;

        if (!m->artifacts_count || !want_accepts(p, w, &m->artifacts[0], m->context))
            continue;
        count = machines_with(p, m);
        if (!best || count > most) {
            best = m;
            most = count;
        }
    }
    return best;
}

static uint32_t machines_with(const struct problem *p, const struct model *m)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->lines_count; i++)
        count += p->lines[i].artifact && p->lines[i].artifact->model == m &&
                 !p->lines[i].line->is_optional;
    return count;
}

/* The first that still answers. Vectors of a provider are of another space. */
static const struct cloud_model *cloud_of(const struct problem *p, const struct category *cat)
{
    const struct plan_wish *wish = p->wish;

    if (wish->without_cloud || cat->needs.purpose == PURPOSE_embedding)
        return NULL;
    for (uint32_t i = 0; i < cat->cloud_count; i++) {
        const struct cloud_model *cloud = fleet_cloud(wish->fleet, cat->cloud[i]);
        const struct cloud_facts *facts = cloud ? catalog_cloud(wish->catalog, cloud->model) : NULL;
        bool is_gone = (facts && cloud_is_retired(facts, wish->day)) ||
                       (cloud && cloud->retired.len && wish->day.len &&
                        strcmp(cloud->retired.data, wish->day.data) <= 0);

        if (cloud && !is_gone)
            return cloud;
    }
    return NULL;
}

static double cloud_seconds(const struct problem *p, const struct want *w)
{
    const struct cloud_facts *facts = catalog_cloud(p->wish->catalog, w->cloud->model);
    double in = w->cloud->has_price ? (double)w->cloud->price_in_micro
                : facts             ? (double)facts->price_in_micro
                                    : 0;
    double out = w->cloud->has_price ? (double)w->cloud->price_out_micro
                 : facts             ? (double)facts->price_out_micro
                                     : 0;
    double dollars = (in * w->demand.prompt_tokens + out * w->demand.answer_tokens) / 1e6 / 1e6;

    return cloud_start_s + w->demand.answer_tokens / cloud_tps + privacy_s + dollar_s * dollars;
}
