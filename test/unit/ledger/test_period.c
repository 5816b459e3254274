/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/period.h"

#include "../testing.h"
#include "base/attr.h"

static const int64_t HOUR_US = INT64_C(3600000000);

static void known_days_lie_in_their_periods(void **state)
{
    static const struct {
        int64_t wall_s;
        int64_t day, week, month;
    } cases[] = {
        {0, 0, 0, 0},                    /* Thursday, 1970-01-01 */
        {3 * 86400 + 86399, 3, 0, 0},    /* Sunday */
        {4 * 86400, 4, 1, 0},            /* Monday */
        {951782400, 11016, 1574, 361},   /* 2000-02-29: a leap day of a century */
        {951868800, 11017, 1574, 362},   /* 2000-03-01 */
        {1795478399, 20780, 2969, 682},  /* 2026-11-23 23:59:59, a Monday */
        {1798761599, 20818, 2974, 683},  /* 2026-12-31 23:59:59 */
        {1798761600, 20819, 2974, 684},  /* 2027-01-01 */
        {4107542400, 47541, 6792, 1562}, /* 2100-03-01: no leap year */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t now_us = cases[i].wall_s * 1000000;

        assert_int_equal(period_of(PERIOD_day, now_us), cases[i].day);
        assert_int_equal(period_of(PERIOD_week, now_us), cases[i].week);
        assert_int_equal(period_of(PERIOD_month, now_us), cases[i].month);
    }
}

static void each_period_holds_its_moments_and_no_others(void **state)
{
    (void)state;
    for (int64_t hour = 0; hour < 24 * 366 * 40; hour += 7)
        for (enum period p = 0; p < PERIOD_COUNT; p++) {
            int64_t now_us = hour * HOUR_US, index = period_of(p, now_us);

            assert_true(period_start_us(p, index) <= now_us);
            assert_true(now_us < period_start_us(p, index + 1));
            assert_int_equal(period_of(p, period_start_us(p, index + 1)), index + 1);
            assert_int_equal(period_of(p, period_start_us(p, index + 1) - 1), index);
        }
}

static void periods_have_names(void **state)
{
    (void)state;
    assert_string_equal(period_name(PERIOD_day), "day");
    assert_string_equal(period_name(PERIOD_month), "month");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_days_lie_in_their_periods),
        cmocka_unit_test(each_period_holds_its_moments_and_no_others),
        cmocka_unit_test(periods_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
