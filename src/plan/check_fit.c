/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: each model alone, at the context it will get. */
#include "fleet/box.h"
#include "plan/check_inside.h"
#include "plan/running.h"

static const double gib = 1 << 30;

/* Tokens behind a request when its speed is reckoned. */
enum { SPEED_CONTEXT = 1024 };

static void judge(struct check *c, struct judged *line);
static double speed_of(const struct judged *line, const struct box *box);
static bool fits_at(const struct box *box, const struct artifact *a, const struct run *run,
                    uint64_t context, uint32_t slots);
static bool is_spanned(const struct check *c, const struct judged *line);
static const struct fleet_engine *lender_of(const struct machine *m);
static void say_spanned(struct check *c, const struct judged *line);
static void say_impossible(struct check *c, const struct judged *line, const struct box *box);
static void say_too_long(struct check *c, const struct judged *line, const struct box *box);
static void check_share(struct check *c, const struct machine *m);
static void check_disk(struct check *c, const struct machine *m);

void check_fit(struct check *c)
{
    for (size_t i = 0; i < c->lines_count; i++)
        judge(c, &c->lines[i]);
    for (uint32_t i = 0; i < c->fleet->machines_count; i++)
        if (machine_serves(&c->fleet->machines[i])) {
            check_room(c, &c->fleet->machines[i]);
            check_share(c, &c->fleet->machines[i]);
            check_disk(c, &c->fleet->machines[i]);
        }
}

static void judge(struct check *c, struct judged *line)
{
    struct box box;

    if (!line->works || !line->artifact ||
        !machine_box(&box, c->catalog, line->machine, line->model->engine))
        return;
    line->run = running_of(line->model->engine, line->model, line->artifact, &box);
    line->need = memory_need_of_artifact(line->artifact, &line->run);
    line->fit = memory_fit(&box, &line->need);
    line->is_fit_known = true;
    if (line->artifact->model->capabilities & 1u << CAPABILITY_completion)
        line->tps = speed_of(line, &box);
    if (line->fit.kind != FIT_no)
        return;
    if (fits_at(&box, line->artifact, &line->run, RUNNING_CONTEXT_LEAST, 1)) {
        say_too_long(c, line, &box);
        return;
    }
    if (is_spanned(c, line)) {
        say_spanned(c, line);
        return;
    }
    line->works = false;
    say_impossible(c, line, &box);
}

/* With `span: true` llama-servers hold together what none of them holds alone. Which of them, and
 * how fast, is the plan's to say; here is only whether they all have the memory. */
static bool is_spanned(const struct check *c, const struct judged *line)
{
    uint64_t need = footprint_total(&line->need), have = 0;

    if (!c->fleet->span || line->model->engine->kind != ENGINE_llama_server)
        return false;
    for (uint32_t i = 0; i < c->fleet->machines_count; i++) {
        const struct machine *m = &c->fleet->machines[i];
        const struct fleet_engine *e = machine_serves(m) ? lender_of(m) : NULL;
        struct box box;

        if (!e || !machine_box(&box, c->catalog, m, e))
            continue;
        have += box.gpu_bytes ? box.gpu_bytes : box.ram_bytes;
    }
    return have >= need;
}

static const struct fleet_engine *lender_of(const struct machine *m)
{
    for (uint32_t i = 0; i < m->engines_count; i++)
        if (m->engines[i].kind == ENGINE_llama_server)
            return &m->engines[i];
    return NULL;
}

static void say_spanned(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;

    check_say(c,
              (struct finding){.code = FINDING_does_not_fit,
                               .severity = SEVERITY_note,
                               .where = check_place(model->pull_at, model->at),
                               .machine = line->machine->name,
                               .subject = model->pull,
                               .fix = "start rpc-server on the machines that `tampu plan` names, "
                                      "and this llama-server with --rpc"},
              "'%.*s' needs %.1f GiB, more than %.*s has: with span: true other machines lend it "
              "memory",
              STR_ARG(model->pull), (double)footprint_total(&line->need) / gib,
              STR_ARG(line->machine->name));
}

