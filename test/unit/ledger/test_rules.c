/* SPDX-License-Identifier: Apache-2.0 */
/* What a key may do, as JSON and as people write it. */
#include "testing.h"

#include <errno.h>

#include "ledger/rules.h"

static struct arena arena;
static struct err err;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void nothing_said_limits_nothing(void **state)
{
    struct allowance allowance;
    struct rules rules;
    struct buf out;

    (void)state;
    assert_int_equal(rules_read(&rules, STR(""), &arena, &err), 0);
    allowance = rules_allowance(&rules);
    assert_true(allowance.parallel == NO_LIMIT);
    assert_true(allowance.budgets[PERIOD_month].money_micro == NO_LIMIT);
    assert_true(rules_list_has(rules.models, STR("anything")));
    buf_init(&out, 4096);
    assert_int_equal(rules_write(&out, &rules), 0);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
}

static void what_is_set_is_written_and_read_back(void **state)
{
    static const struct {
        const char *option, *text;
    } said[] = {{"requests-per-minute", "60"},
                {"money-per-month", "2.50"},
                {"soft", ""},
                {"models", "XL-*,qwen3:8b"},
                {"priority", "batch"}};
    struct rules rules = rules_none, again;
    struct buf out;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(said); i++)
        assert_int_equal(rules_set(&rules, str_from(said[i].option), str_from(said[i].text), &err),
                         0);
    buf_init(&out, 4096);
    assert_int_equal(rules_write(&out, &rules), 0);
    assert_true(str_is(buf_str(&out),
                       "{\"requests_per_minute\":60,\"money_per_month_micro\":2500000,"
                       "\"is_soft\":true,\"models\":\"XL-*,qwen3:8b\",\"priority\":\"batch\"}"));
    assert_int_equal(rules_read(&again, buf_str(&out), &arena, &err), 0);
    assert_int_equal(again.requests_per_minute, 60);
    assert_int_equal(rules_allowance(&again).budgets[PERIOD_month].money_micro, 2500000);
    assert_true(rules_allowance(&again).is_soft);
    assert_int_equal(again.priority, PRIORITY_batch);
    assert_true(priority_weight(again.priority) < priority_weight(rules_none.priority));
    assert_true(rules_list_has(again.models, STR("XL-LOC-FRE-x")));
    assert_true(rules_list_has(again.models, STR("qwen3:8b")));
    assert_false(rules_list_has(again.models, STR("qwen3:8bb")));
    buf_fini(&out);
}

static void what_is_not_understood_is_no_rule(void **state)
{
    static const char *const texts[] = {"{",
                                        "[]",
                                        "{\"fly\":true}",
                                        "{\"parallel\":-1}",
                                        "{\"parallel\":\"3\"}",
                                        "{\"is_soft\":1}",
                                        "{\"models\":[]}",
                                        "{\"priority\":\"first\"}"};
    struct rules rules = rules_none;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(rules_read(&rules, str_from(texts[i]), &arena, &err), -EINVAL);
    assert_int_equal(rules_set(&rules, STR("fly"), STR("1"), &err), -ENOENT);
    assert_int_equal(rules_set(&rules, STR("money-per-day"), STR("1.2345678"), &err), -EINVAL);
    assert_non_null(strstr(err.text, "--money-per-day 1.2345678: expected dollars"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_said_limits_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_set_is_written_and_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_understood_is_no_rule, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
