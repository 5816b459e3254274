/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic: whatever is asked, done and left in whatever order, the counts hold; and a reload of the
 * fleet file loses nobody. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/attr.h"
#include "boards.h"
#include "route/traffic_hints.h"

enum { WAITERS = 24, LINE_MOST = 6, STEPS = 20000, THREADS = 4, PLACES_MAX = 16 };

static const struct breaker_rules rules = {
    .failures = 3, .cooldown_ms = 50, .cooldown_max_ms = 400};
static const struct errand_end answered = {.decode_s = 1, .output_tokens = 10},
                               left = {.left = true};

/* Where a waiter may go. */
struct ways {
    struct copy_place *copies[2];
    struct errand_option options[2];
};

/* A waiter, and what the test knows of it. */
struct asker {
    struct waiter w;
    struct ways ways;
    enum { AWAY, WAITING, RUNNING } is;
};

static struct traffic *traffic;
static struct copy_place *copies[PLACES_MAX];
static struct engine_place *engines[PLACES_MAX];
static struct asker askers[WAITERS];
static uint64_t now_ms;
static unsigned chance;

static unsigned draw(unsigned below)
{
    chance = chance * 1103515245u + 12345u;
    return (chance >> 16) % below;
}

/* Called with the lock held: looks at the test's own memory only. */
static bool granted(struct waiter *w)
{
    struct asker *a = CONTAINER(w, struct asker, w);

    assert_int_equal(a->is, WAITING);
    assert_non_null(w->taken);
    a->is = RUNNING;
    return true;
}

static void show(const struct view *shown)
{
    assert_true(shown->copies_count <= PLACES_MAX && shown->engines_count <= PLACES_MAX);
    for (uint32_t i = 0; i < shown->copies_count; i++)
        copies[i] = traffic_copy(traffic, shown->copies[i].place);
    for (uint32_t i = 0; i < shown->engines_count; i++)
        engines[i] = traffic_engine(traffic, shown->engines[i].name);
    assert_int_equal(traffic_show(traffic, shown, &(struct places){copies, engines}, now_ms), 0);
}

static int set_up(void **state)
{
    board_up(state);
    memset(askers, 0, sizeof askers);
    now_ms = 1000;
    chance = 20261123;
    traffic = traffic_new(&rules);
    show(view);
    for (uint32_t i = FAST_BIG; i <= SLOW_TINY; i++)
        traffic_resident(traffic, copies[i], true, now_ms);
    return 0;
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < WAITERS; i++)
        waiter_fini(&askers[i].w);
    traffic_free(traffic);
    return board_down(state);
}

/* As the gateway fills it: the places of what would do. */
static void fill(struct waiter *w, struct ways *ways, uint32_t first, uint32_t second)
{
    waiter_fini(w);
    *ways = (struct ways){.copies = {copies[first], copies[second]}};
    *w = (struct waiter){.copies = ways->copies, .line_max = LINE_MOST, .granted = granted};
    w->errand.options = ways->options;
    w->errand.name = STR("any");
    w->errand.prompt_tokens = 100;
    w->errand.worth = worth_usual;
    w->errand.tries_all = true;
    w->errand.options_count = first == second ? 1 : 2;
}

static enum asked ask(struct asker *a)
{
    enum asked asked = traffic_ask(traffic, &a->w, now_ms);

    a->is = asked == ASK_taken ? RUNNING : asked == ASK_waits ? WAITING : AWAY;
    return asked;
}

static enum asked ask_for(struct asker *a, uint32_t copy)
{
    fill(&a->w, &a->ways, copy, copy);
    return ask(a);
}

static struct verdict_change finish(struct asker *a, const struct errand_end end)
{
    a->is = AWAY;
    return traffic_done(traffic, &a->w, &end, now_ms);
}

static void leave(struct asker *a)
{
    a->is = AWAY;
    traffic_leave(traffic, &a->w, now_ms);
}

static struct copy_look look(uint32_t copy)
{
    return traffic_look(traffic, copies[copy], now_ms);
}

static void counts_hold(void)
{
    uint32_t running = 0, waiting = 0, seen = 0;

    for (size_t i = 0; i < WAITERS; i++) {
        running += askers[i].is == RUNNING;
        waiting += askers[i].is == WAITING;
    }
    for (uint32_t i = 0; i <= SKY; i++) {
        assert_true(look(i).running <= look(i).slots);
        seen += look(i).running;
    }
    assert_int_equal(seen, running);
    assert_int_equal(traffic_waiting(traffic, STR("any")), waiting);
    assert_true(waiting <= LINE_MOST);
}

