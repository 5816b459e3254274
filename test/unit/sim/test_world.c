/* SPDX-License-Identifier: Apache-2.0 */
/* The imagined machine: how long things take, who waits, who is evicted, what faults do. */
#include "testing.h"

#include <math.h>
#include <stdio.h>

#include "base/attr.h"
#include "sim/world.h"

enum { VISITS_MAX = 16, LOG_MAX = 4096 };

/* A machine whose numbers can be reckoned in one's head: see rates(). */
struct table {
    struct world *world;
    struct visit visits[VISITS_MAX];
    unsigned count;
    char log[LOG_MAX];
    double now_ms;
};

static struct world_artifact big = {.name = {"big", 3}, .bytes = UINT64_C(8000000000)};
static struct world_artifact mid = {.name = {"mid", 3}, .bytes = UINT64_C(4000000000)};
static struct world_artifact tiny = {.name = {"tiny", 4}, .bytes = UINT64_C(1000000000)};
static struct world_artifact huge = {.name = {"huge", 4}, .bytes = UINT64_C(90000000000)};
static struct world_artifact *const all[] = {&big, &mid, &tiny, &huge};

/* 10 GB on a GPU that reads 100 GB/s, loaded at 2 GB/s: no surprises, no efficiencies. */
static struct box rates(uint64_t gpu_bytes)
{
    return (struct box){
        .gpu_bytes = gpu_bytes,
        .ram_bytes = UINT64_C(20000000000),
        .gpu_gbs = 100,
        .cpu_gbs = 10,
        .gpu_efficiency = 1,
        .cpu_efficiency = 1,
        .gpu_tflops = 10,
        .cpu_tflops = 1,
        .disk_gbs = 2,
        .link_gbs = 10,
    };
}

static void pace(void *ctx, const struct pace_asked *asked, struct pace *ret)
{
    struct table *t = ctx;
    uint64_t bytes = asked->artifact->bytes;
    bool has_gpu = rates(0).gpu_gbs > 0 && asked->free.gpu_gbs > 0;

    (void)t;
    ret->box = asked->free;
    ret->load = (struct load){.weights_bytes = bytes, .active_params = bytes, .layers = 10,
                              .hidden = 1000};
    ret->num_ctx = asked->num_ctx ? asked->num_ctx : 4096;
    ret->predicted_bytes = bytes;
    ret->unload_ms = 300;
    if (has_gpu && bytes <= asked->free.gpu_bytes)
        ret->fit = (struct fit){.kind = FIT_gpu, .gpu_share = 1, .gpu_bytes = bytes};
    else if (bytes <= asked->free.ram_bytes)
        ret->fit = (struct fit){.kind = FIT_ram, .ram_bytes = bytes};
}

static void on_visit(void *ctx, struct visit *v, enum visit_event what)
{
    static const char *const names[] = {"token", "done", "failed", "cut"};
    struct table *t = ctx;
    size_t used = strlen(t->log);

    if (what != VISIT_EVENT_token)
        snprintf(t->log + used, LOG_MAX - used, "%s%s %s", used ? ", " : "", (char *)v->ctx,
                 names[what]);
}

static int set_up(void **state)
{
    static struct table t;

    memset(&t, 0, sizeof t);
    *state = &t;
    return 0;
}

static int tear_down(void **state)
{
    struct table *t = *state;

    world_free(t->world);
    t->world = NULL;
    return 0;
}

static void open_world(struct table *t, uint64_t gpu_bytes, const struct world_engine *engine)
{
    struct box box = rates(gpu_bytes);

    if (gpu_bytes == 0)
        box.gpu_gbs = 0;
    t->world = world_new(&box, &(struct world_hooks){.pace = pace, .on_visit = on_visit, .ctx = t});
    world_add_engine(t->world, engine);
}

static void open_ollama(struct table *t, uint64_t gpu_bytes)
{
    open_world(t, gpu_bytes,
               &(struct world_engine){.on_demand = true, .slots = 1, .max_loaded = 3,
                                      .max_queue = 4, .keep_alive_ms = 300000});
}

