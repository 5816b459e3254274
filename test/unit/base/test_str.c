/* SPDX-License-Identifier: Apache-2.0 */
/* Slices of bytes. */
#include "testing.h"

#include <errno.h>

#include "base/str.h"

static void equality_looks_at_every_byte(void **state)
{
    (void)state;
    assert_true(str_equal(STR("a\0b"), STR("a\0b")));
    assert_false(str_equal(STR("a\0b"), STR("a\0c")));
    assert_false(str_equal(STR("ab"), STR("abc")));
    assert_true(str_equal((struct str){0}, STR("")));
    assert_true(str_is(STR("abc"), "abc"));
    assert_true(str_is((struct str){0}, NULL));
}

static void letter_case_is_ascii_only(void **state)
{
    (void)state;
    assert_true(str_equal_nocase(STR("Content-Type"), STR("content-TYPE")));
    assert_false(str_equal_nocase(STR("a"), STR("ab")));
    assert_false(str_equal_nocase(STR("Ä"), STR("ä")));
    assert_false(str_equal_nocase(STR("["), STR("{"))); /* 0x20 apart, no letters */
}

static void starts_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("/v1/chat"), STR("/v1/")));
    assert_false(str_starts(STR("/v"), STR("/v1")));
    assert_true(str_starts(STR("x"), STR("")));
    assert_true(str_ends(STR("a.yaml"), STR(".yaml")));
    assert_false(str_ends(STR("yaml"), STR(".yaml")));
    assert_true(str_ends((struct str){0}, STR("")));
}

static void trimming_takes_spaces_and_tabs(void **state)
{
    (void)state;
    assert_true(str_is(str_trim(STR(" \t a b \t")), "a b"));
    assert_int_equal(str_trim(STR(" \t ")).len, 0);
    assert_true(str_is(str_trim(STR("a\n")), "a\n"));
}

static void cutting_leaves_the_rest(void **state)
{
    static const struct {
        struct str in;
        const char *first, *rest;
    } cases[] = {
        {STR("a,b,c"), "a", "b,c"}, {STR("a"), "a", ""}, {STR("a,"), "a", ""},
        {STR(",a"), "", "a"},       {STR(""), "", ""},   {STR(","), "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str rest = cases[i].in, first = str_cut(rest, ',', &rest); /* in place, too */

        assert_true(str_is(first, cases[i].first));
        assert_true(str_is(rest, cases[i].rest));
    }
    assert_int_equal(str_index(STR("abc"), 'c'), 2);
    assert_int_equal(str_index(STR("abc"), 'x'), 3);
    assert_int_equal(str_index((struct str){0}, 'x'), 0);
}

static void numbers_are_digits_that_fit(void **state)
{
    static const struct {
        struct str in;
        int r;
        uint64_t value;
    } cases[] = {
        {STR("0"), 0, 0},
        {STR("007"), 0, 7},
        {STR("18446744073709551615"), 0, UINT64_MAX},
        {STR("18446744073709551616"), -ERANGE, 0},
        {STR("99999999999999999999"), -ERANGE, 0},
        {STR(""), -EINVAL, 0},
        {STR("-1"), -EINVAL, 0},
        {STR("+1"), -EINVAL, 0},
        {STR(" 1"), -EINVAL, 0},
        {STR("1 "), -EINVAL, 0},
        {STR("0x1"), -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t value = 42;

        assert_int_equal(str_to_u64(&value, cases[i].in), cases[i].r);
        assert_int_equal(value, cases[i].r < 0 ? 42 : cases[i].value);
    }
}

static void the_hash_is_fnv_1a(void **state)
{
    (void)state;
    assert_int_equal(str_hash(STR("")), 0xcbf29ce484222325u);
    assert_int_equal(str_hash(STR("a")), 0xaf63dc4c8601ec8cu);
    assert_int_equal(str_hash(STR("foobar")), 0x85944171f73967e8u);
}

static void distance_counts_edits(void **state)
{
    static const struct {
        struct str a, b;
        size_t edits;
    } cases[] = {
        {STR("serve"), STR("serve"), 0}, {STR("sevre"), STR("serve"), 1},
        {STR("srve"), STR("serve"), 1},  {STR("sserve"), STR("serve"), 1},
        {STR("xerve"), STR("serve"), 1}, {STR("kitten"), STR("sitting"), 3},
        {STR(""), STR("abc"), 3},        {STR("abc"), STR(""), 3},
        {STR(""), STR(""), 0},           {STR("ca"), STR("abc"), 3},
    };
    char longest[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(str_distance(cases[i].a, cases[i].b), cases[i].edits);
    memset(longest, 'x', sizeof longest);
    assert_int_equal(str_distance(str_slice(longest, 63), STR("")), 63);
    assert_int_equal(str_distance(STR(""), str_slice(longest, 63)), 63);
    assert_true(str_distance(str_slice(longest, 64), STR("")) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_looks_at_every_byte),
        cmocka_unit_test(letter_case_is_ascii_only),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(trimming_takes_spaces_and_tabs),
        cmocka_unit_test(cutting_leaves_the_rest),
        cmocka_unit_test(numbers_are_digits_that_fit),
        cmocka_unit_test(the_hash_is_fnv_1a),
        cmocka_unit_test(distance_counts_edits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
