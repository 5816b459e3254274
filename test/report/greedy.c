/* SPDX-License-Identifier: Apache-2.0 */
/* The greedy plan: each machine takes the best that fits, and knows of no other. */
#include "report.h"

#include <errno.h>
#include <stdlib.h>

#include "fleet/box.h"
#include "fleet/view.h"
#include "model/speed.h"

enum { CONTEXT = 8192, SPEED_CONTEXT = 1024, KEPT_MAX = 3 };

static void fill_machine(struct declared *d, const struct machine *m);
static const struct artifact *best_for(const struct declared *d, const struct machine *m,
                                       const struct category *category);
static bool serves(const struct artifact *a, const struct machine *m,
                   const struct category *category);
static struct footprint need_of(const struct artifact *a);
static struct plan_copy *add(struct declared *d, const struct machine *m, const struct artifact *a);
static void keep(struct declared *d, const struct machine *m, uint32_t first);
static void fill_rows(struct declared *d);

int greedy_make(struct declared **ret, const struct plan_wish *wish)
{
    const struct fleet *f = wish->fleet;
    struct declared *d = calloc(1, sizeof *d);

    if (!d)
        return -ENOMEM;
    arena_init(&d->arena, DECLARED_BYTES_MAX);
    d->plan = (struct plan){.fleet = f, .catalog = wish->catalog, .solver = "greedy"};
    d->plan.copies = arena_alloc(&d->arena, (size_t)f->machines_count * (f->categories_count + 1) *
                                                sizeof *d->plan.copies);
    d->plan.rows = arena_alloc(&d->arena, (f->categories_count + 1) * sizeof *d->plan.rows);
    for (uint32_t i = 0; i < f->machines_count; i++)
        if (machine_serves(&f->machines[i]))
            fill_machine(d, &f->machines[i]);
    fill_rows(d);
    *ret = d;
    return 0;
}

static void fill_machine(struct declared *d, const struct machine *m)
{
    uint32_t first = d->plan.copies_count;

    for (uint32_t k = 0; k < d->plan.fleet->categories_count; k++) {
        const struct artifact *a = best_for(d, m, &d->plan.fleet->categories[k]);
        bool has = false;

        for (uint32_t i = first; i < d->plan.copies_count; i++)
            has |= d->plan.copies[i].artifact == a;
        if (a && !has)
            add(d, m, a);
    }
    keep(d, m, first);
}

/* The largest by parameters that fits whole, on the GPU where there is one; NULL: none. */
static const struct artifact *best_for(const struct declared *d, const struct machine *m,
                                       const struct category *category)
{
    const struct catalog *c = d->plan.catalog;
    const struct artifact *best = NULL;
    struct box box;

    machine_box(&box, c, m, m->engines);
    for (uint32_t i = 0; i < c->models_count; i++) {
        const struct artifact *a = c->models[i].artifacts;
        struct footprint need;
        struct fit fit;

        if (!c->models[i].artifacts_count || !serves(a, m, category))
            continue;
        need = need_of(a);
        fit = memory_fit(&box, &need);
        if ((fit.kind == FIT_gpu || fit.kind == FIT_ram) &&
            (!best || a->model->params > best->model->params))
            best = a;
    }
    return best;
}

static bool serves(const struct artifact *a, const struct machine *m,
                   const struct category *category)
{
    struct copy copy = {.is_known = true,
                        .purposes = a->model->purposes,
                        .capabilities = a->model->capabilities,
                        .params = a->model->params,
                        .context = artifact_context(a)};

    return a->model->engines & 1u << m->engines->kind && !a->model->refused_since.len &&
           copy_meets(&copy, &category->needs);
}

static struct footprint need_of(const struct artifact *a)
{
    struct run run = {.context = CONTEXT, .slots = 1};

    return memory_need_of_artifact(a, &run);
}

static struct plan_copy *add(struct declared *d, const struct machine *m, const struct artifact *a)
{
    struct plan_copy *copy = &d->plan.copies[d->plan.copies_count++];
    struct footprint need = need_of(a);
    struct load load = speed_load_of(a);
    struct box box;

    machine_box(&box, d->plan.catalog, m, m->engines);
    *copy = (struct plan_copy){.machine = m,
                               .engine = m->engines,
                               .artifact = a,
                               .name = a->tag,
                               .disk_bytes = a->bytes,
                               .memory_bytes = footprint_total(&need),
                               .context = CONTEXT,
                               .slots = 1,
                               .fit = memory_fit(&box, &need),
                               .load_s = speed_load_seconds(&box, &load, false)};
    if (a->model->capabilities & 1u << CAPABILITY_completion)
        copy->decode_tps = speed_decode_tps(&box, &load, &copy->fit, SPEED_CONTEXT, 1);
    copy->gpu_bytes = copy->fit.gpu_bytes;
    return copy;
}

/* As many as fit together, in the order of the categories. */
static void keep(struct declared *d, const struct machine *m, uint32_t first)
{
    struct box room;
    uint32_t kept = 0;

    machine_box(&room, d->plan.catalog, m, m->engines);
    for (uint32_t i = first; i < d->plan.copies_count && kept < KEPT_MAX; i++) {
        struct footprint need = need_of(d->plan.copies[i].artifact);
        struct fit fit = memory_fit(&room, &need);

        if (fit.kind != FIT_gpu && fit.kind != FIT_ram)
            continue;
        room = memory_take(&room, &fit);
        d->plan.copies[i].keep_loaded = true;
        kept++;
    }
}

/* Whoever qualifies, the fastest first. */
static void fill_rows(struct declared *d)
{
    struct plan *plan = &d->plan;

    plan->rows_count = plan->fleet->categories_count;
    for (uint32_t k = 0; k < plan->rows_count; k++) {
        struct plan_row *row = &plan->rows[k];

        row->category = k;
        row->copies = arena_alloc(&d->arena, (plan->copies_count + 1) * sizeof *row->copies);
        for (uint32_t i = 0; i < plan->copies_count; i++) {
            uint32_t at = row->copies_count;

            if (!serves(plan->copies[i].artifact, plan->copies[i].machine,
                        &plan->fleet->categories[k]))
                continue;
            for (; at > 0 &&
                   plan->copies[row->copies[at - 1]].decode_tps < plan->copies[i].decode_tps;
                 at--)
                row->copies[at] = row->copies[at - 1];
            row->copies[at] = i;
            row->copies_count++;
        }
    }
}