static void whatever_happens_the_counts_hold(void **state)
{
    (void)state;
    for (int step = 0; step < STEPS; step++) {
        struct asker *a = &askers[draw(WAITERS)];

        now_ms += draw(20);
        if (a->is == AWAY) {
            fill(&a->w, &a->ways, draw(SKY), draw(SKY));
            ask(a);
        } else if (a->is == RUNNING && draw(3)) {
            finish(a, draw(8) ? answered : (struct errand_end){.why = FAILURE_upstream_gone});
        } else if (!draw(3)) {
            leave(a);
        }
        if (!draw(50))
            traffic_probed(traffic, engines[draw(2)], draw(3), now_ms);
        if (!draw(20))
            traffic_tick(traffic, now_ms, NULL);
        counts_hold();
    }
}

static void a_full_line_takes_nobody_more(void **state)
{
    (void)state;
    assert_int_equal(ask_for(&askers[0], SLOW_BIG), ASK_taken);
    for (int i = 1; i <= LINE_MOST; i++)
        assert_int_equal(ask_for(&askers[i], SLOW_BIG), ASK_waits);
    assert_int_equal(ask_for(&askers[10], SLOW_BIG), ASK_full);
    assert_true(askers[10].w.retry_ms > 0 && askers[10].w.retry_ms < 3600000);
    finish(&askers[0], answered);
    assert_int_equal(askers[1].is, RUNNING);
    assert_int_equal(ask_for(&askers[10], SLOW_BIG), ASK_waits);
    counts_hold();
}

static void a_provider_that_asks_for_it_is_left_alone(void **state)
{
    (void)state;
    assert_true(traffic_hold(traffic, engines[0], now_ms, now_ms + 5000));
    assert_false(traffic_hold(traffic, engines[0], now_ms, now_ms + 10));
    assert_int_equal(ask_for(&askers[0], FAST_BIG), ASK_none);
    assert_int_equal(askers[0].w.retry_ms, 5000);
    now_ms += 5000;
    assert_int_equal(ask_for(&askers[0], FAST_BIG), ASK_taken);
}

static void what_its_provider_has_no_more_is_not_asked(void **state)
{
    (void)state;
    assert_true(traffic_absent(traffic, copies[SKY], true));
    assert_false(traffic_absent(traffic, copies[SKY], true));
    assert_int_equal(ask_for(&askers[0], SKY), ASK_none);
    assert_true(traffic_absent(traffic, copies[SKY], false));
    assert_int_equal(ask_for(&askers[0], SKY), ASK_taken);
}

/* Attempts that began before the bench say nothing while another one is the trial. */
static void the_one_try_after_a_bench_decides(void **state)
{
    struct verdict_change change;

    (void)state;
    assert_int_equal(ask_for(&askers[0], FAST_BIG), ASK_taken);
    assert_int_equal(ask_for(&askers[1], FAST_BIG), ASK_taken);
    change = finish(&askers[0], (struct errand_end){.why = FAILURE_connect_failed});
    assert_true(change.engine_opened);
    assert_int_equal(ask_for(&askers[2], FAST_BIG), ASK_none);
    now_ms += rules.cooldown_ms;
    assert_int_equal(ask_for(&askers[2], FAST_BIG), ASK_taken);
    assert_true(askers[2].w.errand.is_trial_of_engine);
    finish(&askers[1], answered);
    assert_int_equal(ask_for(&askers[3], FAST_BIG), ASK_waits);
    change = finish(&askers[2], answered);
    assert_true(change.engine_closed);
    assert_int_equal(askers[3].is, RUNNING);
}

/* What a gateway says now. */
static const char *said(void)
{
    static char text[400];
    struct buf out;

    buf_init(&out, sizeof text);
    assert_int_equal(traffic_write_hints(traffic, &out, now_ms), 0);
    snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    return text;
}

