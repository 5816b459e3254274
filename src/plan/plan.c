/* SPDX-License-Identifier: Apache-2.0 */
/* Making a plan: the problem, a search, and a proof of how good it is. */
#include "plan/plan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "plan/conflict.h"
#include "plan/milp.h"
#include "plan/plan_inside.h"
#include "plan/search.h"

static int solve(struct plan_owner *o, struct placement *pl, const struct plan_wish *wish,
                 struct err *err);
static int prove(struct plan_owner *o, struct placement *pl, const struct plan_wish *wish,
                 uint64_t began_ms, double *bound);
static double easy_bound(const struct problem *p);
static void judge(struct plan *plan, double bound, double gap);

int plan_make(struct plan **ret, const struct plan_wish *wish, struct err *err)
{
    AUTO(problem) p = NULL;
    AUTO(placement) pl = NULL;
    struct plan_owner *o;
    int r = problem_new(&p, wish, err);

    if (r < 0)
        return r;
    o = calloc(1, sizeof *o);
    if (!o || placement_new(&pl, p) < 0) {
        free(o);
        return err_set(err, -ENOMEM, "out of memory");
    }
    arena_init(&o->arena, PLAN_BYTES_MAX);
    o->plan.fleet = wish->fleet;
    o->plan.catalog = wish->catalog;
    r = solve(o, pl, wish, err);
    if (r < 0) {
        plan_free(&o->plan);
        return r;
    }
    *ret = &o->plan;
    return 0;
}

void plan_free(struct plan *p)
{
    struct plan_owner *o = (struct plan_owner *)p;

    if (!o)
        return;
    arena_fini(&o->arena);
    free(o);
}

static int solve(struct plan_owner *o, struct placement *pl, const struct plan_wish *wish,
                 struct err *err)
{
    uint64_t began_ms = wish->now_ms ? wish->now_ms() : 0;
    struct search_limits limits = {
        .seed = wish->seed,
        .threads = wish->threads,
        .deadline_ms = wish->now_ms && wish->time_limit_ms ? began_ms + wish->time_limit_ms : 0,
        .now_ms = wish->now_ms,
    };
    double bound = easy_bound(pl->problem);
    int r = conflict_check(pl->problem, err);

    if (r < 0)
        return r;
    r = search_start(pl);
    if (r == 0)
        r = search_improve(pl, &limits, &o->plan.rounds);
    if (r == 0)
        r = prove(o, pl, wish, began_ms, &bound);
    if (r == 0)
        r = plan_fill(o, pl);
    if (r < 0)
        return err_set(err, r, r == -E2BIG ? "a plan may have %d copies" : "out of memory (%d)",
                       PLAN_COPIES_MAX);
    o->plan.objective = placement_reckon(pl);
    judge(&o->plan, bound, wish->gap);
    if (wish->now_ms)
        o->plan.seconds = (double)(wish->now_ms() - began_ms) / 1e3;
    return 0;
}

/* With whatever solver there is, in what is left of the time. */
static int prove(struct plan_owner *o, struct placement *pl, const struct plan_wish *wish,
                 uint64_t began_ms, double *bound)
{
    const struct solver *solver = wish->time_limit_ms && wish->now_ms ? solver_find() : NULL;
    double left_s = 0;

    o->plan.solver = "search";
    if (solver)
        left_s = (double)(began_ms + wish->time_limit_ms) / 1e3 - (double)wish->now_ms() / 1e3;
    if (left_s <= 0.1)
        return 0;
    o->plan.solver = str_is(str_from(solver->name), "cbc") ? "search+cbc" : "search+highs";
    return milp_prove(pl, solver, &(struct milp_limits){.gap = wish->gap / 2, .seconds = left_s},
                      bound);
}

/* As if every machine could keep everything loaded, and moving cost nothing. */
static double easy_bound(const struct problem *p)
{
    AUTO(placement) all = NULL;
    double bound = 0;

    if (placement_new(&all, p) < 0)
        return 0;
    for (uint32_t i = 0; i < p->seats_count; i++) {
        const double *s = p->seats[i].level_s;

        placement_set(all, i, LEVEL_kept);
        bound += p->seats[i].least == LEVEL_none   ? fmin(s[LEVEL_none], s[LEVEL_disk])
                 : p->seats[i].least == LEVEL_disk ? s[LEVEL_disk]
                                                   : s[LEVEL_kept];
    }
    placement_reckon(all);
    return bound + all->service_s;
}

static void judge(struct plan *plan, double bound, double gap)
{
    plan->bound = fmin(bound, plan->objective);
    plan->gap = plan->bound > 0 ? (plan->objective - plan->bound) / plan->bound : 0;
    plan->is_proven = plan->gap <= gap;
}

int plan_why_not(struct buf *out, const struct plan *p, const struct plan_wish *wish,
                 const struct artifact *artifact, const struct machine *machine)
{
    (void)p, (void)wish, (void)artifact, (void)machine;
    return buf_printf(out, "not known");
}
