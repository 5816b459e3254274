/* SPDX-License-Identifier: Apache-2.0 */
/* Learning: what answers teach where a machine is never quiet. */
#include "testing.h"

#include "boards.h"
#include "route/learn.h"

/* So many answers of FAST_BIG, each so many times as long as the model says, one at a time. */
static void learn(uint32_t count, double times, uint32_t at_work_begun)
{
    struct board_copy *c = &board->copies[FAST_BIG];
    const struct errand e = {
        .copy = FAST_BIG, .prompt_tokens = 1000, .batch_begun = 1, .at_work_begun = at_work_begun};
    const struct errand_end end = {.prompt_s = times * expect_prompt_s(&c->expected, 1000, 0),
                                   .decode_s =
                                       39 * times * expect_step_s(&c->expected, 1, 1000 + 20),
                                   .output_tokens = 40};

    for (uint32_t i = 0; i < count; i++)
        learn_speeds(board, &e, &end);
}

static void expect_ratio(double ratio)
{
    const struct estimate *e = &board->copies[FAST_BIG].estimate;

    assert_near(estimate_ratio(e, ESTIMATE_decode, 1000), ratio, 0.1 * ratio);
    assert_near(estimate_ratio(e, ESTIMATE_prompt, 1000), ratio, 0.1 * ratio);
}

/* Of what two copies took while both computed, each had half of the machine. */
static void what_shared_its_machine_counts_for_its_share(void **state)
{
    (void)state;
    loaded(FAST_BIG);
    loaded(FAST_TINY);
    board_begin(board, FAST_TINY, &(struct board_run){.id = 1, .work_s = 1e6});
    learn(20, 2 * 3, 2);
    expect_ratio(3);
    assert_false(board_is_slow(&board->copies[FAST_BIG]));
    assert_int_equal(board->copies[FAST_BIG].drift[ESTIMATE_decode].count, 0);
}

static void what_was_shared_for_a_part_of_its_time_says_nothing(void **state)
{
    (void)state;
    loaded(FAST_BIG);
    loaded(FAST_TINY);
    board_begin(board, FAST_TINY, &(struct board_run){.id = 1, .work_s = 1e6});
    learn(20, 5, 1);
    board_end(board, FAST_TINY, 1);
    learn(20, 5, 2);
    expect_ratio(1);
}

static void what_ran_alone_or_in_a_bench_says_more(void **state)
{
    (void)state;
    loaded(FAST_BIG);
    loaded(FAST_TINY);
    learn(15, 1.5, 1);
    expect_ratio(1.5);
    board_begin(board, FAST_TINY, &(struct board_run){.id = 1, .work_s = 1e6});
    learn(20, 2 * 3, 2);
    expect_ratio(1.5);
    board->copies[FAST_BIG].estimate = (struct estimate){0};
    memset(board->copies[FAST_BIG].drift, 0, sizeof board->copies[FAST_BIG].drift);
    estimate_start(&board->copies[FAST_BIG].estimate, ESTIMATE_decode, 2);
    estimate_start(&board->copies[FAST_BIG].estimate, ESTIMATE_prompt, 2);
    learn(20, 2 * 3, 2);
    expect_ratio(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOARD_TEST(what_shared_its_machine_counts_for_its_share),
        BOARD_TEST(what_was_shared_for_a_part_of_its_time_says_nothing),
        BOARD_TEST(what_ran_alone_or_in_a_bench_says_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
