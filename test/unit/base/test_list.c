/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of links. */
#include "testing.h"

#include "base/list.h"

struct thing {
    int number;
    struct link link;
};

static int sum_in_order(struct link *head)
{
    int seen = 0;

    LINK_EACH(head, at)
    seen = seen * 10 + CONTAINER(at, struct thing, link)->number;
    return seen;
}

static void things_stand_in_the_order_they_came(void **state)
{
    struct thing a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    struct link head;

    (void)state;
    link_init(&head);
    assert_true(link_is_empty(&head));
    link_append(&head, &a.link);
    link_append(&head, &b.link);
    link_append(&head, &c.link);
    assert_int_equal(sum_in_order(&head), 123);
    link_remove(&b.link);
    assert_int_equal(sum_in_order(&head), 13);
    link_append(&head, &b.link);
    assert_int_equal(sum_in_order(&head), 132);
}

static void removing_twice_does_no_harm(void **state)
{
    struct thing a = {.number = 1};
    struct link head;

    (void)state;
    link_init(&head);
    link_append(&head, &a.link);
    link_remove(&a.link);
    link_remove(&a.link);
    assert_true(link_is_empty(&head));
    assert_true(link_is_empty(&a.link));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_stand_in_the_order_they_came),
        cmocka_unit_test(removing_twice_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
