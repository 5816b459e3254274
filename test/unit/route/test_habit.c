/* SPDX-License-Identifier: Apache-2.0 */
/* Habits: what is usual at an hour of the day. */
#include "testing.h"

#include "boards.h"

enum { MONDAY = 400008, HOUR_MS = 3600000 }; /* an hour at midnight */

/* Days on which so much was spared from nine to ten, and nothing at any other hour. */
static void live(struct habit *h, const double *days, unsigned count)
{
    habit_turn(h, MONDAY - 1);
    for (uint32_t i = 0; i < 24 * count; i++) {
        habit_turn(h, MONDAY + i);
        if (i % 24 == 9)
            habit_add(h, days[i / 24]);
    }
}

static double usual_at(struct habit *h, uint32_t day, uint32_t hour)
{
    habit_turn(h, MONDAY + 24 * day + hour);
    return habit_foresee_s(h, 0);
}

static void nothing_is_known_in_the_beginning(void **state)
{
    struct habit h = {0};

    (void)state;
    assert_true(habit_foresee_s(&h, 0.5) <= 0);
    habit_turn(&h, MONDAY + 9);
    habit_add(&h, 500);
    habit_turn(&h, MONDAY + 10);
    assert_near(usual_at(&h, 1, 9), 0, 0); /* of that hour only a part was seen */
}

static void an_hour_is_as_it_usually_was(void **state)
{
    struct habit h = {0};

    (void)state;
    live(&h, (double[]){300, 310, 290}, 3);
    assert_near(usual_at(&h, 3, 8), 0, 0);
    assert_near(usual_at(&h, 3, 9), 300, 0.03);
    assert_near(usual_at(&h, 3, 10), 0, 0);
}

static void before_the_hour_it_is_foreseen(void **state)
{
    struct habit h = {0};

    (void)state;
    live(&h, (double[]){300, 300, 300}, 3);
    habit_turn(&h, MONDAY + 72 + 8);
    assert_near(habit_foresee_s(&h, 0.75), 225, 0.03);
}

static void one_holiday_changes_nothing(void **state)
{
    struct habit h = {0};

    (void)state;
    live(&h, (double[]){300, 300, 0, 300, 300}, 5);
    assert_near(usual_at(&h, 5, 9), 300, 0.03);
}

static void after_a_week_the_oldest_day_is_forgotten(void **state)
{
    struct habit h = {0};

    (void)state;
    live(&h, (double[]){900, 900, 900, 900, 10, 10, 10, 10}, 8);
    assert_near(usual_at(&h, 8, 9), 10, 0.05);
}

static void what_nobody_saw_is_not_known(void **state)
{
    struct habit h = {0};

    (void)state;
    live(&h, (double[]){300, 300}, 2);
    habit_turn(&h, MONDAY + 24 * 3 + 12); /* away for more than a day */
    assert_near(usual_at(&h, 4, 9), 300, 0.03);
    habit_turn(&h, MONDAY + 24 * 30);
    assert_near(usual_at(&h, 31, 9), 0, 0);
}

static void a_clock_that_is_put_back_does_no_harm(void **state)
{
    struct habit h = {0};

    (void)state;
    live(&h, (double[]){300, 300, 300}, 3);
    assert_near(usual_at(&h, 2, 20), 0, 0);
    assert_near(usual_at(&h, 3, 9), 300, 0.03);
}

/* The board tells the hour; a machine loads what the coming one usually asks for. */
static void what_the_hour_brings_is_loaded_before_it(void **state)
{
    struct habit *h = &board->copies[FAST_MID].habit;

    (void)state;
    loaded(FAST_BIG);
    board->copies[FAST_BIG].wanted = false;
    board->copies[FAST_MID].since_ms = board->copies[FAST_TINY].since_ms = 1;
    live(h, (double[]){300, 300, 300}, 3);
    assert_true(board_tell_time(board, HOUR_MS, (MONDAY + 72 + 7) * (int64_t)HOUR_MS));
    assert_int_equal(loads_idle(board, FAST, false, HOUR_MS), BOARD_NONE);
    assert_true(board_tell_time(board, 2 * HOUR_MS, (MONDAY + 72 + 8) * (int64_t)HOUR_MS));
    assert_int_equal(loads_idle(board, FAST, false, 2 * HOUR_MS), BOARD_NONE);
    assert_false(
        board_tell_time(board, 3 * HOUR_MS - 60000, (MONDAY + 72 + 9) * (int64_t)HOUR_MS - 60000));
    assert_int_equal(loads_idle(board, FAST, false, 3 * HOUR_MS - 60000), FAST_MID);
}

/* It had to go a moment ago: what was missed since counts, not the habit. */
static void what_was_just_evicted_is_not_brought_back_by_habit(void **state)
{
    struct habit *h = &board->copies[FAST_MID].habit;

    (void)state;
    loaded(FAST_BIG);
    board->copies[FAST_BIG].wanted = false;
    board->copies[FAST_TINY].since_ms = 1;
    board->copies[FAST_MID].since_ms = 3 * HOUR_MS - 61000;
    live(h, (double[]){300, 300, 300}, 3);
    board_tell_time(board, 3 * HOUR_MS - 60000, (MONDAY + 72 + 9) * (int64_t)HOUR_MS - 60000);
    assert_int_equal(loads_idle(board, FAST, false, 3 * HOUR_MS - 60000), BOARD_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_in_the_beginning),
        cmocka_unit_test(an_hour_is_as_it_usually_was),
        cmocka_unit_test(before_the_hour_it_is_foreseen),
        cmocka_unit_test(one_holiday_changes_nothing),
        cmocka_unit_test(after_a_week_the_oldest_day_is_forgotten),
        cmocka_unit_test(what_nobody_saw_is_not_known),
        cmocka_unit_test(a_clock_that_is_put_back_does_no_harm),
        BOARD_TEST(what_the_hour_brings_is_loaded_before_it),
        BOARD_TEST(what_was_just_evicted_is_not_brought_back_by_habit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
