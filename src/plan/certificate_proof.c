/* SPDX-License-Identifier: Apache-2.0 */
/* What the certificate reckons again of each copy: engine, memory beside the others, speed, disk.
 */
#include <errno.h>
#include <stdio.h>

#include "fleet/engine_rules.h"
#include "model/speed.h"
#include "plan/certificate_inside.h"

static const double gib = 1 << 30;

static void prove_machine(struct judge *j, const struct machine *m, uint32_t first, uint32_t end);
static void prove_kept(struct judge *j, uint32_t index, struct box *room);
static void prove_guest(struct judge *j, uint32_t index, const struct box *room,
                        const struct box *fixed);
static void prove_copy(struct judge *j, uint32_t index, const struct box *box,
                       const struct fit *fit);
static bool is_on_demand(const struct plan_copy *copy);
static struct fit fit_in(const struct plan_copy *copy, const struct box *room);
static void prove_counts(struct judge *j, const struct machine *m, uint32_t first, uint32_t end);
static bool is_served(const struct plan_copy *copy);
static struct copy copy_of(const struct plan_copy *copy);
static double tps_of(const struct judge *j, const struct plan_copy *copy, const struct box *box,
                     const struct fit *fit);
static void prove_disk(struct judge *j, const struct machine *m, uint32_t first, uint32_t end);
static void fault(struct judge *j, const char *format, ...) PRINTF(2, 3);

int proofs_make(struct judge *j)
{
    const struct plan *plan = j->certificate.plan;
    uint32_t end;

    j->proofs = arena_alloc(&j->arena, (plan->copies_count + 1) * sizeof *j->proofs);
    j->certificate.faults =
        arena_alloc(&j->arena, CERTIFICATE_FAULTS_MAX * sizeof *j->certificate.faults);
    if (!j->proofs || !j->certificate.faults)
        return -ENOMEM;
    for (uint32_t i = 0; i < plan->copies_count; i = end) {
        for (end = i;
             end < plan->copies_count && plan->copies[end].machine == plan->copies[i].machine;)
            end++;
        prove_machine(j, plan->copies[i].machine, i, end);
    }
    return 0;
}

bool proof_qualifies(const struct judge *j, uint32_t copy, const struct category *category)
{
    const struct proof *proof = &j->proofs[copy];
    bool is_named = category->models_count == 0;

    for (uint32_t i = 0; i < category->models_count; i++)
        is_named |= str_equal(category->models[i], proof->as_copy.name) ||
                    catalog_artifact(j->certificate.plan->catalog, category->models[i]) ==
                        proof->as_copy.artifact;
    return is_named && proof->works && copy_meets(&proof->as_copy, &category->needs);
}

/* Engines that load nothing by themselves are there first; then what Ollama keeps, in the plan's
 * order; the others come when they are asked for. */
static void prove_machine(struct judge *j, const struct machine *m, uint32_t first, uint32_t end)
{
    const struct plan_copy *copies = j->certificate.plan->copies;
    struct box fixed = span_room(j, m), room;

    for (uint32_t i = first; i < end; i++)
        if (!is_on_demand(&copies[i]))
            prove_kept(j, i, &fixed);
    room = fixed;
    for (uint32_t i = first; i < end; i++)
        if (is_on_demand(&copies[i]) && copies[i].keep_loaded)
            prove_kept(j, i, &room);
    for (uint32_t i = first; i < end; i++)
        if (is_on_demand(&copies[i]) && !copies[i].keep_loaded)
            prove_guest(j, i, &room, &fixed);
    prove_counts(j, m, first, end);
    prove_disk(j, m, first, end);
}

/* Takes its memory off the room. */
static void prove_kept(struct judge *j, uint32_t index, struct box *room)
{
    const struct plan_copy *copy = &j->certificate.plan->copies[index];
    struct footprint need = proof_need(copy);
    struct fit fit = copy->span_count ? span_fit(j, copy, room) : fit_in(copy, room);

    if (fit.kind == FIT_no)
        fault(j, "%.*s cannot keep %.*s loaded beside the others: it needs %.1f GiB",
              STR_ARG(copy->machine->name), STR_ARG(copy->artifact->tag),
              (double)footprint_total(&need) / gib);
    prove_copy(j, index, room, &fit);
    if (fit.kind != FIT_no)
        *room = memory_take(room, &fit);
}

