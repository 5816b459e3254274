/* SPDX-License-Identifier: Apache-2.0 */
/* The redundancy map: does each machine that it names hold what it should stand in with? */
#include "plan/check_inside.h"

/* Those that serve a category: one domain, or more? */
struct alone {
    struct str domain; /* of the last one; empty: none serves it */
    bool has_second;
};

static void check_listed(struct check *c, const struct category *cat);
static bool check_named(struct check *c, const struct category *cat, const struct machine *m,
                        struct place at, const char *as);
static const char *hollow_why(struct check *c, const struct machine *m, const struct category *cat);
static const struct judged *broken(const struct check *c, const struct machine *m,
                                   const struct category *cat);
static bool is_fast_enough(const struct judged *line, const struct category *cat);
static const char *hollow_fix(struct check *c, const struct machine *m, const struct category *cat);
static const char *map_without(struct check *c, const struct category *cat, struct str name);
static void check_anywhere(struct check *c, const struct category *cat);
static void check_everywhere(struct check *c, const struct category *cat);
static bool is_served(const struct check *c, const struct machine *m, const struct category *cat);
static bool has_purpose(const struct check *c, const struct machine *m, const struct category *cat);
static void count_in(struct alone *alone, const struct machine *m);
static void check_single(struct check *c, const struct category *cat, struct place at,
                         struct str domain, enum severity severity);
static bool has_cloud(const struct check *c, const struct category *cat);
static const char *second_machine(struct check *c, const struct category *cat, struct str domain);
static bool is_listed(const struct category *cat, struct str name);

void check_map(struct check *c)
{
    for (uint32_t i = 0; i < c->fleet->categories_count; i++) {
        const struct category *cat = &c->fleet->categories[i];

        if (cat->machines == MACHINES_listed)
            check_listed(c, cat);
        else if (cat->machines == MACHINES_any)
            check_anywhere(c, cat);
        else
            check_everywhere(c, cat);
        if (cat->needs.purpose == PURPOSE_embedding)
            check_vectors(c, cat);
    }
}

bool check_qualifies(const struct judged *line, const struct category *cat)
{
    const struct fleet_model *model = line->model;
    struct copy copy = {.context = line->run.context};
    bool is_named = cat->models_count == 0;

    for (uint32_t i = 0; i < cat->models_count; i++)
        is_named |=
            str_equal(cat->models[i], model->pull) || str_equal(cat->models[i], model->name);
    if (!is_named || !line->works || model->is_optional)
        return false;
    if (!line->artifact)
        return true; /* nobody knows: that is said where it is pulled */
    copy.is_known = true;
    copy.capabilities = line->artifact->model->capabilities;
    copy.purposes = line->artifact->model->purposes;
    copy.params = line->artifact->model->params;
    return copy_meets(&copy, &cat->needs) && is_fast_enough(line, cat);
}

/* The estimate may be off by a quarter; what is slower still does not count. */
static bool is_fast_enough(const struct judged *line, const struct category *cat)
{
    return !line->tps || line->tps * 1.25 >= cat->floor_tps;
}

static void check_listed(struct check *c, const struct category *cat)
{
    struct alone now = {0}, meant = {0};

    for (uint32_t i = 0; i <= cat->backups_count; i++) {
        struct str name = i ? cat->backups[i - 1] : cat->primary;
        struct place at = i ? cat->backups_at[i - 1] : check_place(cat->primary_at, cat->at);
        const struct machine *m = fleet_machine(c->fleet, name);
        bool serves = m && check_named(c, cat, m, at, i ? "a backup" : "the primary");

        if (serves)
            count_in(&now, m);
        if (serves || (m && broken(c, m, cat)))
            count_in(&meant, m);
    }
    if (now.domain.len && !now.has_second)
        check_single(c, cat, check_place(cat->backups_key_at, cat->at), now.domain,
                     meant.has_second ? SEVERITY_note : SEVERITY_usual);
}

static void count_in(struct alone *alone, const struct machine *m)
{
    alone->has_second |= alone->domain.len && !str_equal(alone->domain, m->domain);
    alone->domain = m->domain;
}

static bool check_named(struct check *c, const struct category *cat, const struct machine *m,
                        struct place at, const char *as)
{
    struct finding f = {
        .code = FINDING_hollow_backup, .where = at, .machine = m->name, .subject = cat->name};

