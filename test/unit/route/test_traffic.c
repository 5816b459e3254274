/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic: whatever is asked, done and left in whatever order, the counts hold and the line is
 * fair. */
#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "route/traffic.h"

enum { ENGINES = 2, COPIES = 4, WAITERS = 24, LINE_MAX_WAITING = 6, STEPS = 20000, THREADS = 4 };

static const struct breaker_rules rules = {
    .failures = 3, .cooldown_ms = 50, .cooldown_max_ms = 400};
static const struct outcome answered, left = {.unknown = true};

/* A waiter, and what the test knows of it. */
struct asker {
    struct waiter w;
    struct copy_place *copies[COPIES];
    enum { AWAY, WAITING, RUNNING } is;
    uint64_t since; /* number in the order of asking */
};

struct world {
    struct traffic *traffic;
    struct engine_place *engines[ENGINES];
    struct copy_place *copies[COPIES];
    struct asker askers[WAITERS];
    uint64_t now_ms, asked;
    unsigned chance;
};

static struct world world;

static unsigned draw(unsigned below)
{
    world.chance = world.chance * 1103515245u + 12345u;
    return (world.chance >> 16) % below;
}

static bool is_wanted(const struct asker *a, const struct copy_place *copy)
{
    for (unsigned i = 0; i < a->w.count; i++)
        if (a->w.copies[i] == copy)
            return true;
    return false;
}

/* Called with the lock held: looks at the world's own memory only. */
static bool granted(struct waiter *w)
{
    struct asker *a = CONTAINER(w, struct asker, w);

    assert_int_equal(a->is, WAITING);
    assert_non_null(w->taken);
    for (size_t i = 0; i < WAITERS; i++) {
        const struct asker *other = &world.askers[i];

        if (other->is == WAITING && other->since < a->since && is_wanted(other, w->taken))
            fail_msg("asker %zu had waited longer for %s", i, w->taken->name.data);
    }
    a->is = RUNNING;
    return true;
}

