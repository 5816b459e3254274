/* SPDX-License-Identifier: Apache-2.0 */
/* The line: who waits, who begins, who is fair. */
#include "testing.h"

#include <errno.h>
#include <math.h>

#include "boards.h"

enum { STARTED_MAX = 8192 };

static struct line *line;
static uint64_t started[STARTED_MAX];
static uint32_t started_at[STARTED_MAX], started_count, victims_seen, loads_seen;
static struct errand *made[STARTED_MAX];
static uint32_t made_count;
static struct errand *recalled;

static void on_start(void *ctx, struct errand *e, const struct choice *c, double keep_alive_s)
{
    (void)ctx;
    assert_true(keep_alive_s > 0);
    started_at[started_count] = c->copy;
    started[started_count++] = e->id;
    victims_seen += c->costs.load.victims_count;
}

static void on_load(void *ctx, uint32_t copy, const struct load_plan *plan, double keep_alive_s)
{
    (void)ctx;
    (void)plan;
    assert_true(keep_alive_s > 0 && copy < board->copies_count);
    loads_seen++;
}

static bool on_recall(void *ctx, struct errand *e)
{
    (void)ctx;
    recalled = e;
    return true;
}

static int up(void **state)
{
    recalled = NULL;

    board_up(state);
    started_count = victims_seen = loads_seen = made_count = 0;
    line = line_new(board,
                    &(struct line_hooks){.start = on_start, .load = on_load, .recall = on_recall});
    assert_non_null(line);
    return 0;
}

static int down(void **state)
{
    for (uint32_t i = 0; i < made_count; i++)
        free(made[i]);
    line_free(line);
    return board_down(state);
}

/* In line, or not; and whoever can begin does. */
static struct errand *arrive(uint64_t id, uint64_t key, uint32_t prompt, uint64_t now_ms)
{
    struct errand *e = made[made_count++] = errand(id, prompt);

    e->key = key;
    assert_int_equal(line_enter(line, e, now_ms), 0);
    line_settle(line, now_ms);
    return e;
}

static void done(struct errand *e, uint64_t now_ms)
{
    line_end(line, e,
             &(struct errand_end){
                 .why = FAILURE_none, .prompt_s = 0.1, .decode_s = 1, .output_tokens = 100},
             now_ms);
    line_settle(line, now_ms);
}

static void a_free_slot_is_taken_at_once(void **state)
{
    (void)state;
    loaded(FAST_BIG);
    arrive(1, 1, 100, 1000);
    assert_int_equal(started_count, 1);
    assert_int_equal(started_at[0], FAST_BIG);
    assert_int_equal(line_waiting(line), 0);
}

/* Two slots on the card; the slow machine is not worth it: the third waits for a slot. */
static void a_copy_gets_no_more_than_it_has_slots(void **state)
{
    struct errand *first;

    (void)state;
    loaded(FAST_BIG);
    board->machines[SLOW].is_drained = true;
    first = arrive(1, 1, 1000, 1000);
    arrive(2, 2, 1000, 1000);
    arrive(3, 3, 1000, 1000);
    assert_int_equal(started_count, 2);
    assert_int_equal(line_waiting(line), 1);
    done(first, 2000);
    assert_int_equal(started_count, 3);
    assert_int_equal(started[2], 3);
}

static void a_machine_loads_one_copy_at_a_time(void **state)
{
    struct errand *big, *tiny;

    (void)state;
    board->machines[SLOW].is_drained = true;
    big = arrive(1, 1, 100, 1000);
    assert_int_equal(board->copies[FAST_BIG].state, COPY_loading);
    tiny = made[made_count++] = errand(2, 100);
    tiny->options[0].copy = FAST_TINY;
    tiny->options_count = 1;
    tiny->name = STR("tiny");
    assert_int_equal(line_enter(line, tiny, 1500), 0);
    line_settle(line, 1500);
    assert_int_equal(started_count, 1);
    line_loaded(line, FAST_BIG, true, 9000);
    line_settle(line, 9000);
    assert_int_equal(started_count, 2);
    assert_int_equal(victims_seen, 0); /* there is room for both */
    done(big, 10000);
}

static void those_who_wait_for_a_load_begin_together_when_it_is_done(void **state)
{
    (void)state;
    board->machines[SLOW].is_drained = true;
    arrive(1, 1, 100, 1000);
    arrive(2, 2, 100, 1100);
    assert_int_equal(started_count, 1);
    line_loaded(line, FAST_BIG, true, 9000);
    line_settle(line, 9000);
    assert_int_equal(started_count, 2);
}

