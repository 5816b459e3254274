/* SPDX-License-Identifier: Apache-2.0 */
/* The planner's problem: its parts, put together. */
#include "plan/problem.h"

#include <errno.h>
#include <stdlib.h>

#include "plan/problem_inside.h"

static int add_parts(struct problem *p, struct err *err);
static int add_touched(struct problem *p);
static void count_touched(const struct problem *p, uint32_t *first);

int problem_new(struct problem **ret, const struct plan_wish *wish, struct err *err)
{
    AUTO(problem) p = calloc(1, sizeof *p);
    int r;

    if (!p)
        return err_set(err, -ENOMEM, "out of memory");
    p->wish = wish;
    arena_init(&p->arena, PROBLEM_BYTES_MAX);
    if (wish->fleet->machines_count > PLAN_MACHINES_MAX)
        return err_set(err, -E2BIG, "a plan may have %d machines, and %.*s has %u",
                       PLAN_MACHINES_MAX, STR_ARG(wish->fleet->name), wish->fleet->machines_count);
    r = add_parts(p, err);
    if (r == -ENOMEM)
        return err_set(err, r, "the fleet is too large for memory");
    if (r < 0)
        return r;
    *ret = TAKE(p);
    return 0;
}

void problem_free(struct problem *p)
{
    if (!p)
        return;
    arena_fini(&p->arena);
    free(p);
}

static int add_parts(struct problem *p, struct err *err)
{
    int r = problem_add_lines(p);

    if (r == 0)
        r = problem_add_rooms(p, err);
    if (r == 0)
        r = problem_add_wants(p);
    if (r == 0)
        r = problem_add_wares(p);
    if (r == 0)
        r = problem_add_spans(p);
    if (r == 0)
        r = problem_add_seats(p);
    if (r == 0)
        r = problem_add_offers(p);
    return r < 0 ? r : add_touched(p);
}

/* Which wants change when a seat does: offers the other way round. */
static int add_touched(struct problem *p)
{
    uint32_t *first = arena_alloc(&p->arena, (p->seats_count + 2) * sizeof *first);
    uint32_t *touched;

    if (!first)
        return -ENOMEM;
    count_touched(p, first + 2);
    for (uint32_t i = 0; i < p->seats_count; i++)
        first[i + 2] += first[i + 1];
    touched = arena_alloc(&p->arena, (first[p->seats_count + 1] + 1) * sizeof *touched);
    if (!touched)
        return -ENOMEM;
    for (uint32_t k = 0; k < p->wants_count; k++)
        for (uint32_t j = 0; j < p->wants[k].offers_count; j++)
            if (p->wants[k].offers[j].is_warm)
                touched[first[p->wants[k].offers[j].seat + 1]++] = k;
    p->touched_first = first;
    p->touched = touched;
    return 0;
}

/* Every seat that makes an offer makes a warm one. */
static void count_touched(const struct problem *p, uint32_t *first)
{
    for (uint32_t k = 0; k < p->wants_count; k++)
        for (uint32_t j = 0; j < p->wants[k].offers_count; j++)
            if (p->wants[k].offers[j].is_warm)
                first[p->wants[k].offers[j].seat]++;
}
