/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is shared: what engines never unload, what should stay loaded, and the rest. */
#include "fleet/box.h"
#include "fleet/engine_rules.h"
#include "plan/check_inside.h"

static const double gib = 1 << 30;

static bool take_residents(struct check *c, const struct machine *m, struct box *room);
static const struct judged *resident(const struct check *c, const struct machine *m,
                                     const struct fleet_engine *e);
static bool is_beside_gpu(const struct fleet_engine *e);
static void check_evictable(struct check *c, const struct judged *line, const struct machine *m,
                            const struct judged *stays, const struct box *room);
static void say_crowded(struct check *c, const struct judged *line, const struct judged *stays,
                        const struct box *room);
static bool is_kept(const struct judged *line);
static void check_kept_names(struct check *c, const struct machine *m, struct box room);
static void check_beside(struct check *c, const struct machine *m, const struct box *room);
static const char *kept_without(struct check *c, const struct machine *m, struct str largest);
static void check_kept_count(struct check *c, const struct machine *m, struct box room);
static const struct judged *largest_below(const struct check *c, const struct machine *m,
                                          const struct judged *than);

void check_room(struct check *c, const struct machine *m)
{
    struct box room;

    if (!machine_box(&room, c->catalog, m, NULL) || !take_residents(c, m, &room))
        return;
    if (m->keep_loaded.names_count)
        check_kept_names(c, m, room);
    else if (m->keep_loaded.is_said)
        check_kept_count(c, m, room);
}

/* What engines that never unload hold; false when that alone is too much. */
static bool take_residents(struct check *c, const struct machine *m, struct box *room)
{
    const struct judged *last = NULL;

    for (uint32_t i = 0; i < m->engines_count; i++) {
        const struct judged *line = resident(c, m, &m->engines[i]);
        struct box place;
        struct fit fit;

        if (!line)
            continue;
        place = is_beside_gpu(&m->engines[i]) ? box_without_gpu(room) : *room;
        fit = memory_fit(&place, &line->need);
        if (fit.kind == FIT_no) {
            say_crowded(c, line, last, room);
            return false;
        }
        *room = memory_take(room, &fit);
        last = line;
    }
    for (size_t i = 0; last && i < c->lines_count; i++)
        check_evictable(c, &c->lines[i], m, last, room);
    return true;
}

/* The largest that such an engine is started with; NULL: it unloads, or has none. */
static const struct judged *resident(const struct check *c, const struct machine *m,
                                     const struct fleet_engine *e)
{
    const struct judged *found = NULL;

    for (size_t i = 0; engine_kind_row((enum engine_kind)e->kind)->stays && i < c->lines_count;
         i++) {
        const struct judged *line = &c->lines[i];

        if (line->machine == m && line->model->engine == e && line->works && line->is_fit_known &&
            line->fit.kind != FIT_no && !line->model->is_optional &&
            (!found || footprint_total(&line->need) > footprint_total(&found->need)))
            found = line;
    }
    return found;
}

/* Its weights wait in RAM, and are on the GPU only while it works. */
static bool is_beside_gpu(const struct fleet_engine *e)
{
    struct engine_rules rules;

    engine_rules_read(&rules, e);
    return rules.cpu_only || rules.offloads;
}

/* What another engine may unload must still fit beside what stays. */
static void check_evictable(struct check *c, const struct judged *line, const struct machine *m,
                            const struct judged *stays, const struct box *room)
{
    struct box place;

    if (line->machine != m || !line->works || !line->is_fit_known || line->fit.kind == FIT_no ||
        line->model->is_optional ||
        engine_kind_row((enum engine_kind)line->model->engine->kind)->stays)
        return;
    place = is_beside_gpu(line->model->engine) ? box_without_gpu(room) : *room;
    if (memory_fit(&place, &line->need).kind == FIT_no)
        say_crowded(c, line, stays, &place);
}

static void say_crowded(struct check *c, const struct judged *line, const struct judged *stays,
                        const struct box *room)
{
    const struct fleet_model *model = line->model;

    check_say(
        c,
        (struct finding){.code = FINDING_does_not_fit,
                         .where = check_place(model->pull_at, model->at),
                         .machine = line->machine->name,
                         .subject = model->pull,
                         .fix = check_smaller(c, line, room)},
        "'%.*s' needs %.1f GiB, and %.1f GiB are left on %.*s beside '%.*s', which %.*s never "
        "unloads",
        STR_ARG(model->pull), (double)footprint_total(&line->need) / gib,
        (double)(room->gpu_bytes > 1 ? room->gpu_bytes : room->ram_bytes) / gib,
        STR_ARG(line->machine->name), STR_ARG(stays ? stays->model->pull : model->pull),
        STR_ARG(stays ? stays->model->engine->name : model->engine->name));
}

static bool is_kept(const struct judged *line)
{
    const struct keep_loaded *k = &line->machine->keep_loaded;

    if (engine_kind_row((enum engine_kind)line->model->engine->kind)->stays)
        return false; /* counted already */
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
            engine_kind_row((enum engine_kind)model->engine->kind)->stays || !line->is_fit_known ||
            line->fit.kind == FIT_no || memory_fit(room, &line->need).kind != FIT_no)
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