/* A key with a thousand waiting delays another key's one by at most one service. */
static void a_crowd_of_one_key_does_not_delay_another(void **state)
{
    uint64_t now_ms = 1000;
    struct errand *crowd[1000];

    (void)state;
    loaded(FAST_BIG);
    board->machines[SLOW].is_drained = true;
    for (uint64_t i = 0; i < 1000; i++)
        crowd[i] = arrive(1 + i, 7, 500, now_ms);
    assert_int_equal(line_waiting(line), 998);
    for (uint32_t turn = 0; turn < 300; turn++)
        done(crowd[started[turn] - 1], now_ms += 1000);
    arrive(5000, 8, 500, now_ms);
    done(crowd[started[300] - 1], now_ms + 1000);
    done(crowd[started[301] - 1], now_ms + 1000);
    assert_true(started[302] == 5000 || started[303] == 5000);
}

/* Who has waited its time lets others go first, once; batch does so at once, interactive never. */
static void who_has_waited_its_time_gives_way_to_who_has_not(void **state)
{
    static const struct {
        double give_way_s;
        bool is_first;
    } cases[] = {{30, false}, {0, false}, {32, true}, {INFINITY, true}};

    (void)state;
    loaded(FAST_BIG);
    board->machines[SLOW].is_drained = true;
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t now_ms = 100000 * (i + 1), id = 10 * i;
        struct errand *running[2], *old, *new;

        running[0] = arrive(id + 1, id + 1, 500, now_ms);
        running[1] = arrive(id + 2, id + 2, 500, now_ms);
        old = made[made_count++] = errand(id + 3, 500);
        old->key = id + 3;
        old->worth.give_way_s = cases[i].give_way_s;
        assert_int_equal(line_enter(line, old, now_ms), 0);
        new = arrive(id + 4, id + 4, 500, now_ms + 25000);
        assert_int_equal(line_waiting(line), 2);
        done(running[0], now_ms + 31000);
        assert_int_equal(started[started_count - 1], cases[i].is_first ? id + 3 : id + 4);
        done(running[1], now_ms + 32000);
        assert_int_equal(line_waiting(line), 0);
        done(old, now_ms + 33000);
        done(new, now_ms + 33000);
    }
}

/* Among those who are late a short one goes first, also if its key has just been served: it feels
 * it more. */
static void of_the_late_ones_the_short_go_first(void **state)
{
    struct errand *running, *between;

    (void)state;
    loaded(SLOW_BIG);
    board->machines[FAST].is_drained = true;
    running = arrive(1, 1, 500, 100000);
    between = arrive(2, 4, 2500, 100000); /* key 4 has had its service */
    arrive(3, 3, 3000, 100000);
    done(running, 101000);
    assert_int_equal(started[1], 2);
    arrive(4, 4, 1200, 101000);
    arrive(5, 5, 100, 134000);
    done(between, 135000);
    assert_int_equal(started[2], 5); /* it is not late */
    done(made[4], 136000);
    assert_int_equal(started[3], 4);
}

static void short_ones_go_before_long_ones_of_others(void **state)
{
    struct errand *first;

    (void)state;
    loaded(SLOW_BIG);
    board->machines[FAST].is_drained = true;
    first = arrive(1, 1, 100, 1000);
    arrive(2, 2, 6000, 1000);
    arrive(3, 3, 100, 1000);
    done(first, 2000);
    assert_int_equal(started[1], 3);
}

static void what_is_worth_less_waits_longer(void **state)
{
    struct errand *first, *batch;

    (void)state;
    loaded(SLOW_BIG);
    board->machines[FAST].is_drained = true;
    first = arrive(1, 1, 100, 1000);
    batch = made[made_count++] = errand(2, 100);
    batch->worth.weight = 0.1;
    assert_int_equal(line_enter(line, batch, 1000), 0);
    arrive(3, 3, 300, 1000);
    done(first, 2000);
    assert_int_equal(started[1], 3);
}