static int set_up(void **state)
{
    (void)state;
    world = (struct world){.traffic = traffic_new(&rules), .chance = 20261123};
    for (size_t i = 0; i < ENGINES; i++) {
        char name[16];

        snprintf(name, sizeof name, "m%zu/ollama", i);
        world.engines[i] = traffic_engine(world.traffic, str_from(name));
    }
    for (size_t i = 0; i < COPIES; i++) {
        char name[24];

        snprintf(name, sizeof name, "m%zu/ollama/c%zu", i % ENGINES, i);
        world.copies[i] = traffic_copy(world.traffic, str_from(name), world.engines[i % ENGINES],
                                       (uint32_t)i % 3 + 1);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    traffic_free(world.traffic);
    return 0;
}

/* One asker for one copy. */
static enum asked ask_for(struct asker *a, struct copy_place *copy)
{
    enum asked asked;

    a->copies[0] = copy;
    a->w.copies = a->copies;
    a->w.count = 1;
    a->w.line = STR("one");
    a->w.line_max = LINE_MAX_WAITING;
    a->w.granted = granted;
    a->since = world.asked++;
    asked = traffic_ask(world.traffic, &a->w, world.now_ms);
    a->is = asked == ASK_taken ? RUNNING : asked == ASK_waits ? WAITING : AWAY;
    return asked;
}

static void ask_at_random(struct asker *a)
{
    static const char *const lines[] = {"small", "large"};
    unsigned first = draw(COPIES);
    enum asked asked;

    a->w.count = 1 + draw(COPIES);
    for (unsigned i = 0; i < a->w.count; i++)
        a->copies[i] = world.copies[(first + i) % COPIES];
    a->w.copies = a->copies;
    a->w.line = str_from(lines[draw(2)]);
    a->w.line_max = LINE_MAX_WAITING;
    a->w.granted = granted;
    a->since = world.asked++;
    asked = traffic_ask(world.traffic, &a->w, world.now_ms);
    a->is = asked == ASK_taken ? RUNNING : asked == ASK_waits ? WAITING : AWAY;
    if (asked == ASK_full)
        assert_int_equal(traffic_waiting(world.traffic, a->w.line), LINE_MAX_WAITING);
    if (asked == ASK_none)
        assert_true(a->w.retry_ms > 0 && a->w.retry_ms < UINT64_MAX);
}

static void finish(struct asker *a, struct outcome outcome)
{
    a->is = AWAY;
    outcome.trial = a->w.trial;
    traffic_done(world.traffic, a->w.taken, outcome, world.now_ms);
}

static void leave(struct asker *a)
{
    a->is = AWAY;
    traffic_leave(world.traffic, &a->w, world.now_ms);
}

static struct outcome any_outcome(void)
{
    enum failure why = (enum failure)draw(FAILURE_COUNT);

    if (draw(4))
        return answered;
    return draw(3) ? (struct outcome){.why = why} : left;
}

/* Every count is what the test counts itself. */
static void counts_hold(void)
{
    unsigned waiting = 0;

    for (size_t i = 0; i < COPIES; i++) {
        struct copy_place seen = traffic_look(world.traffic, world.copies[i]);
        uint32_t running = 0, could_use = 0;

        for (size_t j = 0; j < WAITERS; j++) {
            const struct asker *a = &world.askers[j];

            running += a->is == RUNNING && a->w.taken == world.copies[i];
            could_use += a->is == WAITING && is_wanted(a, world.copies[i]);
        }
        assert_int_equal(seen.running, running);
        assert_int_equal(seen.waiting, could_use);
        assert_true(seen.running <= seen.slots);
    }
    for (size_t j = 0; j < WAITERS; j++)
        waiting += world.askers[j].is == WAITING;
    assert_int_equal(traffic_waiting(world.traffic, STR("small")) +
                         traffic_waiting(world.traffic, STR("large")),
                     waiting);
    assert_true(traffic_waiting(world.traffic, STR("small")) <= LINE_MAX_WAITING);
    assert_true(traffic_waiting(world.traffic, STR("large")) <= LINE_MAX_WAITING);
}

static void nobody_waits_for_a_free_slot(void)
{
    for (size_t i = 0; i < COPIES; i++) {
        struct copy_place seen = traffic_look(world.traffic, world.copies[i]);

        if (seen.running < seen.slots && seen.waiting)
            assert_false(traffic_is_open(world.traffic, world.copies[i], world.now_ms));
    }
}

static void whatever_happens_the_counts_hold_and_the_line_is_fair(void **state)
{
    (void)state;
    for (int step = 0; step < STEPS; step++) {
        struct asker *a = &world.askers[draw(WAITERS)];

        if (a->is == AWAY)
            ask_at_random(a);
        else if (a->is == RUNNING && draw(8))
            finish(a, any_outcome());
        else
            leave(a);
        if (!draw(20))
            traffic_probed(world.traffic, world.engines[draw(ENGINES)], draw(3), world.now_ms);
        if (!draw(10)) {
            world.now_ms += draw(200);
            traffic_sweep(world.traffic, world.now_ms);
            nobody_waits_for_a_free_slot();
        }
        counts_hold();
    }
    for (size_t j = 0; j < WAITERS; j++)
        if (world.askers[j].is != AWAY)
            leave(&world.askers[j]);
    counts_hold();
}

static void who_asks_to_be_left_alone_is_though_others_still_answer(void **state)
{
    struct asker *a = world.askers;

    (void)state;
    assert_int_equal(ask_for(&a[0], world.copies[2]), ASK_taken);
    assert_true(traffic_hold(world.traffic, world.engines[0], world.now_ms, world.now_ms + 5000));
    assert_false(traffic_hold(world.traffic, world.engines[0], world.now_ms, world.now_ms + 10));
    finish(&a[0], answered);
    assert_int_equal(ask_for(&a[1], world.copies[0]), ASK_none);
    assert_int_equal(a[1].w.retry_ms, 5000);
    assert_int_equal(ask_for(&a[2], world.copies[1]), ASK_taken);
    world.now_ms += 5000;
    assert_int_equal(ask_for(&a[1], world.copies[0]), ASK_taken);
}

static void a_copy_that_is_listed_no_more_is_not_asked_until_it_is_again(void **state)
{
    struct asker *a = world.askers;

    (void)state;
    assert_true(traffic_absent(world.traffic, world.copies[0], true));
    assert_false(traffic_absent(world.traffic, world.copies[0], true));
    assert_int_equal(ask_for(&a[0], world.copies[0]), ASK_none);
    assert_int_equal(ask_for(&a[1], world.copies[2]), ASK_taken);
    assert_true(traffic_absent(world.traffic, world.copies[0], false));
    assert_int_equal(ask_for(&a[0], world.copies[0]), ASK_taken);
}

static void a_slot_that_becomes_free_goes_to_who_has_waited_longest(void **state)
{
    struct asker *a = world.askers;

    (void)state;
    assert_int_equal(ask_for(&a[0], world.copies[0]), ASK_taken);
    for (int i = 1; i <= 3; i++)
        assert_int_equal(ask_for(&a[i], world.copies[0]), ASK_waits);
    finish(&a[0], answered);
    assert_int_equal(a[1].is, RUNNING);
    leave(&a[2]);
    finish(&a[1], answered);
    assert_int_equal(a[3].is, RUNNING);
    assert_true(a[3].w.told);
}

static void a_slot_granted_to_one_who_left_is_given_on(void **state)
{
    struct asker *a = world.askers;

    (void)state;
    ask_for(&a[0], world.copies[0]);
    ask_for(&a[1], world.copies[0]);
    ask_for(&a[2], world.copies[0]);
    finish(&a[0], answered);
    a[1].is = AWAY;
    assert_true(traffic_leave(world.traffic, &a[1].w, world.now_ms));
    assert_int_equal(a[2].is, RUNNING);
    finish(&a[2], answered);
    counts_hold();
}

static void a_full_line_takes_nobody_and_other_lines_still_do(void **state)
{
    struct asker *a = world.askers;

    (void)state;
    ask_for(&a[0], world.copies[0]);
    for (int i = 1; i <= LINE_MAX_WAITING; i++)
        assert_int_equal(ask_for(&a[i], world.copies[0]), ASK_waits);
    assert_int_equal(ask_for(&a[20], world.copies[0]), ASK_full);
    a[21].w = a[1].w;
    a[21].w.line = STR("other");
    a[21].w.in_line = false;
    assert_int_equal(traffic_ask(world.traffic, &a[21].w, 0), ASK_waits);
    traffic_leave(world.traffic, &a[21].w, 0);
}

static void a_line_of_no_length_refuses_at_once(void **state)
{
    struct asker *a = world.askers;

    (void)state;
    ask_for(&a[0], world.copies[0]);
    a[1].w = (struct waiter){.copies = world.copies, .count = 1, .line = STR("none")};
    assert_int_equal(traffic_ask(world.traffic, &a[1].w, 0), ASK_full);
}

static void the_first_in_order_that_is_free_is_taken(void **state)
{
    struct waiter w = {.copies = world.copies, .count = 2, .granted = granted};
    struct asker *a = world.askers;

    (void)state;
    ask_for(&a[0], world.copies[0]);
    assert_int_equal(traffic_ask(world.traffic, &w, 0), ASK_taken);
    assert_ptr_equal(w.taken, world.copies[1]);
}

static void a_machine_where_nobody_listens_is_benched_with_all_its_copies(void **state)
{
    struct asker *a = world.askers;
    struct verdict_change change;

    (void)state;
    ask_for(&a[0], world.copies[0]);
    change = traffic_done(world.traffic, world.copies[0],
                          (struct outcome){.why = FAILURE_connect_failed}, 0);
    assert_true(change.engine_opened && !change.copy_opened);
    assert_int_equal(ask_for(&a[1], world.copies[0]), ASK_none);
    assert_int_equal(ask_for(&a[1], world.copies[2]), ASK_none);
    assert_int_equal(ask_for(&a[1], world.copies[1]), ASK_taken);
    world.now_ms = rules.cooldown_ms;
    assert_int_equal(ask_for(&a[2], world.copies[2]), ASK_taken);
    change = traffic_done(world.traffic, world.copies[2], (struct outcome){.trial = a[2].w.trial},
                          world.now_ms);
    assert_true(change.engine_closed);
}

static void an_engine_that_is_back_serves_who_waits_for_its_other_copies(void **state)
{
    struct asker *a = world.askers;

    (void)state;
    ask_for(&a[0], world.copies[0]);
    finish(&a[0], (struct outcome){.why = FAILURE_connect_failed});
    world.now_ms = rules.cooldown_ms;
    assert_int_equal(ask_for(&a[0], world.copies[0]), ASK_taken); /* the one that is let through */
    for (int i = 1; i <= 2; i++)
        assert_int_equal(ask_for(&a[i], world.copies[1]), ASK_taken);
    a[3].w = (struct waiter){.copies = (struct copy_place *[]){world.copies[2], world.copies[1]},
                             .count = 2,
                             .line = STR("small"),
                             .line_max = LINE_MAX_WAITING,
                             .granted = granted};
    assert_int_equal(traffic_ask(world.traffic, &a[3].w, world.now_ms), ASK_waits);
    a[3].is = WAITING;
    finish(&a[0], answered);
    assert_int_equal(a[3].is, RUNNING);
    assert_ptr_equal(a[3].w.taken, world.copies[2]);
    counts_hold();
}

static void a_copy_that_hangs_is_benched_alone(void **state)
{
    struct asker *a = world.askers;
    struct verdict_change change;

    (void)state;
    ask_for(&a[0], world.copies[0]);
    change = traffic_done(world.traffic, world.copies[0],
                          (struct outcome){.why = FAILURE_first_byte_timeout}, 0);
    assert_true(change.copy_opened && !change.engine_opened);
    assert_int_equal(ask_for(&a[1], world.copies[0]), ASK_none);
    assert_int_equal(ask_for(&a[1], world.copies[2]), ASK_taken);
}

static void while_one_try_is_under_way_no_older_attempt_counts(void **state)
{
    static const struct outcome lost = {.why = FAILURE_connect_failed};
    struct asker *a = world.askers;
    const struct breaker *b = &world.engines[0]->breaker;
    uint64_t until_ms;

    (void)state;
    traffic_copy(world.traffic, world.copies[0]->name, world.engines[0], 5);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask_for(&a[i], world.copies[0]), ASK_taken);
    finish(&a[0], lost);
    world.now_ms += rules.cooldown_ms;
    assert_int_equal(ask_for(&a[4], world.copies[0]), ASK_taken);
    assert_true(a[4].w.trial.of_engine);
    until_ms = b->open_until_ms;
    finish(&a[1], lost);
    finish(&a[2], left);
    finish(&a[3], answered);
    assert_true(b->open && b->trying);
    assert_int_equal(b->open_until_ms, until_ms);
    assert_int_equal(ask_for(&a[5], world.copies[0]), ASK_none);
    finish(&a[4], answered);
    assert_int_equal(ask_for(&a[5], world.copies[0]), ASK_taken);
    finish(&a[5], answered);
}

