/* SPDX-License-Identifier: Apache-2.0 */
/* What an imagined Ollama loads, in which order, and whom it evicts for it. */
#include "world_table.h"

static struct world_artifact huge = {.name = {"huge", 4}, .bytes = UINT64_C(90000000000)};

static void loads_wait_for_each_other_but_what_is_loaded_answers(void **state)
{
    struct table *t = *state;
    struct visit *b, *c;

    open_world(t, 10000000000, &ollama);
    ask(t, "a", &tiny, 10, 1);
    go_on(t);
    b = ask(t, "b", &mid, 10, 1);
    c = ask(t, "c", &big, 10, 1);
    ask(t, "d", &tiny, 10, 1);
    go_on(t);
    assert_string_equal(t->log, "a done, d done, b done, c done");
    assert_true(c->ready_ms > b->ready_ms);
}

static void a_queue_of_loads_has_an_end(void **state)
{
    struct table *t = *state;

    open_world(t, 10000000000, &ollama);
    ask(t, "a", &mid, 10, 1);
    for (int i = 0; i < 4; i++)
        ask(t, "w", &big, 10, 1);
    ask(t, "x", &tiny, 10, 1);
    assert_string_equal(t->log, "x failed");
    assert_int_equal(t->visits[5].fail, VISIT_FAIL_busy);
    assert_int_equal(world_pending(t->world, 0), 4);
}

static void eviction_follows_keep_alive_not_recency(void **state)
{
    static const struct {
        double keep_tiny_ms, keep_mid_ms;
        bool tiny_is_used_last;
        const char *left;
    } cases[] = {
        {60000, 120000, true, "mid big"},  {60000, 120000, false, "mid big"},
        {120000, 60000, true, "tiny big"}, {-1, 60000, false, "tiny big"},
        {60000, 60000, true, "tiny big"}, /* "mid" comes before "tiny" */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct table *t = *state;
        struct world_artifact five = {.name = {"big", 3}, .bytes = 5000000000};

        set_up(state);
        open_world(t, 20000000000,
                   &(struct world_engine){.on_demand = true,
                                          .slots = 1,
                                          .max_loaded = 2,
                                          .max_queue = 4,
                                          .keep_alive_ms = 300000});
        for (int k = 0; k < 2; k++) {
            bool is_tiny = (k == 0) != cases[i].tiny_is_used_last;
            struct visit *v = &t->visits[t->count];

            v->keep_alive_given = true;
            v->keep_alive_ms = is_tiny ? cases[i].keep_tiny_ms : cases[i].keep_mid_ms;
            ask(t, "x", is_tiny ? &tiny : &mid, 10, 1);
            go_to(t, t->now_ms + 10000);
        }
        ask(t, "big", &five, 10, 1);
        go_to(t, t->now_ms + 10000);
        assert_string_equal(loaded(t), cases[i].left);
        tear_down(state);
    }
}

static void what_would_fill_four_fifths_of_a_gpu_evicts(void **state)
{
    struct table *t = *state;

    open_world(t, 10000000000, &ollama);
    ask(t, "a", &mid, 10, 1);
    go_to(t, 10000);
    ask(t, "b", &big, 10, 1);
    go_to(t, 20000);
    assert_string_equal(loaded(t), "big");
}

static void a_cpu_does_not_look_before_it_loads(void **state)
{
    struct table *t = *state;

    open_world(t, 0, &ollama);
    ask(t, "a", &big, 10, 1);
    go_to(t, 100000);
    ask(t, "b", &mid, 10, 1);
    go_to(t, 200000);
    assert_string_equal(loaded(t), "big mid");
}

static void busy_ones_are_drained_before_they_go(void **state)
{
    struct table *t = *state;

    open_world(t, 10000000000, &ollama);
    ask(t, "a", &mid, 10, 200);
    go_to(t, 3000);
    ask(t, "b", &big, 10, 1);
    go_on(t);
    assert_string_equal(t->log, "a done, b done");
}

