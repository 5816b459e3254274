/* SPDX-License-Identifier: Apache-2.0 */
/* Breakers: who is benched, for how long, and what lets them back. */
#include "testing.h"

#include "route/breaker.h"

enum { THREE = 3, COOLDOWN_MS = 1000, LONGEST_MS = 5000 };

static const struct breaker_rules rules = {THREE, COOLDOWN_MS, LONGEST_MS};

static struct breaker opened_at(uint64_t now_ms)
{
    struct breaker b = {0};

    assert_true(breaker_failed(&b, now_ms, &rules, true));
    return b;
}

static void zeroed_memory_is_a_closed_breaker(void **state)
{
    struct breaker b = {0};

    (void)state;
    assert_true(breaker_allows(&b, 0));
    assert_int_equal(breaker_wait_ms(&b, 0), 0);
}

static void failures_in_a_row_open_it_and_a_success_between_starts_the_count_again(void **state)
{
    struct breaker b = {0};

    (void)state;
    assert_false(breaker_failed(&b, 0, &rules, false));
    assert_false(breaker_failed(&b, 0, &rules, false));
    assert_false(breaker_succeeded(&b));
    assert_false(breaker_failed(&b, 0, &rules, false));
    assert_false(breaker_failed(&b, 0, &rules, false));
    assert_true(breaker_allows(&b, 0));
    assert_true(breaker_failed(&b, 0, &rules, false));
    assert_false(breaker_allows(&b, 0));
    assert_int_equal(breaker_wait_ms(&b, 0), COOLDOWN_MS);
}

static void one_failure_is_enough_where_nobody_listens(void **state)
{
    struct breaker b = {0};

    (void)state;
    assert_true(breaker_failed(&b, 0, &rules, true));
    assert_false(breaker_allows(&b, COOLDOWN_MS - 1));
}

static void after_its_time_exactly_one_try_goes_through(void **state)
{
    struct breaker b = opened_at(0);

    (void)state;
    assert_int_equal(breaker_wait_ms(&b, COOLDOWN_MS - 1), 1);
    assert_true(breaker_allows(&b, COOLDOWN_MS));
    breaker_try(&b, COOLDOWN_MS);
    assert_false(breaker_allows(&b, COOLDOWN_MS));
    assert_false(breaker_allows(&b, 100 * COOLDOWN_MS));
    assert_true(breaker_succeeded(&b));
    assert_true(breaker_allows(&b, COOLDOWN_MS));
}

static void a_try_that_says_nothing_leaves_the_place_to_another(void **state)
{
    struct breaker b = opened_at(0);

    (void)state;
    breaker_try(&b, COOLDOWN_MS);
    breaker_forget(&b);
    assert_true(breaker_allows(&b, COOLDOWN_MS));
    assert_true(b.open);
}

static void each_failed_try_doubles_the_bench_up_to_its_ceiling(void **state)
{
    static const uint64_t benches[] = {1000, 2000, 4000, LONGEST_MS, LONGEST_MS, LONGEST_MS};
    struct breaker b = {0};
    uint64_t now_ms = 0;

    (void)state;
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        breaker_try(&b, now_ms);
        assert_int_equal(breaker_failed(&b, now_ms, &rules, true), i == 0);
        assert_int_equal(breaker_wait_ms(&b, now_ms), benches[i]);
        now_ms += benches[i];
    }
    breaker_try(&b, now_ms);
    assert_true(breaker_succeeded(&b));
    assert_true(breaker_failed(&b, now_ms, &rules, true));
    assert_int_equal(breaker_wait_ms(&b, now_ms), COOLDOWN_MS);
}

static void what_was_under_way_when_it_opened_does_not_lengthen_the_bench(void **state)
{
    struct breaker b = opened_at(0);

    (void)state;
    assert_false(breaker_failed(&b, 500, &rules, true));
    assert_false(breaker_failed(&b, 900, &rules, false));
    assert_true(breaker_allows(&b, COOLDOWN_MS));
}

/* Tries that never succeed, for ages: no overflow makes the bench short again. */
static void a_bench_never_exceeds_its_ceiling_nor_shrinks(void **state)
{
    struct breaker b = {0};
    uint64_t now_ms = 0, last_ms = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t wait_ms;

        breaker_try(&b, now_ms);
        breaker_failed(&b, now_ms, &rules, true);
        wait_ms = breaker_wait_ms(&b, now_ms);
        assert_in_range(wait_ms, last_ms ? last_ms : 1, LONGEST_MS);
        last_ms = wait_ms;
        now_ms += wait_ms;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_memory_is_a_closed_breaker),
        cmocka_unit_test(failures_in_a_row_open_it_and_a_success_between_starts_the_count_again),
        cmocka_unit_test(one_failure_is_enough_where_nobody_listens),
        cmocka_unit_test(after_its_time_exactly_one_try_goes_through),
        cmocka_unit_test(a_try_that_says_nothing_leaves_the_place_to_another),
        cmocka_unit_test(each_failed_try_doubles_the_bench_up_to_its_ceiling),
        cmocka_unit_test(what_was_under_way_when_it_opened_does_not_lengthen_the_bench),
        cmocka_unit_test(a_bench_never_exceeds_its_ceiling_nor_shrinks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
