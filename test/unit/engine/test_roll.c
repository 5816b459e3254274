/* SPDX-License-Identifier: Apache-2.0 */
/* Which models a provider's list has. */
#include "testing.h"

#include "base/attr.h"
#include "engine/roll.h"

static void a_model_is_listed_by_its_name_or_by_one_of_its_versions(void **state)
{
    static const struct str names[] = {
        {"claude-haiku-4-5-20251001", 25}, {"gpt-4o", 6}, {"gpt-4o-mini-2024-07-18", 22}};
    static const struct {
        struct str model;
        bool listed;
    } cases[] = {
        {STR("gpt-4o"), true},
        {STR("gpt-4o-mini"), true},
        {STR("claude-haiku-4-5"), true},
        {STR("claude-haiku-4-5-20251001"), true},
        {STR("claude-haiku-4"), false},
        {STR("gpt-4"), false},
        {STR("gpt-4o-mini-2024-07-18-x"), false},
        {STR("o1"), false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (roll_has(names, COUNT_OF(names), cases[i].model) != cases[i].listed)
            fail_msg("%s", cases[i].model.data);
    assert_false(roll_has(NULL, 0, STR("gpt-4o")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_listed_by_its_name_or_by_one_of_its_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
