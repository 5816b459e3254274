/* SPDX-License-Identifier: Apache-2.0 */
/* Every case of somebody lost, and who answers then. */
#include "plan/certificate.h"

#include <errno.h>
#include <stdlib.h>

#include "plan/certificate_inside.h"

static struct judge *judge_new(const struct plan *plan, const struct plan_wish *wish);
static int make(struct judge *j);
static uint32_t count_cases(const struct judge *j);
static int add_case(struct judge *j, struct certificate_case lost);
static int add_machines(struct judge *j);
static int add_domains(struct judge *j);
static int add_pairs(struct judge *j);
static bool is_counted(const struct judge *j, const struct machine *m);
static bool is_domain_of_several(const struct judge *j, const struct machine *m);
static bool is_lost(const struct judge *j, const struct certificate_case *c,
                    const struct machine *m);
static bool is_copy_lost(const struct judge *j, const struct certificate_case *c,
                         const struct plan_copy *copy);
static struct certificate_row row_of(const struct judge *j, const struct certificate_case *c,
                                     uint32_t category);
static bool find_machine(const struct judge *j, const struct certificate_case *c, uint32_t category,
                         struct certificate_row *row);
static const struct copy *find_cloud(const struct judge *j, const struct category *category);
static enum parity parity_to_first(const struct judge *j, const struct certificate_row *row,
                                   uint32_t category);
static const struct copy *copy_of(const struct judge *j, const struct certificate_row *row);
static int find_closers(struct judge *j);

static const struct {
    char letter;
    const char *words;
} covers[COVER_COUNT] = {
    [COVER_same] = {'S', "the same model"}, [COVER_other] = {'o', "another model"},
    [COVER_cloud] = {'c', "the cloud"},     [COVER_slow] = {'!', "too slow"},
    [COVER_none] = {'X', "nobody"},
};

int certificate_make(struct certificate **ret, const struct plan *plan,
                     const struct plan_wish *wish, struct err *err)
{
    struct judge *j = judge_new(plan, wish);
    int r = j ? make(j) : -ENOMEM;

    if (r < 0) {
        certificate_free(j ? &j->certificate : NULL);
        return err_set(err, r, "no memory for the certificate");
    }
    *ret = &j->certificate;
    return 0;
}

void certificate_free(struct certificate *c)
{
    struct judge *j = (struct judge *)(void *)c;

    if (!j)
        return;
    view_free(j->view);
    arena_fini(&j->arena);
    free(j);
}

enum cover certificate_cover(const struct certificate_row *row)
{
    if (!row->covered)
        return row->copy ? COVER_slow : COVER_none;
    if (row->cloud)
        return COVER_cloud;
    return row->parity <= PARITY_equivalent ? COVER_same : COVER_other;
}

char cover_letter(enum cover cover)
{
    return covers[cover].letter;
}

const char *cover_words(enum cover cover)
{
    return covers[cover].words;
}

static struct judge *judge_new(const struct plan *plan, const struct plan_wish *wish)
{
    struct judge *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    arena_init(&j->arena, CERTIFICATE_BYTES_MAX);
    j->wish = wish;
    j->certificate.plan = plan;
    j->certificate.rows_count = plan->fleet->categories_count;
    return j;
}

static int make(struct judge *j)
{
    struct certificate *c = &j->certificate;
    int r = view_new(&j->view, c->plan->fleet, c->plan->catalog, j->wish->day, NULL);

    if (r == 0)
        r = proofs_make(j);
    if (r < 0)
        return r;
    c->cases = arena_alloc(&j->arena, count_cases(j) * sizeof *c->cases);
    if (!c->cases)
        return -E2BIG;
    r = add_case(j, (struct certificate_case){.kind = LOST_nobody});
    if (r == 0 && j->wish->survive)
        r = add_machines(j);
    if (r == 0 && j->wish->survive)
        r = add_domains(j);
    if (r == 0 && j->wish->survive > 1)
        r = add_pairs(j);
    return r < 0 ? r : find_closers(j);
}

/* At most: nobody, each machine, its domain, each pair. */
static uint32_t count_cases(const struct judge *j)
{
    uint32_t machines = j->certificate.plan->fleet->machines_count;

    return 1 + 2 * machines + (j->wish->survive > 1 ? machines * machines / 2 : 0);
}

static int add_case(struct judge *j, struct certificate_case lost)
{
    struct certificate *c = &j->certificate;

    lost.rows = arena_alloc(&j->arena, (c->rows_count ? c->rows_count : 1) * sizeof *lost.rows);
    if (!lost.rows)
        return -E2BIG;
    for (uint32_t i = 0; i < c->rows_count; i++) {
        lost.rows[i] = row_of(j, &lost, i);
        lost.holes += !lost.rows[i].covered;
    }
    c->holes += lost.holes;
    c->cases[c->cases_count++] = lost;
    return 0;
}

static int add_machines(struct judge *j)
{
    const struct fleet *f = j->certificate.plan->fleet;
    int r = 0;

    for (uint32_t i = 0; i < f->machines_count && r == 0; i++) {
        const struct machine *m = &f->machines[i];

        if (is_counted(j, m))
            r = add_case(j, (struct certificate_case){
                                .kind = LOST_machine, .lost = m->name, .machines = {m}});
    }
    return r;
}

static int add_domains(struct judge *j)
{
    const struct fleet *f = j->certificate.plan->fleet;
    int r = 0;

    for (uint32_t i = 0; i < f->machines_count && r == 0; i++)
        if (is_domain_of_several(j, &f->machines[i]))
            r = add_case(
                j, (struct certificate_case){.kind = LOST_domain, .lost = f->machines[i].domain});
    return r;
}