    if (is_served(c, m, cat))
        return true;
    /* That a model there does not work is said where it stands: this only follows from it. */
    if (broken(c, m, cat))
        f.severity = SEVERITY_note;
    f.fix = hollow_fix(c, m, cat);
    check_say(c, f, "%.*s is %s of %.*s, but has no model that qualifies%s", STR_ARG(m->name), as,
              STR_ARG(cat->name), hollow_why(c, m, cat));
    return false;
}

static const char *hollow_why(struct check *c, const struct machine *m, const struct category *cat)
{
    const struct judged *line = broken(c, m, cat);

    if (line)
        return check_text(c, ": its '%.*s' does not work", STR_ARG(line->model->pull));
    for (size_t i = 0; i < c->lines_count; i++) {
        line = &c->lines[i];
        if (line->machine != m || !line->artifact || line->model->is_optional ||
            !(line->artifact->model->purposes & 1u << cat->needs.purpose))
            continue;
        if (line->works && !is_fast_enough(line, cat))
            return check_text(c, ": its '%.*s' reaches about %.2g tokens a second of %g",
                              STR_ARG(line->model->pull), line->tps, cat->floor_tps);
        return check_text(c, ": its '%.*s' is not what the category asks for",
                          STR_ARG(line->model->pull));
    }
    return check_text(c, ": none there is for %s", purpose_name((enum purpose)cat->needs.purpose));
}

/* What the machine has that would qualify, did it work; NULL. */
static const struct judged *broken(const struct check *c, const struct machine *m,
                                   const struct category *cat)
{
    for (size_t i = 0; i < c->lines_count; i++) {
        struct judged line = c->lines[i];

        line.works = true;
        if (line.machine == m && !c->lines[i].works && line.artifact && check_qualifies(&line, cat))
            return &c->lines[i];
    }
    return NULL;
}

/* A model that the machine can take; of nearly that size; or off the map with it. */
static const char *hollow_fix(struct check *c, const struct machine *m, const struct category *cat)
{
    struct choice choice = check_choose(c, m, &cat->needs, 0);

    if (choice.artifact)
        return check_line(c, m, &choice);
    choice = check_choose(c, m, &cat->needs, 0.35);
    if (choice.artifact) {
        struct buf low;
        uint64_t params = choice.artifact->model->params;
        uint64_t from = params < cat->needs.params.low ? params : cat->needs.params.low;
        const char *fix = map_without(c, cat, m->name);

        buf_init(&low, 64);
        if (units_write_count(&low, from / 100000000 * 100000000) == 0)
            fix = check_text(c, "%s # and in category %.*s: params: %.*s+",
                             check_line(c, m, &choice), STR_ARG(cat->name), STR_ARG(buf_str(&low)));
        buf_fini(&low);
        return fix;
    }
    return map_without(c, cat, m->name);
}

static const char *map_without(struct check *c, const struct category *cat, struct str name)
{
    const char *list = "";

    for (uint32_t i = 0; i < cat->backups_count; i++)
        if (!str_equal(cat->backups[i], name) && !(str_equal(cat->primary, name) && i == 0))
            list = check_text(c, "%s%s%.*s", list, list[0] ? ", " : "", STR_ARG(cat->backups[i]));
    if (str_equal(cat->primary, name) && cat->backups_count)
        return check_text(c, "primary: %.*s, backups: [%s]", STR_ARG(cat->backups[0]), list);
    return check_text(c, "backups: [%s]", list);
}

static void check_anywhere(struct check *c, const struct category *cat)
{
    struct alone now = {0}, meant = {0};
    struct finding f = {.code = FINDING_hollow_backup, .where = cat->at, .subject = cat->name};

    for (uint32_t i = 0; i < c->fleet->machines_count; i++) {
        const struct machine *m = &c->fleet->machines[i];
        bool serves = is_served(c, m, cat);

        if (serves)
            count_in(&now, m);
        if (serves || broken(c, m, cat))
            count_in(&meant, m);
    }
    if (now.domain.len && !now.has_second)
        check_single(c, cat, cat->at, now.domain,
                     meant.has_second ? SEVERITY_note : SEVERITY_usual);
    if (now.domain.len || has_cloud(c, cat))
        return;
    if (meant.domain.len)
        f.severity = SEVERITY_note;
    f.fix = second_machine(c, cat, now.domain);
    check_say(c, f, "any machine may serve %.*s, but none has a model that qualifies",
              STR_ARG(cat->name));
}