static void nobody_is_overtaken_for_ever(void **state)
{
    struct errand *running;
    uint64_t id = 10, now_ms = 1000;
    bool seen = false;

    (void)state;
    loaded(SLOW_BIG);
    board->machines[FAST].is_drained = true;
    running = arrive(1, 1, 100, now_ms);
    arrive(2, 2, 7000, now_ms);
    for (int i = 0; i < 7000 && !seen; i++) {
        struct errand *next = arrive(id, id, 100, now_ms);

        id++;
        done(running, now_ms += 1000);
        seen = started[started_count - 1] == 2;
        running = next;
        if (seen)
            break;
        for (uint32_t k = 0; k < made_count; k++)
            if (made[k]->is_running)
                running = made[k];
    }
    assert_true(seen);
}

static void a_failure_is_tried_elsewhere_and_benches_the_machine(void **state)
{
    struct errand *e;

    (void)state;
    loaded(FAST_BIG);
    loaded(SLOW_BIG);
    e = arrive(1, 1, 100, 1000);
    line_end(line, e, &(struct errand_end){.why = FAILURE_connect_failed}, 1100);
    assert_int_equal(line_again(line, e, 1100), 0);
    line_settle(line, 1100);
    assert_int_equal(started_count, 2);
    assert_int_equal(started_at[1], SLOW_BIG);
    assert_false(board_is_open(board, FAST_MID, 1200));
    assert_int_equal(board->copies[FAST_BIG].state, COPY_away);
    line_end(line, e, &(struct errand_end){.why = FAILURE_upstream_gone}, 2000);
    assert_int_equal(line_again(line, e, 2000), -EAGAIN);
}

static void a_machine_that_is_down_is_waited_for(void **state)
{
    (void)state;
    line_probed(line, FAST, false, 500);
    line_probed(line, SLOW, false, 500);
    arrive(1, 1, 100, 1000);
    assert_int_equal(started_count, 0);
    line_probed(line, SLOW, true, 5000);
    line_settle(line, 5000);
    assert_int_equal(started_count, 1);
    assert_int_equal(started_at[0], SLOW_BIG);
}

/* Twenty wait for the one machine that has their context; a short one does not. */
static void who_waits_for_a_lost_machine_holds_up_nobody(void **state)
{
    struct errand *brief = errand(99, 100);

    (void)state;
    loaded(SLOW_TINY);
    line_probed(line, FAST, false, 500);
    for (uint64_t i = 0; i < 20; i++) {
        struct errand *e = made[made_count++] = errand(1 + i, 6000);

        e->options[1].copy = SLOW_TINY;
        assert_int_equal(line_enter(line, e, 1000), 0);
        line_settle(line, 1000);
    }
    made[made_count++] = brief;
    brief->options[1].copy = SLOW_TINY;
    assert_int_equal(line_enter(line, brief, 1000), 0);
    line_settle(line, 1000);
    assert_int_equal(started_count, 1);
    assert_int_equal(started[0], 99);
    line_probed(line, FAST, true, 1100);
    line_settle(line, 1100);
    assert_int_equal(started_count, 2);
}

static void what_can_never_be_served_is_refused(void **state)
{
    struct errand *e = made[made_count++] = errand(1, 100000);

    (void)state;
    assert_int_equal(line_enter(line, e, 1000), -EAGAIN);
    assert_true(line_estimate_s(line, e, 1000) > 1e9);
}

static void who_leaves_gives_the_slot_on(void **state)
{
    struct errand *first, *second;

    (void)state;
    loaded(SLOW_BIG);
    board->machines[FAST].is_drained = true;
    first = arrive(1, 1, 100, 1000);
    second = arrive(2, 2, 100, 1000);
    arrive(3, 3, 100, 1000);
    line_leave(line, second, 1500);
    assert_int_equal(line_waiting(line), 1);
    line_leave(line, first, 1600);
    line_settle(line, 1600);
    assert_int_equal(started[1], 3);
    assert_true(board_is_open(board, SLOW_BIG, 1600));
}

static void lengths_and_speeds_are_learned_from_answers(void **state)
{
    const struct board_copy *c = &board->copies[FAST_BIG];

    (void)state;
    loaded(FAST_BIG);
    for (uint64_t i = 1; i <= 20; i++) {
        struct errand *e = arrive(i, i, 1000, i * 10000);
        double context = 1000 + 20;

        line_end(
            line, e,
            &(struct errand_end){.prompt_s = 2 * expect_prompt_s(&c->expected, 1000, 0),
                                 .decode_s = 39 * 1.5 * expect_step_s(&c->expected, 1, context),
                                 .output_tokens = 40},
            i * 10000 + 500);
    }
    assert_near(estimate_ratio(&c->estimate, ESTIMATE_prompt, 1000), 2, 0.1);
    assert_near(estimate_ratio(&c->estimate, ESTIMATE_decode, 1000), 1.5, 0.1);
    assert_near(made[19]->output_tokens, 40, 0.01);
}

