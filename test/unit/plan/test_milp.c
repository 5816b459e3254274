/* SPDX-License-Identifier: Apache-2.0 */
/* The mixed-integer program against brute force, on small fleets made up by seeds. */
#include "random_fleet.h"

#include <math.h>
#include <stdlib.h>

#include "plan/milp.h"
#include "plan/search.h"

enum { FLEETS_USUAL = 60, CONFIGS_MAX = 4096, SEATS_MAX = 64, TRIES_MAX = 200000 };

/* Ways to fill one room. */
struct configs {
    uint8_t (*levels)[SEATS_MAX]; /* of the room's seats */
    uint32_t count;
    double least_s; /* what the cheapest costs beside service */
};

/* Everything is tried, room by room, but what cannot reach the answer even if the rooms to come
 * kept all there is. */
struct brute {
    const struct problem *p;
    struct configs rooms[8];
    uint8_t *levels;
    double best, hope; /* least found; what the program says is least */
    uint64_t tried;
};

/* Limits, written a second time on purpose, from their definitions. */
static bool fits_in_sum(const struct problem *p, const struct room *room, const uint8_t *levels)
{
    uint64_t disk = 0, gpu = 0, ram = 0;
    uint32_t kept = 0, on_stall[8] = {0};

    for (uint32_t i = 0; i < room->seats_count; i++) {
        const struct seat *s = &p->seats[room->seats_first + i];
        const struct stall *stall = &room->stalls[s->stall];

        if (levels[i] < s->least || (stall->is_process && levels[i] == LEVEL_disk))
            return false;
        disk += levels[i] ? p->wares[s->ware].artifact->bytes : 0;
        gpu += levels[i] == LEVEL_kept ? s->gpu_bytes : 0;
        ram += levels[i] == LEVEL_kept ? s->ram_bytes : 0;
        kept += levels[i] == LEVEL_kept && !stall->is_process;
        if (levels[i] == LEVEL_kept && ++on_stall[s->stall] > stall->kept_max)
            return false;
    }
    return disk <= room->disk_bytes && gpu <= room->gpu_bytes && ram <= room->ram_bytes &&
           kept <= room->kept_max;
}

static bool keeps_rule(const struct problem *p, const struct room *room, const uint8_t *levels,
                       uint32_t seat)
{
    const struct seat *s = &p->seats[room->seats_first + seat];
    uint64_t before = 0;

    for (uint32_t j = 0; j < room->seats_count; j++) {
        const struct seat *o = &p->seats[room->seats_first + j];
        bool is_larger = o->gpu_bytes > s->gpu_bytes || (o->gpu_bytes == s->gpu_bytes && j < seat);

        if (levels[j] == LEVEL_kept && j != seat &&
            (room->stalls[o->stall].is_process || is_larger))
            before += o->gpu_bytes;
    }
    return !s->rule_bytes || !before || before + s->rule_bytes <= room->gpu_bytes;
}

static bool has_place_beside(const struct problem *p, const struct room *room,
                             const uint8_t *levels, uint32_t seat)
{
    const struct seat *s = &p->seats[room->seats_first + seat];
    uint64_t gpu = s->gpu_bytes, ram = s->ram_bytes;

    for (uint32_t j = 0; j < room->seats_count; j++) {
        const struct seat *o = &p->seats[room->seats_first + j];

        if (levels[j] != LEVEL_kept || !room->stalls[o->stall].is_process)
            continue;
        gpu += o->gpu_bytes;
        ram += o->ram_bytes;
    }
    return s->fit.kind == FIT_split ? gpu + ram <= room->gpu_bytes + room->ram_bytes
                                    : gpu <= room->gpu_bytes && ram <= room->ram_bytes;
}

static bool is_filled_right(const struct problem *p, const struct room *room, const uint8_t *levels)
{
    if (!fits_in_sum(p, room, levels))
        return false;
    for (uint32_t i = 0; i < room->seats_count; i++)
        if ((levels[i] == LEVEL_kept && !keeps_rule(p, room, levels, i)) ||
            (levels[i] == LEVEL_disk && !has_place_beside(p, room, levels, i)))
            return false;
    return true;
}

