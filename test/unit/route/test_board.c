/* SPDX-License-Identifier: Apache-2.0 */
/* The board: what runs and what is loaded. */
#include "testing.h"

#include "boards.h"

static void what_runs_is_counted_until_it_ends(void **state)
{
    struct board_copy *c = &board->copies[FAST_BIG];

    (void)state;
    board_begin(board, FAST_BIG, &(struct board_run){.id = 1, .begun_ms = 1000, .work_s = 10});
    board_begin(board, FAST_BIG, &(struct board_run){.id = 2, .begun_ms = 1000, .work_s = 4});
    assert_int_equal(c->run_count, 2);
    assert_near(board_rest_s(c, 3000), 8, 1e-9);
    board_end(board, FAST_BIG, 1);
    assert_near(board_rest_s(c, 3000), 2, 1e-9);
    board_end(board, FAST_BIG, 2);
    assert_int_equal(c->run_count, 0);
    assert_true(board_rest_s(c, 3000) <= 0);
}

static void what_outlives_its_expectation_is_expected_to_go_on_for_a_while(void **state)
{
    struct board_run run = {.begun_ms = 0, .work_s = 10};

    (void)state;
    assert_near(board_run_rest_s(&run, 5000), 5, 1e-9);
    assert_near(board_run_rest_s(&run, 9500), 1.9, 0.01);
    assert_near(board_run_rest_s(&run, 60000), 2, 1e-9);
}

static void more_runs_than_there_is_room_for_are_counted_only(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 40; i++)
        board_begin(board, SLOW_BIG, &(struct board_run){.id = i, .work_s = 1});
    assert_int_equal(board->copies[SLOW_BIG].known_count, BOARD_RUNS_MAX);
    assert_int_equal(board->copies[SLOW_BIG].run_count, 40);
    for (uint64_t i = 0; i < 40; i++)
        board_end(board, SLOW_BIG, i);
    assert_int_equal(board->copies[SLOW_BIG].run_count + board->copies[SLOW_BIG].known_count, 0);
}

static void loading_takes_memory_and_the_machines_only_place_for_loads(void **state)
{
    struct board_machine *m = &board->machines[FAST];
    uint64_t before = m->left.gpu_bytes;

    (void)state;
    board_set(board, FAST_BIG, COPY_loading, 5000);
    assert_int_equal(m->loading, FAST_BIG);
    assert_true(m->left.gpu_bytes < before - UINT64_C(15000000000));
    assert_near(board_loading_rest_s(board, m, 6000), board_load_s(&board->copies[FAST_BIG]) - 1,
                1e-6);
    board_set(board, FAST_BIG, COPY_loaded, 9000);
    assert_int_equal(m->loading, BOARD_NONE);
    assert_int_equal(m->loaded_count, 1);
    board_set(board, FAST_BIG, COPY_away, 9500);
    assert_int_equal(m->loaded_count, 0);
    assert_true(m->left.gpu_bytes == before);
}

static void what_was_read_lately_loads_from_the_page_cache(void **state)
{
    struct board_machine *m = &board->machines[FAST];
    struct board_copy *c = &board->copies[FAST_MID];
    uint64_t room = m->box.ram_bytes;

    (void)state;
    assert_near(board_expected_load_s(c), c->expected.load_s, 1e-9);
    loaded(FAST_MID);
    board_set(board, FAST_MID, COPY_away, 1000);
    assert_near(board_expected_load_s(c), c->expected.reload_s, 1e-9);
    assert_true(c->expected.reload_s < c->expected.load_s);
    /* So much was read since that the system has dropped it. */
    m->read_bytes += room;
    loaded(FAST_TINY);
    board_set(board, FAST_TINY, COPY_away, 2000);
    assert_near(board_expected_load_s(c), c->expected.load_s, 1e-9);
}

static void unloading_forgets_what_its_slots_held(void **state)
{
    struct prompt_piece talk = {5, 100};
    struct affinity_found found;

    (void)state;
    loaded(FAST_BIG);
    affinity_note(board->affinity, FAST_BIG, 2, &talk, 1);
    affinity_find(board->affinity, &talk, 1, &found);
    assert_int_equal(affinity_tokens(&found, FAST_BIG), 100);
    board_set(board, FAST_BIG, COPY_away, 1000);
    affinity_find(board->affinity, &talk, 1, &found);
    assert_int_equal(found.count, 0);
}

static void what_was_missed_of_it_is_what_it_is_worth_when_loaded(void **state)
{
    struct board_copy *c = &board->copies[FAST_MID];

    (void)state;
    rate_add(&c->missed, 40, BOARD_LOADS_S, 1000);
    board_set(board, FAST_MID, COPY_loading, 1000);
    board_set(board, FAST_MID, COPY_loaded, 2000);
    assert_near(rate_sum(&c->saved, BOARD_LOADS_S, 2000), 40, 0.01);
    assert_true(rate_sum(&c->missed, BOARD_LOADS_S, 2000) <= 0);
}

static void the_cloud_is_always_loaded(void **state)
{
    (void)state;
    assert_int_equal(board->copies[SKY].machine, BOARD_NONE);
    assert_int_equal(board->copies[SKY].state, COPY_loaded);
    assert_true(board_is_open(board, SKY, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOARD_TEST(what_runs_is_counted_until_it_ends),
        BOARD_TEST(what_outlives_its_expectation_is_expected_to_go_on_for_a_while),
        BOARD_TEST(more_runs_than_there_is_room_for_are_counted_only),
        BOARD_TEST(loading_takes_memory_and_the_machines_only_place_for_loads),
        BOARD_TEST(what_was_read_lately_loads_from_the_page_cache),
        BOARD_TEST(unloading_forgets_what_its_slots_held),
        BOARD_TEST(what_was_missed_of_it_is_what_it_is_worth_when_loaded),
        BOARD_TEST(the_cloud_is_always_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
