/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/price.h"

#include "../testing.h"
#include "base/attr.h"

static void tokens_cost_what_the_price_says(void **state)
{
    static const struct {
        struct price price;
        struct tokens tokens;
        uint64_t cost_micro;
    } cases[] = {
        {{0}, {.prompt = 1000, .answer = 1000}, 0},
        {{2500000, 10000000, 1250000}, {.prompt = 1000000}, 2500000},   /* 2.50 dollars */
        {{2500000, 10000000, 1250000}, {.prompt = 0, .answer = 1}, 10}, /* a hundred-thousandth */
        {{2500000, 10000000, 1250000}, {1000000, 400000, 0}, 2000000}, /* 0.6 × 2.50 + 0.4 × 1.25 */
        {{150000, 600000, 75000}, {.prompt = 1}, 1}, /* 0.15 of a micro-unit: rounded up */
        {{150000, 600000, 75000}, {.prompt = 7, .answer = 3}, 3}, /* 1.05 + 1.8: once, not twice */
        {{100, 100, 900}, {.prompt = 10, .cached = 99}, 1}, /* more cached than there is: all */
        {{UINT64_MAX, UINT64_MAX, UINT64_MAX},
         {UINT64_MAX, 0, UINT64_MAX},
         2 * PRICE_MICRO_MAX / 1000000 * PRICED_TOKENS_MAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(price_of(&cases[i].price, &cases[i].tokens), cases[i].cost_micro);
}

static void nothing_costs_more_than_was_reserved(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct price price;
        struct tokens used;
        uint64_t prompt, answer;

        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        price = (struct price){seed >> 40, (seed >> 32) % 90000000, (seed >> 20) % 30000000};
        prompt = seed % 200000;
        answer = (seed >> 17) % 8192;
        used = (struct tokens){prompt, seed % (prompt + 1), answer ? seed % answer : 0};
        assert_true(price_of(&price, &used) <= price_at_most(&price, prompt, answer));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_cost_what_the_price_says),
        cmocka_unit_test(nothing_costs_more_than_was_reserved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
