/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters, percent-decoding, paths that may be trusted. */
#include "testing.h"

#include <errno.h>

#include "wire/url.h"

static void escapes_are_decoded_or_refused(void **state)
{
    static const struct {
        struct str in;
        bool plus;
        int r;
        struct str out;
    } cases[] = {
        {STR(""), false, 0, STR("")},
        {STR("abc"), false, 0, STR("abc")},
        {STR("a%20b%2fc%2F"), false, 0, STR("a b/c/")},
        {STR("a+b"), true, 0, STR("a b")},
        {STR("a+b%2B"), false, 0, STR("a+b+")},
        {STR("%c3%bc"), false, 0, STR("\xc3\xbc")},
        {STR("%"), false, -EINVAL, STR("")},
        {STR("%4"), false, -EINVAL, STR("")},
        {STR("a%4g"), false, -EINVAL, STR("")},
        {STR("%00"), false, -EINVAL, STR("")},
        {STR("a\0b"), false, -EINVAL, STR("")},
        {STR("%%41"), false, -EINVAL, STR("")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;

        buf_init(&out, 100);
        assert_int_equal(url_decode(&out, cases[i].in, cases[i].plus), cases[i].r);
        assert_true(str_equal(buf_str(&out), cases[i].out));
        buf_fini(&out);
    }
}

static void parameters_are_found_by_name(void **state)
{
    static const struct {
        const char *query, *name;
        int r;
        const char *value;
    } cases[] = {
        {"a=1&b=2", "b", 0, "2"},   {"a=1&a=2", "a", 0, "1"}, {"&&a=1&", "a", 0, "1"},
        {"a", "a", 0, ""},          {"a=b=c", "a", 0, "b=c"}, {"%61=x%26y+z", "a", 0, "x&y z"},
        {"ab=1", "a", -ENOENT, ""}, {"", "a", -ENOENT, ""},   {"%=1&a=2", "a", 0, "2"},
        {"a=%", "a", -EINVAL, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;

        buf_init(&out, 100);
        assert_int_equal(url_find(&out, str_from(cases[i].query), cases[i].name), cases[i].r);
        assert_true(str_is(buf_str(&out), cases[i].value));
        buf_fini(&out);
    }
}

static void a_value_beyond_the_ceiling_is_refused(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4);
    assert_int_equal(url_decode(&out, STR("abcde"), false), -EMSGSIZE);
    assert_int_equal(url_encode(&out, STR("a b")), -EMSGSIZE);
    buf_fini(&out);
}

static void only_clean_paths_are_trusted(void **state)
{
    static const char *const clean[] = {"/",      "/v1/models", "/v1/models/", "/v1beta/models/a:b",
                                        "/a.b",   "/...",       "/a%20b",      "/.well-known",
                                        "/~a(b)*"};
    static const char *const dirty[] = {
        "",     "a",       "//",     "/a//b",  "/..",       "/a/../b", "/.",
        "/a/.", "/%2e%2e", "/.%2E/", "/a%2fb", "/a%5Cb",    "/a%00",   "/a b",
        "/a%",  "/a%4",    "/a\\b",  "/a\n",   "/\xc3\xbc", "/%zz",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(clean); i++)
        if (!url_path_is_clean(str_from(clean[i])))
            fail_msg("%s was refused", clean[i]);
    for (size_t i = 0; i < COUNT_OF(dirty); i++)
        if (url_path_is_clean(str_from(dirty[i])))
            fail_msg("%s was trusted", dirty[i]);
    assert_false(url_path_is_clean(STR("/a\0b")));
}

static void what_is_encoded_is_decoded(void **state)
{
    struct buf out, back;
    char all[255];

    (void)state;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)(i + 1);
    buf_init(&out, 1000);
    buf_init(&back, 1000);
    assert_int_equal(url_encode(&out, str_slice(all, sizeof all)), 0);
    assert_int_equal(url_decode(&back, buf_str(&out), true), 0);
    assert_true(str_equal(buf_str(&back), str_slice(all, sizeof all)));
    buf_fini(&out);
    buf_fini(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_decoded_or_refused),
        cmocka_unit_test(parameters_are_found_by_name),
        cmocka_unit_test(a_value_beyond_the_ceiling_is_refused),
        cmocka_unit_test(only_clean_paths_are_trusted),
        cmocka_unit_test(what_is_encoded_is_decoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
