/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints: the same however the bytes are cut. */
#include "testing.h"

#include "base/fingerprint.h"

static void any_cut_gives_the_same(void **state)
{
    const struct str text = STR("a text of more than eight bytes, and not a multiple of them");
    uint64_t whole = fingerprint_of(text);

    (void)state;
    for (size_t a = 0; a <= text.len; a++)
        for (size_t b = a; b <= text.len; b++) {
            struct fingerprint f = {0};

            fingerprint_put(&f, str_slice(text.data, a));
            fingerprint_put(&f, str_slice(text.data + a, b - a));
            fingerprint_put(&f, str_slice(text.data + b, text.len - b));
            assert_int_equal(fingerprint_get(&f), whole);
        }
}

static void others_have_others(void **state)
{
    (void)state;
    assert_int_not_equal(fingerprint_of(STR("a")), fingerprint_of(STR("b")));
    assert_int_not_equal(fingerprint_of(STR("")), 0);
    assert_int_not_equal(fingerprint_of(str_slice("a\0", 2)), fingerprint_of(STR("a")));
    assert_int_not_equal(fingerprint_join(1, 2), fingerprint_join(2, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut_gives_the_same),
        cmocka_unit_test(others_have_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
