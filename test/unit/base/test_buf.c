/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes, up to their ceiling. */
#include "testing.h"

#include <errno.h>

#include "base/buf.h"

static void what_is_put_is_there(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_null(b.data);
    assert_int_equal(buf_put(&b, STR("a\0b")), 0);
    assert_int_equal(buf_put(&b, (struct str){0}), 0);
    assert_int_equal(buf_put_char(&b, '!'), 0);
    assert_int_equal(buf_printf(&b, "%s=%d", "x", 7), 0);
    assert_true(str_equal(buf_str(&b), STR("a\0b!x=7")));
    buf_fini(&b);
}

static void whole_numbers_of_every_size(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(buf_put_u64(&b, 0), 0);
    assert_int_equal(buf_put_char(&b, ' '), 0);
    assert_int_equal(buf_put_u64(&b, UINT64_MAX), 0);
    assert_true(str_is(buf_str(&b), "0 18446744073709551615"));
    buf_fini(&b);
}

static void the_ceiling_holds_and_adds_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    assert_int_equal(buf_put(&b, STR("123456")), -EMSGSIZE);
    assert_int_equal(buf_put(&b, STR("1234")), 0);
    assert_int_equal(buf_put(&b, STR("56")), -EMSGSIZE);
    assert_int_equal(buf_printf(&b, "%d", 56), -EMSGSIZE);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), -EMSGSIZE);
    assert_true(str_is(buf_str(&b), "1234"));
    assert_int_equal(buf_printf(&b, "%d", 5), 0); /* exactly full */
    assert_int_equal(buf_printf(&b, "%s", ""), 0);
    assert_int_equal(buf_put_char(&b, '6'), -EMSGSIZE);
    assert_true(str_is(buf_str(&b), "12345"));
    buf_fini(&b);
}

static void printing_nothing_into_an_empty_one(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(buf_printf(&b, "%s", ""), 0);
    assert_int_equal(b.len, 0);
    assert_int_equal(buf_put_char(&b, 'x'), -EMSGSIZE);
    buf_fini(&b);
}

static void it_grows_by_doubling(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_put_char(&b, (char)('a' + i % 26)), 0);
    assert_int_equal(buf_put_char(&b, 'x'), -EMSGSIZE);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
    buf_fini(&b);
}

static void shifting_drops_the_front(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(buf_put(&b, STR("abcdef")), 0);
    buf_shift(&b, 2);
    assert_true(str_is(buf_str(&b), "cdef"));
    buf_shift(&b, 4);
    assert_int_equal(b.len, 0);
    buf_shift(&b, 0);
    buf_fini(&b);
}

static void reset_keeps_memory_and_release_does_not(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(buf_put(&b, STR("abc")), 0);
    buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_non_null(b.data);
    buf_release(&b);
    assert_null(b.data);
    assert_int_equal(buf_put(&b, STR("again")), 0); /* and it can be used again */
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_there),
        cmocka_unit_test(whole_numbers_of_every_size),
        cmocka_unit_test(the_ceiling_holds_and_adds_nothing),
        cmocka_unit_test(printing_nothing_into_an_empty_one),
        cmocka_unit_test(it_grows_by_doubling),
        cmocka_unit_test(shifting_drops_the_front),
        cmocka_unit_test(reset_keeps_memory_and_release_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