static void a_callers_own_mistake_benches_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ask_for(&world.askers[0], world.copies[0]), ASK_taken);
        traffic_done(world.traffic, world.copies[0], (struct outcome){.why = FAILURE_bad_request},
                     0);
    }
    assert_true(traffic_is_open(world.traffic, world.copies[0], 0));
}

static void a_probe_decides_who_is_up_and_wakes_those_who_wait(void **state)
{
    struct asker *a = world.askers;

    (void)state;
    assert_true(traffic_is_open(world.traffic, world.copies[0], 0));
    ask_for(&a[0], world.copies[0]);
    ask_for(&a[1], world.copies[0]);
    assert_true(traffic_probed(world.traffic, world.engines[0], false, 0));
    assert_false(traffic_probed(world.traffic, world.engines[0], false, 0));
    finish(&a[0], answered);
    assert_int_equal(a[1].is, WAITING);
    assert_true(traffic_probed(world.traffic, world.engines[0], true, 0));
    assert_int_equal(a[1].is, RUNNING);
}

static void places_are_found_again_by_name_with_their_state(void **state)
{
    (void)state;
    traffic_resident(world.traffic, world.copies[3], true);
    assert_ptr_equal(traffic_engine(world.traffic, STR("m1/ollama")), world.engines[1]);
    assert_ptr_equal(traffic_copy(world.traffic, STR("m1/ollama/c3"), world.engines[1], 9),
                     world.copies[3]);
    assert_int_equal(traffic_look(world.traffic, world.copies[3]).slots, 9);
    assert_true(traffic_look(world.traffic, world.copies[3]).resident);
    assert_false(traffic_look_engine(world.traffic, world.engines[1]).probed);
}

