/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons, in plain words. */
#include "plan/explain.h"

#include <errno.h>

#include "base/text_out.h"

static const double gib = 1 << 30;

static bool is_named(const struct plan_copy *copy, const struct artifact *artifact,
                     struct str name);
static void say_copy(struct text_out *t, const struct certificate *c, const struct plan_copy *copy);
static void say_numbers(struct text_out *t, const struct plan_copy *copy);
static void say_turns(struct text_out *t, const struct plan *plan, uint32_t index);
static void say_losses(struct text_out *t, const struct certificate *c,
                       const struct plan_copy *copy);
static void say_row(struct text_out *t, const struct certificate *c,
                    const struct certificate_case *lost, uint32_t category);
static const struct artifact *find_artifact(const struct catalog *catalog, struct str name);
static const struct plan_copy *find_copy(const struct plan *plan, const struct plan_copy *copy);
static bool is_run_otherwise(const struct plan_copy *a, const struct plan_copy *b);

int explain_copy(struct buf *out, const struct certificate *certificate, struct str name,
                 struct err *err)
{
    const struct plan *plan = certificate->plan;
    const struct artifact *artifact;
    struct text_out t = {.out = out};
    struct str tail, machine = str_cut(name, '/', &tail);
    bool found = false;

    if (!fleet_machine(plan->fleet, machine) || !tail.len) {
        machine = (struct str){0};
        tail = name;
    }
    artifact = catalog_artifact(plan->catalog, tail);
    for (uint32_t i = 0; i < plan->copies_count; i++) {
        const struct plan_copy *copy = &plan->copies[i];

        if ((machine.len && !str_equal(copy->machine->name, machine)) ||
            !is_named(copy, artifact, tail))
            continue;
        say_copy(&t, certificate, copy);
        found = true;
    }
    if (!found)
        return err_set(err, -ENOENT,
                       "the plan has no copy '%.*s'; --why takes MACHINE/ARTIFACT, an artifact or "
                       "a deployment name, and --why-not says why something is missing",
                       STR_ARG(name));
    return t.error;
}

int explain_why_not(struct buf *out, const struct certificate *certificate,
                    const struct plan_wish *wish, struct str model, struct str machine,
                    struct err *err)
{
    const struct plan *plan = certificate->plan;
    const struct machine *m = fleet_machine(plan->fleet, machine);
    const struct artifact *a = find_artifact(plan->catalog, model);
    struct text_out t = {.out = out};

    if (!m)
        return err_set(err, -ENOENT, "there is no machine '%.*s'", STR_ARG(machine));
    if (!a) {
        a = catalog_nearest(plan->catalog, model);
        return err_set(err, -ENOENT, "the catalog has no model '%.*s'%s%.*s%s", STR_ARG(model),
                       a ? "; did you mean '" : "", STR_ARG(a ? a->tag : STR("")), a ? "'?" : "");
    }
    for (uint32_t i = 0; i < plan->copies_count; i++)
        if (plan->copies[i].machine == m && plan->copies[i].artifact == a) {
            text_printf(&t, "%.*s is on %.*s.\n", STR_ARG(a->tag), STR_ARG(m->name));
            say_copy(&t, certificate, &plan->copies[i]);
            return t.error;
        }
    text_printf(&t, "%.*s is not on %.*s: ", STR_ARG(a->tag), STR_ARG(m->name));
    if (t.error == 0)
        t.error = plan_why_not(out, plan, wish, a, m);
    text_put(&t, STR("\n"));
    return t.error;
}

size_t explain_difference(struct difference *ret, size_t max, const struct plan *before,
                          const struct plan *after)
{
    size_t count = 0;

    for (uint32_t i = 0; i < before->copies_count; i++) {
        const struct plan_copy *copy = &before->copies[i], *now = find_copy(after, copy);

        if ((!now || is_run_otherwise(copy, now)) && count++ < max)
            ret[count - 1] = (struct difference){copy, now};
    }
    for (uint32_t i = 0; i < after->copies_count; i++)
        if (!find_copy(before, &after->copies[i]) && count++ < max)
            ret[count - 1] = (struct difference){NULL, &after->copies[i]};
    return count;
}

static bool is_named(const struct plan_copy *copy, const struct artifact *artifact, struct str name)
{
    return str_equal(copy->name, name) || (artifact && copy->artifact == artifact);
}

static void say_copy(struct text_out *t, const struct certificate *c, const struct plan_copy *copy)
{
    text_printf(t, "%.*s on %.*s, engine %.*s, as %.*s\n", STR_ARG(copy->artifact->tag),
                STR_ARG(copy->machine->name), STR_ARG(copy->engine->name), STR_ARG(copy->name));
    if (copy->why.len)
        text_printf(t, "  why     %.*s\n", STR_ARG(copy->why));
    say_numbers(t, copy);
    say_turns(t, c->plan, (uint32_t)(copy - c->plan->copies));
    say_losses(t, c, copy);
}

