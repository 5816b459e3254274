/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: each model alone, at the context it will get, and beside what else is kept loaded. */
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
static void say_impossible(struct check *c, const struct judged *line, const struct box *box);
static const char *smaller(struct check *c, const struct judged *line, const struct box *box);
static void say_too_long(struct check *c, const struct judged *line, const struct box *box);
static void check_kept(struct check *c, const struct machine *m);
static bool is_kept(const struct judged *line);
static void check_kept_names(struct check *c, const struct machine *m, struct box room);
static void check_beside(struct check *c, const struct machine *m, const struct box *room);
static const char *kept_without(struct check *c, const struct machine *m, struct str largest);
static void check_kept_count(struct check *c, const struct machine *m, struct box room);
static const struct judged *largest_below(const struct check *c, const struct machine *m,
                                          const struct judged *than);
static void check_disk(struct check *c, const struct machine *m);

void check_fit(struct check *c)
{
    for (size_t i = 0; i < c->lines_count; i++)
        judge(c, &c->lines[i]);
    for (uint32_t i = 0; i < c->fleet->machines_count; i++)
        if (machine_serves(&c->fleet->machines[i])) {
            check_kept(c, &c->fleet->machines[i]);
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
    line->works = false;
    say_impossible(c, line, &box);
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
                         .fix = smaller(c, line, box)},
        "'%.*s' needs %.1f GiB even with %llu tokens of context (weights %.1f, keys and values "
        "%.1f), and engines on %.*s have %.1f GiB",
        STR_ARG(model->pull), (double)footprint_total(&need) / gib,
        (unsigned long long)least.context, (double)need.weights / gib, (double)need.kv / gib,
        STR_ARG(line->machine->name), (double)have / gib);
}

/* The same model in the largest quantisation that fits, else another one that does the same. */
static const char *smaller(struct check *c, const struct judged *line, const struct box *box)
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
    return other.artifact ? check_text(c, "pull: \"%.*s\"", STR_ARG(check_tag(other.artifact)))
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

static void check_kept(struct check *c, const struct machine *m)
{
    struct box room;

    if (!m->keep_loaded.is_said || !machine_box(&room, c->catalog, m, NULL))
        return;
    if (m->keep_loaded.names_count)
        check_kept_names(c, m, room);
    else
        check_kept_count(c, m, room);
}

static bool is_kept(const struct judged *line)
{
    const struct keep_loaded *k = &line->machine->keep_loaded;

    for (uint32_t i = 0; i < k->names_count; i++)
        if (str_equal(k->names[i], line->model->pull) || str_equal(k->names[i], line->model->name))
            return true;
    return false;
}

static void check_kept_names(struct check *c, const struct machine *m, struct box room)
{
    const struct judged *largest = NULL, *odd = NULL;

    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i];
        struct fit fit;

        if (line->machine != m || !is_kept(line) || !line->works || !line->is_fit_known ||
            line->fit.kind == FIT_no)
            continue;
        fit = memory_fit(&room, &line->need);
        if (!largest || line->need.weights > largest->need.weights)
            largest = line;
        if (fit.kind == FIT_no)
            odd = line;
        else
            room = memory_take(&room, &fit);
    }
    if (!odd) {
        check_beside(c, m, &room);
        return;
    }
    check_say(c,
              (struct finding){.code = FINDING_does_not_fit,
                               .where = m->keep_loaded.at,
                               .machine = m->name,
                               .subject = odd->model->pull,
                               .fix = kept_without(c, m, odd->model->pull)},
              "what is kept loaded on %.*s does not fit together: '%.*s' needs %.1f GiB and has no "
              "room beside the others",
              STR_ARG(m->name), STR_ARG(odd->model->pull),
              (double)footprint_total(&odd->need) / gib);
}

/* Engines make room by unloading even what should stay: worth knowing, not wrong. */
static void check_beside(struct check *c, const struct machine *m, const struct box *room)
{
    const struct judged *largest = NULL;

    for (size_t i = 0; i < c->lines_count; i++)
        if (c->lines[i].machine == m && is_kept(&c->lines[i]) &&
            (!largest || c->lines[i].need.weights > largest->need.weights))
            largest = &c->lines[i];
    for (size_t i = 0; largest && i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i];
        const struct fleet_model *model = line->model;

        if (line->machine != m || is_kept(line) || model->is_optional || !line->works ||
            !line->is_fit_known || line->fit.kind == FIT_no ||
            memory_fit(room, &line->need).kind != FIT_no)
            continue;
        check_say(c,
                  (struct finding){.code = FINDING_does_not_fit,
                                   .severity = SEVERITY_note,
                                   .where = check_place(model->pull_at, model->at),
                                   .machine = m->name,
                                   .subject = model->pull,
                                   .fix = kept_without(c, m, largest->model->pull)},
                  "'%.*s' needs %.1f GiB and has no room beside what %.*s keeps loaded: that gives "
                  "way each time it is asked for",
                  STR_ARG(model->pull), (double)footprint_total(&line->need) / gib,
                  STR_ARG(m->name));
    }
}

/* "keep_loaded: [the, others]" */
static const char *kept_without(struct check *c, const struct machine *m, struct str out)
{
    const char *list = "";

    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i];

        if (line->machine == m && is_kept(line) && !str_equal(line->model->pull, out))
            list = check_text(c, "%s%s\"%.*s\"", list, list[0] ? ", " : "",
                              STR_ARG(line->model->pull));
    }
    return check_text(c, "keep_loaded: [%s]", list);
}

/* A count says that any so many may stay: the largest must fit together. */
static void check_kept_count(struct check *c, const struct machine *m, struct box room)
{
    const struct judged *line = NULL;
    uint32_t count = 0;

    while (count < m->keep_loaded.count && (line = largest_below(c, m, line)) != NULL) {
        struct fit fit = memory_fit(&room, &line->need);

        if (fit.kind == FIT_no)
            break;
        room = memory_take(&room, &fit);
        count++;
    }
    if (count == m->keep_loaded.count || !line)
        return;
    check_say(c,
              (struct finding){.code = FINDING_does_not_fit,
                               .severity = SEVERITY_warning,
                               .where = m->keep_loaded.at,
                               .machine = m->name,
                               .subject = line->model->pull,
                               .fix = check_text(c, "keep_loaded: %u", count)},
              "%u models cannot always stay loaded on %.*s: the %u largest leave no room for "
              "'%.*s', which needs %.1f GiB",
              m->keep_loaded.count, STR_ARG(m->name), count, STR_ARG(line->model->pull),
              (double)footprint_total(&line->need) / gib);
}

/* The largest that is smaller than that one, or stands behind it when they are as large. */
static const struct judged *largest_below(const struct check *c, const struct machine *m,
                                          const struct judged *than)
{
    const struct judged *found = NULL;
    uint64_t limit = than ? footprint_total(&than->need) : UINT64_MAX, best = 0;

    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i];
        uint64_t size = footprint_total(&line->need);

        if (line->machine == m && line->works && line->is_fit_known && line->fit.kind != FIT_no &&
            !line->model->is_optional && (size < limit || (size == limit && than && line > than)) &&
            size > best) {
            found = line;
            best = size;
        }
    }
    return found;
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
