/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to prove about a fleet. */
#include "route/drill.h"

#include "route/candidates.h"

struct listing {
    const struct view *view;
    struct drill_row *rows;
    uint32_t count, max;
    const struct category *category;
    struct candidates found;
};

static void list_category(struct listing *l);
static void add(struct listing *l, const struct machine *machine, enum drill_role role);
static const char *why_not(const struct listing *l, const struct machine *machine);

static const struct golden goldens[PURPOSE_COUNT] = {
#define GOLDEN(purpose, path, body, pointer, text) \
    [PURPOSE_##purpose] = {path, pointer, text, BODY_IS_##body},
#define BODY_IS_json false
#define BODY_IS_form true
#include "tables/golden.def"
};

const struct golden *golden_of(const struct category *category)
{
    return &goldens[category->needs.purpose];
}

uint32_t drill_list(const struct view *view, struct drill_row *rows, uint32_t max)
{
    struct listing l = {.view = view, .rows = rows, .max = max};

    for (uint32_t i = 0; i < view->fleet->categories_count; i++) {
        l.category = &view->fleet->categories[i];
        if (golden_of(l.category)->path)
            list_category(&l);
    }
    return l.count;
}

const char *drill_role_name(enum drill_role role)
{
    static const char *const names[] = {
        [DRILL_primary] = "primary", [DRILL_backup] = "backup", [DRILL_any] = "any"};

    return names[role];
}

int drill_write_dead(struct buf *out, const struct view *view, const struct machine *survivor)
{
    const struct fleet *f = view->fleet;
    int r = 0;

    for (uint32_t i = 0; i < f->machines_count && r == 0; i++) {
        const struct machine *m = &f->machines[i];

        if (m == survivor || !machine_serves(m))
            continue;
        r = buf_put(out, m->name);
        if (r == 0)
            r = buf_put_char(out, ',');
    }
    return r;
}

bool drill_is_dead(struct str dead, const struct copy *copy)
{
    if (copy->cloud)
        return true;
    while (dead.len) {
        struct str rest, name = str_trim(str_cut(dead, ',', &rest));

        if (str_equal(name, copy->machine_name))
            return true;
        dead = rest;
    }
    return false;
}

/* A machine of a category of "any" that holds nothing is no hole: one that holds is enough. */
static void list_category(struct listing *l)
{
    const struct fleet *f = l->view->fleet;
    const struct category *c = l->category;
    uint32_t before = l->count;

    if (candidates_find(&l->found, l->view, c->name,
                        1u << purpose_needs((enum purpose)c->needs.purpose), NULL) < 0)
        l->found = (struct candidates){0};
    if (c->machines == MACHINES_listed) {
        add(l, fleet_machine(f, c->primary), DRILL_primary);
        for (uint32_t i = 0; i < c->backups_count; i++)
            add(l, fleet_machine(f, c->backups[i]), DRILL_backup);
        return;
    }
    for (uint32_t i = 0; i < f->machines_count; i++)
        if (machine_serves(&f->machines[i]) &&
            (c->machines == MACHINES_all || !why_not(l, &f->machines[i])))
            add(l, &f->machines[i], DRILL_any);
    if (l->count == before)
        add(l, NULL, DRILL_any);
}

static void add(struct listing *l, const struct machine *machine, enum drill_role role)
{
    struct drill_row *row;

    if (l->count == l->max)
        return;
    row = &l->rows[l->count++];
    *row = (struct drill_row){.category = l->category, .machine = machine, .role = role};
    row->hole = why_not(l, machine);
    for (uint32_t i = 0; i < l->found.count && !row->hole && !row->copy; i++)
        if (l->found.rows[i].copy->machine == machine)
            row->copy = l->found.rows[i].copy;
}

/* NULL when it holds a candidate. */
static const char *why_not(const struct listing *l, const struct machine *machine)
{
    if (!machine)
        return "no machine holds a model that qualifies";
    for (uint32_t i = 0; i < l->found.count; i++)
        if (l->found.rows[i].copy->machine == machine)
            return NULL;
    for (uint32_t i = 0; i < l->found.fenced_count; i++)
        if (l->found.fenced[i]->machine == machine)
            return "its vectors do not mix with those of the first choice";
    return "it holds no model that qualifies";
}
