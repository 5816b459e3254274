/* SPDX-License-Identifier: Apache-2.0 */
/* Loads: who has to go, whom it hurts, and what is worth loading unasked. */
#include "testing.h"

#include "boards.h"

enum { NOON_MS = 43200000 };

static struct load_plan plan_for(uint32_t copy)
{
    struct load_plan plan;

    loads_reckon(&plan, board, copy, NOON_MS);
    return plan;
}

static void an_empty_machine_evicts_nobody(void **state)
{
    struct load_plan plan = plan_for(FAST_BIG);

    (void)state;
    assert_true(plan.is_possible);
    assert_int_equal(plan.victims_count, 0);
    assert_true(plan.evict_s <= 0 && plan.wait_s <= 0);
}

static void what_does_not_fit_beside_it_evicts_it(void **state)
{
    struct load_plan plan;

    (void)state;
    loaded(FAST_BIG);
    plan = plan_for(FAST_MID);
    assert_true(plan.is_possible);
    assert_int_equal(plan.victims_count, 1);
    assert_int_equal(plan.victims[0], FAST_BIG);
    assert_true(plan.unload_s > 1 && plan.evict_s > 0);
}

static void what_fits_beside_it_does_not(void **state)
{
    struct load_plan plan;

    (void)state;
    loaded(FAST_MID);
    plan = plan_for(FAST_TINY);
    assert_true(plan.is_possible);
    assert_int_equal(plan.victims_count, 0);
}

/* Tiny has spared more lately, so mid goes: then big fits. */
static void the_one_that_spared_least_goes_first(void **state)
{
    struct load_plan plan;

    (void)state;
    loaded(FAST_MID);
    loaded(FAST_TINY);
    rate_add(&board->copies[FAST_TINY].saved_lately, 1000, BOARD_LATELY_S, NOON_MS);
    plan = plan_for(FAST_BIG);
    assert_true(plan.is_possible);
    assert_int_equal(plan.victims[0], FAST_MID);
}

/* Tiny is the cheapest to evict, and does not help: mid has to go, and then big fits beside it. */
static void nobody_goes_in_vain(void **state)
{
    struct load_plan plan;

    (void)state;
    loaded(FAST_TINY);
    loaded(FAST_MID);
    rate_add(&board->copies[FAST_MID].saved_lately, 1000, BOARD_LATELY_S, NOON_MS);
    plan = plan_for(FAST_BIG);
    assert_true(plan.is_possible);
    assert_int_equal(plan.victims_count, 1);
    assert_int_equal(plan.victims[0], FAST_MID);
    assert_near(plan.evict_s, loads_keep_s(board, FAST_MID, NOON_MS), 1e-9);
}

static void a_busy_victim_is_waited_for(void **state)
{
    struct load_plan plan;

    (void)state;
    loaded(FAST_BIG);
    board_begin(board, FAST_BIG,
                &(struct board_run){.id = 1, .begun_ms = NOON_MS, .work_s = 12, .weight = 1});
    plan = plan_for(FAST_MID);
    assert_near(plan.wait_s, 12, 1e-6);
}

static void another_load_is_waited_for(void **state)
{
    (void)state;
    board_set(board, FAST_TINY, COPY_loading, NOON_MS);
    assert_near(plan_for(FAST_MID).wait_s, board_load_s(&board->copies[FAST_TINY]), 1e-6);
}

static void a_load_must_earn_its_keep(void **state)
{
    double load_s = board_load_s(&board->copies[FAST_MID]);

    (void)state;
    board_set(board, FAST_MID, COPY_loaded, NOON_MS);
    assert_near(loads_keep_s(board, FAST_MID, NOON_MS), load_s, 0.01);
    assert_true(loads_keep_s(board, FAST_MID, NOON_MS + 3600000) <= 0);
}

static void what_the_plan_keeps_is_kept_longest(void **state)
{
    (void)state;
    loaded(FAST_BIG);
    loaded(FAST_TINY);
    assert_true(loads_keep_alive_s(board, FAST_BIG, NOON_MS) >
                loads_keep_alive_s(board, FAST_TINY, NOON_MS));
    rate_add(&board->copies[FAST_TINY].saved_lately, 50, BOARD_LATELY_S, NOON_MS);
    assert_true(loads_keep_alive_s(board, FAST_TINY, NOON_MS) > 1800);
}

static void an_idle_machine_loads_what_the_plan_keeps(void **state)
{
    (void)state;
    assert_int_equal(loads_idle(board, FAST, false, NOON_MS), FAST_BIG);
    loaded(FAST_BIG);
    board->machines[FAST].is_drained = true;
    assert_int_equal(loads_idle(board, FAST, false, NOON_MS), BOARD_NONE);
}

/* The map asks for big, which takes longest to load; for the rest only when nothing of it is left.
 */
static void spare_memory_holds_what_the_map_asks_for(void **state)
{
    (void)state;
    board->copies[FAST_BIG].wanted = false;
    assert_true(board->copies[FAST_BIG].is_on_map && board->copies[SLOW_BIG].is_on_map);
    assert_false(board->copies[FAST_MID].is_on_map);
    assert_int_equal(loads_idle(board, FAST, false, NOON_MS), FAST_BIG);
    board->copies[FAST_BIG].is_on_map = false;
    board->copies[FAST_TINY].is_on_map = true;
    assert_int_equal(loads_idle(board, FAST, false, NOON_MS), FAST_TINY);
}

static void more_missed_than_spared_is_loaded_unasked(void **state)
{
    (void)state;
    loaded(FAST_BIG);
    board->copies[FAST_MID].since_ms = board->copies[FAST_TINY].since_ms = 1;
    assert_int_equal(loads_idle(board, FAST, false, NOON_MS), BOARD_NONE);
    rate_add(&board->copies[FAST_MID].missed, 300, BOARD_LOADS_S, NOON_MS);
    assert_int_equal(loads_idle(board, FAST, false, NOON_MS), FAST_MID);
    rate_add(&board->copies[FAST_BIG].saved, 300, BOARD_LOADS_S, NOON_MS);
    assert_int_equal(loads_idle(board, FAST, false, NOON_MS), BOARD_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOARD_TEST(an_empty_machine_evicts_nobody),
        BOARD_TEST(what_does_not_fit_beside_it_evicts_it),
        BOARD_TEST(what_fits_beside_it_does_not),
        BOARD_TEST(the_one_that_spared_least_goes_first),
        BOARD_TEST(nobody_goes_in_vain),
        BOARD_TEST(a_busy_victim_is_waited_for),
        BOARD_TEST(another_load_is_waited_for),
        BOARD_TEST(a_load_must_earn_its_keep),
        BOARD_TEST(what_the_plan_keeps_is_kept_longest),
        BOARD_TEST(an_idle_machine_loads_what_the_plan_keeps),
        BOARD_TEST(spare_memory_holds_what_the_map_asks_for),
        BOARD_TEST(more_missed_than_spared_is_loaded_unasked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
