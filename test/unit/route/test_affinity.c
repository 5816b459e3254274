/* SPDX-License-Identifier: Apache-2.0 */
/* Affinity: who still holds the beginning of a conversation. */
#include "testing.h"

#include "route/affinity.h"

static const struct prompt_piece talk[] = {{11, 100}, {12, 150}, {13, 300}};
static const struct prompt_piece other[] = {{21, 80}, {22, 90}};
static const struct prompt_piece forked[] = {{11, 100}, {12, 150}, {99, 400}};

static uint32_t held(const struct affinity *a, const struct prompt_piece *pieces, uint32_t count,
                     uint32_t copy)
{
    struct affinity_found found;

    affinity_find(a, pieces, count, &found);
    return affinity_tokens(&found, copy);
}

static void the_longest_beginning_counts(void **state)
{
    AUTO(affinity) a = affinity_new(4, 1024);

    (void)state;
    assert_int_equal(held(a, talk, 3, 2), 0);
    affinity_note(a, 2, 1, talk, 3);
    assert_int_equal(held(a, talk, 3, 2), 300);
    assert_int_equal(held(a, forked, 3, 2), 150);
    assert_int_equal(held(a, talk, 3, 1), 0);
}

static void a_slot_holds_its_last_prompt_only(void **state)
{
    AUTO(affinity) a = affinity_new(4, 1024);

    (void)state;
    affinity_note(a, 0, 1, talk, 2);
    affinity_note(a, 0, 1, other, 2);
    assert_int_equal(held(a, talk, 2, 0), 0);
    affinity_note(a, 1, 2, talk, 2);
    affinity_note(a, 1, 2, other, 2);
    assert_int_equal(held(a, talk, 2, 1), 150);
    assert_int_equal(held(a, other, 2, 1), 90);
}

static void a_conversation_goes_on_in_its_own_slot(void **state)
{
    AUTO(affinity) a = affinity_new(4, 1024);

    (void)state;
    affinity_note(a, 1, 2, talk, 2);
    affinity_note(a, 1, 2, other, 2);
    affinity_note(a, 1, 2, talk, 3);
    assert_int_equal(held(a, other, 2, 1), 90);
    assert_int_equal(held(a, talk, 3, 1), 300);
}

static void what_is_unloaded_is_forgotten(void **state)
{
    AUTO(affinity) a = affinity_new(4, 1024);

    (void)state;
    affinity_note(a, 1, 2, talk, 3);
    affinity_note(a, 3, 2, talk, 3);
    affinity_forget(a, 1);
    assert_int_equal(held(a, talk, 3, 1), 0);
    assert_int_equal(held(a, talk, 3, 3), 300);
}

/* However much is said, the table stays as large as it is, and the latest are in it. */
static void the_oldest_go_when_the_table_is_full(void **state)
{
    AUTO(affinity) a = affinity_new(16, 64);
    unsigned found = 0;

    (void)state;
    for (uint64_t i = 1; i <= 10000; i++)
        affinity_note(a, (uint32_t)(i % 16), 16, &(struct prompt_piece){i * 7919, 10}, 1);
    for (uint64_t i = 1; i <= 10000; i++)
        found += held(a, &(struct prompt_piece){i * 7919, 10}, 1, (uint32_t)(i % 16)) > 0;
    assert_true(found <= 64 && found > 16);
    assert_int_equal(held(a, &(struct prompt_piece){10000 * 7919, 10}, 1, 0), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_beginning_counts),
        cmocka_unit_test(a_slot_holds_its_last_prompt_only),
        cmocka_unit_test(a_conversation_goes_on_in_its_own_slot),
        cmocka_unit_test(what_is_unloaded_is_forgotten),
        cmocka_unit_test(the_oldest_go_when_the_table_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