/* It fits beside what is kept as well as without it, or that gives way to it. */
static void prove_guest(struct judge *j, uint32_t index, const struct box *room,
                        const struct box *fixed)
{
    const struct plan_copy *copy = &j->certificate.plan->copies[index];
    struct fit beside = fit_in(copy, room), instead = fit_in(copy, fixed);
    bool is_beside = beside.kind == instead.kind && beside.gpu_share >= instead.gpu_share;

    if (instead.kind == FIT_no)
        fault(j, "%.*s does not fit on %.*s: %.1f GiB are missing", STR_ARG(copy->artifact->tag),
              STR_ARG(copy->machine->name), (double)instead.short_bytes / gib);
    prove_copy(j, index, is_beside ? room : fixed, is_beside ? &beside : &instead);
}

static void prove_copy(struct judge *j, uint32_t index, const struct box *box,
                       const struct fit *fit)
{
    const struct plan_copy *copy = &j->certificate.plan->copies[index];
    struct proof *proof = &j->proofs[index];
    bool serves = is_served(copy);

    if (!serves)
        fault(j, "%.*s on %.*s does not serve %.*s", STR_ARG(copy->engine->name),
              STR_ARG(copy->machine->name), STR_ARG(copy->artifact->tag));
    proof->as_copy = copy_of(copy);
    proof->works = serves && fit->kind != FIT_no;
    proof->decode_tps = proof->works ? tps_of(j, copy, box, fit) : 0;
}

static bool is_on_demand(const struct plan_copy *copy)
{
    struct engine_rules rules;

    engine_rules_read(&rules, copy->engine);
    return rules.on_demand;
}

static struct fit fit_in(const struct plan_copy *copy, const struct box *room)
{
    struct footprint need = proof_need(copy);
    struct engine_rules rules;

    engine_rules_read(&rules, copy->engine);
    return engine_rules_fit(&rules, room, &need);
}

/* An engine keeps no more models than it is set to. */
static void prove_counts(struct judge *j, const struct machine *m, uint32_t first, uint32_t end)
{
    const struct plan_copy *copies = j->certificate.plan->copies;

    for (uint32_t k = 0; k < m->engines_count; k++) {
        struct engine_rules rules;
        uint32_t kept = 0;

        engine_rules_read(&rules, &m->engines[k]);
        for (uint32_t i = first; i < end; i++)
            kept += copies[i].engine == &m->engines[k] && copies[i].keep_loaded;
        if (kept > rules.max_loaded)
            fault(j, "%.*s on %.*s keeps %u models loaded, and is set to %u",
                  STR_ARG(m->engines[k].name), STR_ARG(m->name), kept, rules.max_loaded);
    }
}

static bool is_served(const struct plan_copy *copy)
{
    return copy->artifact->model->engines & 1u << copy->engine->kind &&
           !engine_refuses(copy->engine, copy->artifact->model);
}

struct footprint proof_need(const struct plan_copy *copy)
{
    struct engine_rules rules;
    struct run run = {.context = copy->context, .slots = copy->slots};

    engine_rules_read(&rules, copy->engine);
    run.kv = rules.kv;
    return memory_need_of_artifact(copy->artifact, &run);
}

static struct copy copy_of(const struct plan_copy *copy)
{
    const struct model *m = copy->artifact->model;

    return (struct copy){
        .machine = copy->machine,
        .engine = copy->engine,
        .artifact = copy->artifact,
        .tag = copy->artifact->tag,
        .name = copy->name,
        .is_known = true,
        .purposes = m->purposes,
        .capabilities = m->capabilities,
        .params = m->params,
        .dimensions = m->dimensions,
        .context = copy->context ? copy->context : artifact_context(copy->artifact),
        .slots = copy->slots,
    };
}

/* Only what writes text has tokens a second. */
static double tps_of(const struct judge *j, const struct plan_copy *copy, const struct box *box,
                     const struct fit *fit)
{
    struct load load = speed_load_of(copy->artifact);

    if (!copy->artifact->model->geometry.layers ||
        !(copy->artifact->model->capabilities & 1u << CAPABILITY_completion))
        return 0;
    if (copy->span_count)
        return span_tps(j, copy);
    return 1 / speed_step_seconds(box, &load, fit, PROOF_CONTEXT, 1);
}

static void prove_disk(struct judge *j, const struct machine *m, uint32_t first, uint32_t end)
{
    uint64_t sum = 0, room = machine_disk(m);

    for (uint32_t i = first; i < end; i++)
        sum += j->certificate.plan->copies[i].artifact->bytes;
    if (room && sum > room)
        fault(j, "the models of %.*s take %.0f GB of disk, and it has %.0f GB", STR_ARG(m->name),
              (double)sum / 1e9, (double)room / 1e9);
}

static void fault(struct judge *j, const char *format, ...)
{
    struct certificate *c = &j->certificate;
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (c->faults_count < CERTIFICATE_FAULTS_MAX)
        c->faults[c->faults_count++] = arena_str(&j->arena, str_from(text));
}
