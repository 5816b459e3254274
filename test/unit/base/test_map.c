/* SPDX-License-Identifier: Apache-2.0 */
/* Names to pointers. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "base/map.h"

static void an_empty_map_finds_nothing(void **state)
{
    struct map m = {0};

    (void)state;
    assert_null(map_find(&m, STR("x")));
    assert_null(map_find(&m, (struct str){0}));
    map_fini(&m);
}

static void a_name_is_taken_once(void **state)
{
    struct map m = {0};
    int one, two;

    (void)state;
    assert_int_equal(map_put(&m, STR("x"), &one), 0);
    assert_int_equal(map_put(&m, STR("x"), &two), -EEXIST);
    assert_ptr_equal(map_find(&m, STR("x")), &one);
    assert_int_equal(map_put(&m, STR(""), &two), 0); /* an empty name is a name */
    assert_ptr_equal(map_find(&m, STR("")), &two);
    assert_int_equal(m.count, 2);
    map_fini(&m);
    assert_null(map_find(&m, STR("x")));
}

static void thousands_of_names_are_all_found(void **state)
{
    enum { MANY = 5000 };
    static char names[MANY][16];
    struct map m = {0};

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "name-%zu", i);
        assert_int_equal(map_put(&m, str_from(names[i]), names[i]), 0);
    }
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(map_find(&m, str_from(names[i])), names[i]);
    assert_null(map_find(&m, STR("name-5000")));
    map_fini(&m);
}

static size_t calls;

static void count_call(void *value)
{
    assert_non_null(value);
    calls++;
}

static void each_visits_every_value_once(void **state)
{
    struct map m = {0};
    int things[3];

    (void)state;
    map_each(&m, count_call);
    assert_int_equal(calls, 0);
    assert_int_equal(map_put(&m, STR("a"), &things[0]), 0);
    assert_int_equal(map_put(&m, STR("b"), &things[1]), 0);
    assert_int_equal(map_put(&m, STR("c"), &things[2]), 0);
    map_each(&m, count_call);
    assert_int_equal(calls, 3);
    map_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_finds_nothing),
        cmocka_unit_test(a_name_is_taken_once),
        cmocka_unit_test(thousands_of_names_are_all_found),
        cmocka_unit_test(each_visits_every_value_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
