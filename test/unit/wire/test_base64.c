/* SPDX-License-Identifier: Apache-2.0 */
/* Base64: RFC 4648's own examples, and what is none. */
#include "testing.h"

#include <errno.h>

#include "wire/base64.h"

static void both_ways_agree_with_the_rfc(void **state)
{
    static const struct {
        struct str bytes;
        const char *text;
    } cases[] = {
        {STR(""), ""},
        {STR("f"), "Zg=="},
        {STR("fo"), "Zm8="},
        {STR("foo"), "Zm9v"},
        {STR("foob"), "Zm9vYg=="},
        {STR("fooba"), "Zm9vYmE="},
        {STR("foobar"), "Zm9vYmFy"},
        {STR("\xfb\xff\0\xfe"), "+/8A/g=="},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;

        buf_init(&out, 100);
        assert_int_equal(base64_put(&out, cases[i].bytes), 0);
        assert_true(str_is(buf_str(&out), cases[i].text));
        buf_reset(&out);
        assert_int_equal(base64_take(&out, str_from(cases[i].text)), 0);
        assert_true(str_equal(buf_str(&out), cases[i].bytes));
        buf_fini(&out);
    }
}

static void what_is_not_base64_is_refused(void **state)
{
    static const char *const wrong[] = {
        "Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9-", "Zm 9", "Zm9v\n", "Z=m9"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct buf out;

        buf_init(&out, 100);
        assert_int_equal(buf_put(&out, STR("kept")), 0);
        if (base64_take(&out, str_from(wrong[i])) != -EBADMSG)
            fail_msg("%s was taken", wrong[i]);
        assert_true(str_is(buf_str(&out), "kept"));
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_agree_with_the_rfc),
        cmocka_unit_test(what_is_not_base64_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
