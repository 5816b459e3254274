/* SPDX-License-Identifier: Apache-2.0 */
/* A ceiling under a virtual clock. */
#include "base/pace.h"

#include "../testing.h"

#include <errno.h>

enum { SECOND = 1000000, NOON = 12 * 60 };

static void the_hours_are_read_or_refused(void **state)
{
    static const struct {
        const char *hours;
        unsigned minute;
        bool holds;
    } cases[] = {
        {"", 0, true},
        {"07:00-23:00", 6 * 60 + 59, false},
        {"07:00-23:00", 7 * 60, true},
        {"07:00-23:00", 23 * 60, false},
        {"22:30-06:00", 22 * 60 + 29, false},
        {"22:30-06:00", 23 * 60, true},
        {"22:30-06:00", 5 * 60 + 59, true},
        {"22:30-06:00", 6 * 60, false},
        {"00:00-24:00", 23 * 60 + 59, true},
        {"18:00 - 24:00", 23 * 60 + 59, true},
        {"18:00 - 24:00", 0, false},
    };
    static const char *const wrong[] = {"7",           "7-8",         "07:00",
                                        "07:00-",      "07:60-08:00", "25:00-08:00",
                                        "24:01-08:00", "-1:00-08:00", "07:00-08:00-09:00"};
    struct pace p = {.bytes_per_s = 1};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(pace_set_hours(&p, str_from(cases[i].hours)), 0);
        assert_int_equal(pace_holds(&p, cases[i].minute), cases[i].holds);
    }
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(pace_set_hours(&p, str_from(wrong[i])), -EINVAL);
}

/* Four who share 1 MB/s, each waiting as told, move no more than that, and hardly less. */
static void who_waits_as_told_keeps_to_the_ceiling(void **state)
{
    struct pace p = {.bytes_per_s = 1000000};
    uint64_t moved = 0, next_us[4] = {0};

    (void)state;
    for (uint64_t now_us = 5 * SECOND; now_us < 15 * SECOND; now_us += 1000)
        for (unsigned i = 0; i < COUNT_OF(next_us); i++) {
            if (now_us < next_us[i])
                continue;
            moved += 50000;
            pace_take(&p, 50000, now_us, NOON);
            next_us[i] = now_us + pace_wait_us(&p, now_us, NOON);
        }
    assert_in_range(moved, 9900000, 10000000 + 100000 + 4 * 50000);
}

static void idle_time_is_not_saved_up(void **state)
{
    struct pace p = {.bytes_per_s = 1000};

    (void)state;
    pace_take(&p, 1000, SECOND, NOON);
    pace_take(&p, 100, 100 * SECOND, NOON); /* the burst pays for it */
    assert_int_equal(pace_wait_us(&p, 100 * SECOND, NOON), 0);
    pace_take(&p, 1000, 100 * SECOND, NOON);
    assert_int_equal(pace_wait_us(&p, 100 * SECOND, NOON), SECOND);
    assert_int_equal(pace_wait_us(&p, 101 * SECOND, NOON), 0);
}

static void outside_its_hours_nothing_waits_and_nothing_is_counted(void **state)
{
    struct pace p = {.bytes_per_s = 1};

    (void)state;
    assert_int_equal(pace_set_hours(&p, STR("07:00-23:00")), 0);
    pace_take(&p, 3600, SECOND, NOON);
    assert_true(pace_wait_us(&p, SECOND, NOON) > 3000 * (uint64_t)SECOND);
    assert_int_equal(pace_wait_us(&p, SECOND, 23 * 60), 0);
    assert_int_equal(pace_piece(&p, 1 << 20, 23 * 60), 1 << 20);
    assert_true(pace_piece(&p, 1 << 20, NOON) < 1 << 20);
}

static void the_largest_numbers_do_not_wrap(void **state)
{
    struct pace p = {.bytes_per_s = 1};

    (void)state;
    pace_take(&p, UINT64_MAX, 0, NOON);
    assert_int_equal(pace_wait_us(&p, 0, NOON), UINT64_C(3600) * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hours_are_read_or_refused),
        cmocka_unit_test(who_waits_as_told_keeps_to_the_ceiling),
        cmocka_unit_test(idle_time_is_not_saved_up),
        cmocka_unit_test(outside_its_hours_nothing_waits_and_nothing_is_counted),
        cmocka_unit_test(the_largest_numbers_do_not_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