static void say_numbers(struct text_out *t, const struct plan_copy *copy)
{
    text_printf(t, "  takes   %.1f GiB of memory", (double)copy->memory_bytes / gib);
    if (copy->fit.kind == FIT_split)
        text_printf(t, " (%.1f on the GPU, the rest beside it)", (double)copy->gpu_bytes / gib);
    else if (copy->fit.kind == FIT_gpu)
        text_put(t, STR(", all of it the GPU's"));
    text_put(t, STR(", and "));
    text_bytes(t, copy->artifact->bytes);
    text_put(t, STR(" of disk"));
    if (copy->context)
        text_printf(t, "; %u slot%s of %llu tokens", copy->slots, copy->slots == 1 ? "" : "s",
                    (unsigned long long)copy->context);
    text_put(t, copy->keep_loaded ? STR("; stays loaded\n") : STR("; loaded when asked for\n"));
    if (copy->decode_tps > 0)
        text_printf(t,
                    "  speed   loads in %.0f s, reads %.0f tokens a second, writes %.1f of them\n",
                    copy->load_s, copy->prefill_tps, copy->decode_tps);
    else
        text_printf(t, "  speed   loads in %.0f s\n", copy->load_s);
}

static void say_turns(struct text_out *t, const struct plan *plan, uint32_t index)
{
    bool any = false;

    for (uint32_t i = 0; i < plan->rows_count; i++)
        for (uint32_t k = 0; k < plan->rows[i].copies_count; k++) {
            if (plan->rows[i].copies[k] != index)
                continue;
            text_printf(t, "%s%.*s (choice %u of %u)", any ? ", " : "  serves  ",
                        STR_ARG(plan->fleet->categories[plan->rows[i].category].name), k + 1,
                        plan->rows[i].copies_count);
            any = true;
        }
    text_put(t, any ? STR("\n") : STR("  serves  no category; it can be asked for by name\n"));
}

/* Where the certificate has it answer while somebody is lost, and who answers without it. */
static void say_losses(struct text_out *t, const struct certificate *c,
                       const struct plan_copy *copy)
{
    const struct certificate_case *nobody = &c->cases[0];

    for (uint32_t i = 1; i < c->cases_count; i++)
        for (uint32_t k = 0; k < c->rows_count; k++) {
            const struct certificate_case *lost = &c->cases[i];
            bool is_first = nobody->rows[k].copy == copy;

            if (lost->kind != LOST_machine)
                continue;
            if (lost->rows[k].copy == copy && !is_first)
                text_printf(t, "  covers  %.*s when %.*s is lost\n",
                            STR_ARG(c->plan->fleet->categories[k].name), STR_ARG(lost->lost));
            if (is_first && lost->machines[0] == copy->machine)
                say_row(t, c, lost, k);
        }
}

static void say_row(struct text_out *t, const struct certificate *c,
                    const struct certificate_case *lost, uint32_t category)
{
    const struct certificate_row *row = &lost->rows[category];

    text_printf(t, "  without %.*s, %.*s is answered by ", STR_ARG(lost->lost),
                STR_ARG(c->plan->fleet->categories[category].name));
    if (row->copy)
        text_printf(t, "%.*s on %.*s", STR_ARG(row->copy->artifact->tag),
                    STR_ARG(row->copy->machine->name));
    else if (row->cloud)
        text_printf(t, "%.*s in the cloud", STR_ARG(row->cloud->name));
    else
        text_put(t, STR("nobody"));
    if (row->copy && row->decode_tps > 0)
        text_printf(t, " at %.1f tokens a second", row->decode_tps);
    text_printf(t, "%s\n", row->copy && !row->covered ? ", which is below the floor" : "");
}

/* By tag, by a name that people mistake for it, or by its model: then its usual quantisation. */
static const struct artifact *find_artifact(const struct catalog *catalog, struct str name)
{
    const struct artifact *a = catalog_artifact(catalog, name);
    const struct model *m = catalog_model(catalog, name);

    if (!a)
        a = catalog_mistaken(catalog, name);
    return a ? a : m && m->artifacts_count ? m->artifacts : NULL;
}

static const struct plan_copy *find_copy(const struct plan *plan, const struct plan_copy *copy)
{
    for (uint32_t i = 0; i < plan->copies_count; i++)
        if (str_equal(plan->copies[i].artifact->tag, copy->artifact->tag) &&
            str_equal(plan->copies[i].machine->name, copy->machine->name) &&
            str_equal(plan->copies[i].engine->name, copy->engine->name))
            return &plan->copies[i];
    return NULL;
}

/* What has no context in one of them (nobody says) is not held against it. */
static bool is_run_otherwise(const struct plan_copy *a, const struct plan_copy *b)
{
    return (a->context && b->context && a->context != b->context) || a->slots != b->slots ||
           a->keep_loaded != b->keep_loaded;
}
