/* SPDX-License-Identifier: Apache-2.0 */
/* Why: what is kept of a decision. */
#include "testing.h"

#include "boards.h"

static void every_candidate_keeps_its_seconds_and_its_reason(void **state)
{
    struct why w = {0};

    (void)state;
    why_begin(&w, 7, 1000);
    why_add(
        &w, &(struct errand_option){.copy = FAST_BIG, .parity = PARITY_identical}, REJECTION_dearer,
        &(struct costs){
            .wake_s = 1, .wait_s = 2, .load_s = 9.5, .total_s = 12.5, .load = {.unload_s = 1.5}});
    why_add(&w, &(struct errand_option){.copy = SLOW_BIG, .parity = PARITY_identical},
            REJECTION_down, &(struct costs){0});
    why_add(&w, &(struct errand_option){.copy = SKY, .parity = PARITY_degraded}, REJECTION_dearer,
            &(struct costs){.money_micro = 1500, .starts_now = true});
    why_choose(&w, SKY);
    assert_int_equal(w.count, 3);
    assert_int_equal(w.chosen, 2);
    assert_int_equal(w.rows[0].rejected, REJECTION_dearer);
    assert_near((double)w.rows[0].wait_s, 3, 1e-6);     /* waking is waiting */
    assert_near((double)w.rows[0].unload_s, 1.5, 1e-6); /* others have to go first */
    assert_near((double)w.rows[0].load_s, 8, 1e-6);
    assert_int_equal(w.rows[1].rejected, REJECTION_down);
    assert_int_equal(w.rows[2].rejected, REJECTION_none);
    assert_int_equal(w.rows[2].parity, PARITY_degraded);
    assert_near((double)w.rows[2].money_micro, 1500, 1e-6);
}

static void every_reason_has_words(void **state)
{
    (void)state;
    for (int i = 0; i < REJECTION_COUNT; i++) {
        assert_true(strlen(rejection_name((enum rejection)i)) > 2);
        assert_true(strlen(rejection_words((enum rejection)i)) > 5);
    }
}

static void decisions_of_one_request_are_counted(void **state)
{
    struct why w = {0};

    (void)state;
    why_begin(&w, 7, 1000);
    why_add(&w, &(struct errand_option){.copy = 0, .parity = PARITY_identical}, REJECTION_down,
            &(struct costs){0});
    why_begin(&w, 7, 2000);
    assert_int_equal(w.decisions, 2);
    assert_int_equal(w.count, 0);
    why_begin(&w, 8, 2000);
    assert_int_equal(w.decisions, 1);
}

static void more_candidates_than_rows_are_left_out(void **state)
{
    struct why w = {0};

    (void)state;
    why_begin(&w, 1, 1);
    for (int i = 0; i < 100; i++)
        why_add(&w, &(struct errand_option){.copy = 0, .parity = PARITY_identical}, REJECTION_down,
                &(struct costs){0});
    assert_int_equal(w.count, ERRAND_OPTIONS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOARD_TEST(every_candidate_keeps_its_seconds_and_its_reason),
        BOARD_TEST(every_reason_has_words),
        BOARD_TEST(decisions_of_one_request_are_counted),
        BOARD_TEST(more_candidates_than_rows_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
