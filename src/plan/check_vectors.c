/* SPDX-License-Identifier: Apache-2.0 */
/* Embeddings: vectors of two models do not mix, so copies stand in only for the same model. */
#include "plan/check_inside.h"

static bool is_concerned(const struct judged *line, const struct category *cat);
static const struct model *reference(const struct check *c, const struct category *cat,
                                     const struct judged **ret_line);
static size_t machines_with(const struct check *c, const struct category *cat,
                            const struct model *m);
static bool has_model(const struct check *c, const struct machine *on, const struct category *cat,
                      const struct model *m);
static size_t count_spaces(const struct check *c, const struct category *cat);
static void say_mixed(struct check *c, const struct category *cat, const struct judged *line);
static void check_machines(struct check *c, const struct category *cat, const struct judged *ref);

void check_vectors(struct check *c, const struct category *cat)
{
    const struct judged *ref = NULL;

    for (uint32_t i = 0; i < cat->cloud_count; i++)
        check_say(
            c,
            (struct finding){.code = FINDING_not_interchangeable,
                             .where = cat->cloud_at[i],
                             .subject = cat->cloud[i],
                             .fix = "cloud: []"},
            "vectors of %.*s are others than those of the machines' models, and an index made "
            "with one cannot be searched with the other",
            STR_ARG(cat->cloud[i]));
    if (!reference(c, cat, &ref) || !ref)
        return;
    if (count_spaces(c, cat) > 1)
        say_mixed(c, cat, ref);
    check_machines(c, cat, ref);
}

/* Embeds, works, and is on a machine that the category counts on. */
static bool is_concerned(const struct judged *line, const struct category *cat)
{
    bool is_named =
        cat->machines != MACHINES_listed || str_equal(cat->primary, line->machine->name);

    for (uint32_t i = 0; i < cat->backups_count; i++)
        is_named |= str_equal(cat->backups[i], line->machine->name);
    return is_named && line->works && line->artifact && !line->model->is_optional &&
           line->artifact->model->capabilities & 1u << CAPABILITY_embedding;
}

/* The model that the category names first, or the one that most machines hold. */
static const struct model *reference(const struct check *c, const struct category *cat,
                                     const struct judged **ret_line)
{
    const struct judged *best = NULL;
    size_t most = 0;

    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i];
        size_t machines;

        if (!is_concerned(line, cat))
            continue;
        if (cat->models_count && (str_equal(cat->models[0], line->model->pull) ||
                                  str_equal(cat->models[0], line->model->name))) {
            best = line;
            break;
        }
        machines = machines_with(c, cat, line->artifact->model);
        if (machines > most && !cat->models_count) {
            most = machines;
            best = line;
        }
    }
    *ret_line = best;
    return best ? best->artifact->model : NULL;
}

static size_t machines_with(const struct check *c, const struct category *cat,
                            const struct model *m)
{
    size_t count = 0;

    for (uint32_t i = 0; i < c->fleet->machines_count; i++)
        count += has_model(c, &c->fleet->machines[i], cat, m);
    return count;
}

static bool has_model(const struct check *c, const struct machine *on, const struct category *cat,
                      const struct model *m)
{
    for (size_t i = 0; i < c->lines_count; i++)
        if (c->lines[i].machine == on && is_concerned(&c->lines[i], cat) &&
            c->lines[i].artifact->model == m)
            return true;
    return false;
}

/* Among those that the category would use. O(lines²); lines are hundreds. */
static size_t count_spaces(const struct check *c, const struct category *cat)
{
    size_t count = 0;

    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i];
        bool is_new = is_concerned(line, cat) && check_qualifies(line, cat);

        for (size_t j = 0; is_new && j < i; j++)
            is_new = !(is_concerned(&c->lines[j], cat) && check_qualifies(&c->lines[j], cat) &&
                       c->lines[j].artifact->model == line->artifact->model);
        count += is_new;
    }
    return count;
}

static void say_mixed(struct check *c, const struct category *cat, const struct judged *ref)
{
    check_say(
        c,
        (struct finding){.code = FINDING_not_interchangeable,
                         .where = cat->at,
                         .subject = cat->name,
                         .fix = check_text(c, "models: [\"%.*s\"]", STR_ARG(ref->model->pull))},
        "%.*s is served by %zu models, whose vectors do not mix: an index made with one cannot "
        "be searched with another; name one",
        STR_ARG(cat->name), count_spaces(c, cat));
}

/* Where the reference is missing and something else embeds, that something stands out. */
static void check_machines(struct check *c, const struct category *cat, const struct judged *ref)
{
    const struct machine *done = NULL;

    for (size_t i = 0; i < c->lines_count; i++) {
        const struct judged *line = &c->lines[i];
        const struct model *m = line->artifact ? line->artifact->model : NULL;

        if (line->machine == done || !is_concerned(line, cat) ||
            has_model(c, line->machine, cat, ref->artifact->model))
            continue;
        done = line->machine;
        check_say(
            c,
            (struct finding){.code = FINDING_not_interchangeable,
                             .where = check_place(line->model->pull_at, line->model->at),
                             .machine = line->machine->name,
                             .subject = line->model->pull,
                             .fix =
                                 check_text(c, "- {pull: \"%.*s\", name: %.*s}",
                                            STR_ARG(ref->model->pull), STR_ARG(ref->model->name))},
            "'%.*s' (%u dimensions) cannot stand in for '%.*s' (%u): vectors of two models do "
            "not mix, and %.*s has no copy of the latter",
            STR_ARG(line->model->pull), m->dimensions, STR_ARG(ref->model->pull),
            ref->artifact->model->dimensions, STR_ARG(line->machine->name));
    }
}