static void idle_machines_load_what_is_missed(void **state)
{
    (void)state;
    line_preload(line, false, 1000);
    assert_true(loads_seen >= 1);
    assert_int_equal(board->copies[FAST_BIG].state, COPY_loading);
    line_preload(line, false, 2000);
    assert_int_equal(board->machines[FAST].loading, FAST_BIG);
}

/* Somebody else loaded it, for as long as Ollama usually keeps it. */
static void what_the_plan_keeps_is_told_so_once(void **state)
{
    (void)state;
    loaded(FAST_BIG);
    board->engines[SLOW].is_down = true;
    board->copies[FAST_MID].since_ms = board->copies[FAST_TINY].since_ms =
        1; /* not the first time */
    line_preload(line, false, 1000);
    line_preload(line, false, 2000);
    assert_int_equal(loads_seen, 1);
    assert_int_equal(board->copies[FAST_BIG].state, COPY_loaded);
    line_loaded(line, FAST_BIG, false, 3000);
    line_loaded(line, FAST_BIG, true, 4000);
    line_preload(line, false, 5000);
    assert_int_equal(loads_seen, 2);
}

#define LINE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

/* Fifty requests have earned one second asking; the sixth answer says what is usual. */
static struct errand *late_one(void)
{
    struct errand *e;

    loaded(FAST_BIG);
    loaded(SLOW_BIG);
    for (uint64_t i = 0; i < 60; i++)
        done(arrive(i + 1, 1, 100, 1000 * (i + 1)), 1000 * (i + 1) + 900);
    e = arrive(99, 1, 100, 100000);
    assert_int_equal(e->copy, FAST_BIG);
    return e;
}

static void a_late_request_is_asked_of_an_idle_copy_as_well_and_goes_on_there(void **state)
{
    struct errand *late = late_one(), *second = made[made_count++] = errand(100, 100);
    struct errand_option *options = second->options;

    (void)state;
    *second = *late;
    second->options = options;
    second->id = 100;
    second->is_running = false;
    assert_false(line_hedge(line, late, second, late->late_s / 2, 100100));
    assert_true(line_hedge(line, late, second, late->late_s + 30, 130000));
    assert_int_equal(second->copy, SLOW_BIG);
    assert_int_equal(board->copies[SLOW_BIG].run_count, 1);
    line_end(line, late, &(struct errand_end){.left = true}, 130500);
    line_take_over(late, second);
    assert_int_equal(board->copies[FAST_BIG].run_count, 0);
    assert_int_equal(late->copy, SLOW_BIG);
    done(late, 131000);
    assert_int_equal(board->copies[SLOW_BIG].run_count, 0);
}

static void asking_twice_has_a_budget(void **state)
{
    struct errand *late = late_one(), second = *late;
    struct errand_option options[2];

    (void)state;
    second.options = options;
    second.is_running = false;
    assert_true(line_hedge(line, late, &second, late->late_s + 30, 130000));
    line_end(line, &second, &(struct errand_end){.left = true}, 131000);
    assert_false(line_hedge(line, late, &second, late->late_s + 30, 132000));
}

/* Both slots of one copy, the only one that would do, are taken by batch requests. */
static void fill_with_batch(struct errand *batch[2])
{
    loaded(FAST_BIG);
    for (int i = 0; i < 2; i++) {
        batch[i] = made[made_count++] = errand(10 + (uint64_t)i, 100);
        batch[i]->options_count = 1;
        batch[i]->worth.weight = 0.25;
        batch[i]->yields = batch[i]->shows_tokens = true;
        assert_int_equal(line_enter(line, batch[i], 1000), 0);
        line_settle(line, 1000);
        assert_true(batch[i]->is_running);
    }
}

static struct errand *urgent_one(uint64_t id, uint64_t now_ms)
{
    struct errand *e = made[made_count++] = errand(id, 100);

    e->options_count = 1;
    assert_int_equal(line_enter(line, e, now_ms), 0);
    line_settle(line, now_ms);
    return e;
}

