/* SPDX-License-Identifier: Apache-2.0 */
/* tampu sim: what it prints, and what it says when it is asked for what there is not. */
#include "testing.h"

#include "capture.h"
#include "wire/json.h"

static const char fleet[] = "fleets/homelab.yaml";

static void json_has_what_other_programs_rely_on(void **state)
{
    static const char *const numbers[] = {"requests",  "completed",      "lost",        "loads",
                                          "evictions", "cloud_requests", "money_micro", "goodput"};
    struct json json = {0};
    struct err err = {0};
    yyjson_val *policies, *policy;
    size_t i, max;

    (void)state;
    assert_int_equal(captured(cmd_sim, "sim", fleet, "--trace", "poisson", "--load", "0.1",
                              "--policy", "tampu,latency+keep", "--each", "--json", NULL),
                     EXIT_done);
    assert_int_equal(json_read(&json, str_from(caught_out), 1 << 24, &err), 0);
    policies = json_find(json.root, "policies");
    assert_int_equal(yyjson_arr_size(policies), 2);
    yyjson_arr_foreach(policies, i, max, policy)
    {
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            assert_true(yyjson_is_num(json_find(policy, numbers[k])));
        assert_true(json_find_real(json_find(policy, "ttft_s"), "p99") > 0);
        assert_true(json_find_real(json_find(policy, "tpot_s"), "p50") > 0);
        assert_int_equal(yyjson_arr_size(json_find(policy, "each")),
                         json_find_u64(policy, "completed"));
    }
    assert_string_equal(json_find_str(yyjson_arr_get(policies, 1), "policy").data, "latency+keep");
    assert_true(json_find_real(json_find(json_find(json.root, "bound"), "ttft_s"), "p50") > 0);
    json_fini(&json);
}

static void people_get_a_table(void **state)
{
    (void)state;
    assert_int_equal(captured(cmd_sim, "sim", fleet, "--trace", "test/traces/azure.csv",
                              "--per-hour", "200", "--policy", "tampu", "--lose", "gtr9-pro@1800",
                              NULL),
                     EXIT_done);
    assert_non_null(strstr(caught_out, "TTFT 99"));
    assert_non_null(strstr(caught_out, "\ntampu "));
}

static void what_there_is_not_is_named(void **state)
{
    static const struct {
        const char *option, *value, *words;
    } cases[] = {
        {"--policy", "wisdom", "there is no policy 'wisdom'"},
        {"--policy", "latency+sleep", "there is no policy 'latency+sleep'"},
        {"--trace", "/nowhere/at-all.csv", "made-up traces are poisson"},
        {"--lose", "gtr9-pro", "expected MACHINE@SECONDS"},
        {"--lose", "nobody@5", "there is no machine 'nobody'"},
        {"--load", "much", "expected a number"},
        {"--seed", "one", "expected a whole number"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = captured(cmd_sim, "sim", fleet, cases[i].option, cases[i].value, NULL);

        assert_true(status == EXIT_usage || status == EXIT_no);
        if (!strstr(caught_err, cases[i].words))
            fail_msg("%s %s: %s", cases[i].option, cases[i].value, caught_err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_what_other_programs_rely_on),
        cmocka_unit_test(people_get_a_table),
        cmocka_unit_test(what_there_is_not_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
