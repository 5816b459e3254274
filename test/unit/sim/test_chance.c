/* SPDX-License-Identifier: Apache-2.0 */
/* Chance: repeatable, and as it is called. */
#include "testing.h"

#include <math.h>
#include <stdlib.h>

#include "sim/chance.h"

enum { DRAWS = 20000 };

static void the_same_seed_draws_the_same(void **state)
{
    struct chance a = chance_of(7, "trace"), b = chance_of(7, "trace"), c = chance_of(7, "speeds");
    unsigned same = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        double x = chance_draw(&a);

        assert_true(x >= 0 && x < 1);
        assert_true(x == chance_draw(&b));
        same += x == chance_draw(&c);
    }
    assert_int_equal(same, 0);
}

static void draws_have_the_means_that_were_asked_for(void **state)
{
    struct chance c = chance_of(3, "means");
    double waits = 0, below = 0, picks = 0;

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        waits += chance_wait(&c, 20);
        below += chance_size(&c, 500, 0.8) < 500;
        picks += chance_pick(&c, 10);
    }
    assert_true(fabs(waits / DRAWS - 20) < 0.6);
    assert_true(fabs(below / DRAWS - 0.5) < 0.02);
    assert_true(fabs(picks / DRAWS - 4.5) < 0.1);
    assert_true(chance_size(&c, 500, 0) == 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_draws_the_same),
        cmocka_unit_test(draws_have_the_means_that_were_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