static uint32_t cheapest_by_domain(const struct want *w, const uint8_t *levels,
                                   double ret[SEATS_MAX])
{
    uint32_t count = 0;
    uint64_t domains = 0;

    for (uint32_t i = 0; i < w->offers_count; i++) {
        const struct offer *o = &w->offers[i];

        if (levels[o->seat] < (o->is_warm ? LEVEL_kept : LEVEL_disk) || domains & 1ull << o->domain)
            continue;
        domains |= 1ull << o->domain;
        ret[count++] = o->cost_s;
    }
    return count;
}

/* Of all ways to say which turns go without, the cheapest; the others take copies in order. */
static double serve(const struct want *w, const uint8_t *levels)
{
    double costs[SEATS_MAX], best = INFINITY;
    uint32_t count = cheapest_by_domain(w, levels, costs);

    for (uint32_t served = 0; served < 1u << w->turns; served++) {
        double sum = 0;
        uint32_t used = 0;

        for (uint32_t turn = 0; turn < w->turns; turn++)
            if (!(served & 1u << turn))
                sum += w->fallback_s[turn];
            else
                sum += used < count ? w->weight[turn] * costs[used] : INFINITY, used++;
        best = fmin(best, sum);
    }
    return best;
}

static double served(const struct problem *p, const uint8_t *levels)
{
    double sum = 0;

    for (uint32_t k = 0; k < p->wants_count; k++)
        sum += serve(&p->wants[k], levels);
    return sum;
}

/* What levels cost beside service, of the first `seats` seats; wares among them. */
static double fixed(const struct problem *p, const uint8_t *levels, uint32_t seats)
{
    double sum = 0;

    for (uint32_t i = 0; i < seats; i++)
        sum += p->seats[i].level_s[levels[i]];
    for (uint32_t v = 0; v < p->wares_count; v++) {
        bool is_there = false;

        for (uint32_t i = 0; i < seats; i++)
            is_there |= p->seats[i].ware == v && levels[i];
        sum += is_there ? p->wares[v].first_s : seats == p->seats_count ? p->wares[v].none_s : 0;
    }
    return sum;
}

static double room_seconds(const struct problem *p, const struct room *r, const uint8_t *levels)
{
    double sum = 0;

    for (uint32_t i = 0; i < r->seats_count; i++)
        sum += p->seats[r->seats_first + i].level_s[levels[i]];
    return sum;
}

static void add_configs(struct brute *b, uint32_t room, uint8_t *levels, uint32_t seat)
{
    const struct problem *p = b->p;
    const struct room *r = &p->rooms[room];
    struct configs *c = &b->rooms[room];
    double cost;

    if (seat == r->seats_count) {
        if (!is_filled_right(p, r, levels))
            return;
        assert_true(c->count < CONFIGS_MAX);
        cost = room_seconds(p, r, levels);
        c->least_s = c->count ? fmin(c->least_s, cost) : cost;
        memcpy(c->levels[c->count++], levels, r->seats_count);
        return;
    }
    for (int level = LEVEL_none; level <= LEVEL_kept; level++) {
        levels[seat] = (uint8_t)level;
        if (level && !p->seats[r->seats_first + seat].is_wanted)
            break;
        add_configs(b, room, levels, seat + 1);
    }
    levels[seat] = LEVEL_none;
}

/* Leaves the ways that could be part of the answer if all other rooms kept everything. */
static void drop_hopeless(struct brute *b, uint32_t room)
{
    const struct room *r = &b->p->rooms[room];
    struct configs *c = &b->rooms[room];
    double others = 0;
    uint32_t left = 0;

    for (uint32_t i = 0; i < b->p->rooms_count; i++)
        others += i == room ? 0 : b->rooms[i].least_s;
    memset(b->levels, LEVEL_kept, b->p->seats_count);
    for (uint32_t i = 0; i < c->count; i++) {
        memcpy(b->levels + r->seats_first, c->levels[i], r->seats_count);
        if (others + room_seconds(b->p, r, c->levels[i]) + served(b->p, b->levels) <=
            b->hope + 1e-6)
            memmove(c->levels[left++], c->levels[i], r->seats_count);
    }
    c->count = left;
}

