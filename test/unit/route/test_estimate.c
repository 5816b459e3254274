/* SPDX-License-Identifier: Apache-2.0 */
/* Estimates: twenty requests are enough, one stall is not believed, a change of speed is. */
#include "testing.h"

#include <math.h>
#include <stdlib.h>

#include "route/estimate.h"

static double noise(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return 0.9 + 0.2 * (*seed >> 16 & 0x7fff) / 32768.0;
}

static void nothing_known_is_the_models_word(void **state)
{
    struct estimate e = {0};

    (void)state;
    for (int kind = 0; kind < ESTIMATE_KINDS; kind++)
        assert_true(estimate_ratio(&e, (enum estimate_kind)kind, 5000) == 1);
    estimate_learn(&e, ESTIMATE_decode, 100, 0, 1);
    estimate_learn(&e, ESTIMATE_decode, 100, -1, 1);
    estimate_learn(&e, ESTIMATE_decode, 100, 1, NAN);
    assert_true(estimate_ratio(&e, ESTIMATE_decode, 100) == 1);
}

/* Requests count more with each, and forget it where the speed has changed. */
static void a_bench_is_where_it_starts(void **state)
{
    struct estimate e = {0};

    (void)state;
    estimate_start(&e, ESTIMATE_decode, -3);
    estimate_start(&e, ESTIMATE_decode, NAN);
    assert_true(estimate_ratio(&e, ESTIMATE_decode, 100) == 1);
    estimate_start(&e, ESTIMATE_decode, 4);
    for (double context = 100; context < 1e5; context *= 10)
        assert_true(estimate_ratio(&e, ESTIMATE_decode, context) == 4);
    assert_true(estimate_p95(&e, ESTIMATE_decode) == 4);
    assert_true(estimate_ratio(&e, ESTIMATE_prompt, 100) == 1);
    for (int i = 0; i < 9; i++)
        estimate_learn(&e, ESTIMATE_decode, 100, 2, 1);
    assert_true(estimate_ratio(&e, ESTIMATE_decode, 100) < 2.1);
    estimate_forget(&e, ESTIMATE_decode);
    assert_true(estimate_ratio(&e, ESTIMATE_decode, 100) == 1);
}

/* Machines from a third to three times as fast as the model says, each measured within a tenth. */
static void twenty_requests_are_enough(void **state)
{
    static const double limits[ESTIMATE_KINDS] = {0.10, 0.15, 0.20};
    unsigned seed = 7;

    (void)state;
    for (int kind = 0; kind < ESTIMATE_KINDS; kind++)
        for (double truth = 0.33; truth < 3; truth *= 1.3) {
            struct estimate e = {0};

            for (int i = 0; i < 20; i++)
                estimate_learn(&e, (enum estimate_kind)kind, 1000 * (i % 12), truth * noise(&seed),
                               1);
            assert_true(fabs(estimate_ratio(&e, (enum estimate_kind)kind, 1000) / truth - 1) <
                        limits[kind]);
        }
}

static void a_stall_is_not_believed(void **state)
{
    struct estimate e = {0};

    (void)state;
    for (int i = 0; i < 14; i++)
        estimate_learn(&e, ESTIMATE_decode, 100, i == 9 || i == 12 ? 500 : 1, 1);
    assert_true(estimate_ratio(&e, ESTIMATE_decode, 100) < 1.01);
    assert_true(estimate_p95(&e, ESTIMATE_decode) > 400);
}

static void a_change_of_speed_is_believed_after_half_a_window(void **state)
{
    struct estimate e = {0};

    (void)state;
    for (int i = 0; i < 50; i++)
        estimate_learn(&e, ESTIMATE_decode, 100, 1, 1);
    for (int i = 0; i < ESTIMATE_WINDOW / 2 + 1; i++)
        estimate_learn(&e, ESTIMATE_decode, 100, 2, 1);
    assert_true(estimate_ratio(&e, ESTIMATE_decode, 100) > 1.9);
}

static void a_bucket_without_samples_leans_on_the_others(void **state)
{
    struct estimate e = {0};

    (void)state;
    for (int i = 0; i < 15; i++)
        estimate_learn(&e, ESTIMATE_prompt, 500, 3, 1);
    assert_true(estimate_ratio(&e, ESTIMATE_prompt, 20000) > 2.7);
    for (int i = 0; i < 15; i++)
        estimate_learn(&e, ESTIMATE_prompt, 20000, 1.5, 1);
    assert_true(estimate_ratio(&e, ESTIMATE_prompt, 20000) < 1.7);
    assert_true(estimate_ratio(&e, ESTIMATE_prompt, 500) > 2.7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_known_is_the_models_word),
        cmocka_unit_test(a_bench_is_where_it_starts),
        cmocka_unit_test(twenty_requests_are_enough),
        cmocka_unit_test(a_stall_is_not_believed),
        cmocka_unit_test(a_change_of_speed_is_believed_after_half_a_window),
        cmocka_unit_test(a_bucket_without_samples_leans_on_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
