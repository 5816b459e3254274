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

/* Of the time limit, at most; the rest is for the proof. */
enum { SEARCH_PERCENT = 60 };

static int solve(struct plan_owner *o, struct placement *pl, const struct plan_wish *wish,
                 struct err *err);
static int prove(struct plan_owner *o, struct placement *pl, const struct plan_wish *wish,
                 uint64_t began_ms, double *bound);
static int keep_still(struct placement *pl, double bound, double gap);
static int easy_bound(const struct problem *p, double *ret);
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
        .deadline_ms = wish->now_ms && wish->time_limit_ms
                           ? began_ms + wish->time_limit_ms * SEARCH_PERCENT / 100
                           : 0,
        .now_ms = wish->now_ms,
    };
    double bound = 0;
    int r = conflict_check(pl->problem, err);

    if (r < 0)
        return r;
    r = search_start(pl);
    if (r == 0)
        r = easy_bound(pl->problem, &bound);
    if (r == 0)
        r = search_improve(pl, &limits, &o->plan.rounds);
    if (r == 0)
        r = prove(o, pl, wish, began_ms, &bound);
    if (r == 0)
        r = keep_still(pl, bound, wish->gap);
    if (r == 0)
        r = plan_fill(o, pl);
    if (r == -E2BIG)
        return err_set(err, r, "a plan may have %d copies", PLAN_COPIES_MAX);
    if (r < 0)
        return err_set(err, r, "out of memory");
    o->plan.objective = placement_reckon(pl);
    judge(&o->plan, bound, wish->gap);
    if (wish->now_ms)
        o->plan.seconds = (double)(wish->now_ms() - began_ms) / 1e3;
    return 0;
}

/* With whatever solver there is, in what is left of the time: the linear relaxation gives a bound
 * in seconds whatever the size; the whole program closes the gap where it is small enough. */
static int prove(struct plan_owner *o, struct placement *pl, const struct plan_wish *wish,
                 uint64_t began_ms, double *bound)
{
    const struct solver *solver = wish->time_limit_ms && wish->now_ms ? solver_find() : NULL;
    struct milp_limits limits = {.gap = wish->gap / 2, .is_relaxed = true};
    int r = 0;

    o->plan.solver = solver ? solver->means : "search";
    for (int pass = 0; solver && pass < 2 && r == 0; pass++) {
        limits.seconds =
            (double)wish->time_limit_ms / 1e3 - (double)(wish->now_ms() - began_ms) / 1e3;
        if (limits.seconds <= 0 || placement_reckon(pl) <= *bound * (1 + wish->gap))
            break;
        r = milp_prove(pl, solver, &limits, bound);
        limits.is_relaxed = false;
    }
    if (r != -ENODEV)
        return r;
    o->plan.solver = "search"; /* the library is of another make: what was searched will do */
    return 0;
}

/* Nothing moves for less than the gap: when what is there already is as near to the best as is
 * wanted, it stays as it is, and small changes of demand change nothing. */
static int keep_still(struct placement *pl, double bound, double gap)
{
    AUTO(placement) still = NULL;
    double least_s = placement_reckon(pl);
    int r = placement_new(&still, pl->problem);

    if (r < 0)
        return r;
    if (bound * (1 + gap) < least_s)
        bound = least_s;
    if (search_stay(still, pl) && placement_reckon(still) <= bound * (1 + gap))
        placement_copy(pl, still);
    return 0;
}

/* As if every machine could keep everything loaded, and moving cost nothing. */
static int easy_bound(const struct problem *p, double *ret)
{
    AUTO(placement) all = NULL;
    double bound = 0;
    int r = placement_new(&all, p);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < p->seats_count; i++) {
        const double *s = p->seats[i].level_s;

        placement_set(all, i, LEVEL_kept);
        bound += p->seats[i].least == LEVEL_none   ? fmin(s[LEVEL_none], s[LEVEL_disk])
                 : p->seats[i].least == LEVEL_disk ? s[LEVEL_disk]
                                                   : s[LEVEL_kept];
    }
    placement_reckon(all);
    *ret = bound + all->service_s;
    return 0;
}

static void judge(struct plan *plan, double bound, double gap)
{
    plan->bound = fmin(bound, plan->objective);
    plan->gap = plan->bound > 0 ? (plan->objective - plan->bound) / plan->bound : 0;
    plan->is_proven = plan->gap <= gap;
}