static void what_we_found_ourselves_is_told_and_what_we_heard_is_not(void **state)
{
    struct asker *a = &askers[0];

    (void)state;
    assert_true(traffic_hear_hint(traffic, HINT_copy, view->copies[SLOW_BIG].place, now_ms));
    assert_string_equal(said(), "");
    traffic_probed(traffic, engines[SLOW], false, now_ms);
    assert_int_equal(ask_for(a, FAST_BIG), ASK_taken);
    finish(a, (struct errand_end){.why = FAILURE_first_byte_timeout});
    assert_string_equal(said(), "down slow/ollama\ncopy_benched fast/ollama/big:1\n");
    traffic_probed(traffic, engines[SLOW], true, now_ms);
    now_ms += rules.cooldown_max_ms;
    assert_string_equal(said(), "");
    assert_int_equal(ask_for(a, FAST_BIG), ASK_taken);
    finish(a, (struct errand_end){.why = FAILURE_connect_failed});
    assert_string_equal(said(), "down fast/ollama\n");
}

static void what_others_say_is_looked_at_preferred_less_and_ended_by_own_eyes(void **state)
{
    struct str copy = view->copies[FAST_BIG].place, engine = view->engines[FAST].name;
    struct asker *a = &askers[0];

    (void)state;
    assert_false(traffic_hear_hint(traffic, HINT_copy, STR("fast/ollama/huge:1"), now_ms));
    assert_false(traffic_hear_hint(traffic, HINT_down, copy, now_ms)); /* no engine's name */
    assert_false(traffic_take_doubt(traffic, engines[FAST]));
    fill(&a->w, &a->ways, FAST_BIG, SLOW_BIG);
    assert_int_equal(ask(a), ASK_taken);
    assert_ptr_equal(a->w.taken, copies[FAST_BIG]);
    finish(a, answered);

    assert_true(traffic_hear_hint(traffic, HINT_copy, copy, now_ms));
    assert_false(traffic_hear_hint(traffic, HINT_copy, copy, now_ms));
    assert_true(traffic_take_doubt(traffic, engines[FAST]));
    assert_false(traffic_take_doubt(traffic, engines[FAST]));
    assert_true(look(FAST_BIG).is_open);
    traffic_probed(traffic, engines[FAST], true, now_ms); /* says nothing of the copy */
    fill(&a->w, &a->ways, FAST_BIG, SLOW_BIG);
    a->w.errand.output_max = 1;
    assert_int_equal(ask(a), ASK_taken);
    assert_ptr_equal(a->w.taken, copies[SLOW_BIG]);
    finish(a, answered);
    assert_int_equal(ask_for(a, FAST_BIG), ASK_taken); /* the only one: it is asked, */
    finish(a, answered);                               /* and is well */
    assert_false(traffic_hear_hint(traffic, HINT_copy, copy, now_ms));
    fill(&a->w, &a->ways, FAST_BIG, SLOW_BIG);
    a->w.errand.output_max = 1;
    assert_int_equal(ask(a), ASK_taken);
    assert_ptr_equal(a->w.taken, copies[FAST_BIG]);
    finish(a, answered);

    assert_true(traffic_hear_hint(traffic, HINT_down, engine, now_ms));
    traffic_probed(traffic, engines[FAST], true, now_ms);
    fill(&a->w, &a->ways, FAST_BIG, SLOW_BIG);
    a->w.errand.output_max = 1;
    assert_int_equal(ask(a), ASK_taken);
    assert_ptr_equal(a->w.taken, copies[FAST_BIG]);
    finish(a, answered);
}

static void a_callers_own_mistake_benches_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ask_for(&askers[0], FAST_BIG), ASK_taken);
        finish(&askers[0], (struct errand_end){.why = FAILURE_bad_request});
    }
    assert_true(look(FAST_BIG).is_open && !look(FAST_BIG).is_benched);
}

static void a_probe_decides_who_is_up_and_wakes_those_who_wait(void **state)
{
    (void)state;
    ask_for(&askers[0], SLOW_BIG);
    assert_int_equal(ask_for(&askers[1], SLOW_BIG), ASK_waits);
    traffic_probed(traffic, engines[1], false, now_ms);
    finish(&askers[0], answered);
    assert_int_equal(askers[1].is, WAITING);
    assert_int_equal(ask_for(&askers[2], SLOW_BIG), ASK_none);
    traffic_probed(traffic, engines[1], true, now_ms);
    assert_int_equal(askers[1].is, RUNNING);
}

