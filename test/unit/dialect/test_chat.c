/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked, whatever the dialect. */
#include "testing.h"

#include <stdlib.h>

#include "dialect/chat.h"

static void a_result_finds_the_latest_call_of_its_id(void **state)
{
    struct tool_call first = {.id = STR("1"), .name = STR("old")};
    struct tool_call second = {.id = STR("1"), .name = STR("new")};
    struct message messages[] = {{.calls = &first, .call_count = 1},
                                 {.calls = &second, .call_count = 1}};
    struct chat chat = {.messages = messages, .message_count = 2};

    (void)state;
    assert_true(str_is(chat_called_name(&chat, STR("1")), "new"));
    assert_int_equal(chat_called_name(&chat, STR("2")).len, 0);
    assert_int_equal(chat_called_name(&chat, STR("")).len, 0);
}

/* A history made to be long is not searched to its end, however its calls are spread. */
static void a_call_too_far_back_is_not_found(void **state)
{
    enum { MANY = 2000 };
    struct tool_call wanted = {.id = STR("1"), .name = STR("far")};
    struct tool_call *others = calloc(MANY, sizeof *others);
    struct message messages[] = {{.calls = &wanted, .call_count = 1},
                                 {.calls = others, .call_count = MANY}};
    struct chat chat = {.messages = messages, .message_count = 2};

    (void)state;
    assert_non_null(others);
    assert_int_equal(chat_called_name(&chat, STR("1")).len, 0);
    free(others);
}

static void effort_comes_to_tokens_unless_they_are_said(void **state)
{
    (void)state;
    assert_int_equal(chat_thinking_tokens(&(struct chat){.effort = STR("none")}), 0);
    assert_int_equal(chat_thinking_tokens(&(struct chat){.effort = STR("high")}), 4096);
    assert_int_equal(chat_thinking_tokens(&(struct chat){.effort = STR("odd")}), 2048);
    assert_int_equal(
        chat_thinking_tokens(&(struct chat){.effort = STR("high"), .thinking_tokens = 7}), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_finds_the_latest_call_of_its_id),
        cmocka_unit_test(a_call_too_far_back_is_not_found),
        cmocka_unit_test(effort_comes_to_tokens_unless_they_are_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
