/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: what is posted, deferred and timed. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "net/clock.h"
#include "net/loop.h"
#include "net/timer.h"

enum { POSTS = 10000 };

static struct {
    struct loop *loop;
    unsigned count, last, order[8];
    uint64_t at_ms[8];
    struct timer timers[3], end;
} seen;

static int set_up(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    return loop_open(&seen.loop, 7);
}

static int tear_down(void **state)
{
    (void)state;
    loop_close(seen.loop);
    return 0;
}

static void stop(void *ctx)
{
    loop_stop(ctx);
}

static void count(void *ctx)
{
    unsigned number = (unsigned)(uintptr_t)ctx;

    if (number)
        assert_int_equal(number, seen.last + 1);
    seen.last = number;
    seen.count++;
}

static void *post_many(void *l)
{
    for (uintptr_t i = 1; i <= POSTS; i++)
        assert_int_equal(loop_post(l, count, (void *)i), 0);
    assert_int_equal(loop_post(l, stop, l), 0);
    return NULL;
}

static void what_another_thread_posts_runs_in_order(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(loop_index(seen.loop), 7);
    assert_int_equal(pthread_create(&thread, NULL, post_many, seen.loop), 0);
    loop_run(seen.loop);
    pthread_join(thread, NULL);
    assert_int_equal(seen.count, POSTS);
}

static void defer_again(void *ctx)
{
    seen.count++;
    if (seen.count < 5)
        loop_defer(seen.loop, defer_again, ctx);
    else
        loop_stop(seen.loop);
}

static void what_is_deferred_runs_in_this_turn(void **state)
{
    (void)state;
    loop_defer(seen.loop, defer_again, NULL);
    assert_int_equal(seen.count, 0);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 5);
}

static void what_was_posted_runs_before_the_loop_closes(void **state)
{
    struct loop *l;

    (void)state;
    assert_int_equal(loop_open(&l, 0), 0);
    assert_int_equal(loop_post(l, count, NULL), 0);
    loop_close(l);
    assert_int_equal(seen.count, 1);
}

static void rings(void *ctx)
{
    unsigned number = (unsigned)(uintptr_t)ctx;

    seen.at_ms[seen.count] = loop_now_ms(seen.loop);
    seen.order[seen.count++] = number;
}

static void timers_ring_in_order_and_not_early(void **state)
{
    uint64_t begin_ms = loop_now_ms(seen.loop);

    (void)state;
    timer_start(&seen.timers[0], seen.loop, 60, rings, (void *)1);
    timer_start(&seen.timers[1], seen.loop, 20, rings, (void *)2);
    timer_start(&seen.timers[2], seen.loop, 0, rings, (void *)3);
    timer_start(&seen.end, seen.loop, 90, stop, seen.loop);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.order[0], 3);
    assert_int_equal(seen.order[1], 2);
    assert_int_equal(seen.order[2], 1);
    assert_true(seen.at_ms[1] >= begin_ms + 20);
    assert_true(seen.at_ms[2] >= begin_ms + 60);
}

/* A minute passes in less than a second, for clock and timers. */
static void a_hurried_clock_goes_faster(void **state)
{
    uint64_t true_us = clock_true_us(), hurried_us;

    (void)state;
    loop_close(seen.loop);
    clock_hurry(2000);
    assert_int_equal(loop_open(&seen.loop, 7), 0);
    hurried_us = clock_monotonic_us();
    timer_start(&seen.end, seen.loop, 60000, stop, seen.loop);
    loop_run(seen.loop);
    hurried_us = clock_monotonic_us() - hurried_us;
    true_us = clock_true_us() - true_us;
    clock_hurry(1);
    assert_true(hurried_us >= 55000000);
    assert_true(true_us >= 25000 && true_us < 30000000);
}

static void a_timer_can_be_moved_and_stopped(void **state)
{
    uint64_t begin_ms = loop_now_ms(seen.loop);

    (void)state;
    timer_start(&seen.timers[0], seen.loop, 10, rings, (void *)1);
    timer_start(&seen.timers[0], seen.loop, 50, rings, (void *)2); /* later: it stays in its slot */
    timer_start(&seen.timers[1], seen.loop, 60000, rings, (void *)3);
    timer_start(&seen.timers[1], seen.loop, 20, rings, (void *)4); /* sooner */
    timer_start(&seen.timers[2], seen.loop, 20, rings, (void *)5);
    timer_stop(&seen.timers[2]);
    timer_stop(&seen.timers[2]);
    timer_start(&seen.end, seen.loop, 80, stop, seen.loop);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.order[0], 4);
    assert_int_equal(seen.order[1], 2);
    assert_true(seen.at_ms[1] >= begin_ms + 50);
}

static void stop_the_other(void *ctx)
{
    seen.count++;
    timer_stop(ctx);
}

static void a_timer_may_stop_one_that_is_due_as_well(void **state)
{
    (void)state;
    timer_start(&seen.timers[0], seen.loop, 20, stop_the_other, &seen.timers[1]);
    timer_start(&seen.timers[1], seen.loop, 20, stop_the_other, &seen.timers[0]);
    timer_start(&seen.end, seen.loop, 50, stop, seen.loop);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 1);
}

static void ring_again(void *ctx)
{
    if (++seen.count < 4)
        timer_start(&seen.timers[0], seen.loop, 0, ring_again, ctx);
    else
        loop_stop(seen.loop);
}

static void a_timer_may_start_itself_again(void **state)
{
    (void)state;
    timer_start(&seen.timers[0], seen.loop, 0, ring_again, NULL);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 4);
}

static void a_date_is_written_as_http_wants_it(void **state)
{
    struct str date = loop_date(seen.loop);

    (void)state;
    assert_int_equal(date.len, strlen("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_true(str_ends(date, STR(" GMT")));
    assert_ptr_equal(loop_date(seen.loop).data, date.data);
}

static void clocks_go_forward(void **state)
{
    uint64_t before_us = clock_monotonic_us();

    (void)state;
    assert_true(clock_monotonic_us() >= before_us);
    assert_true(clock_wall_us() > 1700000000000000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_another_thread_posts_runs_in_order),
        TEST(what_is_deferred_runs_in_this_turn),
        TEST(what_was_posted_runs_before_the_loop_closes),
        TEST(timers_ring_in_order_and_not_early),
        TEST(a_hurried_clock_goes_faster),
        TEST(a_timer_can_be_moved_and_stopped),
        TEST(a_timer_may_stop_one_that_is_due_as_well),
        TEST(a_timer_may_start_itself_again),
        TEST(a_date_is_written_as_http_wants_it),
        TEST(clocks_go_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
