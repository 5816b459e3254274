/* SPDX-License-Identifier: Apache-2.0 */
/* What is pulled: does it exist, does the engine serve and load it, can it do what it is for? */
#include "fleet/engine_rules.h"
#include "plan/check_inside.h"

static void check_line_of(struct check *c, struct judged *line);
static void check_unknown(struct check *c, const struct judged *line);
static struct str right_tag(const struct artifact *a, struct str written);
static bool has_family(const struct catalog *c, struct str tag);
static bool check_engine(struct check *c, const struct judged *line);
static const char *engine_fix(struct check *c, const struct machine *m, const struct artifact *a);
static bool check_refused(struct check *c, const struct judged *line);
static void check_task(struct check *c, const struct judged *line);
static const char *task_fix(struct check *c, const struct judged *line, enum purpose purpose);

void check_pulls(struct check *c)
{
    for (size_t i = 0; i < c->lines_count; i++)
        check_line_of(c, &c->lines[i]);
}

static void check_line_of(struct check *c, struct judged *line)
{
    line->artifact = catalog_artifact(c->catalog, line->model->pull);
    /* <something> is a place for a tag, not a tag. */
    if (line->model->pull.data[0] == '<')
        return;
    line->works = true;
    if (!line->artifact) {
        line->artifact = catalog_mistaken(c->catalog, line->model->pull);
        if (!line->artifact || !line->model->engine ||
            line->artifact->model->engines & 1u << line->model->engine->kind)
            check_unknown(c, line);
    }
    if (!line->artifact)
        return;
    line->works = check_engine(c, line) && check_refused(c, line);
    if (line->works)
        check_task(c, line);
}

/* A name whose family is known and whose tag is not is a mistake; a family nobody knows may be
 * somebody's own. What is only spelled alike is offered, but nothing is judged by it. */
static void check_unknown(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;
    const struct artifact *meant =
        line->artifact ? line->artifact : catalog_nearest(c->catalog, model->pull);
    struct finding f = {.code = FINDING_unknown_artifact,
                        .severity = check_severity(model, FINDING_unknown_artifact),
                        .where = check_place(model->pull_at, model->at),
                        .machine = line->machine->name,
                        .subject = model->pull};

    if (meant) {
        struct str tag = right_tag(meant, model->pull);

        f.fix = check_text(c, "pull: \"%.*s\"", STR_ARG(tag));
        check_say(c, f, "there is no '%.*s'; what is meant is probably '%.*s', %s of %.1f GB",
                  STR_ARG(model->pull), STR_ARG(tag), meant->quant.data,
                  (double)meant->bytes / 1e9);
        return;
    }
    if (!has_family(c->catalog, model->pull))
        f.severity = model->is_optional ? SEVERITY_note : SEVERITY_warning;
    f.fix = "optional: true";
    check_say(c, f,
              "the catalog does not know '%.*s': whether it exists, fits and can do its work "
              "cannot be said; until it is proven, do not count on it",
              STR_ARG(model->pull));
}

/* Who wrote a quantisation gets the spelling that says it, where there is one. */
static struct str right_tag(const struct artifact *a, struct str written)
{
    for (uint32_t i = 0; strstr(written.data, "-q") && i < a->also_count; i++)
        if (str_ends(a->also[i], a->quant) || strstr(a->also[i].data, "-q"))
            return a->also[i];
    return a->tag;
}

/* Is there anything in the catalog of the same name before the colon? */
static bool has_family(const struct catalog *c, struct str tag)
{
    struct str rest, family = str_cut(tag, ':', &rest);

    for (uint32_t i = 0; i < c->models_count; i++)
        for (uint32_t j = 0; j < c->models[i].artifacts_count; j++)
            if (str_equal(str_cut(c->models[i].artifacts[j].tag, ':', &rest), family))
                return true;
    return false;
}

