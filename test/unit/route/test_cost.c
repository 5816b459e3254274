/* SPDX-License-Identifier: Apache-2.0 */
/* Costs: each term is what it is called, in seconds or money. */
#include "testing.h"

#include <math.h>

#include "boards.h"

enum { NOON_MS = 43200000 };

static struct worth worth;

static struct costs cost_at(uint32_t copy, double prompt, double output, double cached)
{
    struct costs c;

    assert_true(costs_reckon(&c, board, copy,
                             &(struct cost_asked){.worth = &worth,
                                                  .prompt_tokens = prompt,
                                                  .output_tokens = output,
                                                  .cached_tokens = cached,
                                                  .company = 1},
                             NOON_MS));
    return c;
}

static int up(void **state)
{
    worth = worth_usual;
    worth.deadline_s = 0;
    return board_up(state);
}

static void idle_and_loaded_is_reading_and_writing(void **state)
{
    const struct expected *e = &board->copies[FAST_BIG].expected;
    struct costs c;

    (void)state;
    loaded(FAST_BIG);
    c = cost_at(FAST_BIG, 1000, 100, 0);
    assert_near(c.prompt_s, expect_prompt_s(e, 1000, 0), 1e-6);
    assert_near(c.decode_s, 100 * expect_step_s(e, 1, 1050), 1e-6);
    assert_near(c.total_s, c.prompt_s + c.decode_s, 1e-6);
    assert_near(c.first_s, c.prompt_s, 1e-6);
    assert_true(c.starts_now);
}

static void what_is_cached_is_not_read_again(void **state)
{
    (void)state;
    loaded(FAST_BIG);
    assert_true(cost_at(FAST_BIG, 4000, 1, 3900).prompt_s <
                0.2 * cost_at(FAST_BIG, 4000, 1, 0).prompt_s);
    assert_true(cost_at(FAST_BIG, 4000, 1, 4000).prompt_s > 0);
}

static void measurements_replace_expectations(void **state)
{
    double before;

    (void)state;
    loaded(FAST_BIG);
    before = cost_at(FAST_BIG, 100, 100, 0).decode_s;
    for (int i = 0; i < 30; i++)
        estimate_learn(&board->copies[FAST_BIG].estimate, ESTIMATE_decode, 150, 3, 1);
    assert_near(cost_at(FAST_BIG, 100, 100, 0).decode_s, 3 * before, 0.1);
}

static void what_others_say_has_failed_costs_ten_seconds_and_is_not_ruled_out(void **state)
{
    struct board_copy *c = &board->copies[FAST_BIG];
    struct board_engine *e = &board->engines[c->engine];
    struct hint *hints[] = {&c->bench_hint, &e->bench_hint, &e->down_hint};
    struct costs before, hinted;

    (void)state;
    loaded(FAST_BIG);
    before = cost_at(FAST_BIG, 100, 100, 0);
    for (size_t i = 0; i < COUNT_OF(hints); i++) {
        hint_hear(hints[i], NOON_MS);
        assert_true(board_is_open(board, FAST_BIG, NOON_MS));
        hinted = cost_at(FAST_BIG, 100, 100, 0);
        assert_near(hinted.total_s - before.total_s, 10, 1e-6);
        assert_near(hinted.finish_s, before.finish_s, 1e-6);
        hint_disprove(hints[i]);
    }
    assert_near(cost_at(FAST_BIG, 100, 100, 0).total_s, before.total_s, 1e-6);
}

static void a_load_and_what_it_evicts_are_counted(void **state)
{
    struct costs alone, evicting;

    (void)state;
    alone = cost_at(FAST_MID, 100, 10, 0);
    assert_near(alone.load_s, board_load_s(&board->copies[FAST_MID]), 1e-6);
    assert_true(alone.evict_s <= 0 && alone.starts_now);
    loaded(FAST_BIG);
    evicting = cost_at(FAST_MID, 100, 10, 0);
    assert_true(evicting.evict_s > 0);
    assert_near(evicting.load_s, alone.load_s + board->copies[FAST_BIG].expected.unload_s, 1e-6);
    assert_int_equal(evicting.load.victims[0], FAST_BIG);
}

static void the_line_before_us_is_waited_for(void **state)
{
    struct costs c;

    (void)state;
    loaded(SLOW_BIG);
    board_begin(board, SLOW_BIG,
                &(struct board_run){.id = 1, .begun_ms = NOON_MS, .work_s = 9, .weight = 1});
    board->copies[SLOW_BIG].planned_s = 5;
    c = cost_at(SLOW_BIG, 100, 10, 0);
    assert_near(c.wait_s, 14, 1e-6);
    assert_false(c.starts_now);
}

static void copies_on_one_machine_delay_each_other(void **state)
{
    struct costs alone, shared;

    (void)state;
    loaded(FAST_MID);
    loaded(FAST_TINY);
    alone = cost_at(FAST_TINY, 100, 100, 0);
    board_begin(board, FAST_MID,
                &(struct board_run){.id = 1, .begun_ms = NOON_MS, .work_s = 100, .weight = 2});
    shared = cost_at(FAST_TINY, 100, 100, 0);
    assert_near(shared.shared_s, alone.prompt_s + alone.decode_s, 1e-6);
    assert_near(shared.others_s, 2 * shared.shared_s, 1e-6);
}

