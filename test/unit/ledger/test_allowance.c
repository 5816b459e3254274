/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/accounts.h"
#include "ledger/allowance.h"

#include "../testing.h"
#include "base/attr.h"

static const int64_t HOUR_US = INT64_C(3600000000);
static const int64_t NOON_US = INT64_C(1795435200000000); /* 2026-11-23 12:00 */

static struct moment at(int64_t wall_us)
{
    return (struct moment){.monotonic_us = (uint64_t)wall_us, .wall_us = wall_us};
}

static struct allowance daily(uint64_t money_micro)
{
    struct allowance allowance = allowance_none;

    allowance.budgets[PERIOD_day].money_micro = money_micro;
    return allowance;
}

static uint64_t spent(const struct account *a, int64_t wall_us)
{
    return account_used(a, PERIOD_day, false, at(wall_us)).money_micro;
}

static void nothing_is_limited_unless_said(void **state)
{
    struct account a = {0};
    struct reservation r;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(account_reserve(&a, &allowance_none,
                                         (struct amount){UINT64_MAX, UINT64_MAX}, at(NOON_US), &r)
                             .limit,
                         LIMIT_none);
}

static void a_thousand_at_once_have_room_for_ten(void **state)
{
    struct allowance allowance = daily(1000);
    struct account a = {0};
    struct reservation open[1000] = {0};
    unsigned through = 0;

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(open); i++)
        through +=
            !account_reserve(&a, &allowance, (struct amount){100, 50}, at(NOON_US), &open[i]).limit;
    assert_int_equal(through, 10);
    for (unsigned i = 0; i < COUNT_OF(open); i++)
        account_settle(&a, &allowance, &open[i], (struct amount){100, 50}, at(NOON_US));
    assert_int_equal(spent(&a, NOON_US), 1000);
}

static void what_was_not_used_is_given_back_once(void **state)
{
    struct allowance allowance = daily(1000);
    struct account a = {0};
    struct reservation r, more;

    (void)state;
    assert_false(account_reserve(&a, &allowance, (struct amount){900, 0}, at(NOON_US), &r).limit);
    assert_int_equal(
        account_reserve(&a, &allowance, (struct amount){200, 0}, at(NOON_US), &more).limit,
        LIMIT_money);
    account_settle(&a, &allowance, &r, (struct amount){300, 0}, at(NOON_US));
    account_settle(&a, &allowance, &r, (struct amount){300, 0}, at(NOON_US));
    assert_int_equal(spent(&a, NOON_US), 300);
    assert_int_equal(a.running, 0);
    assert_false(account_reserve(&a, &allowance, (struct amount){700, 0}, at(NOON_US), &r).limit);
}

static void a_refusal_says_when_to_come_back(void **state)
{
    struct allowance allowance = daily(10);
    struct account a = {0};
    struct reservation r;
    struct refusal refusal;

    (void)state;
    refusal = account_reserve(&a, &allowance, (struct amount){11, 0}, at(NOON_US), &r);
    assert_int_equal(refusal.limit, LIMIT_money);
    assert_int_equal(refusal.period, PERIOD_day);
    assert_int_equal(refusal.retry_us, 12 * HOUR_US);
    assert_string_equal(limit_words(refusal.limit), "money");

    allowance = allowance_none;
    allowance.requests_per_minute = 1;
    assert_false(account_reserve(&a, &allowance, (struct amount){0}, at(NOON_US), &r).limit);
    refusal = account_reserve(&a, &allowance, (struct amount){0}, at(NOON_US + 1000000), &r);
    assert_int_equal(refusal.limit, LIMIT_requests);
    assert_int_equal(refusal.retry_us, 59000000);
}

static void so_many_at_once_and_no_more(void **state)
{
    struct allowance allowance = allowance_none;
    struct account a = {0};
    struct reservation first, second, third;

    (void)state;
    allowance.parallel = 2;
    assert_false(account_reserve(&a, &allowance, (struct amount){0}, at(NOON_US), &first).limit);
    assert_false(account_reserve(&a, &allowance, (struct amount){0}, at(NOON_US), &second).limit);
    assert_int_equal(account_reserve(&a, &allowance, (struct amount){0}, at(NOON_US), &third).limit,
                     LIMIT_parallel);
    account_settle(&a, &allowance, &first, (struct amount){0}, at(NOON_US));
    assert_false(account_reserve(&a, &allowance, (struct amount){0}, at(NOON_US), &third).limit);
}

