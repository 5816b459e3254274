/* SPDX-License-Identifier: Apache-2.0 */
/* Asking twice: when, whom, and how often. */
#include "testing.h"

#include <math.h>

#include "boards.h"
#include "route/hedge.h"

static void two_requests_in_a_hundred_are_asked_twice(void **state)
{
    struct budget b = {0};
    unsigned spent = 0;

    (void)state;
    assert_false(budget_spend(&b));
    for (int i = 0; i < 10000; i++) {
        budget_earn(&b, HEDGE_SHARE);
        spent += budget_spend(&b);
    }
    assert_in_range(spent, 195, 200);
}

static void a_quiet_hour_saves_up_a_little_only(void **state)
{
    struct budget b = {0};
    unsigned spent = 0;

    (void)state;
    for (int i = 0; i < 100000; i++)
        budget_earn(&b, HEDGE_SHARE);
    while (budget_spend(&b))
        spent++;
    assert_int_equal(spent, 10);
}

/* Twenty answers were as expected, and two of the window's took four times as long. */
static void know_reading(struct board_copy *c)
{
    for (unsigned i = 0; i < ESTIMATE_WINDOW; i++)
        estimate_learn(&c->estimate, ESTIMATE_prompt, 100, i % 8 ? 1 : 4, 1);
}

static void late_is_what_is_later_than_nineteen_in_twenty(void **state)
{
    struct board_copy *c = &board->copies[FAST_BIG];
    struct costs usual = {.first_s = 3, .prompt_s = 2};

    (void)state;
    loaded(FAST_BIG);
    assert_true(isinf(hedge_late_s(&usual, c, 100))); /* nobody knows yet */
    know_reading(c);
    assert_near(hedge_late_s(&usual, c, 100), 1 + 2 * 4, 0.01);
    usual = (struct costs){.first_s = 0.01, .prompt_s = 0.01};
    assert_near(hedge_late_s(&usual, c, 100), 0.5, 0.01); /* less is not worth it */
    board_set(board, FAST_BIG, COPY_loading, 0);
    assert_true(isinf(hedge_late_s(&usual, c, 100)));
}

static void only_an_idle_equal_on_another_machine_may_be_asked_as_well(void **state)
{
    struct errand *late = errand(1, 100), *second = errand(2, 100);

    (void)state;
    loaded(FAST_BIG);
    loaded(SLOW_BIG);
    late->copy = FAST_BIG;
    hedge_narrow(second, board, late, 1000);
    assert_int_equal(second->options_count, 1);
    assert_int_equal(second->options[0].copy, SLOW_BIG);
    late->options[1].parity = PARITY_degraded;
    hedge_narrow(second, board, late, 1000);
    assert_int_equal(second->options_count, 0);
    late->options[1].parity = PARITY_equivalent;
    board->copies[SLOW_BIG].planned_s = 1; /* somebody waits for its slot */
    hedge_narrow(second, board, late, 1000);
    assert_int_equal(second->options_count, 0);
    board->copies[SLOW_BIG].planned_s = 0;
    board_begin(board, SLOW_BIG, &(struct board_run){.id = 9, .begun_ms = 1000, .work_s = 1});
    hedge_narrow(second, board, late, 1000);
    assert_int_equal(second->options_count, 0);
    late->options[1].copy = FAST_TINY; /* of the same machine */
    loaded(FAST_TINY);
    hedge_narrow(second, board, late, 1000);
    assert_int_equal(second->options_count, 0);
    free(late);
    free(second);
}

static void who_would_not_be_sooner_is_not_asked(void **state)
{
    (void)state;
    assert_true(hedge_pays(0.1, 3.1));
    assert_false(hedge_pays(1.6, 3.1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_requests_in_a_hundred_are_asked_twice),
        cmocka_unit_test(a_quiet_hour_saves_up_a_little_only),
        BOARD_TEST(late_is_what_is_later_than_nineteen_in_twenty),
        BOARD_TEST(only_an_idle_equal_on_another_machine_may_be_asked_as_well),
        cmocka_unit_test(who_would_not_be_sooner_is_not_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
