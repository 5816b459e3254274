/* SPDX-License-Identifier: Apache-2.0 */
/* The choice: the least cost wins, and every other candidate has a reason. */
#include "testing.h"

#include "boards.h"

enum { NOON_MS = 43200000 };

static struct why why;

static struct choice choose(struct errand *e)
{
    struct choice c = {0};

    e->why = &why;
    assert_true(choice_make(&c, board, e, NOON_MS));
    return c;
}

static enum rejection reason(uint32_t copy)
{
    for (uint32_t i = 0; i < why.count; i++)
        if (why.rows[i].copy == copy)
            return (enum rejection)why.rows[i].rejected;
    fail_msg("copy %u is not in the record", copy);
    return REJECTION_none;
}

static void the_faster_of_two_idle_ones_is_taken(void **state)
{
    struct errand *e = errand(1, 1000);

    (void)state;
    loaded(FAST_BIG);
    loaded(SLOW_BIG);
    assert_int_equal(choose(e).copy, FAST_BIG);
    assert_int_equal(reason(FAST_BIG), REJECTION_none);
    assert_int_equal(reason(SLOW_BIG), REJECTION_dearer);
    free(e);
}

/* What each learns of itself differs by a little: it is not a reason. */
static void of_equals_the_first_one_in_the_file_is_taken(void **state)
{
    struct errand *e = errand(1, 1000);
    double ratio;

    (void)state;
    loaded(FAST_BIG);
    loaded(SLOW_BIG);
    choose(e);
    ratio = (double)(why.rows[0].prompt_s + why.rows[0].decode_s) /
            (double)(why.rows[1].prompt_s + why.rows[1].decode_s);
    estimate_start(&board->copies[SLOW_BIG].estimate, ESTIMATE_prompt, 0.999 * ratio);
    estimate_start(&board->copies[SLOW_BIG].estimate, ESTIMATE_decode, 0.999 * ratio);
    assert_int_equal(choose(e).copy, FAST_BIG);
    assert_int_equal(reason(SLOW_BIG), REJECTION_equal);
    assert_true(why.rows[1].total_s < why.rows[0].total_s);
    estimate_start(&board->copies[SLOW_BIG].estimate, ESTIMATE_prompt, 0.98 * ratio);
    estimate_start(&board->copies[SLOW_BIG].estimate, ESTIMATE_decode, 0.98 * ratio);
    assert_int_equal(choose(e).copy, SLOW_BIG);
    assert_int_equal(reason(FAST_BIG), REJECTION_dearer);
    free(e);
}

static void a_slow_one_now_beats_a_fast_one_in_an_hour(void **state)
{
    struct errand *e = errand(1, 100);

    (void)state;
    loaded(FAST_BIG);
    loaded(SLOW_BIG);
    for (uint64_t i = 0; i < 2; i++)
        board_begin(board, FAST_BIG,
                    &(struct board_run){.id = 10 + i, .begun_ms = NOON_MS, .work_s = 3600});
    assert_int_equal(choose(e).copy, SLOW_BIG);
    free(e);
}

static void a_fast_one_soon_beats_a_slow_one_now(void **state)
{
    struct errand *e = errand(1, 2000);
    struct choice c;

    (void)state;
    loaded(FAST_BIG);
    loaded(SLOW_BIG);
    for (uint64_t i = 0; i < 2; i++)
        board_begin(board, FAST_BIG,
                    &(struct board_run){.id = 10 + i, .begun_ms = NOON_MS, .work_s = 0.5});
    c = choose(e);
    assert_int_equal(c.copy, FAST_BIG);
    assert_false(c.costs.starts_now);
    free(e);
}

static void a_conversation_stays_where_its_cache_is(void **state)
{
    struct errand *e = errand(1, 4000);

    (void)state;
    loaded(FAST_BIG);
    loaded(SLOW_BIG);
    e->output_tokens = 2;
    e->pieces[0] = (struct prompt_piece){77, 3990};
    e->pieces_count = 1;
    board_begin(board, FAST_BIG, &(struct board_run){.id = 9, .begun_ms = NOON_MS, .work_s = 2});
    assert_int_equal(choose(e).copy, FAST_BIG);
    affinity_note(board->affinity, SLOW_BIG, 1, e->pieces, 1);
    board->copies[FAST_BIG].planned_s = 8;
    assert_int_equal(choose(e).copy, SLOW_BIG);
    free(e);
}

