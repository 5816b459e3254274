/* SPDX-License-Identifier: Apache-2.0 */
/* The imagined machine: how long things take, who waits, what faults do. */
#include "world_table.h"

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-6 + fabs(expected) * 0.01))
        fail_msg("%f is not near %f", found, expected);
}

/* The same copy for the formulas: whole on the GPU. */
static struct pace alone(const struct world_artifact *artifact)
{
    return (struct pace){
        .box = rates(10000000000),
        .fit = {.kind = FIT_gpu, .gpu_share = 1, .gpu_bytes = artifact->bytes},
        .load = {.weights_bytes = artifact->bytes,
                 .active_params = artifact->bytes,
                 .layers = 10,
                 .hidden = 1000},
    };
}

static void a_request_takes_what_the_formulas_say(void **state)
{
    struct table *t = *state;
    struct pace p = alone(&mid);
    struct visit *v;

    open_world(t, 10000000000, &ollama);
    v = ask(t, "a", &mid, 100, 11);
    go_on(t);
    assert_string_equal(t->log, "a done");
    assert_near(v->ready_ms - v->start_ms, 1e3 * speed_load_seconds(&p.box, &p.load, false));
    assert_near(v->first_ms - v->slot_ms,
                1e3 * speed_prefill_seconds(&p.box, &p.load, &p.fit, 100, 0));
    /* the first token comes with the prompt: ten more steps for eleven */
    assert_near(v->end_ms - v->first_ms, 1e4 * speed_step_seconds(&p.box, &p.load, &p.fit, 105, 1));
    assert_int_equal(v->prompt_tokens, 100);
    assert_int_equal(v->cached_tokens, 0);
}

static void a_long_prompt_is_read_in_batches_that_add_up(void **state)
{
    struct table *t = *state;
    struct pace p = alone(&tiny);
    struct visit *v;

    open_world(t, 10000000000, &ollama);
    v = ask(t, "a", &tiny, 4000, 1);
    go_on(t);
    assert_near(v->first_ms - v->slot_ms,
                1e3 * speed_prefill_seconds(&p.box, &p.load, &p.fit, 4000, 0));
}

static void a_prompt_that_continues_the_last_one_is_read_from_there(void **state)
{
    struct table *t = *state;
    struct visit *first, *second;

    open_world(t, 10000000000, &ollama);
    first = ask(t, "a", &tiny, 300, 5);
    first->answer_chain = 77;
    go_on(t);
    second = &t->visits[t->count++];
    second->ctx = (void *)(uintptr_t) "b";
    second->artifact = &tiny;
    second->pieces[0] = first->pieces[0];
    second->pieces[1] = (struct piece){77, 305};
    second->pieces[2] = (struct piece){78, 350};
    second->piece_count = 3;
    second->answer_tokens = 1;
    world_start(t->world, 0, second, t->now_ms);
    go_on(t);
    assert_int_equal(second->cached_tokens, 305);
    assert_int_equal(second->prompt_tokens, 350);
}

static void one_slot_serves_first_come_first_served(void **state)
{
    struct table *t = *state;
    struct visit *a, *b;

    open_world(t, 10000000000, &ollama);
    a = ask(t, "a", &tiny, 10, 10);
    b = ask(t, "b", &tiny, 10, 2);
    ask(t, "c", &tiny, 10, 2);
    go_on(t);
    assert_string_equal(t->log, "a done, b done, c done");
    assert_true(b->slot_ms >= a->end_ms);
}

static void two_slots_decode_together_and_each_a_little_slower(void **state)
{
    struct table *t = *state;
    struct visit *a, *b;

    open_world(t, 10000000000,
               &(struct world_engine){.on_demand = true,
                                      .slots = 2,
                                      .max_loaded = 3,
                                      .max_queue = 4,
                                      .keep_alive_ms = 300000});
    a = ask(t, "a", &tiny, 10, 100);
    b = ask(t, "b", &tiny, 10, 100);
    go_on(t);
    assert_true(b->slot_ms < a->end_ms);
    assert_true(b->end_ms - a->end_ms < 20);
}

static void two_copies_that_compute_share_the_machine(void **state)
{
    struct table *t = *state;
    struct visit *a, *b;

    open_world(t, 10000000000, &ollama);
    ask(t, "load", &tiny, 0, 0);
    go_on(t);
    ask(t, "load", &mid, 0, 0);
    go_on(t);
    a = ask(t, "a", &tiny, 10, 101);
    go_on(t);
    b = ask(t, "b", &tiny, 10, 101);
    ask(t, "c", &mid, 10, 1000);
    go_on(t);
    assert_true((b->end_ms - b->first_ms) > 1.8 * (a->end_ms - a->first_ms));
}

/* Who goes: idle before busy, then the shortest kept, then by name. */
static void a_second_load_comes_from_the_page_cache(void **state)
{
    struct table *t = *state;
    struct pace p = alone(&mid);
    struct visit *cold, *warm;

    open_world(t, 10000000000, &ollama);
    t->visits[0].keep_alive_given = true;
    cold = ask(t, "a", &mid, 10, 1);
    go_to(t, 60000);
    warm = ask(t, "b", &mid, 10, 1);
    go_to(t, 120000);
    assert_near(cold->ready_ms - cold->start_ms, 1e3 * speed_load_seconds(&p.box, &p.load, false));
    assert_near(warm->ready_ms - warm->start_ms, 1e3 * speed_load_seconds(&p.box, &p.load, true));
}

static void leaving_gives_the_slot_to_the_next(void **state)
{
    struct table *t = *state;

    open_world(t, 10000000000, &ollama);
    ask(t, "a", &tiny, 10, 1000000);
    ask(t, "b", &tiny, 10, 1);
    ask(t, "c", &tiny, 10, 1);
    go_to(t, 5000);
    world_leave(t->world, &t->visits[2], 5000);
    world_leave(t->world, &t->visits[0], 5000);
    go_on(t);
    assert_string_equal(t->log, "b done");
}

