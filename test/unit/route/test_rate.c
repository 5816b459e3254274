/* SPDX-License-Identifier: Apache-2.0 */
/* Rates: what happened lately counts. */
#include "testing.h"

#include "route/rate.h"

static void what_happens_evenly_is_counted_right(void **state)
{
    struct rate r = {0};
    double per_s;

    (void)state;
    for (uint64_t now_ms = 0; now_ms <= 3600000; now_ms += 500)
        rate_add(&r, 1, 60, now_ms);
    per_s = rate_per_s(&r, 60, 3600000);
    assert_true(per_s > 1.95 && per_s < 2.05);
}

static void what_was_long_ago_is_forgotten(void **state)
{
    struct rate r = {0};

    (void)state;
    rate_add(&r, 100, 60, 1000);
    assert_true(rate_sum(&r, 60, 1000) > 99.9);
    assert_true(rate_sum(&r, 60, 61000) < 37);
    assert_true(rate_sum(&r, 60, 3600000) < 1e-9);
}

static void a_clock_that_steps_back_changes_nothing(void **state)
{
    struct rate r = {0};

    (void)state;
    rate_add(&r, 5, 60, 10000);
    assert_true(rate_sum(&r, 60, 4000) > 4.99);
    assert_true(rate_sum(&(struct rate){0}, 60, 0) <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happens_evenly_is_counted_right),
        cmocka_unit_test(what_was_long_ago_is_forgotten),
        cmocka_unit_test(a_clock_that_steps_back_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
