/* SPDX-License-Identifier: Apache-2.0 */
/* The local search: what it leaves fits, it never gets worse, and chance is only the seed's. */
#include "random_fleet.h"

#include "plan/search.h"

enum { FLEETS = 30, ROUNDS = 2000 };

static struct random_fleet rf;
static struct plan_wish wish;
static struct problem *problem;

/* False when the pins of that fleet do not fit. */
static bool begin(struct placement **ret, uint64_t seed)
{
    random_fleet_make(
        &rf, seed,
        (struct random_size){
            .machines = 4, .models = 6, .categories = 4, .lines = 3, .has_pins = true});
    wish = (struct plan_wish){
        .fleet = rf.fleet, .catalog = rf.catalog, .day = STR("2026-11-23"), .survive = 1};
    assert_int_equal(problem_new(&problem, &wish, NULL), 0);
    assert_int_equal(placement_new(ret, problem), 0);
    return search_start(*ret) == 0;
}

static void end(struct placement *pl)
{
    placement_free(pl);
    problem_free(problem);
    random_fleet_free(&rf);
}

static void improve(struct placement *pl, uint64_t seed, uint32_t threads)
{
    struct search_limits limits = {.seed = seed, .threads = threads, .rounds = ROUNDS};
    uint64_t rounds = 0;

    assert_int_equal(search_improve(pl, &limits, &rounds), 0);
    assert_int_equal(rounds, SEARCH_RUNS * ROUNDS);
}

static void what_it_leaves_fits_and_keeps_pins(void **state)
{
    struct placement *pl;

    (void)state;
    for (uint64_t seed = 1; seed <= FLEETS; seed++) {
        if (begin(&pl, seed)) {
            double before = placement_reckon(pl);

            improve(pl, seed, 1);
            assert_true(placement_reckon(pl) <= before);
            for (uint32_t i = 0; i < problem->rooms_count; i++)
                assert_true(placement_fits(pl, i));
            for (uint32_t i = 0; i < problem->seats_count; i++)
                assert_true(pl->levels[i] >= problem->seats[i].least);
        }
        end(pl);
    }
}

static void threads_change_nothing(void **state)
{
    struct placement *one, *three;

    (void)state;
    assert_true(begin(&one, 2));
    assert_int_equal(placement_new(&three, problem), 0);
    placement_copy(three, one);
    improve(one, 9, 1);
    improve(three, 9, 3);
    assert_memory_equal(one->levels, three->levels, problem->seats_count);
    placement_free(three);
    end(one);
}

static uint64_t never(void)
{
    return 10;
}

static void a_deadline_that_is_over_leaves_the_descent(void **state)
{
    struct search_limits limits = {.seed = 1, .deadline_ms = 5, .now_ms = never};
    struct placement *pl;
    uint64_t rounds = 0;

    (void)state;
    assert_true(begin(&pl, 2));
    assert_int_equal(search_improve(pl, &limits, &rounds), 0);
    assert_int_equal(rounds, 0);
    for (uint32_t i = 0; i < problem->rooms_count; i++)
        assert_true(placement_fits(pl, i));
    end(pl);
}

static void staying_is_what_is_held(void **state)
{
    struct placement *pl, *still;

    (void)state;
    assert_true(begin(&pl, 2));
    assert_int_equal(placement_new(&still, problem), 0);
    improve(pl, 1, 1);
    if (search_stay(still, pl))
        for (uint32_t i = 0; i < problem->seats_count; i++)
            assert_int_equal(still->levels[i] != LEVEL_none,
                             problem->seats[i].is_held || problem->seats[i].is_pinned);
    placement_free(still);
    end(pl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_leaves_fits_and_keeps_pins),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(a_deadline_that_is_over_leaves_the_descent),
        cmocka_unit_test(staying_is_what_is_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
