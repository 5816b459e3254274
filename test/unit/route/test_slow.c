/* SPDX-License-Identifier: Apache-2.0 */
/* When a stream is slow. */
#include "testing.h"

#include "base/attr.h"
#include "route/slow.h"

static void a_stream_is_slow_beside_what_was_learned_and_what_is_idle(void **state)
{
    static const struct {
        const char *title;
        double step_s, seconds, other_step_s;
        uint32_t tokens;
        bool due;
    } cases[] = {
        {"as fast as ever", 0.02, 5, 0.02, 250, false},
        {"half as fast", 0.02, 5, 0.02, 125, false},
        {"a tenth", 0.02, 5, 0.02, 25, true},
        {"nothing at all", 0.02, 5, 0.02, 0, true},
        {"a tenth, but only for a moment", 0.02, 4, 0.02, 20, false},
        {"a tenth, and nobody else is there", 0.02, 5, 0, 25, false},
        {"a tenth, and the other one is as slow", 0.02, 5, 0.1, 25, false},
        {"nobody knows how fast it should be", 0, 5, 0.02, 25, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (slow_is_due(cases[i].step_s, cases[i].tokens, cases[i].seconds,
                        cases[i].other_step_s) != cases[i].due)
            fail_msg("%s", cases[i].title);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_slow_beside_what_was_learned_and_what_is_idle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
