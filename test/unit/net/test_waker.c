/* SPDX-License-Identifier: Apache-2.0 */
/* A socket that is full, and takes bytes again. */
#include "net/waker.h"

#include "../testing.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../http/wires.h"

enum { TURNS = 5 };

static struct {
    struct loop *loop;
    struct waker *waker;
    int ends[2];
    unsigned told;
} play;

static void on_writable(void *ctx)
{
    assert_ptr_equal(ctx, &play);
    play.told++;
}

static int open_play(void **state)
{
    (void)state;
    play.told = 0;
    assert_int_equal(loop_open(&play.loop, 0), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, play.ends), 0);
    return waker_new(&play.waker, play.loop, play.ends[0], on_writable, &play);
}

static int close_play(void **state)
{
    (void)state;
    waker_close(&play.waker);
    loop_close(play.loop);
    close(play.ends[0]);
    close(play.ends[1]);
    return 0;
}

static void fill(void)
{
    static const char bytes[4096];

    while (write(play.ends[0], bytes, sizeof bytes) > 0)
        ;
}

static void empty(void)
{
    char bytes[4096];

    while (read(play.ends[1], bytes, sizeof bytes) > 0)
        ;
}

static void who_waits_is_told_once_when_it_takes_bytes(void **state)
{
    (void)state;
    fill();
    assert_false(waker_waits(play.waker));
    waker_wait(play.waker);
    assert_true(waker_waits(play.waker));
    for (unsigned i = 0; i < TURNS; i++)
        turn(play.loop, -1);
    assert_int_equal(play.told, 0);
    empty();
    UNTIL(play.loop, play.told);
    assert_false(waker_waits(play.waker));
    for (unsigned i = 0; i < TURNS; i++)
        turn(play.loop, -1);
    assert_int_equal(play.told, 1);
    waker_wait(play.waker);
    UNTIL(play.loop, play.told == 2);
}

static void a_broken_socket_counts_as_one_that_takes_bytes(void **state)
{
    (void)state;
    fill();
    waker_wait(play.waker);
    shutdown(play.ends[1], SHUT_RDWR);
    UNTIL(play.loop, play.told);
}

static void who_closes_is_not_told_and_the_socket_stays(void **state)
{
    (void)state;
    waker_wait(play.waker);
    waker_close(&play.waker);
    assert_null(play.waker);
    assert_false(waker_waits(play.waker));
    for (unsigned i = 0; i < TURNS; i++)
        turn(play.loop, -1);
    assert_int_equal(play.told, 0);
    assert_int_equal(write(play.ends[0], "x", 1), 1);
}

#define WITH_PLAY(test) cmocka_unit_test_setup_teardown(test, open_play, close_play)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PLAY(who_waits_is_told_once_when_it_takes_bytes),
        WITH_PLAY(a_broken_socket_counts_as_one_that_takes_bytes),
        WITH_PLAY(who_closes_is_not_told_and_the_socket_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
