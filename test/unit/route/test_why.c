/* SPDX-License-Identifier: Apache-2.0 */
/* Why: what is kept of a decision, and how it reads. */
#include "testing.h"

#include "boards.h"

static const char *words(const struct why *w, uint32_t row)
{
    static struct buf out;
    static char text[1024];

    buf_init(&out, sizeof text - 1);
    assert_int_equal(why_words(&out, w, row, view), 0);
    snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    return text;
}

static void a_row_reads_as_a_sentence(void **state)
{
    struct why w = {0};

    (void)state;
    why_begin(&w, 7, 1000);
    why_add(&w, FAST_BIG, PARITY_identical, REJECTION_dearer,
            &(struct costs){.wait_s = 2,
                            .load_s = 9.5,
                            .prompt_s = 0.3,
                            .decode_s = 1,
                            .first_s = 11.8,
                            .total_s = 12.8});
    why_add(&w, SLOW_BIG, PARITY_identical, REJECTION_down, &(struct costs){0});
    why_add(&w, SKY, PARITY_degraded, REJECTION_dearer,
            &(struct costs){.prompt_s = 0.8,
                            .decode_s = 1,
                            .first_s = 0.8,
                            .total_s = 4.8,
                            .money_micro = 1500,
                            .starts_now = true});
    why_choose(&w, SKY);
    assert_string_equal(
        words(&w, 0),
        "fast/ollama/big:1: it would have cost more: 12.8 s in all, first token after "
        "11.8 s; waits 2.0 s; loads 9.5 s; reads 0.3 s; writes 1.0 s");
    assert_string_equal(words(&w, 1), "slow/ollama/big:1: the machine does not answer");
    assert_string_equal(
        words(&w, 2),
        "cloud:anthropic/anthropic/sky-1: chosen: 4.8 s in all, first token after 0.8 "
        "s; reads 0.8 s; writes 1.0 s; costs $0.001500");
    assert_int_equal(w.chosen, 2);
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
    why_add(&w, 0, PARITY_identical, REJECTION_down, &(struct costs){0});
    why_begin(&w, 7, 2000);
    assert_int_equal(w.decisions, 2);
    assert_int_equal(w.count, 0);
    why_begin(&w, 8, 2000);
    assert_int_equal(w.decisions, 1);
}

static void the_ring_keeps_the_last_ones(void **state)
{
    struct why_ring *ring = why_ring_new(4);
    struct why w = {0};

    (void)state;
    assert_non_null(ring);
    for (uint64_t id = 1; id <= 10; id++) {
        why_begin(&w, id, id);
        why_ring_put(ring, &w);
    }
    assert_null(why_ring_find(ring, 6));
    for (uint64_t id = 7; id <= 10; id++)
        assert_int_equal(why_ring_find(ring, id)->decided_ms, id);
    why_begin(&w, 9, 99);
    why_ring_put(ring, &w);
    assert_int_equal(why_ring_find(ring, 9)->decided_ms, 99);
    why_ring_free(ring);
}

static void more_candidates_than_rows_are_left_out(void **state)
{
    struct why w = {0};

    (void)state;
    why_begin(&w, 1, 1);
    for (int i = 0; i < 100; i++)
        why_add(&w, 0, PARITY_identical, REJECTION_down, &(struct costs){0});
    assert_int_equal(w.count, ERRAND_OPTIONS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOARD_TEST(a_row_reads_as_a_sentence),
        BOARD_TEST(every_reason_has_words),
        BOARD_TEST(decisions_of_one_request_are_counted),
        BOARD_TEST(the_ring_keeps_the_last_ones),
        BOARD_TEST(more_candidates_than_rows_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