static void a_machine_that_fails_often_costs_more(void **state)
{
    double before;

    (void)state;
    loaded(FAST_BIG);
    before = cost_at(FAST_BIG, 100, 1000, 0).total_s;
    for (int i = 0; i < 20; i++)
        rate_add(&board->machines[FAST].failures, 1, BOARD_FAILURES_S, NOON_MS);
    assert_true(cost_at(FAST_BIG, 100, 1000, 0).fail_s > 0);
    assert_true(cost_at(FAST_BIG, 100, 1000, 0).total_s > before);
}

static void being_late_and_being_slow_cost_what_the_caller_says(void **state)
{
    double first_s;

    (void)state;
    loaded(SLOW_BIG);
    first_s = cost_at(SLOW_BIG, 4000, 10, 0).first_s;
    worth.deadline_s = first_s / 10;
    assert_near(cost_at(SLOW_BIG, 4000, 10, 0).late_s, worth.late_s, 0.01);
    worth.deadline_s = first_s * 20;
    assert_true(cost_at(SLOW_BIG, 4000, 10, 0).late_s <= 0);
    worth.pace_s = board->copies[SLOW_BIG].expected.step_s[0] / 10;
    assert_near(cost_at(SLOW_BIG, 4000, 10, 0).late_s, worth.late_s, 0.01);
}

/* What would do for who has just come is too late for who has waited; then it is so everywhere. */
static void what_was_waited_is_gone_from_the_deadline(void **state)
{
    struct cost_asked asked = {
        .worth = &worth, .prompt_tokens = 4000, .output_tokens = 10, .company = 1};
    struct costs c;

    (void)state;
    loaded(SLOW_BIG);
    worth.deadline_s = 20 * cost_at(SLOW_BIG, 4000, 10, 0).first_s;
    assert_true(cost_at(SLOW_BIG, 4000, 10, 0).late_s <= 0);
    asked.waited_s = worth.deadline_s;
    assert_true(costs_reckon(&c, board, SLOW_BIG, &asked, NOON_MS));
    assert_near(c.late_s, worth.late_s, 0.15 * worth.late_s);
    asked.waited_s = 9 * worth.deadline_s;
    assert_true(costs_reckon(&c, board, FAST_BIG, &asked, NOON_MS));
    assert_near(c.late_s, worth.late_s, 0.01);
}

/* 1,000 tokens at a dollar and 100 at five dollars a million. */
static void the_cloud_costs_money_and_money_seconds(void **state)
{
    struct costs c = cost_at(SKY, 1000, 100, 0);

    (void)state;
    assert_near(c.money_micro, 1500, 1e-6);
    assert_near(c.total_s, c.finish_s + 1500 / worth.second_micro, 1e-6);
}

static void sleep_takes_its_time_to_end(void **state)
{
    double before;

    (void)state;
    loaded(FAST_BIG);
    before = cost_at(FAST_BIG, 100, 10, 0).first_s;
    board->machines[FAST].wake_s = 40;
    assert_near(cost_at(FAST_BIG, 100, 10, 0).first_s, before + 40, 1e-6);
}

/* Whatever is asked, no term is negative and the sum is the sum. */
static void no_term_is_ever_negative(void **state)
{
    unsigned dice = 1;

    (void)state;
    loaded(FAST_MID);
    loaded(SLOW_BIG);
    for (int i = 0; i < 2000; i++) {
        uint32_t copy = (dice = dice * 1664525u + 1013904223u) >> 8;
        double prompt = (dice = dice * 1664525u + 1013904223u) >> 20;
        struct costs c = cost_at(copy % 6, prompt, copy % 700, fmin(prompt, copy % 4000));

        if (i % 3 == 0)
            board_begin(board, copy % 5,
                        &(struct board_run){.id = (uint64_t)i,
                                            .begun_ms = NOON_MS - copy % 60000,
                                            .work_s = copy % 50,
                                            .weight = 1});
        if (i % 7 == 0 && board->copies[copy % 5].run_count)
            board_end(board, copy % 5, board->copies[copy % 5].runs[0].id);
        assert_true(c.wait_s >= 0 && c.load_s >= 0 && c.prompt_s > 0 && c.decode_s >= 0 &&
                    c.shared_s >= 0 && c.others_s >= 0 && c.evict_s >= 0 && c.fail_s >= 0 &&
                    c.late_s >= 0);
        assert_true(c.finish_s >= c.wait_s + c.load_s + c.prompt_s + c.decode_s - 1e-9);
        assert_true(c.total_s >= c.finish_s - 1e-9 && isfinite(c.total_s));
    }
}

#define COST_TEST(name) cmocka_unit_test_setup_teardown(name, up, board_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COST_TEST(idle_and_loaded_is_reading_and_writing),
        COST_TEST(what_is_cached_is_not_read_again),
        COST_TEST(measurements_replace_expectations),
        COST_TEST(what_others_say_has_failed_costs_ten_seconds_and_is_not_ruled_out),
        COST_TEST(a_load_and_what_it_evicts_are_counted),
        COST_TEST(the_line_before_us_is_waited_for),
        COST_TEST(copies_on_one_machine_delay_each_other),
        COST_TEST(a_machine_that_fails_often_costs_more),
        COST_TEST(being_late_and_being_slow_cost_what_the_caller_says),
        COST_TEST(what_was_waited_is_gone_from_the_deadline),
        COST_TEST(the_cloud_costs_money_and_money_seconds),
        COST_TEST(sleep_takes_its_time_to_end),
        COST_TEST(no_term_is_ever_negative),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