static bool check_engine(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;
    const struct model *m = line->artifact->model;
    struct finding f = {.code = FINDING_wrong_engine,
                        .severity = check_severity(model, FINDING_wrong_engine),
                        .where = check_place(model->pull_at, model->at),
                        .machine = line->machine->name,
                        .subject = model->pull};

    if (!model->engine || m->engines & 1u << model->engine->kind)
        return true;
    f.fix = engine_fix(c, line->machine, line->artifact);
    check_say(c, f, "%s does not serve '%.*s' (%.*s, %s); its file is '%.*s'",
              engine_kind_row(model->engine->kind)->name, STR_ARG(model->pull), STR_ARG(m->name),
              purpose_name((enum purpose)__builtin_ctz(m->purposes ? m->purposes : 1)),
              STR_ARG(line->artifact->tag));
    return false;
}

/* An engine that the machine has, or the first kind that serves it, to be added. */
static const char *engine_fix(struct check *c, const struct machine *m, const struct artifact *a)
{
    struct str tag = artifact_short_tag(a);

    for (uint32_t i = 0; i < m->engines_count; i++)
        if (a->model->engines & 1u << m->engines[i].kind)
            return check_text(c, "{pull: \"%.*s\", engine: %.*s}", STR_ARG(tag),
                              STR_ARG(m->engines[i].name));
    const struct engine_kind_row *kind =
        engine_kind_row((enum engine_kind)__builtin_ctz(a->model->engines ? a->model->engines : 1));
    return check_text(c, "{pull: \"%.*s\", engine: %s} # and in engines: {kind: %s, port: %u}",
                      STR_ARG(tag), kind->name, kind->name, kind->port);
}

static bool check_refused(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;
    const struct model *m = line->artifact->model;
    struct finding f = {.code = FINDING_engine_cannot_load,
                        .severity = check_severity(model, FINDING_engine_cannot_load),
                        .where = check_place(model->pull_at, model->at),
                        .machine = line->machine->name,
                        .subject = model->pull,
                        .fix = "optional: true"};

    if (!model->engine || !engine_refuses(model->engine, m))
        return true;
    if (m->replace_by_count)
        f.fix = check_text(c, "pull: \"%.*s\"", STR_ARG(m->replace_by[0]));
    check_say(c, f, "'%.*s' exists and can be pulled, but %s does not load it since version %.*s",
              STR_ARG(model->pull), engine_kind_row(model->engine->kind)->name,
              STR_ARG(m->refused_since));
    return false;
}

static void check_task(struct check *c, const struct judged *line)
{
    const struct fleet_model *model = line->model;

    for (int p = 0; p < PURPOSE_COUNT; p++) {
        enum capability need = purpose_needs((enum purpose)p);
        struct finding f = {.code = FINDING_wrong_modality,
                            .severity = check_severity(model, FINDING_wrong_modality),
                            .where = check_place(model->purposes_at, model->at),
                            .machine = line->machine->name,
                            .subject = model->pull};

        if (!(model->purposes & 1u << p) || line->artifact->model->capabilities & 1u << need)
            continue;
        f.fix = task_fix(c, line, (enum purpose)p);
        check_say(c, f, "'%.*s' is meant for %s, but it cannot: it is not a model with %s",
                  STR_ARG(model->pull), purpose_name((enum purpose)p), capability_name(need));
    }
}

/* The model of that purpose that is nearest in size, on the same engine. */
static const char *task_fix(struct check *c, const struct judged *line, enum purpose purpose)
{
    const struct model *mine = line->artifact->model, *best = NULL;
    uint64_t best_far = UINT64_MAX;

    for (uint32_t i = 0; i < c->catalog->models_count; i++) {
        const struct model *m = &c->catalog->models[i];
        uint64_t far =
            m->params > mine->params ? m->params - mine->params : mine->params - m->params;

        if (m->purposes & 1u << purpose && line->model->engine &&
            m->engines & 1u << line->model->engine->kind &&
            !engine_refuses(line->model->engine, m) && m->artifacts_count && far < best_far) {
            best = m;
            best_far = far;
        }
    }
    return best ? check_text(c, "pull: \"%.*s\"", STR_ARG(best->artifacts[0].tag))
                : check_text(c, "task: %s",
                             purpose_name(
                                 (enum purpose)__builtin_ctz(mine->purposes ? mine->purposes : 1)));
}
