/* SPDX-License-Identifier: Apache-2.0 */
/* Drift: a lasting change is found, noise is not, whatever the model got wrong. */
#include "testing.h"

#include <math.h>

#include "route/drift.h"

static uint64_t state_of_chance;

static double chance(void)
{
    state_of_chance = state_of_chance * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(state_of_chance >> 11) / (double)(1ull << 53);
}

/* Around 1, log-normal. */
static double noise(double sigma)
{
    return exp(sigma * sqrt(-2 * log(chance() + 1e-300)) * cos(6.283185307179586 * chance()));
}

/* How many requests until is_slow is as wanted; 0: it never was within `most`. */
static unsigned until_slow(struct drift *d, bool wanted, double factor, double sigma, unsigned most)
{
    for (unsigned i = 1; i <= most; i++) {
        drift_note(d, factor * noise(sigma));
        if (d->is_slow == wanted)
            return i;
    }
    return 0;
}

static void three_times_slower_is_flagged_within_20_and_recovers(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 2000; seed++) {
        double usual = exp((chance() * 2 - 1) * log(DRIFT_FORGIVEN));
        struct drift d = {0};
        unsigned found;

        state_of_chance = seed * 977;
        assert_int_equal(until_slow(&d, true, usual, 0.15, 30), 0);
        found = until_slow(&d, true, 3 * usual, 0.15, 20);
        assert_in_range(found, 2, 20);
        assert_true(until_slow(&d, true, 3 * usual, 0.15, 10) == 1); /* and stays so */
        assert_in_range(until_slow(&d, false, usual, 0.15, 20), 1, 20);
    }
}

static void noise_alone_says_nothing(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 500; seed++) {
        struct drift d = {0};

        state_of_chance = seed * 131;
        assert_int_equal(until_slow(&d, true, 1, 0.2, 1000), 0);
    }
}

static void one_stall_says_nothing(void **state)
{
    struct drift d = {0};

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_false(drift_note(&d, i % 10 == 9 ? 50 : 1));
        assert_false(d.is_slow);
    }
}

static void slow_from_the_first_request_on_is_slow(void **state)
{
    struct drift d = {0};

    (void)state;
    assert_in_range(until_slow(&d, true, 3, 0, 20), 1, 20);
    assert_true(fabs(drift_factor(&d) - 3) < 0.01);
}

static void a_model_that_errs_a_little_is_forgiven(void **state)
{
    struct drift d = {0};

    (void)state;
    assert_int_equal(until_slow(&d, true, DRIFT_FORGIVEN, 0.1, 500), 0);
}

static void a_copy_faster_than_its_model_is_measured_by_itself(void **state)
{
    struct drift d = {0};

    (void)state;
    assert_int_equal(until_slow(&d, true, 0.05, 0.1, 100), 0);
    assert_in_range(until_slow(&d, true, 0.15, 0.1, 20), 1, 20);
}

static void nonsense_is_ignored(void **state)
{
    struct drift d = {0};

    (void)state;
    assert_false(drift_note(&d, 0));
    assert_false(drift_note(&d, -1));
    assert_false(drift_note(&d, NAN));
    assert_false(drift_note(&d, INFINITY));
    assert_int_equal(d.count, 0);
    assert_true(drift_factor(&d) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_times_slower_is_flagged_within_20_and_recovers),
        cmocka_unit_test(noise_alone_says_nothing),
        cmocka_unit_test(one_stall_says_nothing),
        cmocka_unit_test(slow_from_the_first_request_on_is_slow),
        cmocka_unit_test(a_model_that_errs_a_little_is_forgiven),
        cmocka_unit_test(a_copy_faster_than_its_model_is_measured_by_itself),
        cmocka_unit_test(nonsense_is_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