static int add_pairs(struct judge *j)
{
    const struct fleet *f = j->certificate.plan->fleet;
    int r = 0;

    for (uint32_t i = 0; i < f->machines_count; i++)
        for (uint32_t k = i + 1; k < f->machines_count && r == 0; k++) {
            const struct machine *a = &f->machines[i], *b = &f->machines[k];
            char *both;

            if (!is_counted(j, a) || !is_counted(j, b))
                continue;
            both = arena_printf(&j->arena, "%.*s + %.*s", STR_ARG(a->name), STR_ARG(b->name));
            r = both ? add_case(j, (struct certificate_case){.kind = LOST_pair,
                                                             .lost = str_from(both),
                                                             .machines = {a, b}})
                     : -E2BIG;
        }
    return r;
}

/* Machines that serve, and that the plan does not already do without. */
static bool is_counted(const struct judge *j, const struct machine *m)
{
    for (uint32_t i = 0; i < j->wish->lost_count; i++)
        if (j->wish->lost[i] == m)
            return false;
    return machine_serves(m);
}

/* The first machine of a domain that has more than one: each domain is a case once. */
static bool is_domain_of_several(const struct judge *j, const struct machine *m)
{
    const struct fleet *f = j->certificate.plan->fleet;
    uint32_t others = 0;

    if (!is_counted(j, m))
        return false;
    for (const struct machine *at = f->machines; at < m; at++)
        if (is_counted(j, at) && str_equal(at->domain, m->domain))
            return false;
    for (const struct machine *at = m + 1; at < f->machines + f->machines_count; at++)
        others += is_counted(j, at) && str_equal(at->domain, m->domain);
    return others > 0;
}

static bool is_lost(const struct judge *j, const struct certificate_case *c,
                    const struct machine *m)
{
    if (!is_counted(j, m) || m == c->machines[0] || m == c->machines[1])
        return true;
    return c->kind == LOST_domain && str_equal(m->domain, c->lost);
}

/* A copy that spans machines is lost with any of them. */
static bool is_copy_lost(const struct judge *j, const struct certificate_case *c,
                         const struct plan_copy *copy)
{
    bool lost = is_lost(j, c, copy->machine);

    for (uint32_t i = 0; i < copy->span_count; i++)
        lost |= is_lost(j, c, copy->span[i]);
    return lost;
}

static struct certificate_row row_of(const struct judge *j, const struct certificate_case *c,
                                     uint32_t category)
{
    struct certificate_row row = {0};

    if (!find_machine(j, c, category, &row)) {
        row.cloud = find_cloud(j, &j->certificate.plan->fleet->categories[category]);
        if (row.cloud)
            row = (struct certificate_row){.cloud = row.cloud, .covered = true};
    }
    row.parity = parity_to_first(j, &row, category);
    return row;
}

/* The first of the plan's row that is left and fast enough; else the first that is left, which
 * does not count. */
static bool find_machine(const struct judge *j, const struct certificate_case *c, uint32_t category,
                         struct certificate_row *row)
{
    const struct plan *plan = j->certificate.plan;
    const struct plan_row *planned = &plan->rows[category];
    const struct category *wanted = &plan->fleet->categories[category];

    for (uint32_t i = 0; i < planned->copies_count; i++) {
        uint32_t index = planned->copies[i];
        double tps = j->proofs[index].decode_tps;
        bool is_fast = tps >= wanted->floor_tps || tps <= 0;

        if (is_copy_lost(j, c, &plan->copies[index]) || !proof_qualifies(j, index, wanted) ||
            (row->copy && !is_fast))
            continue;
        *row = (struct certificate_row){
            .copy = &plan->copies[index], .decode_tps = tps, .covered = is_fast};
        if (is_fast)
            return true;
    }
    return false;
}

static const struct copy *find_cloud(const struct judge *j, const struct category *category)
{
    uint32_t able =
        category->needs.capabilities | 1u << purpose_needs((enum purpose)category->needs.purpose);

    for (uint32_t i = 0; i < category->cloud_count && !j->wish->without_cloud; i++)
        for (uint32_t k = 0; k < j->view->copies_count; k++) {
            const struct copy *cloud = &j->view->copies[k];

            if (cloud->cloud && str_equal(cloud->name, category->cloud[i]) &&
                (cloud->capabilities & able) == able)
                return cloud;
        }
    return NULL;
}

static enum parity parity_to_first(const struct judge *j, const struct certificate_row *row,
                                   uint32_t category)
{
    const struct certificate_case *nobody = j->certificate.cases;
    const struct copy *mine = copy_of(j, row), *first;

    if (!j->certificate.cases_count) /* this is the case of nobody lost */
        return PARITY_identical;
    first = copy_of(j, &nobody->rows[category]);
    return mine && first && mine != first ? parity_of(first, mine) : PARITY_identical;
}

static const struct copy *copy_of(const struct judge *j, const struct certificate_row *row)
{
    return row->copy ? &j->proofs[row->copy - j->certificate.plan->copies].as_copy : row->cloud;
}

static int find_closers(struct judge *j)
{
    struct certificate *c = &j->certificate;

    c->closers = arena_alloc(&j->arena, (c->rows_count ? c->rows_count : 1) * sizeof *c->closers);
    if (!c->closers)
        return -E2BIG;
    for (uint32_t i = 0; i < c->rows_count; i++) {
        bool is_open = false;

        for (uint32_t k = 0; k < c->cases_count; k++)
            is_open |= !c->cases[k].rows[i].covered;
        if (!is_open)
            continue;
        c->closers[i] = closer_find(j, &c->plan->fleet->categories[i]);
        if (!c->closers[i].data)
            return -E2BIG;
    }
    return 0;
}
