/* SPDX-License-Identifier: Apache-2.0 */
/* Priorities: what a request may say of itself. */
#include "testing.h"

#include "ledger/priority.h"

static const struct {
    const char *title;
    enum priority own, wished;
    bool may_raise;
    enum priority granted;
} cases[] = {
    {"as the key", PRIORITY_normal, PRIORITY_normal, false, PRIORITY_normal},
    {"down by one", PRIORITY_normal, PRIORITY_batch, false, PRIORITY_batch},
    {"down by two", PRIORITY_interactive, PRIORITY_batch, false, PRIORITY_batch},
    {"up is not granted", PRIORITY_batch, PRIORITY_interactive, false, PRIORITY_batch},
    {"... but to who may", PRIORITY_batch, PRIORITY_interactive, true, PRIORITY_interactive},
    {"who may go up may go down", PRIORITY_normal, PRIORITY_batch, true, PRIORITY_batch},
};

static void a_request_may_be_less_urgent_than_its_key_and_more_with_leave(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (priority_granted(cases[i].own, cases[i].wished, cases[i].may_raise) != cases[i].granted)
            fail_msg("%s", cases[i].title);
}

static void every_class_is_read_by_its_name_and_nothing_else_is(void **state)
{
    enum priority found;

    (void)state;
    for (enum priority p = 0; p < PRIORITY_COUNT; p++) {
        assert_true(priority_read(&found, str_from(priority_name(p))));
        assert_int_equal(found, p);
        assert_non_null(strstr(priority_words, priority_name(p)));
    }
    assert_false(priority_read(&found, STR("urgent")));
    assert_false(priority_read(&found, STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_may_be_less_urgent_than_its_key_and_more_with_leave),
        cmocka_unit_test(every_class_is_read_by_its_name_and_nothing_else_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