static void check_everywhere(struct check *c, const struct category *cat)
{
    for (uint32_t i = 0; i < c->fleet->machines_count; i++) {
        const struct machine *m = &c->fleet->machines[i];
        struct choice choice = {0};
        const char *fix;

        if (!machine_serves(m) || is_served(c, m, cat) ||
            (cat->needs.purpose == PURPOSE_embedding && has_purpose(c, m, cat)))
            continue;
        if (cat->models_count)
            fix = check_text(c, "- {pull: \"%.*s\"}", STR_ARG(cat->models[0]));
        else {
            choice = check_choose(c, m, &cat->needs, 0);
            fix = choice.artifact ? check_line(c, m, &choice) : "inference: false";
            for (size_t j = 0; j < c->lines_count; j++)
                if (check_qualifies(&c->lines[j], cat)) {
                    fix = check_text(c, "- {pull: \"%.*s\", name: %.*s}",
                                     STR_ARG(c->lines[j].model->pull),
                                     STR_ARG(c->lines[j].model->name));
                    break;
                }
        }
        check_say(c,
                  (struct finding){.code = FINDING_missing_copy,
                                   .where = check_place(m->models_at, m->at),
                                   .machine = m->name,
                                   .subject = cat->name,
                                   .fix = fix},
                  "%.*s counts on all machines, and %.*s has no model for it", STR_ARG(cat->name),
                  STR_ARG(m->name));
    }
}

static bool is_served(const struct check *c, const struct machine *m, const struct category *cat)
{
    for (size_t i = 0; i < c->lines_count; i++)
        if (c->lines[i].machine == m && check_qualifies(&c->lines[i], cat))
            return true;
    return false;
}

/* A model for the same purpose, be it another one than the category names. */
static bool has_purpose(const struct check *c, const struct machine *m, const struct category *cat)
{
    for (size_t i = 0; i < c->lines_count; i++)
        if (c->lines[i].machine == m && c->lines[i].works && c->lines[i].artifact &&
            c->lines[i].artifact->model->purposes & 1u << cat->needs.purpose)
            return true;
    return false;
}

static void check_single(struct check *c, const struct category *cat, struct place at,
                         struct str domain, enum severity severity)
{
    if (has_cloud(c, cat))
        return;
    check_say(c,
              (struct finding){.code = FINDING_single_point_of_failure,
                               .severity = severity,
                               .where = at,
                               .machine = domain,
                               .subject = cat->name,
                               .fix = second_machine(c, cat, domain)},
              "%.*s lives on %.*s alone: without it nothing serves it, no cloud model either",
              STR_ARG(cat->name), STR_ARG(domain));
}

/* A cloud model that still answers. */
static bool has_cloud(const struct check *c, const struct category *cat)
{
    for (uint32_t i = 0; i < cat->cloud_count; i++) {
        const struct cloud_model *cloud = fleet_cloud(c->fleet, cat->cloud[i]);
        const struct cloud_facts *facts = cloud ? catalog_cloud(c->catalog, cloud->model) : NULL;

        if (cloud && !(facts && cloud_is_retired(facts, c->day)))
            return true;
    }
    return false;
}

/* Another machine that could take a copy, the fastest first. */
static const char *second_machine(struct check *c, const struct category *cat, struct str domain)
{
    const struct machine *best = NULL;
    struct choice chosen = {0};

    for (uint32_t i = 0; i < c->fleet->machines_count; i++) {
        const struct machine *m = &c->fleet->machines[i];
        struct choice choice;

        if (!machine_serves(m) || str_equal(m->domain, domain))
            continue;
        choice = check_choose(c, m, &cat->needs, 0);
        if (choice.artifact && choice.tps > chosen.tps) {
            chosen = choice;
            best = m;
        }
    }
    if (!best)
        return "cloud: []";
    if (cat->machines != MACHINES_listed || is_listed(cat, best->name))
        return check_text(c, "%s # in models of %.*s", check_line(c, best, &chosen),
                          STR_ARG(best->name));
    return check_text(c, "backups: [%.*s] # and there %s", STR_ARG(best->name),
                      check_line(c, best, &chosen));
}

static bool is_listed(const struct category *cat, struct str name)
{
    bool found = str_equal(cat->primary, name);

    for (uint32_t i = 0; i < cat->backups_count; i++)
        found |= str_equal(cat->backups[i], name);
    return found;
}
