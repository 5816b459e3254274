/* SPDX-License-Identifier: Apache-2.0 */
/* Patience: what a first byte is waited for. */
#include "testing.h"

#include "route/patience.h"

static const struct {
    const char *title;
    uint64_t loaded_ms, load_ms;
    bool is_resident;
    uint64_t prompt_bytes;
    uint32_t wanted_ms;
} cases[] = {
    {"a short prompt to a loaded model", 60000, 600000, true, 3, 60000},
    {"a short prompt to one that must be loaded", 60000, 600000, false, 3, 600000},
    {"30 tokens of four bytes are a second", 1000, 0, true, 120, 2000},
    {"a megabyte of prompt on a slow processor", 60000, 600000, true, 1 << 20, 60000 + 8738133},
    {"no patience set, no prompt", 0, 0, true, 0, 0},
    {"more than fits is the most that fits", 60000, 0, true, 1ull << 40, UINT32_MAX},
};

static void patience_grows_with_loading_and_with_the_prompt(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t ms = patience_first_byte_ms(cases[i].loaded_ms, cases[i].load_ms,
                                             cases[i].is_resident, cases[i].prompt_bytes);

        if (ms != cases[i].wanted_ms)
            fail_msg("%s: %u ms, not %u", cases[i].title, ms, cases[i].wanted_ms);
    }
}

static void a_longer_prompt_is_never_given_less(void **state)
{
    uint32_t last_ms = 0;

    (void)state;
    for (uint64_t bytes = 1; bytes < 1ull << 50; bytes *= 2) {
        uint32_t ms = patience_first_byte_ms(1000, 2000, true, bytes);

        assert_true(ms >= last_ms);
        assert_true(patience_first_byte_ms(1000, 2000, false, bytes) >= ms);
        last_ms = ms;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patience_grows_with_loading_and_with_the_prompt),
        cmocka_unit_test(a_longer_prompt_is_never_given_less),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
