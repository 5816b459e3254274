/* SPDX-License-Identifier: Apache-2.0 */
/* Local search: runs of simulated annealing from one start, the best of them wins. */
#include "plan/search.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "plan/search_inside.h"

enum { ROUNDS_FOR_SEAT = 150, ROUNDS_LEAST = 20000, LOOK_EVERY = 256 };

/* Where the temperature of the first run begins, as a share of the cost; how much hotter each run
 * begins than the one before it; and where the temperature ends. */
static const double hot_share = 1e-3, hotter = 4, cold_share = 1e-6;

/* One run, and the thread that does it. */
struct run_of_search {
    struct placement *placement;
    const struct search_limits *limits;
    uint32_t number;
    uint64_t seed, rounds, done;
    int error;
};

/* What one thread does of them. */
struct share {
    struct run_of_search *runs;
    uint32_t first, step;
};

static int prepare(struct run_of_search *runs, const struct placement *from,
                   const struct search_limits *limits);
static void run_all(struct run_of_search *runs, uint32_t threads);
static void *run_some(void *arg);
static void run_one(struct run_of_search *run);
static void anneal(struct run_of_search *run, struct mover *m, struct placement *best);
static bool is_late(const struct search_limits *l);
static uint64_t rounds_of(const struct problem *p);
static bool lower_once(struct placement *pl, uint32_t seat, enum level least);

int search_start(struct placement *pl)
{
    const struct problem *p = pl->problem;

    for (uint32_t i = 0; i < p->seats_count; i++)
        if (p->seats[i].is_pinned)
            placement_set(pl, i, p->seats[i].least);
    for (uint32_t i = 0; i < p->rooms_count; i++)
        if (!placement_fits(pl, i))
            return -ENOSPC;
    for (uint32_t i = 0; i < p->seats_count; i++) {
        const struct seat *s = &p->seats[i];
        enum level was = pl->levels[i];

        if (!s->is_held || was != LEVEL_none)
            continue;
        placement_set(pl, i, seat_is_process(p, s) ? LEVEL_kept : LEVEL_disk);
        if (!placement_fits(pl, s->room))
            placement_set(pl, i, was);
    }
    return 0;
}

int search_improve(struct placement *pl, const struct search_limits *limits, uint64_t *ret_rounds)
{
    struct run_of_search runs[SEARCH_RUNS] = {0};
    int r;

    search_descend(pl);
    r = prepare(runs, pl, limits);
    if (r == 0)
        run_all(runs, limits->threads ? limits->threads : 1);
    for (uint32_t i = 0; i < SEARCH_RUNS; i++) {
        if (r == 0)
            r = runs[i].error;
        if (r == 0 && placement_reckon(runs[i].placement) < placement_reckon(pl))
            placement_copy(pl, runs[i].placement);
        *ret_rounds += runs[i].done;
        placement_free(runs[i].placement);
    }
    return r;
}

void search_descend(struct placement *pl)
{
    const struct problem *p = pl->problem;
    bool is_better = true;

    while (is_better) {
        is_better = false;
        for (uint32_t i = 0; i < p->seats_count; i++)
            if (p->seats[i].is_wanted)
                is_better |= lower_once(pl, i, LEVEL_none);
    }
}

bool search_stay(struct placement *pl, const struct placement *like)
{
    const struct problem *p = pl->problem;
    bool is_better = true;

    if (search_start(pl) < 0)
        return false;
    for (uint32_t i = 0; i < p->seats_count; i++) {
        if (p->seats[i].is_held && !pl->levels[i])
            return false;
        if (!pl->levels[i] || like->levels[i] != LEVEL_kept || pl->levels[i] == LEVEL_kept)
            continue;
        placement_set(pl, i, LEVEL_kept);
        if (!placement_fits(pl, p->seats[i].room))
            placement_set(pl, i, LEVEL_disk);
    }
    while (is_better) {
        is_better = false;
        for (uint32_t i = 0; i < p->seats_count; i++)
            if (pl->levels[i])
                is_better |= lower_once(pl, i, LEVEL_disk);
    }
    return true;
}