static double speed_of(const struct judged *line, const struct box *box)
{
    struct load load = speed_load_of(line->artifact);

    return speed_decode_tps(box, &load, &line->fit, SPEED_CONTEXT, 1);
}

static bool fits_at(const struct box *box, const struct artifact *a, const struct run *run,
                    uint64_t context, uint32_t slots)
{
    struct run other = *run;
    struct footprint need;

    other.context = context < run->context ? context : run->context;
    other.slots = slots;
    need = memory_need_of_artifact(a, &other);
    return memory_fit(box, &need).kind != FIT_no;
}

static void say_impossible(struct check *c, const struct judged *line, const struct box *box)
{
    const struct fleet_model *model = line->model;
    struct run least = line->run;
    struct footprint need;
    uint64_t have = box->gpu_bytes && !box->is_unified ? box->gpu_bytes + box->ram_bytes
                    : box->gpu_bytes                   ? box->gpu_bytes
                                                       : box->ram_bytes;

    least.slots = 1;
    least.context = least.context < RUNNING_CONTEXT_LEAST ? least.context : RUNNING_CONTEXT_LEAST;
    need = memory_need_of_artifact(line->artifact, &least);
    check_say(
        c,
        (struct finding){.code = FINDING_does_not_fit,
                         .severity = check_severity(model, FINDING_does_not_fit),
                         .where = check_place(model->pull_at, model->at),
                         .machine = line->machine->name,
                         .subject = model->pull,
                         .fix = check_smaller(c, line, box)},
        "'%.*s' needs %.1f GiB even with %llu tokens of context (weights %.1f, keys and values "
        "%.1f), and engines on %.*s have %.1f GiB",
        STR_ARG(model->pull), (double)footprint_total(&need) / gib,
        (unsigned long long)least.context, (double)need.weights / gib, (double)need.kv / gib,
        STR_ARG(line->machine->name), (double)have / gib);
}

/* The same model in the largest quantisation that fits, else another one that does the same. */
const char *check_smaller(struct check *c, const struct judged *line, const struct box *box)
{
    const struct model *m = line->artifact->model;
    const struct artifact *best = NULL;
    struct needs needs = {.capabilities = m->capabilities & ~(1u << CAPABILITY_insert)};
    struct choice other;

    for (uint32_t i = 0; i < m->artifacts_count; i++)
        if ((!best || m->artifacts[i].bytes > best->bytes) &&
            fits_at(box, &m->artifacts[i], &line->run, RUNNING_CONTEXT_LEAST, 1))
            best = &m->artifacts[i];
    if (best)
        return check_text(c, "pull: \"%.*s\", context: %u", STR_ARG(best->tag),
                          RUNNING_CONTEXT_LEAST);
    needs.purpose = m->purposes ? (uint32_t)__builtin_ctz(m->purposes) : PURPOSE_general;
    if (m->purposes & 1u << PURPOSE_code)
        needs.purpose = PURPOSE_code;
    other = check_choose(c, line->machine, &needs, 0);
    return other.artifact
               ? check_text(c, "pull: \"%.*s\"", STR_ARG(artifact_short_tag(other.artifact)))
               : "optional: true";
}