static void try_rooms(struct brute *b, uint32_t room)
{
    const struct problem *p = b->p;
    uint32_t first = room < p->rooms_count ? p->rooms[room].seats_first : p->seats_count;
    double least;

    memset(b->levels + first, LEVEL_kept, p->seats_count - first);
    least = fixed(p, b->levels, first);
    for (uint32_t i = room; i < p->rooms_count; i++)
        least += b->rooms[i].least_s;
    if (least <= b->hope + 1e-6)
        least += served(p, b->levels);
    if (++b->tried > TRIES_MAX || least > b->hope + 1e-6)
        return;
    if (room == p->rooms_count) {
        b->best = fmin(b->best, least);
        return;
    }
    for (uint32_t i = 0; i < b->rooms[room].count; i++) {
        memcpy(b->levels + first, b->rooms[room].levels[i], p->rooms[room].seats_count);
        try_rooms(b, room + 1);
    }
}

/* The least of all placements, or INFINITY when none is as good as is hoped; NAN when there are too
 * many to try. */
static double brute_force(const struct problem *p, double hope)
{
    struct brute b = {.p = p, .best = INFINITY, .hope = hope};
    uint8_t levels[SEATS_MAX] = {0};

    b.levels = calloc(p->seats_count + 1, 1);
    assert_true(p->rooms_count <= 8);
    for (uint32_t i = 0; i < p->rooms_count; i++) {
        assert_true(p->rooms[i].seats_count <= SEATS_MAX);
        b.rooms[i].levels = calloc(CONFIGS_MAX, SEATS_MAX);
        add_configs(&b, i, levels, 0);
    }
    for (uint32_t i = 0; i < p->rooms_count; i++)
        drop_hopeless(&b, i);
    try_rooms(&b, 0);
    for (uint32_t i = 0; i < p->rooms_count; i++)
        free(b.rooms[i].levels);
    free(b.levels);
    return b.tried > TRIES_MAX ? NAN : b.best;
}

static struct random_size small_size(uint64_t seed)
{
    return (struct random_size){.machines = 2 + seed % 3,
                                .models = 4 + seed % 3,
                                .categories = 2 + seed % 3,
                                .lines = 3,
                                .has_pins = seed % 2};
}

/* False when there is nothing to compare: its pins cannot hold, or there is too much to try. */
static bool compare_one(uint64_t seed, double *worst)
{
    struct random_fleet rf;
    struct plan_wish wish;
    struct problem *p = NULL;
    struct placement *pl = NULL;
    struct search_limits limits = {.seed = seed, .rounds = 5000};
    double bound = 0, searched, least, tried;
    uint64_t rounds = 0;
    bool is_possible;

    random_fleet_make(&rf, seed, small_size(seed));
    wish = (struct plan_wish){.fleet = rf.fleet,
                              .catalog = rf.catalog,
                              .day = STR("2026-11-23"),
                              .survive = seed % 4 == 0 ? 2 : 1};
    assert_int_equal(problem_new(&p, &wish, NULL), 0);
    assert_int_equal(placement_new(&pl, p), 0);
    is_possible = search_start(pl) == 0;
    if (is_possible) {
        assert_int_equal(search_improve(pl, &limits, &rounds), 0);
        searched = placement_reckon(pl);
        assert_int_equal(milp_prove(pl, solver_find(),
                                    &(struct milp_limits){.gap = 1e-9, .seconds = 60}, &bound),
                         0);
        least = placement_reckon(pl);
        tried = brute_force(p, least);
        is_possible = !isnan(tried);
        if (is_possible && (fabs(tried - least) > 1e-6 * fmax(1, least) ||
                            fabs(bound - least) > 1e-5 * fmax(1, least)))
            fail_msg("seed %llu: program %.9f (bound %.9f), brute force %.9f, search %.9f",
                     (unsigned long long)seed, least, bound, tried, searched);
        *worst = fmax(*worst, (searched - least) / fmax(1, least));
    }
    placement_free(pl);
    problem_free(p);
    random_fleet_free(&rf);
    return is_possible;
}

static void brute_force_finds_what_the_program_finds(void **state)
{
    const char *wanted = getenv("PLAN_FLEETS");
    uint64_t fleets = wanted ? strtoull(wanted, NULL, 10) : FLEETS_USUAL, compared = 0;
    double worst = 0;

    (void)state;
    if (!solver_find())
        skip();
    for (uint64_t seed = 1; compared < fleets; seed++)
        compared += compare_one(seed, &worst);
    print_message("%llu fleets; the search alone was at most %.2f %% above the best\n",
                  (unsigned long long)compared, worst * 100);
    assert_true(worst < 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brute_force_finds_what_the_program_finds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