/* As its asker does, who has heard it. */
static void give_back(struct errand *e, uint64_t now_ms)
{
    line_end(line, e, &(struct errand_end){.left = true}, now_ms);
    line_settle(line, now_ms);
    assert_int_equal(line_again(line, e, now_ms), 0);
    line_settle(line, now_ms);
}

static void a_batch_request_without_a_token_is_taken_back_for_an_urgent_one(void **state)
{
    struct errand *batch[2], *urgent, *taken_back;

    (void)state;
    fill_with_batch(batch);
    urgent = urgent_one(20, 1100);
    assert_false(urgent->is_running);
    assert_true(recalled == batch[0] || recalled == batch[1]);
    taken_back = recalled;
    line_settle(line, 1110); /* one is enough */
    assert_ptr_equal(recalled, taken_back);
    give_back(taken_back, 1120);
    assert_true(urgent->is_running);
    assert_false(taken_back->is_running);
    assert_int_equal(line_waiting(line), 1);
    done(urgent, 4000); /* and nothing is lost */
    assert_true(taken_back->is_running);
    done(taken_back, 9000);
}

static void what_has_a_token_is_not_taken_back(void **state)
{
    struct errand *batch[2];

    (void)state;
    fill_with_batch(batch);
    line_began(line, batch[0]);
    line_began(line, batch[1]);
    urgent_one(20, 1100);
    assert_null(recalled);
}

static void whose_tokens_nobody_sees_is_taken_back_only_while_it_should_have_none(void **state)
{
    struct errand *batch[2];

    (void)state;
    fill_with_batch(batch);
    batch[0]->shows_tokens = batch[1]->shows_tokens = false;
    urgent_one(20, 1000 + (uint64_t)(batch[0]->first_s * 1e3) + 500);
    assert_null(recalled);
}

static void nobody_is_taken_back_who_would_lose_more_than_it_spares(void **state)
{
    struct errand *batch[2];

    (void)state;
    fill_with_batch(batch);
    urgent_one(20, 600000); /* they must be almost done */
    assert_null(recalled);
}

static void a_batch_request_is_taken_back_twice_at_most_and_not_when_it_is_old(void **state)
{
    struct errand *batch[2];

    (void)state;
    fill_with_batch(batch);
    batch[0]->recalls = 2;
    batch[1]->finish_tag = 0; /* it has waited so long that it would go first */
    urgent_one(20, 1100);
    assert_null(recalled);
    batch[0]->recalls = 1;
    line_settle(line, 1200);
    assert_ptr_equal(recalled, batch[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINE_TEST(a_free_slot_is_taken_at_once),
        LINE_TEST(a_copy_gets_no_more_than_it_has_slots),
        LINE_TEST(a_machine_loads_one_copy_at_a_time),
        LINE_TEST(those_who_wait_for_a_load_begin_together_when_it_is_done),
        LINE_TEST(a_crowd_of_one_key_does_not_delay_another),
        LINE_TEST(who_has_waited_its_time_gives_way_to_who_has_not),
        LINE_TEST(of_the_late_ones_the_short_go_first),
        LINE_TEST(short_ones_go_before_long_ones_of_others),
        LINE_TEST(what_is_worth_less_waits_longer),
        LINE_TEST(nobody_is_overtaken_for_ever),
        LINE_TEST(a_failure_is_tried_elsewhere_and_benches_the_machine),
        LINE_TEST(a_machine_that_is_down_is_waited_for),
        LINE_TEST(who_waits_for_a_lost_machine_holds_up_nobody),
        LINE_TEST(what_can_never_be_served_is_refused),
        LINE_TEST(who_leaves_gives_the_slot_on),
        LINE_TEST(lengths_and_speeds_are_learned_from_answers),
        LINE_TEST(idle_machines_load_what_is_missed),
        LINE_TEST(what_the_plan_keeps_is_told_so_once),
        LINE_TEST(a_late_request_is_asked_of_an_idle_copy_as_well_and_goes_on_there),
        LINE_TEST(asking_twice_has_a_budget),
        LINE_TEST(a_batch_request_without_a_token_is_taken_back_for_an_urgent_one),
        LINE_TEST(what_has_a_token_is_not_taken_back),
        LINE_TEST(whose_tokens_nobody_sees_is_taken_back_only_while_it_should_have_none),
        LINE_TEST(nobody_is_taken_back_who_would_lose_more_than_it_spares),
        LINE_TEST(a_batch_request_is_taken_back_twice_at_most_and_not_when_it_is_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
