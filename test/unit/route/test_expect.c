/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations: the few numbers of a copy say what the model of model/speed.h says. */
#include "testing.h"

#include "boards.h"
#include "route/expect.h"

static void the_numbers_say_what_the_model_says(void **state)
{
    static const uint32_t copies[] = {FAST_BIG, FAST_TINY, SLOW_BIG};

    (void)state;
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        const struct board_copy *c = &board->copies[copies[i]];
        struct load load = speed_load_of(c->facts->artifact);
        const struct box *box = &board->machines[c->machine].box;
        const struct expected *e = &c->expected;

        assert_true(c->fits);
        assert_near(expect_prompt_s(e, 3000, 0),
                    speed_prefill_seconds(box, &load, &e->fit, 3000, 0), 0.01);
        assert_near(expect_prompt_s(e, 700, 5000),
                    speed_prefill_seconds(box, &load, &e->fit, 700, 5000), 0.01);
        assert_near(expect_step_s(e, 1, 2000), speed_step_seconds(box, &load, &e->fit, 2000, 1),
                    0.01);
        assert_near(expect_step_s(e, 2, 2000), speed_step_seconds(box, &load, &e->fit, 2000, 2),
                    0.01);
        assert_near(e->load_s, speed_load_seconds(box, &load, false), 1e-6);
    }
}

static void nothing_to_read_takes_no_time(void **state)
{
    (void)state;
    assert_true(expect_prompt_s(&board->copies[FAST_BIG].expected, 0, 100) <= 0);
    assert_true(expect_step_s(&board->copies[FAST_BIG].expected, 0, 0) > 0);
    assert_true(expect_step_s(&board->copies[FAST_BIG].expected, 999, 0) > 0);
}

static void what_fits_nowhere_is_said_so(void **state)
{
    struct box box = board->machines[FAST].box;
    struct expected e;

    (void)state;
    box.gpu_bytes = box.ram_bytes = 1000000;
    assert_false(expect_copy(&e, &box, &board->copies[FAST_BIG].rules,
                             board->copies[FAST_BIG].facts->artifact, 8192));
    assert_true(footprint_total(&e.need) > UINT64_C(16000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOARD_TEST(the_numbers_say_what_the_model_says),
        BOARD_TEST(nothing_to_read_takes_no_time),
        BOARD_TEST(what_fits_nowhere_is_said_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