static void faults_do_what_they_are_called(void **state)
{
    struct table *t = *state;
    struct visit *v;

    open_world(t, 10000000000, &ollama);
    ask(t, "a", &tiny, 10, 100000);
    go_to(t, 5000);
    world_set_fault(t->world, WORLD_frozen, 0, 0, 5000);
    assert_true(world_next_ms(t->world) == INFINITY);
    go_to(t, 10000);
    world_set_fault(t->world, WORLD_well, 0, 0, 10000);
    assert_string_equal(t->log, "a cut");
    assert_string_equal(loaded(t), "");

    v = ask(t, "b", &tiny, 10, 100);
    go_to(t, 12000);
    world_set_fault(t->world, WORLD_cuts, 0, 5, 12000);
    go_on(t);
    v = ask(t, "c", &tiny, 10, 100);
    go_on(t);
    assert_int_equal(v->tokens_done, 5);

    world_set_fault(t->world, WORLD_dead, 0, 0, t->now_ms);
    assert_string_equal(loaded(t), "");
    world_set_fault(t->world, WORLD_well, 0, 0, t->now_ms);
    assert_true(strstr(t->log, "c cut") != NULL);
}

static void slow_is_so_many_times_as_long(void **state)
{
    struct table *t = *state;
    struct visit *usual, *slow;

    open_world(t, 10000000000, &ollama);
    usual = ask(t, "a", &tiny, 100, 50);
    go_on(t);
    world_set_fault(t->world, WORLD_slow, 3, 0, t->now_ms);
    slow = ask(t, "b", &tiny, 100, 50);
    go_on(t);
    assert_near(slow->end_ms - slow->slot_ms, 3 * (usual->end_ms - usual->slot_ms));
}

static void an_engine_that_serves_one_model_starts_by_loading_it(void **state)
{
    struct table *t = *state;
    struct runner_view r;
    struct visit *v;

    open_world(t, 10000000000, &(struct world_engine){.slots = 2, .keep_alive_ms = -1});
    world_serve(t->world, 0, &mid, 8192, 0);
    assert_true(world_runner(t->world, 0, 0, &r) && r.loading);
    v = ask(t, "a", &mid, 10, 3);
    go_on(t);
    assert_string_equal(t->log, "a done");
    assert_true(v->slot_ms > 0);
    world_set_fault(t->world, WORLD_dead, 0, 0, t->now_ms);
    assert_false(world_runner(t->world, 0, 0, &r));
    world_set_fault(t->world, WORLD_well, 0, 0, t->now_ms);
    assert_true(world_runner(t->world, 0, 0, &r) && r.loading);
}

static void the_same_calls_give_the_same_events(void **state)
{
    char first[LOG_MAX] = "";
    double end_ms = 0;

    for (int round = 0; round < 2; round++) {
        struct table *t = *state;

        set_up(state);
        open_world(t, 10000000000, &ollama);
        for (int i = 0; i < 12; i++) {
            ask(t, (const char *[]){"a", "b", "c", "d"}[i % 4], i % 3 ? &mid : &tiny, 50 + 10 * i,
                20);
            go_to(t, t->now_ms + 137);
        }
        go_on(t);
        if (round == 1) {
            assert_string_equal(t->log, first);
            assert_true(t->now_ms == end_ms);
        }
        memcpy(first, t->log, sizeof first);
        end_ms = t->now_ms;
        tear_down(state);
    }
}

/* Two slots of two copies, requests that come and go in the middle of each other's answers. */
static void leaps_take_as_long_as_the_steps_they_skip(void **state)
{
    double ends_ms[2][12], firsts_ms[2][12];
    unsigned turns[2] = {0};

    for (int round = 0; round < 2; round++) {
        struct table *t = *state;
        struct world_engine engine = ollama;
        double next;

        set_up(state);
        engine.slots = 2;
        open_world(t, 10000000000, &engine);
        if (round == 1)
            world_leap(t->world);
        for (int i = 0; i < 12; i++) {
            ask(t, "a", i % 3 ? &mid : &tiny, (uint32_t)(50 + 300 * i), (uint32_t)(40 + 25 * i));
            go_to(t, t->now_ms + 737);
        }
        while ((next = world_next_ms(t->world)) < t->now_ms + 200000) {
            go_to(t, next);
            turns[round]++;
        }
        for (int i = 0; i < 12; i++) {
            ends_ms[round][i] = t->visits[i].end_ms;
            firsts_ms[round][i] = t->visits[i].first_ms;
        }
        tear_down(state);
    }
    for (int i = 0; i < 12; i++) {
        assert_near(ends_ms[1][i], ends_ms[0][i]);
        assert_near(firsts_ms[1][i], firsts_ms[0][i]);
    }
    assert_true(turns[1] * 4 < turns[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_takes_what_the_formulas_say),
        TEST(a_long_prompt_is_read_in_batches_that_add_up),
        TEST(a_prompt_that_continues_the_last_one_is_read_from_there),
        TEST(one_slot_serves_first_come_first_served),
        TEST(two_slots_decode_together_and_each_a_little_slower),
        TEST(two_copies_that_compute_share_the_machine),
        TEST(a_second_load_comes_from_the_page_cache),
        TEST(leaving_gives_the_slot_to_the_next),
        TEST(faults_do_what_they_are_called),
        TEST(slow_is_so_many_times_as_long),
        TEST(an_engine_that_serves_one_model_starts_by_loading_it),
        TEST(the_same_calls_give_the_same_events),
        TEST(leaps_take_as_long_as_the_steps_they_skip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
