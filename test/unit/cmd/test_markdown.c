/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown to plain text. */
#include "testing.h"

#include <stdio.h>

#include "cmd/markdown.h"

static void pages_lose_their_marks(void **state)
{
    static const struct {
        const char *words, *in, *out;
    } cases[] = {
        {"a title", "# Steps\n\nwords\n", "Steps\n\nwords\n"},
        {"code in a line", "see `tampu help`\n", "see tampu help\n"},
        {"indented code stays", "    tampu `x`\n", "    tampu `x`\n"},
        {"a table", "| a | b |\n|---|---|\n| `long` | x |\n", "a     b\nlong  x\n"},
        {"an escaped bar", "| a |\n|---|\n| x \\| y |\n", "a\nx | y\n"},
        {"an empty cell", "| a | b |\n|---|---|\n|  | x |\n", "a  b\n   x\n"},
        {"a row too short, one too long", "| a | b |\n|---|---|\n| 1 |\n| 1 | 2 | 3 |\n",
         "a  b\n1\n1  2\n"},
        {"two tables", "| a |\n|---|\n\n| long |\n|---|\n", "a\n\nlong\n"},
        {"a table at the very end", "| a |", "a\n"},
        {"a lone bar", "|", "\n"},
        {"nothing", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[512];
        struct buf out;

        buf_init(&out, sizeof text - 1);
        assert_int_equal(markdown_write_plain(&out, str_from(cases[i].in), 0, false), 0);
        snprintf(text, sizeof text, "%.*s", (int)out.len, out.data ? out.data : "");
        buf_fini(&out);
        if (strcmp(text, cases[i].out) != 0)
            fail_msg("%s: '%s'", cases[i].words, text);
    }
}

static void long_lines_are_wrapped(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 512);
    assert_int_equal(
        markdown_write_plain(&out, STR("one two three four five six seven\n"), 24, false), 0);
    assert_true(str_is(buf_str(&out), "one two three four five\nsix seven\n"));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_lose_their_marks),
        cmocka_unit_test(long_lines_are_wrapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
