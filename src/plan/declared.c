/* SPDX-License-Identifier: Apache-2.0 */
/* The plan that a fleet file declares. */
#include "plan/declared.h"

#include <errno.h>
#include <stdlib.h>

#include "fleet/engine_rules.h"
#include "plan/check_inside.h"

/* A short conversation, as `check` judges speeds by; a prompt as people send it. */
enum { SPEED_CONTEXT = 1024, SPEED_PROMPT = 512 };

static int make(struct declared *d, const struct plan_wish *wish);
static bool is_lost(const struct plan_wish *wish, const struct machine *m);
static void add_copy(struct declared *d, const struct judged *line);
static bool is_kept(const struct judged *line);
static void fill_speed(struct plan_copy *copy, const struct catalog *catalog);
static int fill_rows(struct declared *d, const struct plan_wish *wish);
static void fill_row(struct declared *d, struct plan_row *row, const struct category *category);
static void add_machine(struct declared *d, struct plan_row *row, const struct category *category,
                        const struct machine *m);
static bool is_meant(const struct plan_copy *copy, struct str name, const struct catalog *catalog);
static bool meets(const struct plan_copy *copy, const struct category *category);

int declared_make(struct declared **ret, const struct plan_wish *wish, struct err *err)
{
    struct declared *d = calloc(1, sizeof *d);
    int r = -ENOMEM;

    if (d) {
        arena_init(&d->arena, DECLARED_BYTES_MAX);
        d->plan.fleet = wish->fleet;
        d->plan.catalog = wish->catalog;
        d->plan.solver = "declared";
        r = make(d, wish);
    }
    if (r < 0) {
        declared_free(d);
        return err_set(err, r, "no memory for the plan that the file declares");
    }
    *ret = d;
    return 0;
}

void declared_free(struct declared *d)
{
    if (!d)
        return;
    arena_fini(&d->arena);
    free(d);
}

static int make(struct declared *d, const struct plan_wish *wish)
{
    struct findings findings;
    struct check c = {
        .fleet = wish->fleet, .catalog = wish->catalog, .day = wish->day, .findings = &findings};
    int r = check_judge(&c);

    if (r == 0) {
        d->plan.copies =
            arena_alloc(&d->arena, (c.lines_count ? c.lines_count : 1) * sizeof *d->plan.copies);
        r = d->plan.copies ? 0 : -ENOMEM;
    }
    for (size_t i = 0; i < c.lines_count && r == 0; i++)
        if (c.lines[i].works && c.lines[i].artifact && c.lines[i].is_fit_known &&
            c.lines[i].fit.kind != FIT_no && !c.lines[i].model->is_optional &&
            !is_lost(wish, c.lines[i].machine))
            add_copy(d, &c.lines[i]);
    arena_fini(&c.scratch);
    findings_fini(&findings);
    return r < 0 ? r : fill_rows(d, wish);
}

static bool is_lost(const struct plan_wish *wish, const struct machine *m)
{
    for (uint32_t i = 0; i < wish->lost_count; i++)
        if (wish->lost[i] == m)
            return true;
    return false;
}

static void add_copy(struct declared *d, const struct judged *line)
{
    struct plan_copy *copy = &d->plan.copies[d->plan.copies_count++];

    *copy = (struct plan_copy){
        .machine = line->machine,
        .engine = line->model->engine,
        .artifact = line->artifact,
        .name = line->model->name.len ? line->model->name : line->model->pull,
        .line = line->model,
        .disk_bytes = line->artifact->bytes,
        .memory_bytes = footprint_total(&line->need),
        .gpu_bytes = line->fit.gpu_bytes,
        .context = line->artifact->model->geometry.layers ? line->run.context : 0,
        .slots = line->run.slots,
        .keep_loaded = is_kept(line),
        .fit = line->fit,
        .why = STR("the file says so"),
    };
    fill_speed(copy, d->plan.catalog);
}

/* By name, or since it is what the engine was started with. */
static bool is_kept(const struct judged *line)
{
    const struct keep_loaded *k = &line->machine->keep_loaded;
    struct engine_rules rules;

    engine_rules_read(&rules, line->model->engine);
    if (!rules.on_demand)
        return true;
    for (uint32_t i = 0; i < k->names_count; i++)
        if (str_equal(k->names[i], line->model->pull) || str_equal(k->names[i], line->model->name))
            return true;
    return false;
}

static void fill_speed(struct plan_copy *copy, const struct catalog *catalog)
{
    const struct model *m = copy->artifact->model;
    struct load load = speed_load_of(copy->artifact);
    struct box box;

    machine_box(&box, catalog, copy->machine, copy->engine);
    copy->load_s = speed_load_seconds(&box, &load, false);
    if (!m->geometry.layers || !(m->capabilities & 1u << CAPABILITY_completion))
        return;
    copy->prefill_tps = speed_prefill_tps(&box, &load, &copy->fit, SPEED_PROMPT);
    copy->decode_tps = speed_decode_tps(&box, &load, &copy->fit, SPEED_CONTEXT, 1);
}

static int fill_rows(struct declared *d, const struct plan_wish *wish)
{
    const struct fleet *f = wish->fleet;
    uint32_t room = d->plan.copies_count ? d->plan.copies_count : 1;

    d->plan.rows = arena_alloc(&d->arena, (f->categories_count ? f->categories_count : 1) *
                                              sizeof *d->plan.rows);
    if (!d->plan.rows)
        return -ENOMEM;
    d->plan.rows_count = f->categories_count;
    for (uint32_t i = 0; i < f->categories_count; i++) {
        struct plan_row *row = &d->plan.rows[i];

        row->category = i;
        row->per_hour = wish->demand ? wish->demand[i].per_hour : 0;
        row->copies = arena_alloc(&d->arena, room * sizeof *row->copies);
        if (!row->copies)
            return -ENOMEM;
        fill_row(d, row, &f->categories[i]);
    }
    return 0;
}

static void fill_row(struct declared *d, struct plan_row *row, const struct category *category)
{
    const struct fleet *f = d->plan.fleet;

    if (category->machines != MACHINES_listed) {
        for (uint32_t i = 0; i < f->machines_count; i++)
            add_machine(d, row, category, &f->machines[i]);
        return;
    }
    add_machine(d, row, category, fleet_machine(f, category->primary));
    for (uint32_t i = 0; i < category->backups_count; i++)
        add_machine(d, row, category, fleet_machine(f, category->backups[i]));
}

/* In the order of `models:` when the category says one, else in the machine's own. */
static void add_machine(struct declared *d, struct plan_row *row, const struct category *category,
                        const struct machine *m)
{
    uint32_t rounds = category->models_count ? category->models_count : 1;

    for (uint32_t round = 0; round < rounds; round++)
        for (uint32_t i = 0; i < d->plan.copies_count; i++) {
            const struct plan_copy *copy = &d->plan.copies[i];

            if (copy->machine == m && meets(copy, category) &&
                (!category->models_count ||
                 is_meant(copy, category->models[round], d->plan.catalog)))
                row->copies[row->copies_count++] = i;
        }
}

static bool is_meant(const struct plan_copy *copy, struct str name, const struct catalog *catalog)
{
    return str_equal(copy->name, name) || catalog_artifact(catalog, name) == copy->artifact;
}

static bool meets(const struct plan_copy *copy, const struct category *category)
{
    const struct model *m = copy->artifact->model;
    struct copy as_copy = {.is_known = true,
                           .purposes = m->purposes,
                           .capabilities = m->capabilities,
                           .params = m->params,
                           .context = copy->context};

    return copy_meets(&as_copy, &category->needs);
}
