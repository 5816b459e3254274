/* SPDX-License-Identifier: Apache-2.0 */
/* Memory given back all at once. */
#include "testing.h"

#include "base/arena.h"

static void blocks_are_zeroed_aligned_and_apart(void **state)
{
    struct arena a;
    unsigned char *last = NULL;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t size = 1; size < 200; size++) {
        unsigned char *p = arena_alloc(&a, size);

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
        assert_ptr_not_equal(p, last);
        last = p;
    }
    arena_fini(&a);
}

static void blocks_larger_than_a_chunk_fit_too(void **state)
{
    struct arena a;
    char *small, *large, *next;

    (void)state;
    arena_init(&a, 1 << 20);
    small = arena_alloc(&a, 10);
    large = arena_alloc(&a, 100000);
    next = arena_alloc(&a, 10);
    assert_non_null(small);
    assert_non_null(large);
    memset(large, 1, 100000);
    assert_ptr_equal(next, small + 16); /* the small chunk goes on being filled */
    arena_fini(&a);
}

static void the_ceiling_holds(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 64);
    assert_null(arena_alloc(&a, 65));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_non_null(arena_alloc(&a, 1)); /* takes 16 */
    assert_non_null(arena_alloc(&a, 48));
    assert_null(arena_alloc(&a, 1));
    assert_int_equal(a.used, 64);
    assert_null(arena_str(&a, STR("x")).data);
    assert_null(arena_printf(&a, "%d", 1));
    arena_fini(&a);
}

static void texts_are_copied_and_terminated(void **state)
{
    struct arena a;
    struct str copy;

    (void)state;
    arena_init(&a, 4096);
    copy = arena_str(&a, str_slice("abcdef", 3));
    assert_string_equal(copy.data, "abc");
    assert_int_equal(copy.len, 3);
    copy = arena_str(&a, (struct str){0});
    assert_string_equal(copy.data, "");
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 42), "x-42");
    arena_fini(&a);
    arena_fini(&a); /* twice does no harm */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_zeroed_aligned_and_apart),
        cmocka_unit_test(blocks_larger_than_a_chunk_fit_too),
        cmocka_unit_test(the_ceiling_holds),
        cmocka_unit_test(texts_are_copied_and_terminated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
