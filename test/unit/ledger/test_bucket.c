/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/bucket.h"

#include "../testing.h"

static const uint64_t SECOND_US = 1000000;

static void a_new_bucket_holds_a_minutes_worth(void **state)
{
    struct bucket b = {0};

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(bucket_wait_us(&b, 10, 1, 5), 0);
        bucket_take(&b, 10, 1);
    }
    assert_int_equal(bucket_wait_us(&b, 10, 1, 5), 6 * SECOND_US);
    assert_true(bucket_wait_us(&b, 10, 1, 5 + 6 * SECOND_US - 1) > 0);
    assert_int_equal(bucket_wait_us(&b, 10, 1, 5 + 6 * SECOND_US), 0);
}

static void waiting_as_long_as_it_says_is_enough(void **state)
{
    struct bucket b = {0};
    uint64_t now_us = 0, seed = 3;

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t units = (seed = seed * 1103515245 + 12345) % 3000, wait_us;

        wait_us = bucket_wait_us(&b, 777, units, now_us);
        if (wait_us)
            assert_true(bucket_wait_us(&b, 777, units, now_us + wait_us - 1) > 0);
        now_us += wait_us;
        assert_int_equal(bucket_wait_us(&b, 777, units, now_us), 0);
        bucket_take(&b, 777, units);
    }
}

static void more_than_a_minutes_worth_passes_when_full_and_leaves_a_debt(void **state)
{
    struct bucket b = {0};

    (void)state;
    assert_int_equal(bucket_wait_us(&b, 60, 600, 0), 0);
    bucket_take(&b, 60, 600);
    assert_int_equal(bucket_wait_us(&b, 60, 1, 0), 541 * SECOND_US);
    bucket_give(&b, 60, 600);
    assert_int_equal(bucket_wait_us(&b, 60, 60, 0), 0);
}

static void a_debt_has_a_floor_and_long_silence_fills_it(void **state)
{
    struct bucket b = {0};

    (void)state;
    assert_int_equal(bucket_wait_us(&b, 1, 1, 0), 0);
    for (unsigned i = 0; i < 100; i++)
        bucket_take(&b, 1, BUCKET_UNITS_MAX);
    assert_int_equal(bucket_wait_us(&b, 1, 1, 0), (BUCKET_DEBT_MINUTES + 1) * 60 * SECOND_US);
    assert_int_equal(bucket_wait_us(&b, 1, 1, UINT64_MAX), 0);
}

static void no_limit_and_no_room_at_all(void **state)
{
    struct bucket b = {0};

    (void)state;
    bucket_take(&b, UINT64_MAX, BUCKET_UNITS_MAX);
    assert_int_equal(bucket_wait_us(&b, UINT64_MAX, BUCKET_UNITS_MAX, 0), 0);
    assert_true(bucket_wait_us(&b, 0, 1, 0) > 0);
    assert_int_equal(bucket_wait_us(&b, 0, 0, 0), 0);
}

static void a_clock_that_stands_still_or_steps_back_gives_nothing(void **state)
{
    struct bucket b = {0};

    (void)state;
    assert_int_equal(bucket_wait_us(&b, 1, 1, 100 * SECOND_US), 0);
    bucket_take(&b, 1, 1);
    assert_true(bucket_wait_us(&b, 1, 1, 40 * SECOND_US) > 0);
    assert_true(bucket_wait_us(&b, 1, 1, 159 * SECOND_US) > 0);
    assert_int_equal(bucket_wait_us(&b, 1, 1, 160 * SECOND_US), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_bucket_holds_a_minutes_worth),
        cmocka_unit_test(waiting_as_long_as_it_says_is_enough),
        cmocka_unit_test(more_than_a_minutes_worth_passes_when_full_and_leaves_a_debt),
        cmocka_unit_test(a_debt_has_a_floor_and_long_silence_fills_it),
        cmocka_unit_test(no_limit_and_no_room_at_all),
        cmocka_unit_test(a_clock_that_stands_still_or_steps_back_gives_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