/* The first token says that the load is over: those who waited for it begin. */
static void those_who_wait_for_a_load_begin_with_its_first_token(void **state)
{
    (void)state;
    traffic_resident(traffic, copies[FAST_BIG], false, now_ms);
    assert_int_equal(ask_for(&askers[0], FAST_BIG), ASK_taken);
    assert_true(askers[0].w.errand.has_loaded);
    assert_int_equal(ask_for(&askers[1], FAST_BIG), ASK_waits);
    assert_true(traffic_is_loading(traffic, &askers[1].w));
    traffic_resident(traffic, copies[FAST_BIG], false, now_ms); /* not believed: it loads */
    assert_int_equal(look(FAST_BIG).state, COPY_loading);
    traffic_began(traffic, &askers[0].w, now_ms);
    assert_int_equal(askers[1].is, RUNNING);
    counts_hold();
}

/* While somebody finds out whether the only one is well the others wait, until a first token or the
 * end says that it is; while nobody does, they hear at once that nobody is up. */
static void whoever_comes_while_a_benched_copy_is_tried_waits_for_it(void **state)
{
    (void)state;
    assert_int_equal(ask_for(&askers[0], FAST_BIG), ASK_taken);
    finish(&askers[0], (struct errand_end){.why = FAILURE_first_byte_timeout});
    assert_int_equal(ask_for(&askers[1], FAST_BIG), ASK_none);
    now_ms += rules.cooldown_max_ms;
    assert_int_equal(ask_for(&askers[0], FAST_BIG), ASK_taken);
    assert_int_equal(ask_for(&askers[1], FAST_BIG), ASK_waits);
    assert_int_equal(ask_for(&askers[2], FAST_BIG), ASK_waits);
    counts_hold();
    traffic_began(traffic, &askers[0].w, now_ms);
    assert_int_equal(askers[1].is, RUNNING);
    assert_int_equal(askers[2].is, WAITING);
    finish(&askers[0], answered);
    assert_int_equal(askers[2].is, RUNNING);
    assert_false(look(FAST_BIG).is_benched);
    counts_hold();
}

/* A list that was asked for before something was loaded there tells of what was; one that changes
 * several copies is believed of all of them. */
static void an_old_list_of_what_is_loaded_does_not_hold(void **state)
{
    uint64_t asked_ms = now_ms;

    (void)state;
    assert_false(traffic_is_calm(traffic, engines[FAST], asked_ms)); /* loaded this very moment */
    asked_ms = ++now_ms;
    assert_true(traffic_is_calm(traffic, engines[FAST], asked_ms));
    traffic_resident(traffic, copies[FAST_BIG], false, now_ms);
    traffic_resident(traffic, copies[FAST_TINY], false, now_ms);
    assert_int_equal(look(FAST_TINY).state, COPY_away);
    assert_false(traffic_is_calm(traffic, engines[FAST], asked_ms));
    assert_true(traffic_is_calm(traffic, engines[SLOW], asked_ms));
    assert_int_equal(ask_for(&askers[0], FAST_BIG), ASK_taken);
    asked_ms = ++now_ms;
    assert_false(traffic_is_calm(traffic, engines[FAST], asked_ms)); /* it loads */
    now_ms++;
    traffic_began(traffic, &askers[0].w, now_ms);
    assert_false(traffic_is_calm(traffic, engines[FAST], asked_ms)); /* it did */
    assert_true(traffic_is_calm(traffic, engines[FAST], ++now_ms));
}

/* It takes the load that was begun for it away. */
static void whoever_leaves_while_it_loads_leaves_nothing_loading(void **state)
{
    (void)state;
    traffic_resident(traffic, copies[FAST_BIG], false, now_ms);
    assert_int_equal(ask_for(&askers[0], FAST_BIG), ASK_taken);
    leave(&askers[0]);
    assert_int_equal(look(FAST_BIG).state, COPY_away);
    assert_int_equal(ask_for(&askers[1], FAST_BIG), ASK_taken);
}

