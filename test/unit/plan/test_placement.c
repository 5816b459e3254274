/* SPDX-License-Identifier: Apache-2.0 */
/* A placement's cost follows its seats, and its limits are kept. */
#include "random_fleet.h"

#include <math.h>

#include "plan/placement.h"

enum { FLEETS = 40, STEPS = 400 };

static struct random_fleet rf;
static struct plan_wish wish;
static struct problem *problem;
static struct placement *placement;

static void begin(uint64_t seed)
{
    random_fleet_make(
        &rf, seed, (struct random_size){.machines = 4, .models = 6, .categories = 4, .lines = 3});
    wish = (struct plan_wish){
        .fleet = rf.fleet, .catalog = rf.catalog, .day = STR("2026-11-23"), .survive = 2};
    assert_int_equal(problem_new(&problem, &wish, NULL), 0);
    assert_int_equal(placement_new(&placement, problem), 0);
}

static void end(void)
{
    placement_free(placement);
    problem_free(problem);
    random_fleet_free(&rf);
}

static void step(void)
{
    uint32_t seat = random_roll(&rf, problem->seats_count);
    enum level level = (enum level)random_roll(&rf, LEVEL_kept + 1);

    if (level == LEVEL_disk && seat_is_process(problem, &problem->seats[seat]))
        level = LEVEL_kept;
    placement_set(placement, seat, level);
}

static void the_kept_cost_is_the_reckoned_cost(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= FLEETS; seed++) {
        begin(seed);
        for (int i = 0; i < STEPS; i++) {
            double kept;

            step();
            kept = placement_seconds(placement);
            assert_true(fabs(kept - placement_reckon(placement)) <= 1e-7 * fmax(1, kept));
        }
        end();
    }
}

static void the_list_of_a_room_is_what_is_in_it(void **state)
{
    (void)state;
    begin(3);
    for (int i = 0; i < STEPS; i++) {
        step();
        for (uint32_t room = 0; room < problem->rooms_count; room++) {
            const struct room *r = &problem->rooms[room];
            uint32_t count = 0;

            for (uint32_t j = 0; j < r->seats_count; j++)
                count += placement->levels[r->seats_first + j] != LEVEL_none;
            assert_int_equal(count, placement->present_count[room]);
            for (uint32_t j = 0; j < count; j++)
                assert_true(placement->levels[placement->present[r->seats_first + j]] != 0);
        }
    }
    end();
}

static void more_copies_never_serve_worse(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= FLEETS; seed++) {
        begin(seed);
        for (uint32_t i = 0; i < problem->seats_count; i++) {
            double before = placement->service_s;

            placement_set(placement, i, LEVEL_kept);
            assert_true(placement->service_s <= before + 1e-7);
        }
        end();
    }
}

static void no_two_turns_fail_together(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= FLEETS; seed++) {
        begin(seed);
        for (int i = 0; i < STEPS; i++)
            step();
        for (uint32_t k = 0; k < problem->wants_count; k++) {
            const struct offer *turns[TURNS_MAX];
            uint32_t count = placement_turns(placement, &problem->wants[k], turns);

            for (uint32_t i = 0; i < count; i++)
                for (uint32_t j = 0; j < i; j++)
                    assert_true(turns[i]->domain != turns[j]->domain);
        }
        end();
    }
}

static void a_full_room_says_what_it_lacks(void **state)
{
    (void)state;
    begin(5);
    for (uint32_t i = 0; i < problem->seats_count; i++)
        placement_set(placement, i, LEVEL_kept);
    assert_int_not_equal(placement_shortage(placement, 0, NULL), SHORTAGE_none);
    problem->rooms[0].disk_bytes = 0;
    assert_int_equal(placement_shortage(placement, 0, NULL), SHORTAGE_disk);
    for (uint32_t i = 0; i < problem->seats_count; i++)
        placement_set(placement, i, LEVEL_none);
    assert_int_equal(placement_shortage(placement, 0, NULL), SHORTAGE_none);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kept_cost_is_the_reckoned_cost),
        cmocka_unit_test(the_list_of_a_room_is_what_is_in_it),
        cmocka_unit_test(more_copies_never_serve_worse),
        cmocka_unit_test(no_two_turns_fail_together),
        cmocka_unit_test(a_full_room_says_what_it_lacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
