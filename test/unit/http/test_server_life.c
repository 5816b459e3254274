/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server against raw sockets: deadlines, ceilings, ends and addresses. */
#include "testing.h"

#include <stdio.h>
#include <sys/stat.h>

#include "play.h"

static void headers_that_come_too_slowly_are_refused(void **state)
{
    (void)state;
    play.options.head_timeout_ms = SOON_MS;
    serve();
    client_says("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    client_hears("HTTP/1.1 408 ");
    client_hears_end();
}

/* The deadline is absolute: a byte now and then does not move it. */
static void dripping_headers_do_not_move_the_deadline(void **state)
{
    uint64_t begin_us = clock_monotonic_us();

    (void)state;
    play.options.head_timeout_ms = SOON_MS;
    serve();
    client_says("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    while (hear_some(play.fd, &play.heard) && !contains(&play.heard, "408")) {
        client_says("x");
        turn(play.loop, play.fd);
    }
    assert_in_range(clock_monotonic_us() - begin_us, SOON_MS * 1000, PATIENCE_US);
}

static void a_body_that_comes_too_slowly_is_refused(void **state)
{
    (void)state;
    play.options.body_timeout_ms = SOON_MS;
    serve();
    client_says("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    client_hears("HTTP/1.1 408 ");
    client_hears_end();
    log_is("POST /echo;gone;");
}

static void an_idle_connection_is_closed(void **state)
{
    (void)state;
    play.options.keep_alive_ms = SOON_MS;
    serve();
    client_says(HELLO);
    client_hears("hello");
    buf_reset(&play.heard);
    client_hears_end();
    assert_int_equal(play.heard.len, 0);
}

/* Not one that waits for its first request, which may be far away. */
static void no_connection_is_kept_when_none_may_be(void **state)
{
    uint64_t begin_us = clock_monotonic_us();

    (void)state;
    play.options.keep_alive_ms = 0;
    serve();
    UNTIL(play.loop, clock_monotonic_us() - begin_us > SOON_MS * 1000);
    client_says(HELLO);
    client_hears("Connection: close");
    client_hears_end();
    assert_true(contains(&play.heard, "hello"));
}

static void a_running_request_outlives_the_idle_deadline(void **state)
{
    uint64_t begin_us = clock_monotonic_us();

    (void)state;
    play.options.keep_alive_ms = SOON_MS;
    serve();
    client_says(WAIT);
    log_is("GET /wait;end;");
    UNTIL(play.loop, clock_monotonic_us() - begin_us > 2 * SOON_MS * 1000);
    assert_non_null(play.stream);
    assert_int_equal(stream_answer(play.stream, 200, NULL, 0, STR("late")), 0);
    client_hears("late");
    client_hears_end();
}

static void a_client_that_leaves_is_noticed_at_once(void **state)
{
    (void)state;
    serve();
    client_says(WAIT);
    log_is("GET /wait;end;");
    hang_up(&play.fd);
    log_is("GET /wait;end;gone;");
    UNTIL(play.loop, server_connections(play.server) == 0);
}

static void a_client_that_ends_its_side_has_left(void **state)
{
    (void)state;
    serve();
    client_says(WAIT);
    log_is("GET /wait;end;");
    shutdown(play.fd, SHUT_WR);
    log_is("GET /wait;end;gone;");
}

static void a_client_that_leaves_in_the_body_is_noticed(void **state)
{
    (void)state;
    serve();
    client_says("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na");
    UNTIL(play.loop, contains(&play.body, "a"));
    hang_up(&play.fd);
    log_is("POST /echo;gone;");
}

/* Returns how many pieces of 16 KiB were taken before -EAGAIN. */
static size_t fill(void)
{
    static char bytes[16384];
    struct str piece = str_slice(bytes, sizeof bytes);
    size_t count = 0;
    int r;

    memset(bytes, 'x', sizeof bytes);
    while ((r = stream_send(play.stream, &piece, 1)) == 0 && count < 100000)
        count++;
    assert_int_equal(r, -EAGAIN);
    return count + 1;
}

static void a_slow_reader_pauses_the_producer(void **state)
{
    size_t sent;

    (void)state;
    serve();
    client_says("GET /parts HTTP/1.1\r\nHost: a\r\n\r\n");
    log_is("GET /parts;end;");
    sent = fill();
    for (int i = 0; i < 5; i++)
        turn(play.loop, -1);
    assert_false(play.writable);
    UNTIL(play.loop, hear_some(play.fd, &play.heard) && play.writable);
    assert_int_equal(stream_end(play.stream, true), 0);
    client_hears("\r\n0\r\n\r\n");
    assert_true(play.heard.len >= sent * 16384);
    log_is("GET /parts;end;done;");
}

static size_t swallow(void)
{
    static char room[1 << 20];
    ssize_t n = recv(play.fd, room, sizeof room, MSG_DONTWAIT);

    return n > 0 ? (size_t)n : 0;
}

/* What may wait bounds a producer of parts, not an answer that is whole. */
static void a_whole_answer_may_be_large(void **state)
{
    enum { LARGE = 80 << 20 };
    char *body = calloc(1, LARGE);
    size_t heard = 0;

    (void)state;
    serve();
    client_says(WAIT);
    log_is("GET /wait;end;");
    assert_non_null(body);
    assert_int_equal(stream_answer(play.stream, 200, NULL, 0, str_slice(body, LARGE)), 0);
    free(body);
    UNTIL(play.loop, (heard += swallow()) > LARGE);
    log_is("GET /wait;end;done;");
}

static void a_reader_that_takes_nothing_is_cut(void **state)
{
    (void)state;
    play.options.write_timeout_ms = SOON_MS;
    serve();
    client_says("GET /parts HTTP/1.1\r\nHost: a\r\n\r\n");
    log_is("GET /parts;end;");
    fill();
    log_is("GET /parts;end;gone;");
}

static void beyond_the_ceiling_connections_wait(void **state)
{
    int first, second;

    (void)state;
    play.options.connections_max = 2;
    serve();
    client_says(HELLO);
    client_hears("hello");
    first = play.fd;
    play.fd = second = dial(play.port);
    client_says(HELLO);
    client_hears("hello");
    buf_reset(&play.heard);
    play.fd = dial(play.port);
    client_says(HELLO);
    for (int i = 0; i < 5; i++)
        turn(play.loop, -1);
    assert_true(hear_some(play.fd, &play.heard));
    assert_int_equal(play.heard.len, 0);
    close(first);
    client_hears("hello");
    assert_int_equal(server_connections(play.server), 2);
    close(second);
}

static void draining_closes_idle_connections_and_finishes_the_running(void **state)
{
    int idle;

    (void)state;
    serve();
    client_says(HELLO);
    client_hears("hello");
    idle = play.fd;
    play.fd = dial(play.port);
    client_says(WAIT);
    UNTIL(play.loop, contains(&play.log, "/wait;end;"));
    server_drain(play.server, NEVER_MS, on_drained, &play);
    hear_end(play.loop, idle, &play.heard);
    close(idle);
    assert_false(play.drained);
    buf_reset(&play.heard);
    assert_int_equal(stream_answer(play.stream, 200, NULL, 0, STR("last")), 0);
    client_hears_end();
    assert_true(contains(&play.heard, "Connection: close\r\n"));
    assert_true(contains(&play.heard, "last"));
    UNTIL(play.loop, play.drained);
}

static void draining_has_a_deadline(void **state)
{
    (void)state;
    serve();
    client_says(WAIT);
    log_is("GET /wait;end;");
    server_drain(play.server, SOON_MS, on_drained, &play);
    log_is("GET /wait;end;gone;");
    UNTIL(play.loop, play.drained);
    client_hears_end();
}

static void draining_nothing_is_quick(void **state)
{
    (void)state;
    serve();
    hang_up(&play.fd);
    UNTIL(play.loop, server_connections(play.server) == 0);
    server_drain(play.server, NEVER_MS, on_drained, &play);
    UNTIL(play.loop, play.drained);
}

static void closing_ends_what_runs(void **state)
{
    (void)state;
    serve();
    client_says(WAIT);
    log_is("GET /wait;end;");
    server_close(play.server);
    play.server = NULL;
    log_is("GET /wait;end;gone;");
    client_hears_end();
}

static void two_loops_share_a_port(void **state)
{
    struct server *second;
    struct err err = {0};

    (void)state;
    serve();
    play.options.shared_fd = server_fd(play.server);
    if (server_open(&second, play.loop, &play.options, &events, &play, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(server_address(second), server_address(play.server));
    for (int i = 0; i < 100 && server_connections(second) == 0; i++) {
        close(play.fd);
        play.fd = dial(play.port);
        client_says(HELLO);
        buf_reset(&play.heard);
        client_hears("hello");
    }
    assert_true(server_connections(second) > 0);
    server_close(second);
}

static void a_port_in_use_is_named(void **state)
{
    struct server *second;
    struct err err = {0};

    (void)state;
    serve();
    play.options.listen = server_address(play.server);
    assert_int_equal(server_open(&second, play.loop, &play.options, &events, &play, &err),
                     -EADDRINUSE);
    assert_non_null(strstr(err.text, server_address(play.server)));
    assert_non_null(strstr(err.text, "in use"));
}

static void bad_addresses_are_named(void **state)
{
    static const char *const bad[] = {
        "",      "4000", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "example.com:80",
        "unix:", "[::1]"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {0};

        play.options.listen = bad[i];
        assert_int_equal(server_open(&play.server, play.loop, &play.options, &events, &play, &err),
                         -EINVAL);
        assert_true(strlen(err.text) > 10);
    }
}

static void a_unix_socket_is_served_and_removed(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    static char listen[128];
    struct err err = {0};
    struct stat found;

    (void)state;
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/tampu-test-%d.sock", getpid());
    snprintf(listen, sizeof listen, "unix:%s", address.sun_path);
    play.options.listen = listen;
    for (int again = 0; again < 2; again++) {
        if (server_open(&play.server, play.loop, &play.options, &events, &play, &err) < 0)
            fail_msg("%s", err.text);
        assert_string_equal(server_address(play.server), listen);
        play.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(play.fd, (struct sockaddr *)&address, sizeof address), 0);
        client_says("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
        client_hears("\r\n\r\nnear");
        hang_up(&play.fd);
        server_close(play.server);
        play.server = NULL;
        buf_reset(&play.heard);
        assert_int_equal(stat(address.sun_path, &found), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(headers_that_come_too_slowly_are_refused),
        TEST(dripping_headers_do_not_move_the_deadline),
        TEST(a_body_that_comes_too_slowly_is_refused),
        TEST(an_idle_connection_is_closed),
        TEST(no_connection_is_kept_when_none_may_be),
        TEST(a_running_request_outlives_the_idle_deadline),
        TEST(a_client_that_leaves_is_noticed_at_once),
        TEST(a_client_that_ends_its_side_has_left),
        TEST(a_client_that_leaves_in_the_body_is_noticed),
        TEST(a_slow_reader_pauses_the_producer),
        TEST(a_whole_answer_may_be_large),
        TEST(a_reader_that_takes_nothing_is_cut),
        TEST(beyond_the_ceiling_connections_wait),
        TEST(draining_closes_idle_connections_and_finishes_the_running),
        TEST(draining_has_a_deadline),
        TEST(draining_nothing_is_quick),
        TEST(closing_ends_what_runs),
        TEST(two_loops_share_a_port),
        TEST(a_port_in_use_is_named),
        TEST(bad_addresses_are_named),
        TEST(a_unix_socket_is_served_and_removed),
    };

    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
