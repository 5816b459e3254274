/* SPDX-License-Identifier: Apache-2.0 */
/* What the certificate reckons again of each copy: engine, memory beside the others, speed, disk.
 */
#include <errno.h>
#include <stdio.h>

#include "fleet/box.h"
#include "plan/certificate_inside.h"
#include "plan/check_inside.h"

/* A short conversation, as `check` judges speeds by. */
enum { PROOF_CONTEXT = 1024 };

static const double gib = 1 << 30;

static void prove_machine(struct judge *j, const struct machine *m, uint32_t first, uint32_t end);
static void prove_copy(struct judge *j, uint32_t index, const struct box *room);
static bool is_served(const struct plan_copy *copy);
static struct box box_of(const struct judge *j, const struct plan_copy *copy);
static struct box seen_by(const struct box *room, const struct plan_copy *copy);
static struct footprint need_of(const struct plan_copy *copy);
static struct copy copy_of(const struct plan_copy *copy);
static double tps_of(const struct plan_copy *copy, const struct box *box, const struct fit *fit);
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

/* What is kept loaded takes its room first, in the plan's order; the others are judged in what is
 * left, or alone where they would have to drive something out. */
static void prove_machine(struct judge *j, const struct machine *m, uint32_t first, uint32_t end)
{
    const struct plan_copy *copies = j->certificate.plan->copies;
    struct box room = box_of(j, &copies[first]);

    for (uint32_t i = first; i < end; i++) {
        struct box seen = seen_by(&room, &copies[i]);
        struct footprint need = need_of(&copies[i]);
        struct fit fit = memory_fit(&seen, &need);

        if (!copies[i].keep_loaded)
            continue;
        prove_copy(j, i, &room);
        if (fit.kind != FIT_no)
            room = memory_take(&room, &fit);
        else
            fault(j, "%.*s cannot keep %.*s loaded beside the others: it needs %.1f GiB",
                  STR_ARG(m->name), STR_ARG(copies[i].artifact->tag),
                  (double)footprint_total(&need) / gib);
    }
    for (uint32_t i = first; i < end; i++)
        if (!copies[i].keep_loaded)
            prove_copy(j, i, &room);
    prove_disk(j, m, first, end);
}

static void prove_copy(struct judge *j, uint32_t index, const struct box *room)
{
    const struct plan_copy *copy = &j->certificate.plan->copies[index];
    struct proof *proof = &j->proofs[index];
    struct footprint need = need_of(copy);
    struct box whole = box_of(j, copy), box = seen_by(room, copy);
    struct fit fit = memory_fit(&box, &need);

    if (fit.kind == FIT_no) {
        box = seen_by(&whole, copy);
        fit = memory_fit(&box, &need);
    }
    proof->as_copy = copy_of(copy);
    if (!is_served(copy))
        fault(j, "%.*s on %.*s does not serve %.*s", STR_ARG(copy->engine->name),
              STR_ARG(copy->machine->name), STR_ARG(copy->artifact->tag));
    else if (fit.kind == FIT_no)
        fault(j, "%.*s does not fit on %.*s: %.1f GiB are missing", STR_ARG(copy->artifact->tag),
              STR_ARG(copy->machine->name), (double)fit.short_bytes / gib);
    proof->works = is_served(copy) && fit.kind != FIT_no;
    proof->decode_tps = proof->works ? tps_of(copy, &box, &fit) : 0;
}

static bool is_served(const struct plan_copy *copy)
{
    return copy->artifact->model->engines & 1u << copy->engine->kind &&
           !check_is_refused(copy->artifact->model, copy->engine);
}

/* The machine's memory, and that of those which lend it theirs. */
static struct box box_of(const struct judge *j, const struct plan_copy *copy)
{
    const struct catalog *catalog = j->certificate.plan->catalog;
    struct box box, lent;

    machine_box(&box, catalog, copy->machine, NULL);
    for (uint32_t i = 0; i < copy->span_count; i++) {
        machine_box(&lent, catalog, copy->span[i], NULL);
        box.gpu_bytes += lent.gpu_bytes ? lent.gpu_bytes : lent.ram_bytes;
        box.ram_bytes += lent.ram_bytes;
    }
    return box;
}

static struct box seen_by(const struct box *room, const struct plan_copy *copy)
{
    return copy->engine->compute == COMPUTE_cpu ? box_without_gpu(room) : *room;
}

static struct footprint need_of(const struct plan_copy *copy)
{
    struct str kv = check_setting(copy->engine, "OLLAMA_KV_CACHE_TYPE");
    struct run run = {
        .context = copy->context,
        .slots = copy->slots,
        .kv = str_is(kv, "q8_0")   ? KV_q8_0
              : str_is(kv, "q4_0") ? KV_q4_0
                                   : KV_f16,
    };

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

/* Only what writes text has tokens a second. Over several machines each token passes each of them
 * in turn, and the network between them. */
static double tps_of(const struct plan_copy *copy, const struct box *box, const struct fit *fit)
{
    static const double hop_seconds = 0.001;
    struct load load = speed_load_of(copy->artifact);
    double seconds;

    if (!copy->artifact->model->geometry.layers ||
        !(copy->artifact->model->capabilities & 1u << CAPABILITY_completion))
        return 0;
    seconds = speed_step_seconds(box, &load, fit, PROOF_CONTEXT, 1);
    return 1 / (seconds + copy->span_count * 2 * hop_seconds);
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