static void a_soft_budget_lets_through_and_says_so(void **state)
{
    struct allowance allowance = daily(10);
    struct account a = {0};
    struct reservation r;
    struct refusal refusal;

    (void)state;
    allowance.is_soft = true;
    refusal = account_reserve(&a, &allowance, (struct amount){11, 0}, at(NOON_US), &r);
    assert_int_equal(refusal.limit, LIMIT_money);
    assert_true(refusal.is_soft && r.is_open);
    account_settle(&a, &allowance, &r, (struct amount){11, 0}, at(NOON_US));
    assert_int_equal(spent(&a, NOON_US), 11);
}

static void a_new_day_begins_once_however_the_clock_steps(void **state)
{
    struct allowance allowance = daily(100);
    struct account a = {0};
    struct reservation r;
    int64_t midnight_us = NOON_US + 12 * HOUR_US;

    (void)state;
    assert_false(account_reserve(&a, &allowance, (struct amount){100, 0}, at(NOON_US), &r).limit);
    account_settle(&a, &allowance, &r, (struct amount){100, 0}, at(NOON_US));
    assert_false(
        account_reserve(&a, &allowance, (struct amount){90, 0}, at(midnight_us), &r).limit);
    account_settle(&a, &allowance, &r, (struct amount){90, 0}, at(midnight_us));

    /* An hour back, and over midnight again. */
    assert_int_equal(
        account_reserve(&a, &allowance, (struct amount){20, 0}, at(midnight_us - HOUR_US), &r)
            .limit,
        LIMIT_money);
    assert_int_equal(
        account_reserve(&a, &allowance, (struct amount){20, 0}, at(midnight_us + 5), &r).limit,
        LIMIT_money);
    assert_int_equal(spent(&a, midnight_us + 5), 90);
}

static void what_began_yesterday_is_yesterdays(void **state)
{
    struct allowance allowance = daily(100);
    struct account a = {0};
    struct reservation late, r;
    int64_t midnight_us = NOON_US + 12 * HOUR_US;

    (void)state;
    assert_false(
        account_reserve(&a, &allowance, (struct amount){100, 7}, at(midnight_us - 1), &late).limit);
    assert_false(
        account_reserve(&a, &allowance, (struct amount){100, 7}, at(midnight_us), &r).limit);
    account_settle(&a, &allowance, &late, (struct amount){100, 7}, at(midnight_us + 2));
    assert_int_equal(spent(&a, midnight_us + 2), 0);
    assert_int_equal(account_used(&a, PERIOD_day, true, at(midnight_us)).money_micro, 100);
    /* The month goes on: November has a week left. */
    assert_int_equal(account_used(&a, PERIOD_month, false, at(midnight_us)).money_micro, 100);
    assert_int_equal(
        account_used(&a, PERIOD_month, false, at(midnight_us + 31 * 24 * HOUR_US)).money_micro, 0);
}

static void what_the_store_remembers_counts(void **state)
{
    struct allowance allowance = daily(100);
    struct account a = {0};
    struct reservation r;

    (void)state;
    account_load(&a, NOON_US / PERIOD_DAY_US, (struct amount){95, 0}, at(NOON_US));
    assert_int_equal(account_reserve(&a, &allowance, (struct amount){6, 0}, at(NOON_US), &r).limit,
                     LIMIT_money);
    assert_false(account_reserve(&a, &allowance, (struct amount){5, 0}, at(NOON_US), &r).limit);
}

/* It was ahead when rows were written, is behind at the start, and is put right. */
static void what_was_used_on_a_day_to_come_counts_then(void **state)
{
    const int64_t today = NOON_US / PERIOD_DAY_US, tomorrow_us = (today + 1) * PERIOD_DAY_US;
    struct allowance allowance = daily(100);
    struct account a = {0};
    struct reservation r;

    (void)state;
    account_load(&a, today, (struct amount){10, 0}, at(NOON_US));
    account_load(&a, today + 1, (struct amount){60, 0}, at(NOON_US));
    account_load(&a, today + 1, (struct amount){35, 0}, at(NOON_US));
    assert_int_equal(account_used(&a, PERIOD_day, false, at(NOON_US)).money_micro, 10);
    assert_int_equal(account_used(&a, PERIOD_month, false, at(NOON_US)).money_micro, 105);
    assert_int_equal(account_used(&a, PERIOD_day, false, at(tomorrow_us)).money_micro, 95);
    assert_int_equal(
        account_reserve(&a, &allowance, (struct amount){6, 0}, at(tomorrow_us), &r).limit,
        LIMIT_money);
    assert_false(account_reserve(&a, &allowance, (struct amount){5, 0}, at(tomorrow_us), &r).limit);
    assert_int_equal(
        account_used(&a, PERIOD_day, true, at(tomorrow_us + PERIOD_DAY_US)).money_micro, 0);
}