/* Threads: each asks, does and leaves; a word that was granted is taken from a flag, as a loop
 * does. */
struct visitor {
    struct waiter w;
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

    for (int i = 0; i < 2000; i++) {
        struct visitor v = {
            .w = {.count = 2, .line = STR("threads"), .line_max = 100, .granted = tell}};
        enum asked asked;

        seed = seed * 1103515245u + 12345u;
        v.w.copies = (struct copy_place *[]){world.copies[(seed >> 16) % COPIES],
                                             world.copies[((seed >> 16) + 1) % COPIES]};
        asked = traffic_ask(world.traffic, &v.w, (uint64_t)i);
        if (asked == ASK_taken)
            traffic_done(world.traffic, v.w.taken, answered, (uint64_t)i);
        else if (asked == ASK_waits && seed >> 31)
            traffic_leave(world.traffic, &v.w, (uint64_t)i);
        else if (asked == ASK_waits) {
            while (!__atomic_load_n(&v.has_slot, __ATOMIC_ACQUIRE))
                sched_yield();
            traffic_done(world.traffic, v.w.taken, answered, (uint64_t)i);
        }
        traffic_resident(world.traffic, world.copies[0], i % 2);
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
    for (size_t i = 0; i < COPIES; i++) {
        assert_int_equal(traffic_look(world.traffic, world.copies[i]).running, 0);
        assert_int_equal(traffic_look(world.traffic, world.copies[i]).waiting, 0);
    }
    assert_int_equal(traffic_waiting(world.traffic, STR("threads")), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whatever_happens_the_counts_hold_and_the_line_is_fair),
        TEST(a_slot_that_becomes_free_goes_to_who_has_waited_longest),
        TEST(a_slot_granted_to_one_who_left_is_given_on),
        TEST(who_asks_to_be_left_alone_is_though_others_still_answer),
        TEST(a_copy_that_is_listed_no_more_is_not_asked_until_it_is_again),
        TEST(a_full_line_takes_nobody_and_other_lines_still_do),
        TEST(a_line_of_no_length_refuses_at_once),
        TEST(the_first_in_order_that_is_free_is_taken),
        TEST(a_machine_where_nobody_listens_is_benched_with_all_its_copies),
        TEST(an_engine_that_is_back_serves_who_waits_for_its_other_copies),
        TEST(a_copy_that_hangs_is_benched_alone),
        TEST(while_one_try_is_under_way_no_older_attempt_counts),
        TEST(a_callers_own_mistake_benches_nobody),
        TEST(a_probe_decides_who_is_up_and_wakes_those_who_wait),
        TEST(places_are_found_again_by_name_with_their_state),
        TEST(threads_share_the_slots_and_nobody_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