static struct visit *ask(struct table *t, const char *name, const struct world_artifact *artifact,
                         uint32_t prompt, uint32_t answer)
{
    struct visit *v = &t->visits[t->count++];

    v->ctx = (void *)(uintptr_t)name;
    v->artifact = artifact;
    v->pieces[0] = (struct piece){1000 + t->count, prompt};
    v->piece_count = prompt > 0;
    v->answer_tokens = answer;
    v->load_only = prompt == 0;
    world_start(t->world, 0, v, t->now_ms);
    return v;
}

static void go_to(struct table *t, double now_ms)
{
    t->now_ms = now_ms;
    world_advance(t->world, now_ms);
}

static void go_on(struct table *t)
{
    double next;

    while ((next = world_next_ms(t->world)) < t->now_ms + 200000)
        go_to(t, next);
}

/* Names of what is loaded or being loaded, in the order it came. */
static const char *loaded(struct table *t)
{
    static char text[256];
    struct runner_view r;

    text[0] = '\0';
    for (unsigned i = 0; world_runner(t->world, 0, i, &r); i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s", i ? " " : "",
                 r.artifact->name.data, r.unloading ? "-" : r.loading ? "+" : "");
    return text;
}

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-6 + fabs(expected) * 0.01))
        fail_msg("%f is not near %f", found, expected);
}

static void a_request_takes_what_the_formulas_say(void **state)
{
    struct table *t = *state;
    struct box box = rates(10000000000);
    struct fit fit = {.kind = FIT_gpu, .gpu_share = 1, .gpu_bytes = mid.bytes};
    struct load load = {.weights_bytes = mid.bytes, .active_params = mid.bytes, .layers = 10,
                        .hidden = 1000};
    struct visit *v;

    open_ollama(t, 10000000000);
    v = ask(t, "a", &mid, 100, 11);
    go_on(t);
    assert_string_equal(t->log, "a done");
    assert_near(v->ready_ms - v->start_ms, 1e3 * speed_load_seconds(&box, &load, false));
    assert_near(v->first_ms - v->slot_ms,
                1e3 * speed_prefill_seconds(&box, &load, &fit, 100, 0));
    /* the first token comes with the prompt: ten more steps for eleven */
    assert_near(v->end_ms - v->first_ms, 1e4 * speed_step_seconds(&box, &load, &fit, 105, 1));
    assert_int_equal(v->prompt_tokens, 100);
    assert_int_equal(v->cached_tokens, 0);
}

static void a_long_prompt_is_read_in_batches_that_add_up(void **state)
{
    struct table *t = *state;
    struct box box = rates(10000000000);
    struct fit fit = {.kind = FIT_gpu, .gpu_share = 1, .gpu_bytes = tiny.bytes};
    struct load load = {.weights_bytes = tiny.bytes, .active_params = tiny.bytes, .layers = 10,
                        .hidden = 1000};
    struct visit *v;

    open_ollama(t, 10000000000);
    v = ask(t, "a", &tiny, 4000, 1);
    go_on(t);
    assert_near(v->first_ms - v->slot_ms,
                1e3 * speed_prefill_seconds(&box, &load, &fit, 4000, 0));
}

static void a_prompt_that_continues_the_last_one_is_read_from_there(void **state)
{
    struct table *t = *state;
    struct visit *first, *second;

    open_ollama(t, 10000000000);
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

    open_ollama(t, 10000000000);
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
               &(struct world_engine){.on_demand = true, .slots = 2, .max_loaded = 3,
                                      .max_queue = 4, .keep_alive_ms = 300000});
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

    open_ollama(t, 10000000000);
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

static void loads_wait_for_each_other_but_what_is_loaded_answers(void **state)
{
    struct table *t = *state;
    struct visit *b, *c;

    open_ollama(t, 10000000000);
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

    open_ollama(t, 10000000000);
    ask(t, "a", &mid, 10, 1);
    for (int i = 0; i < 4; i++)
        ask(t, "w", &big, 10, 1);
    ask(t, "x", &tiny, 10, 1);
    assert_string_equal(t->log, "x failed");
    assert_int_equal(t->visits[5].fail, VISIT_FAIL_busy);
    assert_int_equal(world_pending(t->world, 0), 4);
}