/* The other fleet has the slow machine only, and there tiny comes first. */
static void a_reload_loses_nobody(void **state)
{
    static const char text[] = "machines:\n"
                               "  slow: {hardware: {cpu: Slow, ram: 64 GB}, engines: [ollama],\n"
                               "    models: [{pull: 'tiny:1'}, {pull: 'big:1', context: 8K}]}\n";
    struct fleet *other = NULL;
    struct view *fresh = NULL;
    struct err err = {0};

    (void)state;
    if (fleet_parse(&other, str_from(text), "g", &err) < 0 ||
        view_new(&fresh, other, catalog, STR("2026-11-23"), &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(ask_for(&askers[0], SLOW_BIG), ASK_taken);
    assert_int_equal(ask_for(&askers[1], FAST_BIG), ASK_taken);
    assert_int_equal(ask_for(&askers[2], FAST_BIG), ASK_taken);
    fill(&askers[3].w, &askers[3].ways, FAST_BIG, SLOW_BIG);
    for (uint32_t i = 3; i < 6; i++)
        askers[i].w = askers[3].w;
    while (ask(&askers[3]) == ASK_taken) /* until it has to wait */
        finish(&askers[3], left);
    show(fresh);
    assert_int_equal(copies[1]->index, 1);
    assert_int_equal(traffic_look(traffic, copies[1], now_ms).running, 1);
    assert_int_equal(traffic_look(traffic, copies[1], now_ms).waiting, 1);
    assert_int_equal(traffic_look(traffic, copies[1], now_ms).state, COPY_loaded);
    finish(&askers[1], answered); /* its copy is gone: it ends all the same */
    finish(&askers[2], (struct errand_end){.why = FAILURE_upstream_gone});
    assert_int_equal(askers[3].is, WAITING);
    finish(&askers[0], answered);
    assert_int_equal(askers[3].is, RUNNING);
    assert_ptr_equal(askers[3].w.taken, copies[1]);
    finish(&askers[3], answered);
    assert_int_equal(traffic_look(traffic, copies[1], now_ms).running, 0);
    show(view);
    assert_int_equal(ask_for(&askers[0], FAST_BIG), ASK_taken);
    finish(&askers[0], answered);
    view_free(fresh);
    fleet_free(other);
}

/* Threads: each asks, does and leaves; a word that was granted is taken from a flag, as a loop
 * does. */
struct visitor {
    struct waiter w;
    struct ways ways;
    int has_slot; /* atomic */
};

static bool tell(struct waiter *w)
{
    __atomic_store_n(&CONTAINER(w, struct visitor, w)->has_slot, 1, __ATOMIC_RELEASE);
    return true;
}

static void *visit_often(void *ctx)
{
    unsigned seed = (unsigned)(size_t)ctx;

    for (uint64_t i = 0; i < 2000; i++) {
        struct visitor v = {0};
        enum asked asked;

        seed = seed * 1103515245u + 12345u;
        fill(&v.w, &v.ways, (seed >> 16) % SKY, SKY);
        v.w.granted = tell;
        v.w.line_max = 100;
        asked = traffic_ask(traffic, &v.w, 1000 + i);
        if (asked == ASK_waits && seed >> 31) {
            traffic_leave(traffic, &v.w, 1000 + i);
        } else if (asked == ASK_waits) {
            while (!__atomic_load_n(&v.has_slot, __ATOMIC_ACQUIRE))
                sched_yield();
            asked = ASK_taken;
        }
        if (asked == ASK_taken)
            traffic_done(traffic, &v.w, &answered, 1000 + i);
        waiter_fini(&v.w);
    }
    return NULL;
}

static void threads_share_the_slots_and_nobody_is_forgotten(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit_often, (void *)(i + 1)), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t i = 0; i <= SKY; i++)
        assert_int_equal(look(i).running + look(i).waiting, 0);
    assert_int_equal(traffic_waiting(traffic, STR("any")), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whatever_happens_the_counts_hold),
        TEST(a_full_line_takes_nobody_more),
        TEST(a_provider_that_asks_for_it_is_left_alone),
        TEST(what_its_provider_has_no_more_is_not_asked),
        TEST(the_one_try_after_a_bench_decides),
        TEST(what_we_found_ourselves_is_told_and_what_we_heard_is_not),
        TEST(what_others_say_is_looked_at_preferred_less_and_ended_by_own_eyes),
        TEST(a_callers_own_mistake_benches_nobody),
        TEST(a_probe_decides_who_is_up_and_wakes_those_who_wait),
        TEST(those_who_wait_for_a_load_begin_with_its_first_token),
        TEST(an_old_list_of_what_is_loaded_does_not_hold),
        TEST(whoever_comes_while_a_benched_copy_is_tried_waits_for_it),
        TEST(whoever_leaves_while_it_loads_leaves_nothing_loading),
        TEST(a_reload_loses_nobody),
        TEST(threads_share_the_slots_and_nobody_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