/* Whatever happens in whatever order, nothing hard is ever passed, and books and sum agree. */
static void no_order_of_events_overspends(void **state)
{
    enum { OPEN = 40, BUDGET = 5000 };

    (void)state;
    for (unsigned seed = 1; seed <= 50; seed++) {
        struct allowance allowance = daily(BUDGET);
        struct account a = {0};
        struct reservation open[OPEN] = {0};
        uint64_t random = seed, sum = 0;

        for (unsigned i = 0; i < 2000; i++) {
            unsigned at_place;
            uint64_t most;

            random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
            at_place = (unsigned)(random >> 33) % OPEN;
            most = (random >> 20) % 300;
            if (open[at_place].is_open) {
                uint64_t used = random % (open[at_place].amount.money_micro + 1);

                sum += used;
                account_settle(&a, &allowance, &open[at_place], (struct amount){used, 0},
                               at(NOON_US));
            } else if (account_reserve(&a, &allowance, (struct amount){most, 0}, at(NOON_US),
                                       &open[at_place])
                           .limit) {
                open[at_place].is_open = false;
            }
            assert_int_equal(spent(&a, NOON_US), sum);
            assert_true(account_used(&a, PERIOD_day, true, at(NOON_US)).money_micro <= BUDGET);
        }
    }
}

static void what_all_gateways_used_is_of_its_period_and_refuses_nobody(void **state)
{
    struct allowance allowance = daily(1000);
    struct account a = {0};
    struct reservation r;
    const int64_t periods[PERIOD_COUNT] = {period_of(PERIOD_day, NOON_US),
                                           period_of(PERIOD_week, NOON_US),
                                           period_of(PERIOD_month, NOON_US)};
    const struct amount used[PERIOD_COUNT] = {{5000, 50}, {6000, 60}, {7000, 70}};

    (void)state;
    assert_int_equal(account_all(&a, PERIOD_day, at(NOON_US)).money_micro, 0);
    account_note_all(&a, periods, used);
    for (enum period p = 0; p < PERIOD_COUNT; p++)
        assert_int_equal(account_all(&a, p, at(NOON_US)).money_micro, used[p].money_micro);
    assert_int_equal(account_all(&a, PERIOD_day, at(NOON_US + PERIOD_DAY_US)).tokens, 0);
    assert_int_equal(
        account_reserve(&a, &allowance, (struct amount){.money_micro = 1000}, at(NOON_US), &r)
            .limit,
        LIMIT_none);
}

static void what_was_known_at_start_is_of_its_period(void **state)
{
    struct accounts *all = accounts_new();
    const struct amount used = {7, 9};
    int64_t day = period_of(PERIOD_day, NOON_US);
    struct account_state seen;

    (void)state;
    assert_int_equal(accounts_load(all, STR("k"), day, used, at(NOON_US)), 0);
    assert_true(accounts_find(all, STR("k"), at(NOON_US), &seen));
    assert_int_equal(seen.loaded[PERIOD_day].tokens, 9);
    assert_true(accounts_find(all, STR("k"), at(NOON_US + PERIOD_DAY_US), &seen));
    assert_int_equal(seen.used[PERIOD_day].tokens, 0);
    assert_int_equal(seen.loaded[PERIOD_day].tokens, 0);
    accounts_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_limited_unless_said),
        cmocka_unit_test(a_thousand_at_once_have_room_for_ten),
        cmocka_unit_test(what_was_known_at_start_is_of_its_period),
        cmocka_unit_test(what_all_gateways_used_is_of_its_period_and_refuses_nobody),
        cmocka_unit_test(what_was_not_used_is_given_back_once),
        cmocka_unit_test(a_refusal_says_when_to_come_back),
        cmocka_unit_test(so_many_at_once_and_no_more),
        cmocka_unit_test(a_soft_budget_lets_through_and_says_so),
        cmocka_unit_test(a_new_day_begins_once_however_the_clock_steps),
        cmocka_unit_test(what_began_yesterday_is_yesterdays),
        cmocka_unit_test(what_the_store_remembers_counts),
        cmocka_unit_test(what_was_used_on_a_day_to_come_counts_then),
        cmocka_unit_test(no_order_of_events_overspends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
