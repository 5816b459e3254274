/* SPDX-License-Identifier: Apache-2.0 */
/* What the file declares and what is there today, as the planner's problem asks for it. */
#include <errno.h>

#include "plan/problem_inside.h"

static bool has_holdings(const struct plan_wish *wish);

int problem_add_lines(struct problem *p)
{
    const struct fleet *f = p->wish->fleet;
    size_t count = 0;

    for (uint32_t i = 0; i < f->machines_count; i++)
        count += f->machines[i].models_count;
    p->lines = arena_alloc(&p->arena, (count + 1) * sizeof *p->lines);
    if (!p->lines)
        return -ENOMEM;
    for (uint32_t i = 0; i < f->machines_count; i++)
        for (uint32_t j = 0; j < f->machines[i].models_count; j++)
            p->lines[p->lines_count++] = (struct known_line){
                .machine = &f->machines[i],
                .line = &f->machines[i].models[j],
                .artifact = catalog_artifact(p->wish->catalog, f->machines[i].models[j].pull),
            };
    return 0;
}

bool problem_is_declared(const struct problem *p, const struct artifact *a)
{
    for (uint32_t i = 0; i < p->lines_count; i++)
        if (p->lines[i].artifact == a)
            return true;
    return false;
}

bool problem_is_held(const struct problem *p, const struct artifact *a)
{
    const struct plan_wish *wish = p->wish;

    for (uint32_t i = 0; has_holdings(wish) && i < wish->holdings_count; i++)
        if (wish->holdings[i].artifact == a)
            return true;
    for (uint32_t i = 0; !has_holdings(wish) && i < p->lines_count; i++)
        if (p->lines[i].artifact == a && !p->lines[i].line->is_optional)
            return true;
    return false;
}

bool problem_is_held_on(const struct problem *p, const struct machine *m,
                        const struct fleet_engine *e, const struct artifact *a)
{
    const struct plan_wish *wish = p->wish;
    const struct fleet_model *line;

    for (uint32_t i = 0; i < wish->holdings_count; i++)
        if (wish->holdings[i].machine == m && wish->holdings[i].engine == e &&
            wish->holdings[i].artifact == a)
            return true;
    if (has_holdings(wish))
        return false;
    line = problem_line(p, m, e, a);
    return line && !line->is_optional;
}

const struct fleet_model *problem_line(const struct problem *p, const struct machine *m,
                                       const struct fleet_engine *e, const struct artifact *a)
{
    uint32_t i = 0;

    for (const struct machine *before = p->wish->fleet->machines; before < m; before++)
        i += before->models_count;
    for (; i < p->lines_count && p->lines[i].machine == m; i++)
        if (p->lines[i].artifact == a && p->lines[i].line->engine == e)
            return p->lines[i].line;
    return NULL;
}

const struct artifact *problem_named(const struct problem *p, struct str name)
{
    for (uint32_t i = 0; i < p->lines_count; i++)
        if (str_equal(p->lines[i].line->name, name))
            return p->lines[i].artifact;
    return catalog_artifact(p->wish->catalog, name);
}

static bool has_holdings(const struct plan_wish *wish)
{
    return wish->has_holdings || wish->holdings_count;
}
