/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets for asking twice. */
#include "testing.h"

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

static void only_what_is_later_than_usual_is_asked_again(void **state)
{
    (void)state;
    assert_false(hedge_is_due(2, 1.5, 2.9, 0.1)); /* not yet later than 19 in 20 */
    assert_true(hedge_is_due(2, 1.5, 3.1, 0.1));
    assert_false(hedge_is_due(2, 1.5, 3.1, 1.6));   /* the other one would not be sooner */
    assert_false(hedge_is_due(0.01, 1, 0.2, 0.01)); /* too little to care */
    assert_false(hedge_is_due(2, 0.1, 1.9, 0.1));   /* never sooner than expected */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_requests_in_a_hundred_are_asked_twice),
        cmocka_unit_test(a_quiet_hour_saves_up_a_little_only),
        cmocka_unit_test(only_what_is_later_than_usual_is_asked_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
