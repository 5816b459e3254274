/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a template leaves an answer's turn open. */
#include "testing.h"

#include <stdio.h>

#include "base/attr.h"
#include "dialect/prefill.h"

#define BEGINNING "A caravan comes to the way station"

static void a_template_is_read_as_engines_show_it(void **state)
{
    static const struct {
        const char *body;
        enum turn turn;
    } cases[] = {
        {"{\"prompt\":\"user: Who comes?\\nassistant:" BEGINNING " \\n\"}", TURN_open},
        {"{\"_debug_info\":{\"rendered_template\":\"<|a|>" BEGINNING " \\n\"}}", TURN_open},
        {"{\"prompt\":\"assistant: " BEGINNING "\"}", TURN_trimmed},
        {"{\"prompt\":\"assistant: " BEGINNING " \\n</s>assistant:\"}", TURN_closed},
        {"{\"model\":\"x\",\"message\":{\"content\":\"a llama\"},\"done\":true}", TURN_closed},
        {"{\"prompt\":\"\"}", TURN_closed},
        {"<html>", TURN_closed},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (prefill_read(str_from(cases[i].body)) != cases[i].turn)
            fail_msg("%s", cases[i].body);
}

static void each_engine_is_asked_in_its_own_words(void **state)
{
    static const struct {
        enum dialect_id dialect;
        const char *has[4];
    } cases[] = {
        {DIALECT_ollama,
         {"\"_debug_render_only\":true", "\"num_ctx\":8192", "\"num_predict\":1",
          BEGINNING " \\n"}},
        {DIALECT_openai,
         {"\"enable_thinking\":false", "\"role\":\"assistant\"", "\"max_tokens\":1",
          BEGINNING " \\n"}},
    };
    const struct copy_shape shape = {.model = STR("qwen3:8b"), .num_ctx = 8192};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct buf out;

        arena_init(&arena, 1 << 16);
        buf_init(&out, 1 << 16);
        assert_int_equal(prefill_write(&out, dialect_get(cases[i].dialect), &shape, &arena), 0);
        for (size_t j = 0; j < COUNT_OF(cases[i].has); j++)
            if (!memmem(out.data, out.len, cases[i].has[j], strlen(cases[i].has[j])))
                fail_msg("%s is not in %.*s", cases[i].has[j], (int)out.len, out.data);
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static void blanks_are_given_only_where_they_stay(void **state)
{
    (void)state;
    assert_int_equal(prefill_length(TURN_open, STR("a b \n")), 5);
    assert_int_equal(prefill_length(TURN_trimmed, STR("a b \n")), 3);
    assert_int_equal(prefill_length(TURN_trimmed, STR(" \n")), 0);
    assert_int_equal(prefill_length(TURN_closed, STR("a")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_is_read_as_engines_show_it),
        cmocka_unit_test(each_engine_is_asked_in_its_own_words),
        cmocka_unit_test(blanks_are_given_only_where_they_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
