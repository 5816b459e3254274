/* SPDX-License-Identifier: Apache-2.0 */
/* Text piece by piece: what is written, and that the first error sticks. */
#include "testing.h"

#include <errno.h>

#include "base/text_out.h"

static struct buf out;

static int open_out(void **state)
{
    (void)state;
    buf_init(&out, 100);
    return 0;
}

static int close_out(void **state)
{
    (void)state;
    buf_fini(&out);
    return 0;
}

static void seconds_are_said_as_people_say_them(void **state)
{
    static const struct {
        double seconds;
        const char *words;
    } cases[] = {{0, "0s"},     {0.2, "<1s"},    {1, "1s"},       {59.4, "59s"},      {89, "1m"},
                 {3599, "60m"}, {3600, "1h00m"}, {7500, "2h05m"}, {360000, "100h00m"}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text_out t = {.out = &out};

        buf_reset(&out);
        text_seconds(&t, cases[i].seconds);
        if (t.error || !str_is(buf_str(&out), cases[i].words))
            fail_msg("%g: %.*s", cases[i].seconds, STR_ARG(buf_str(&out)));
    }
}

static void html_holds_no_marks_of_its_own(void **state)
{
    struct text_out t = {.out = &out};

    (void)state;
    text_html(&t, STR("<a href=\"x\">'é' & more</a>"));
    assert_int_equal(t.error, 0);
    assert_true(
        str_is(buf_str(&out), "&lt;a href=&quot;x&quot;&gt;&#39;é&#39; &amp; more&lt;/a&gt;"));
}

static void the_first_error_sticks(void **state)
{
    struct text_out t = {.out = &out};

    (void)state;
    text_repeat(&t, "ten bytes.", 11);
    assert_int_equal(t.error, -EMSGSIZE);
    assert_int_equal(out.len, 100);
    buf_reset(&out);
    text_put(&t, STR("x"));
    text_printf(&t, "%d", 1);
    text_bytes(&t, 1);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(seconds_are_said_as_people_say_them, open_out, close_out),
        cmocka_unit_test_setup_teardown(html_holds_no_marks_of_its_own, open_out, close_out),
        cmocka_unit_test_setup_teardown(the_first_error_sticks, open_out, close_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