static void what_fits_nowhere_fails_in_words(void **state)
{
    struct table *t = *state;

    open_world(t, 10000000000, &ollama);
    ask(t, "a", &tiny, 10, 1);
    go_to(t, 10000);
    ask(t, "b", &huge, 10, 1);
    go_on(t);
    assert_string_equal(t->log, "a done, b failed");
    assert_int_equal(t->visits[1].fail, VISIT_FAIL_memory);
}

static void another_num_ctx_reloads_the_same_does_not(void **state)
{
    static const struct {
        uint32_t first, second;
        uint64_t options;
        bool reloads;
    } cases[] = {
        {0, 0, 0, false},   {8192, 8192, 0, false}, {0, 4096, 0, false},    {0, 8192, 0, true},
        {8192, 0, 0, true}, {8192, 4096, 0, true},  {8192, 8192, 99, true},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct table *t = *state;
        struct visit *second;

        set_up(state);
        open_world(t, 10000000000, &ollama);
        t->visits[0].num_ctx = cases[i].first;
        ask(t, "a", &tiny, 10, 1);
        go_to(t, 50000);
        t->visits[1].num_ctx = cases[i].second;
        t->visits[1].options = cases[i].options;
        second = ask(t, "b", &tiny, 10, 1);
        go_to(t, 100000);
        assert_int_equal(second->ready_ms > second->start_ms, cases[i].reloads);
        tear_down(state);
    }
}

static void the_timer_of_keep_alive_begins_when_the_last_one_leaves(void **state)
{
    struct table *t = *state;
    struct visit *v;

    open_world(t, 10000000000, &ollama);
    v = ask(t, "a", &tiny, 10, 1);
    go_to(t, 299999);
    assert_string_equal(loaded(t), "tiny");
    go_to(t, v->end_ms + 300000);
    assert_string_equal(loaded(t), "tiny-");
    go_to(t, v->end_ms + 300300);
    assert_string_equal(loaded(t), "");
}

static void keep_alive_of_the_last_request_counts(void **state)
{
    struct table *t = *state;

    open_world(t, 10000000000, &ollama);
    t->visits[0].keep_alive_given = true;
    t->visits[0].keep_alive_ms = -1;
    ask(t, "a", &tiny, 10, 1);
    go_to(t, 1e9);
    assert_string_equal(loaded(t), "tiny");
    t->visits[1].keep_alive_given = true;
    ask(t, "b", &tiny, 10, 1);
    go_to(t, 1e9 + 60000);
    assert_string_equal(loaded(t), "");
}

static void leaving_during_a_load_aborts_it_for_the_others_it_begins_anew(void **state)
{
    struct table *t = *state;
    struct visit *b;

    open_world(t, 10000000000, &ollama);
    ask(t, "a", &mid, 10, 1);
    b = ask(t, "b", &mid, 10, 1);
    go_to(t, 1000);
    world_leave(t->world, &t->visits[0], 1000);
    assert_int_equal(b->state, VISIT_loading);
    go_on(t);
    assert_string_equal(t->log, "b done");
    assert_true(b->ready_ms > 3000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loads_wait_for_each_other_but_what_is_loaded_answers),
        TEST(a_queue_of_loads_has_an_end),
        TEST(eviction_follows_keep_alive_not_recency),
        TEST(what_would_fill_four_fifths_of_a_gpu_evicts),
        TEST(a_cpu_does_not_look_before_it_loads),
        TEST(busy_ones_are_drained_before_they_go),
        TEST(what_fits_nowhere_fails_in_words),
        TEST(another_num_ctx_reloads_the_same_does_not),
        TEST(the_timer_of_keep_alive_begins_when_the_last_one_leaves),
        TEST(keep_alive_of_the_last_request_counts),
        TEST(leaving_during_a_load_aborts_it_for_the_others_it_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