static int prepare(struct run_of_search *runs, const struct placement *from,
                   const struct search_limits *limits)
{
    for (uint32_t i = 0; i < SEARCH_RUNS; i++) {
        runs[i].number = i;
        runs[i].limits = limits;
        runs[i].seed = limits->seed * SEARCH_RUNS + i + 1;
        runs[i].rounds = limits->rounds ? limits->rounds : rounds_of(from->problem);
        if (placement_new(&runs[i].placement, from->problem) < 0)
            return -ENOMEM;
        placement_copy(runs[i].placement, from);
    }
    return 0;
}

/* A thread that cannot be had is done without: its runs are done here. */
static void run_all(struct run_of_search *runs, uint32_t threads)
{
    struct {
        pthread_t id;
        bool is_there;
        struct share share;
    } crew[SEARCH_RUNS] = {0};

    if (threads > SEARCH_RUNS)
        threads = SEARCH_RUNS;
    for (uint32_t i = 0; i < threads; i++) {
        crew[i].share = (struct share){.runs = runs, .first = i, .step = threads};
        crew[i].is_there =
            i > 0 && pthread_create(&crew[i].id, NULL, run_some, &crew[i].share) == 0;
    }
    for (uint32_t i = 0; i < threads; i++)
        if (!crew[i].is_there)
            run_some(&crew[i].share);
    for (uint32_t i = 0; i < threads; i++)
        if (crew[i].is_there)
            pthread_join(crew[i].id, NULL);
}

static void *run_some(void *arg)
{
    const struct share *share = arg;

    for (uint32_t i = share->first; i < SEARCH_RUNS; i += share->step)
        run_one(&share->runs[i]);
    return NULL;
}

static void run_one(struct run_of_search *run)
{
    AUTO(placement) best = NULL;
    AUTO(mover) m = NULL;

    run->error = placement_new(&best, run->placement->problem);
    if (run->error == 0)
        run->error = mover_new(&m, run->placement, run->seed);
    if (run->error < 0)
        return;
    placement_copy(best, run->placement);
    anneal(run, m, best);
    search_descend(best);
    placement_copy(run->placement, best);
}

static void anneal(struct run_of_search *run, struct mover *m, struct placement *best)
{
    double cost_s = fmax(1, placement_seconds(run->placement));
    double hot = cost_s * hot_share * pow(hotter, run->number), cold = cost_s * cold_share;
    double best_s = placement_seconds(best), heat = hot;

    for (; run->done < run->rounds; run->done++) {
        double now_s;

        if (run->done % LOOK_EVERY == 0) {
            if (is_late(run->limits))
                return;
            heat = hot * pow(cold / hot, (double)run->done / (double)run->rounds);
        }
        if (!mover_step(m, heat))
            continue;
        now_s = placement_seconds(run->placement);
        if (now_s < best_s - 1e-9) {
            best_s = now_s;
            placement_copy(best, run->placement);
        }
    }
}

static bool is_late(const struct search_limits *l)
{
    return l->deadline_ms && l->now_ms && l->now_ms() >= l->deadline_ms;
}

static uint64_t rounds_of(const struct problem *p)
{
    uint64_t seats = 0, rounds;

    for (uint32_t i = 0; i < p->seats_count; i++)
        seats += p->seats[i].is_wanted;
    rounds = seats * ROUNDS_FOR_SEAT;
    return rounds < ROUNDS_LEAST ? ROUNDS_LEAST : rounds;
}

/* Another level for one seat, not under `least`, if that costs less and fits. */
static bool lower_once(struct placement *pl, uint32_t seat, enum level least)
{
    const struct seat *s = &pl->problem->seats[seat];
    double least_s = placement_seconds(pl) - 1e-9;
    enum level was = pl->levels[seat], best = was;

    if (least < s->least)
        least = s->least;
    for (enum level level = least; level <= LEVEL_kept; level++) {
        if (level == was || (level == LEVEL_disk && seat_is_process(pl->problem, s)))
            continue;
        placement_set(pl, seat, level);
        if (placement_seconds(pl) < least_s && placement_fits(pl, s->room)) {
            least_s = placement_seconds(pl);
            best = level;
        }
    }
    placement_set(pl, seat, best);
    return best != was;
}