/* Who goes: idle before busy, then the shortest kept, then by name. */
static void eviction_follows_keep_alive_not_recency(void **state)
{
    static const struct {
        double keep_tiny_ms, keep_mid_ms;
        bool tiny_is_used_last;
        const char *left;
    } cases[] = {
        {60000, 120000, true, "mid big"},
        {60000, 120000, false, "mid big"},
        {120000, 60000, true, "tiny big"},
        {-1, 60000, false, "tiny big"},
        {60000, 60000, true, "tiny big"}, /* "mid" comes before "tiny" */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct table *t = *state;
        struct world_artifact five = {.name = {"big", 3}, .bytes = 5000000000};

        set_up(state);
        open_world(t, 20000000000,
                   &(struct world_engine){.on_demand = true, .slots = 1, .max_loaded = 2,
                                          .max_queue = 4, .keep_alive_ms = 300000});
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

    open_ollama(t, 10000000000);
    ask(t, "a", &mid, 10, 1);
    go_to(t, 10000);
    ask(t, "b", &big, 10, 1);
    go_to(t, 20000);
    assert_string_equal(loaded(t), "big");
}

static void a_cpu_does_not_look_before_it_loads(void **state)
{
    struct table *t = *state;

    open_ollama(t, 0);
    ask(t, "a", &big, 10, 1);
    go_to(t, 100000);
    ask(t, "b", &mid, 10, 1);
    go_to(t, 200000);
    assert_string_equal(loaded(t), "big mid");
}

static void busy_ones_are_drained_before_they_go(void **state)
{
    struct table *t = *state;

    open_ollama(t, 10000000000);
    ask(t, "a", &mid, 10, 200);
    go_to(t, 3000);
    ask(t, "b", &big, 10, 1);
    go_on(t);
    assert_string_equal(t->log, "a done, b done");
}

static void what_fits_nowhere_fails_in_words(void **state)
{
    struct table *t = *state;

    open_ollama(t, 10000000000);
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
        {0, 0, 0, false},       {8192, 8192, 0, false}, {0, 4096, 0, false},
        {0, 8192, 0, true},     {8192, 0, 0, true},     {8192, 4096, 0, true},
        {8192, 8192, 99, true},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct table *t = *state;
        struct visit *second;

        set_up(state);
        open_ollama(t, 10000000000);
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

    open_ollama(t, 10000000000);
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

    open_ollama(t, 10000000000);
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

static void a_second_load_comes_from_the_page_cache(void **state)
{
    struct table *t = *state;
    struct box box = rates(10000000000);
    struct load load = {.weights_bytes = mid.bytes};
    struct visit *cold, *warm;

    open_ollama(t, 10000000000);
    t->visits[0].keep_alive_given = true;
    cold = ask(t, "a", &mid, 10, 1);
    go_to(t, 60000);
    warm = ask(t, "b", &mid, 10, 1);
    go_to(t, 120000);
    assert_near(cold->ready_ms - cold->start_ms, 1e3 * speed_load_seconds(&box, &load, false));
    assert_near(warm->ready_ms - warm->start_ms, 1e3 * speed_load_seconds(&box, &load, true));
}

static void leaving_during_a_load_aborts_it_for_the_others_it_begins_anew(void **state)
{
    struct table *t = *state;
    struct visit *b;

    open_ollama(t, 10000000000);
    ask(t, "a", &mid, 10, 1);
    b = ask(t, "b", &mid, 10, 1);
    go_to(t, 1000);
    world_leave(t->world, &t->visits[0], 1000);
    assert_int_equal(b->state, VISIT_loading);
    go_on(t);
    assert_string_equal(t->log, "b done");
    assert_true(b->ready_ms > 3000);
}

static void leaving_gives_the_slot_to_the_next(void **state)
{
    struct table *t = *state;

    open_ollama(t, 10000000000);
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

    open_ollama(t, 10000000000);
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

    open_ollama(t, 10000000000);
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
        open_ollama(t, 10000000000);
        for (int i = 0; i < 12; i++) {
            ask(t, (const char *[]){"a", "b", "c", "d"}[i % 4], all[i % 3], 50 + 10 * i, 20);
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
        TEST(a_second_load_comes_from_the_page_cache),
        TEST(leaving_during_a_load_aborts_it_for_the_others_it_begins_anew),
        TEST(leaving_gives_the_slot_to_the_next),
        TEST(faults_do_what_they_are_called),
        TEST(slow_is_so_many_times_as_long),
        TEST(an_engine_that_serves_one_model_starts_by_loading_it),
        TEST(the_same_calls_give_the_same_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