static void say_too_long(struct check *c, const struct judged *line, const struct box *box)
{
    const struct fleet_model *model = line->model;
    uint64_t context = RUNNING_CONTEXT_LEAST;
    uint32_t slots = line->run.slots;
    struct finding f = {.code = FINDING_does_not_fit,
                        .severity = check_severity(model, FINDING_does_not_fit),
                        .where =
                            check_place(model->context_at, check_place(model->pull_at, model->at)),
                        .machine = line->machine->name,
                        .subject = model->pull};

    while (slots > 1 && !fits_at(box, line->artifact, &line->run, RUNNING_CONTEXT_LEAST, slots))
        slots /= 2;
    while (context * 2 <= line->run.context &&
           fits_at(box, line->artifact, &line->run, context * 2, slots))
        context *= 2;
    f.fix =
        slots == line->run.slots
            ? check_text(c, "context: %lluK", (unsigned long long)context / 1024)
            : check_text(c, "context: %lluK, slots: %u", (unsigned long long)context / 1024, slots);
    check_say(c, f,
              "'%.*s' with %u × %llu tokens of context%s needs %.1f GiB (weights %.1f, keys and "
              "values %.1f), %.1f GiB more than engines on %.*s have",
              STR_ARG(model->pull), line->run.slots, (unsigned long long)line->run.context,
              model->context ? "" : " (the engine's choice, since the line says none)",
              (double)footprint_total(&line->need) / gib, (double)line->need.weights / gib,
              (double)line->need.kv / gib, (double)line->fit.short_bytes / gib,
              STR_ARG(line->machine->name));
}

/* A GPU that lives in RAM gets a part of it, and more only when somebody says so to the system:
 * a plan that needs more must say that it has been done. */
static void check_share(struct check *c, const struct machine *m)
{
    const struct hardware *h = &m->hardware;
    const struct hardware_facts *facts = catalog_hardware(c->catalog, h->gpu.len ? h->gpu : h->cpu);
    const struct judged *largest = NULL;
    struct box whole, usual;

    if (!facts || facts->default_share <= 0 || h->gpu_memory_bytes || m->os != OS_linux ||
        !machine_box(&whole, c->catalog, m, NULL))
        return;
    usual = whole;
    usual.gpu_bytes = (uint64_t)((double)machine_ram(m) * facts->default_share);
    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i];

        if (line->machine == m && line->is_fit_known && line->fit.kind == FIT_gpu &&
            !line->model->is_optional && memory_fit(&usual, &line->need).kind == FIT_no &&
            (!largest || footprint_total(&line->need) > footprint_total(&largest->need)))
            largest = line;
    }
    if (!largest)
        return;
    check_say(
        c,
        (struct finding){.code = FINDING_does_not_fit,
                         .severity = SEVERITY_warning,
                         .where = check_place(h->at, m->at),
                         .machine = m->name,
                         .subject = largest->model->pull,
                         .fix =
                             check_text(c, "gpu_memory: %.0f GiB", (double)whole.gpu_bytes / gib)},
        "'%.*s' needs %.1f GiB, and the system gives this GPU %.0f GiB of the RAM unless that "
        "is raised (ttm.pages_limit=%llu); say so, and tampu apply raises it over SSH",
        STR_ARG(largest->model->pull), (double)footprint_total(&largest->need) / gib,
        (double)usual.gpu_bytes / gib, (unsigned long long)(whole.gpu_bytes >> 12));
}

static void check_disk(struct check *c, const struct machine *m)
{
    uint64_t sum = 0, room = machine_disk(m);
    bool is_assumed = !m->hardware.disk_bytes;

    for (size_t i = 0; i < c->lines_count; i++)
        if (c->lines[i].machine == m && c->lines[i].artifact && !c->lines[i].model->is_optional)
            sum += c->lines[i].artifact->bytes;
    if (!room || sum <= room)
        return;
    check_say(c,
              (struct finding){.code = FINDING_does_not_fit,
                               .severity = is_assumed ? SEVERITY_warning : SEVERITY_error,
                               .where = check_place(m->hardware.at, m->at),
                               .machine = m->name,
                               .subject = m->name,
                               .fix = check_text(c, "disk: %.0f GB", (double)sum * 1.2e-9 + 1)},
              "the models of %.*s take %.0f GB of disk, and it has %.0f GB%s", STR_ARG(m->name),
              (double)sum / 1e9, (double)room / 1e9, is_assumed ? ", as is assumed" : "");
}
