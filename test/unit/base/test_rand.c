/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes: not the same ones twice, and none of the bits stuck. */
#include "testing.h"

#include "base/rand.h"

/* 200 draws: a bit that is never seen set, or never clear, would be one chance in 2^200. */
static void every_bit_is_seen_in_both_states(void **state)
{
    uint64_t set = 0, clear = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        uint64_t drawn = rand_u64();

        set |= drawn;
        clear |= ~drawn;
    }
    assert_true(set == UINT64_MAX);
    assert_true(clear == UINT64_MAX);
}

static void no_number_comes_twice(void **state)
{
    uint64_t drawn[500];

    (void)state;
    for (int i = 0; i < 500; i++) {
        drawn[i] = rand_u64();
        for (int j = 0; j < i; j++)
            assert_true(drawn[i] != drawn[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_is_seen_in_both_states),
        cmocka_unit_test(no_number_comes_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
