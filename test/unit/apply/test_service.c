/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine's shell is told to run once an engine is up. */
#include "apply/service.h"

#include "../testing.h"

static void what_runs_afterwards_is_quoted_for_the_shell(void **state)
{
    static const struct {
        uint32_t os;
        const char *model, *expected;
    } cases[] = {
        {OS_linux, "tiny:1b", "'lemonade' 'pull' 'tiny:1b'"},
        {OS_linux, "$(id) `id` \"\\ %h", "'lemonade' 'pull' '$(id) `id` \"\\ %h'"},
        {OS_linux, "a'; id; '", "'lemonade' 'pull' 'a'\\''; id; '\\'''"},
        {OS_macos, "$HOME'", "'lemonade' 'pull' '$HOME'\\'''"},
        {OS_windows, "$(id)'; id", "'lemonade' 'pull' '$(id)''; id'"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct machine machine = {.os = cases[i].os};
        const struct fleet_engine engine = {.kind = ENGINE_openai, .name = STR("lemonade")};
        const struct fleet_model line = {.pull = str_from(cases[i].model)};
        const struct plan_copy copy = {.line = &line};
        const struct service service = {&machine, &engine, &copy, NULL, "127.0.0.1"};
        struct buf out;

        buf_init(&out, 4096);
        assert_int_equal(service_write_after(&out, &service), 0);
        assert_true(str_is(buf_str(&out), cases[i].expected));
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_afterwards_is_quoted_for_the_shell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