static void what_rules_a_candidate_out_is_said(void **state)
{
    struct errand *e = errand(1, 100);
    struct choice c;

    (void)state;
    e->options[2] = (struct errand_option){.copy = SKY, .parity = PARITY_degraded};
    e->options[3] = (struct errand_option){.copy = SLOW_TINY, .parity = PARITY_degraded};
    e->options_count = 4;
    e->cloud_closed = true;
    loaded(FAST_BIG);
    board->engines[SLOW].is_down = true;
    assert_int_equal(choose(e).copy, FAST_BIG);
    assert_int_equal(reason(SKY), REJECTION_cloud);
    assert_int_equal(reason(SLOW_BIG), REJECTION_down);
    board->engines[SLOW].is_down = false;
    board->machines[SLOW].is_drained = true;
    choose(e);
    assert_int_equal(reason(SLOW_BIG), REJECTION_drained);
    board->machines[SLOW].is_drained = false;
    e->prompt_tokens = e->prompt_least = 6000;
    choose(e);
    assert_int_equal(reason(SLOW_TINY), REJECTION_too_long);
    e->options[0].tried = true;
    choose(e);
    assert_int_equal(reason(FAST_BIG), REJECTION_tried);
    e->prompt_tokens = e->prompt_least = 60000;
    assert_false(choice_make(&c, board, e, NOON_MS));
    assert_int_equal(why.chosen, -1);
    free(e);
}

/* Everything else is equal: rung by rung what it is worth to stay nearer to what was asked. */
static void a_nearer_stand_in_is_worth_so_many_seconds(void **state)
{
    static const struct {
        enum parity parity;
        uint8_t sizes;
        double worth_s;
    } rungs[] = {{PARITY_identical, 0, 0},
                 {PARITY_equivalent, 0, 1},
                 {PARITY_degraded, 0, 15},
                 {PARITY_degraded, 1, 30},
                 {PARITY_degraded, 2, 45}};
    struct errand *e = errand(1, 100);

    (void)state;
    loaded(FAST_BIG);
    for (size_t i = 0; i < sizeof rungs / sizeof *rungs; i++) {
        e->options[0] = (struct errand_option){
            .copy = FAST_BIG, .parity = rungs[i].parity, .sizes = rungs[i].sizes};
        e->options_count = 1;
        assert_near(choose(e).costs.parity_s, rungs[i].worth_s, 1e-9);
    }
    free(e);
}

static void the_cloud_is_farther_not_dearer(void **state)
{
    struct errand *e = errand(1, 100);

    (void)state;
    loaded(FAST_BIG);
    e->options[2] =
        (struct errand_option){.copy = SKY, .parity = PARITY_degraded, .tier = TIER_cloud};
    e->options_count = 3;
    assert_int_equal(choose(e).copy, FAST_BIG);
    assert_int_equal(reason(SLOW_BIG), REJECTION_dearer);
    assert_int_equal(reason(SKY), REJECTION_farther);
    free(e);
}

static void a_benched_copy_waits_for_its_time(void **state)
{
    static const struct breaker_rules rules = {1, 5000, 60000};
    struct errand *e = errand(1, 100);

    (void)state;
    loaded(FAST_BIG);
    breaker_failed(&board->copies[FAST_BIG].breaker, NOON_MS, &rules, true);
    assert_int_equal(choose(e).copy, SLOW_BIG);
    assert_int_equal(reason(FAST_BIG), REJECTION_benched);
    assert_int_equal(choice_rejects(board, e, 0, NOON_MS + 6000), REJECTION_none);
    free(e);
}

/* One would not pay for what it evicts; a crowd would. */
static void many_who_wait_share_what_a_load_costs_others(void **state)
{
    struct errand *e = errand(1, 100);
    double alone_s;

    (void)state;
    e->options[0].copy = FAST_MID;
    e->options_count = 1;
    loaded(FAST_BIG);
    rate_add(&board->copies[FAST_BIG].saved_lately, 100, BOARD_LATELY_S, NOON_MS);
    alone_s = choose(e).costs.evict_s;
    e->company = 10;
    assert_near(choose(e).costs.evict_s, alone_s / 10, 1e-6);
    free(e);
}

static void what_would_have_been_better_if_loaded_is_missed(void **state)
{
    struct errand *e = errand(1, 2000);
    struct choice c;

    (void)state;
    e->output_tokens = 20;
    loaded(SLOW_BIG);
    loaded(FAST_MID);
    rate_add(&board->copies[FAST_MID].saved_lately, 1000, BOARD_LATELY_S, NOON_MS);
    c = choose(e);
    assert_int_equal(c.copy, SLOW_BIG);
    assert_int_equal(c.missed, FAST_BIG);
    assert_true(c.missed_s > 1);
    free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOARD_TEST(the_faster_of_two_idle_ones_is_taken),
        BOARD_TEST(of_equals_the_first_one_in_the_file_is_taken),
        BOARD_TEST(a_slow_one_now_beats_a_fast_one_in_an_hour),
        BOARD_TEST(a_fast_one_soon_beats_a_slow_one_now),
        BOARD_TEST(a_conversation_stays_where_its_cache_is),
        BOARD_TEST(what_rules_a_candidate_out_is_said),
        BOARD_TEST(a_nearer_stand_in_is_worth_so_many_seconds),
        BOARD_TEST(the_cloud_is_farther_not_dearer),
        BOARD_TEST(a_benched_copy_waits_for_its_time),
        BOARD_TEST(many_who_wait_share_what_a_load_costs_others),
        BOARD_TEST(what_would_have_been_better_if_loaded_is_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
