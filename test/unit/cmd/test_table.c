/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of text. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/table.h"

static char text[4096];

static const char *written(struct table *t, size_t width, bool colors)
{
    struct buf out;

    buf_init(&out, sizeof text - 1);
    assert_int_equal(table_write(t, &out, width, colors), 0);
    snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    table_fini(t);
    return text;
}

static void fill(struct table *t, size_t columns, const char *const *cells)
{
    table_init(t, columns);
    for (; *cells; cells++)
        table_add(t, PAINT_none, str_from(*cells));
}

static void columns_are_as_wide_as_what_stands_in_them(void **state)
{
    struct table t;

    (void)state;
    fill(&t, 2, (const char *const[]){"NAME", "SIZE", "qwen3:8b", "5 GB", NULL});
    assert_string_equal(written(&t, 0, false), "NAME      SIZE\nqwen3:8b  5 GB\n");
}

static void characters_count_not_bytes(void **state)
{
    struct table t;

    (void)state;
    fill(&t, 2, (const char *const[]){"ñandú", "1", "tampu", "2", NULL});
    assert_string_equal(written(&t, 0, false), "ñandú  1\ntampu  2\n");
}

static void lines_do_not_end_in_spaces(void **state)
{
    struct table t;

    (void)state;
    fill(&t, 3, (const char *const[]){"a", "b", "c", "1", "", "", "", "", "", NULL});
    assert_string_equal(written(&t, 0, false), "a  b  c\n1\n\n");
}

static void the_last_column_is_wrapped_between_words(void **state)
{
    struct table t;

    (void)state;
    fill(&t, 2, (const char *const[]){"key", "one two three four five six seven", NULL});
    assert_string_equal(written(&t, 30, false), "key  one two three four five\n     six seven\n");
}

static void a_word_longer_than_the_line_stays_whole(void **state)
{
    struct table t;

    (void)state;
    fill(&t, 1, (const char *const[]){"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bb", NULL});
    assert_string_equal(written(&t, 25, false), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nbb\n");
}

static void a_narrow_terminal_is_not_wrapped_for(void **state)
{
    struct table t;

    (void)state;
    fill(&t, 2, (const char *const[]){"key", "one two three four five six seven", NULL});
    assert_string_equal(written(&t, 20, false), "key  one two three four five six seven\n");
}

static void colours_take_no_room(void **state)
{
    struct table t;

    (void)state;
    table_init(&t, 2);
    table_addf(&t, PAINT_good, "%s", "up");
    table_add(&t, PAINT_none, STR("x"));
    table_add(&t, PAINT_bad, STR("down"));
    table_add(&t, PAINT_none, STR("y"));
    assert_string_equal(written(&t, 0, true), "\033[32mup\033[0m    x\n\033[31mdown\033[0m  y\n");
}

static void many_rows_and_a_full_buffer(void **state)
{
    struct buf out;
    struct table t;

    (void)state;
    table_init(&t, 1);
    for (int i = 0; i < 500; i++)
        table_addf(&t, PAINT_none, "%d", i);
    buf_init(&out, 10);
    assert_int_equal(table_write(&t, &out, 0, false), -EMSGSIZE);
    buf_fini(&out);
    assert_non_null(strstr(written(&t, 0, false), "\n499\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_what_stands_in_them),
        cmocka_unit_test(characters_count_not_bytes),
        cmocka_unit_test(lines_do_not_end_in_spaces),
        cmocka_unit_test(the_last_column_is_wrapped_between_words),
        cmocka_unit_test(a_word_longer_than_the_line_stays_whole),
        cmocka_unit_test(a_narrow_terminal_is_not_wrapped_for),
        cmocka_unit_test(colours_take_no_room),
        cmocka_unit_test(many_rows_and_a_full_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
