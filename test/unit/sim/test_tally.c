/* SPDX-License-Identifier: Apache-2.0 */
/* Tallies: quantiles, and what counts as a good answer. */
#include "testing.h"

#include <math.h>

#include "sim/tally.h"

static void quantiles_are_of_what_was_answered(void **state)
{
    struct tally t;
    struct trace_row row = {.demand = 4, .output_tokens = 1};

    (void)state;
    tally_init(&t, 100);
    t.requests = 100;
    for (int i = 100; i >= 1; i--)
        tally_add(&t, &row, i, i, 0.5);
    tally_end(&t);
    assert_true(fabs(t.first_s.p50 - 51) < 1e-6);
    assert_true(fabs(t.first_s.p99 - 100) < 1e-6);
    assert_true(fabs(t.slowdown.p50 - 102) < 1e-6);
    assert_int_equal(t.completed, 100);
    assert_true(fabs(t.goodput - 0.05) < 1e-6); /* five within five seconds */
    tally_free(&t);
}

static void a_slow_answer_is_not_a_good_one(void **state)
{
    struct tally t;
    struct trace_row row = {.demand = 4, .output_tokens = 101};

    (void)state;
    tally_init(&t, 2);
    t.requests = 3;
    tally_add(&t, &row, 1, 11, 5);
    tally_add(&t, &row, 1, 31, 5);
    tally_end(&t);
    assert_int_equal(t.good, 1);
    assert_true(fabs(t.goodput - 1.0 / 3) < 1e-6); /* the third had no answer */
    tally_free(&t);
}

static void nothing_answered_is_nothing(void **state)
{
    struct tally t;

    (void)state;
    tally_init(&t, 0);
    tally_end(&t);
    assert_true(t.first_s.p99 <= 0 && t.goodput <= 0);
    tally_free(&t);
}

static void an_error_is_a_part_of_what_it_took(void **state)
{
    struct tally t;

    (void)state;
    tally_init(&t, 2);
    tally_judge(&t, ESTIMATE_load, 5, 10);
    tally_judge(&t, ESTIMATE_load, 5, 0); /* nothing was measured */
    tally_end(&t);
    assert_int_equal(t.errors_count[ESTIMATE_load], 1);
    assert_true(fabs(t.errors[ESTIMATE_load].p50 - 0.5) < 1e-6);
    tally_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_of_what_was_answered),
        cmocka_unit_test(a_slow_answer_is_not_a_good_one),
        cmocka_unit_test(nothing_answered_is_nothing),
        cmocka_unit_test(an_error_is_a_part_of_what_it_took),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
