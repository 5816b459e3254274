/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against a raw socket that plays the machine. */
#include "testing.h"

#include <stdio.h>
#include <sys/resource.h>

#include "machine.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void a_call_is_sent_and_answered(void **state)
{
    const struct header headers[] = {{STR("X-A"), STR("b")}};
    const struct str body[] = {STR("{\"a\":"), STR("1"), STR("}")};
    char host[64];

    (void)state;
    snprintf(machine.endpoint.base, sizeof machine.endpoint.base, "/v1");
    machine.request.method = METHOD_POST;
    machine.request.headers = headers;
    machine.request.header_count = 1;
    machine.request.body = body;
    machine.request.body_count = 3;
    ask();
    hear(machine.loop, machine.fd, &machine.heard, "{\"a\":1}");
    snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%u\r\n", machine.endpoint.port);
    assert_true(str_starts(buf_str(&machine.heard), STR("POST /v1/api HTTP/1.1\r\nHost: ")));
    assert_true(contains(&machine.heard, host));
    assert_true(contains(&machine.heard, "\r\nX-A: b\r\nContent-Length: 7\r\n\r\n"));
    assert_int_equal(machine.log.len, 0);
    machine_says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nan");
    log_is("200;");
    machine_says("s!");
    log_is("200;end;");
    body_is("ans!");
    assert_int_equal(client_idle(machine.client), 1);
}

static void a_connection_is_used_again(void **state)
{
    (void)state;
    ask();
    machine_says(ANSWER);
    log_is("200;end;");
    ask();
    machine_says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    log_is("200;end;200;end;");
    machine.request.method = METHOD_HEAD;
    ask();
    assert_true(str_starts(buf_str(&machine.heard), STR("HEAD ")));
    machine_says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    log_is("200;end;200;end;200;end;");
    machine.request.method = METHOD_DELETE;
    ask();
    assert_false(contains(&machine.heard, "Content-Length"));
    machine_says("HTTP/1.1 204 No Content\r\n\r\n");
    log_is("200;end;200;end;200;end;204;end;");
    assert_int_equal(client_idle(machine.client), 1);
}

static void the_next_call_may_begin_where_one_ends(void **state)
{
    (void)state;
    machine.again_at_end = true;
    ask();
    machine_says(ANSWER);
    log_is("200;end;");
    assert_non_null(machine.call);
    assert_int_equal(client_idle(machine.client), 0);
    buf_reset(&machine.heard);
    hear(machine.loop, machine.fd, &machine.heard, "\r\n\r\n");
    machine_says(ANSWER);
    log_is("200;end;200;end;");
}

/* Says the answer on the first connection and wants a second one for the next call. */
static void needs_a_new_connection(const char *answer)
{
    ask();
    machine_says(answer);
    if (!strstr(answer, "Content-Length") && !strstr(answer, "chunked"))
        shutdown(machine.fd, SHUT_WR);
    log_is("200;end;");
    assert_int_equal(client_idle(machine.client), 0);
    hear_end(machine.loop, machine.fd, &machine.heard);
    hang_up(&machine.fd);
    ask();
    machine_says(ANSWER);
    log_is("200;end;200;end;");
}

static void an_answer_until_the_end_ends_the_connection(void **state)
{
    (void)state;
    needs_a_new_connection("HTTP/1.1 200 OK\r\n\r\nok");
    body_is("okok");
}

static void close_ends_the_connection(void **state)
{
    (void)state;
    needs_a_new_connection("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
}

static void http_1_0_ends_the_connection(void **state)
{
    (void)state;
    needs_a_new_connection("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void bytes_behind_an_answer_end_the_connection(void **state)
{
    (void)state;
    needs_a_new_connection(ANSWER "HTTP/1.1 200 OK\r\n");
}

static void bytes_on_an_idle_connection_end_it(void **state)
{
    (void)state;
    ask();
    machine_says(ANSWER);
    log_is("200;end;");
    machine_says("HTTP/1.1 408 Request Timeout\r\n\r\n");
    UNTIL(machine.loop, client_idle(machine.client) == 0);
    hear_end(machine.loop, machine.fd, &machine.heard);
}

static void an_idle_connection_that_the_machine_closes_is_forgotten(void **state)
{
    (void)state;
    ask();
    machine_says(ANSWER);
    log_is("200;end;");
    hang_up(&machine.fd);
    UNTIL(machine.loop, client_idle(machine.client) == 0);
}

static void idle_connections_have_a_deadline(void **state)
{
    (void)state;
    machine.options.idle_timeout_ms = SOON_MS;
    ask();
    machine_says(ANSWER);
    log_is("200;end;");
    hear_end(machine.loop, machine.fd, &machine.heard);
    assert_int_equal(client_idle(machine.client), 0);
}

static void idle_connections_have_a_ceiling(void **state)
{
    int fds[3];

    (void)state;
    open_client();
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        begin();
        fds[i] = accept_raw(machine.loop, machine.listener);
    }
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        say(machine.loop, fds[i], STR(ANSWER));
    log_is("200;end;200;end;200;end;");
    assert_int_equal(client_idle(machine.client), 2);
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
}

/* The machine closed while the next request was under way: nobody hears of it. */
static void a_stale_connection_is_replaced_once(void **state)
{
    (void)state;
    ask();
    machine_says(ANSWER);
    log_is("200;end;");
    ask();
    hang_up(&machine.fd);
    machine.fd = accept_raw(machine.loop, machine.listener);
    buf_reset(&machine.heard);
    hear(machine.loop, machine.fd, &machine.heard, "GET /api");
    hang_up(&machine.fd);
    log_is("200;end;upstream_gone;");
}

static void a_new_connection_that_closes_is_a_failure(void **state)
{
    (void)state;
    ask();
    hang_up(&machine.fd);
    log_is("upstream_gone;");
}

static void a_connection_that_has_answered_a_byte_is_not_replaced(void **state)
{
    (void)state;
    ask();
    machine_says(ANSWER);
    log_is("200;end;");
    ask();
    machine_says("H");
    UNTIL(machine.loop, send(machine.fd, "T", 1, MSG_NOSIGNAL) == 1);
    shutdown(machine.fd, SHUT_RDWR);
    log_is("200;end;upstream_gone;");
}

static void a_cut_in_the_body_is_a_failure(void **state)
{
    (void)state;
    ask();
    machine_says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    log_is("200;");
    hang_up(&machine.fd);
    log_is("200;upstream_gone;");
}

static void interim_answers_are_skipped(void **state)
{
    (void)state;
    ask();
    machine_says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" ANSWER);
    log_is("200;end;");
    assert_int_equal(client_idle(machine.client), 1);
}

static void too_many_interim_answers_are_garbage(void **state)
{
    (void)state;
    ask();
    for (int i = 0; i < 9; i++)
        machine_says("HTTP/1.1 100 Continue\r\n\r\n");
    log_is("upstream_garbage;");
}

static void what_is_not_http_is_garbage(void **state)
{
    static const char *const rows[] = {
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\nContent-Length: 1\n\na",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ask();
        machine_says(rows[i]);
        log_is("upstream_garbage;");
        hear_end(machine.loop, machine.fd, &machine.heard);
        hang_up(&machine.fd);
        buf_reset(&machine.log);
    }
}

static void a_head_that_is_too_long_is_garbage(void **state)
{
    char text[HEADER_MAX];

    (void)state;
    memset(text, 'x', sizeof text);
    ask();
    machine_says("HTTP/1.1 200 OK\r\nX: ");
    say(machine.loop, machine.fd, str_slice(text, sizeof text));
    log_is("upstream_garbage;");
}

static void nobody_listening_is_said(void **state)
{
    (void)state;
    open_client();
    close(machine.listener);
    begin();
    assert_int_equal(machine.log.len, 0);
    log_is("connect_failed;");
    machine.listener = listen_raw(&machine.endpoint.port, 1);
}

/* It is not the machine's fault that we have no socket left. */
static void lack_of_sockets_is_our_own(void **state)
{
    struct rlimit limit, none;

    (void)state;
    open_client();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    begin();
    log_is("out_of_room;");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* With its queue full, a listener answers nothing: that is what a lost machine looks like. */
static void connecting_has_a_deadline(void **state)
{
    int full = listen_raw(&machine.endpoint.port, 0);
    int fd = dial(machine.endpoint.port);

    (void)state;
    machine.request.connect_timeout_ms = SOON_MS;
    open_client();
    begin();
    log_is("connect_timeout;");
    close(fd);
    close(full);
}

static void the_first_byte_has_a_deadline(void **state)
{
    (void)state;
    machine.request.first_byte_timeout_ms = SOON_MS;
    ask();
    log_is("first_byte_timeout;");
    hear_end(machine.loop, machine.fd, &machine.heard);
}

static void silence_has_a_deadline(void **state)
{
    (void)state;
    machine.request.idle_timeout_ms = SOON_MS;
    ask();
    machine_says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    log_is("200;idle_timeout;");
    body_is("ab");
}

static void all_of_it_has_a_deadline(void **state)
{
    (void)state;
    machine.request.total_timeout_ms = SOON_MS;
    ask();
    machine_says("HTTP/1.1 200 OK\r\n\r\n");
    while (!contains(&machine.log, "total_timeout;")) {
        machine_says(".");
        turn(machine.loop, machine.fd);
    }
    assert_true(machine.body.len > 0);
}

static void a_call_can_be_cancelled_before_it_is_answered(void **state)
{
    (void)state;
    ask();
    call_cancel(machine.call);
    hear_end(machine.loop, machine.fd, &machine.heard);
    assert_int_equal(machine.log.len, 0);
}

static void a_call_can_be_cancelled_before_it_is_connected(void **state)
{
    (void)state;
    open_client();
    begin();
    call_cancel(machine.call);
    for (int i = 0; i < 5; i++)
        turn(machine.loop, -1);
    assert_int_equal(machine.log.len, 0);
}

static void a_call_can_be_cancelled_in_its_own_callbacks(void **state)
{
    (void)state;
    machine.cancel_at_head = true;
    ask();
    machine_says(ANSWER);
    hear_end(machine.loop, machine.fd, &machine.heard);
    log_is("200;");
    assert_int_equal(machine.body.len, 0);
    hang_up(&machine.fd);
    machine.cancel_at_head = false;
    machine.cancel_at_body = true;
    ask();
    machine_says(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    hear_end(machine.loop, machine.fd, &machine.heard);
    log_is("200;200;");
    body_is("a");
    assert_int_equal(client_idle(machine.client), 0);
}

static void closing_the_client_cancels_its_calls(void **state)
{
    (void)state;
    ask();
    client_close(machine.client);
    machine.client = NULL;
    hear_end(machine.loop, machine.fd, &machine.heard);
    assert_int_equal(machine.log.len, 0);
}

static void a_paused_answer_waits_in_the_machine(void **state)
{
    static char bytes[65536];
    size_t said = 0;

    (void)state;
    machine.pause_at_head = true;
    machine.request.idle_timeout_ms = SOON_MS; /* which does not run while it is paused */
    ask();
    machine_says("HTTP/1.1 200 OK\r\n\r\nbegin");
    log_is("200;");
    for (int stuck = 0; stuck < 100; stuck++) {
        ssize_t n = send(machine.fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

        said += n > 0 ? (size_t)n : 0;
        stuck = n > 0 ? 0 : stuck;
        turn(machine.loop, -1);
    }
    assert_int_equal(machine.body.len, 0);
    assert_in_range(said, 65536, 50 << 20);
    call_resume(machine.call);
    assert_int_equal(machine.body.len, 0);
    UNTIL(machine.loop, machine.body.len == said + 5);
    call_pause(machine.call);
    machine_says("end");
    for (int i = 0; i < 5; i++)
        turn(machine.loop, -1);
    assert_int_equal(machine.body.len, said + 5);
    hang_up(&machine.fd);
    call_resume(machine.call);
    log_is("200;end;");
    assert_int_equal(machine.body.len, said + 8);
}

static void an_end_that_waited_is_heard_on_resume(void **state)
{
    (void)state;
    machine.pause_at_head = true;
    ask();
    machine_says(ANSWER);
    log_is("200;");
    call_resume(machine.call);
    log_is("200;end;");
    body_is("ok");
    assert_int_equal(client_idle(machine.client), 1);
}

static void headers_that_would_split_a_request_are_refused(void **state)
{
    const struct header evil = {STR("X"), STR("a\r\nHost: b")};

    (void)state;
    open_client();
    machine.request.headers = &evil;
    machine.request.header_count = 1;
    assert_int_equal(call_start(&machine.call, machine.client, &machine.request, &events, &machine),
                     -EINVAL);
    machine.request.header_count = 0;
    machine.request.target = STR("/a b");
    assert_int_equal(call_start(&machine.call, machine.client, &machine.request, &events, &machine),
                     -EINVAL);
}

static void names_are_looked_up(void **state)
{
    (void)state;
    snprintf(machine.endpoint.host, sizeof machine.endpoint.host, "localhost");
    ask();
    machine_says(ANSWER);
    log_is("200;end;");
    hang_up(&machine.fd);
    UNTIL(machine.loop, client_idle(machine.client) == 0);
    ask(); /* and remembered */
    machine_says(ANSWER);
    log_is("200;end;200;end;");
}

static void a_lookup_can_be_cancelled(void **state)
{
    (void)state;
    snprintf(machine.endpoint.host, sizeof machine.endpoint.host, "localhost");
    open_client();
    begin();
    call_cancel(machine.call);
    for (int i = 0; i < 5; i++)
        turn(machine.loop, -1);
    assert_int_equal(machine.log.len, 0);
}

/* The tests run with TAMPU_LOOPBACK_ONLY=1: nothing leaves this machine. */
static void the_door_is_shut(void **state)
{
    static const char *const beyond[] = {"10.0.0.1", "8.8.8.8", "100.64.0.1",
                                         "fd00::1",  "0.0.0.0", "example.com"};

    (void)state;
    open_client();
    for (size_t i = 0; i < COUNT_OF(beyond); i++) {
        snprintf(machine.endpoint.host, sizeof machine.endpoint.host, "%s", beyond[i]);
        assert_int_equal(
            call_start(&machine.call, machine.client, &machine.request, &events, &machine), -EPERM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_sent_and_answered),
        TEST(a_connection_is_used_again),
        TEST(the_next_call_may_begin_where_one_ends),
        TEST(an_answer_until_the_end_ends_the_connection),
        TEST(close_ends_the_connection),
        TEST(http_1_0_ends_the_connection),
        TEST(bytes_behind_an_answer_end_the_connection),
        TEST(bytes_on_an_idle_connection_end_it),
        TEST(an_idle_connection_that_the_machine_closes_is_forgotten),
        TEST(idle_connections_have_a_deadline),
        TEST(idle_connections_have_a_ceiling),
        TEST(a_stale_connection_is_replaced_once),
        TEST(a_new_connection_that_closes_is_a_failure),
        TEST(a_connection_that_has_answered_a_byte_is_not_replaced),
        TEST(a_cut_in_the_body_is_a_failure),
        TEST(interim_answers_are_skipped),
        TEST(too_many_interim_answers_are_garbage),
        TEST(what_is_not_http_is_garbage),
        TEST(a_head_that_is_too_long_is_garbage),
        TEST(nobody_listening_is_said),
        TEST(lack_of_sockets_is_our_own),
        TEST(connecting_has_a_deadline),
        TEST(the_first_byte_has_a_deadline),
        TEST(silence_has_a_deadline),
        TEST(all_of_it_has_a_deadline),
        TEST(a_call_can_be_cancelled_before_it_is_answered),
        TEST(a_call_can_be_cancelled_before_it_is_connected),
        TEST(a_call_can_be_cancelled_in_its_own_callbacks),
        TEST(closing_the_client_cancels_its_calls),
        TEST(a_paused_answer_waits_in_the_machine),
        TEST(an_end_that_waited_is_heard_on_resume),
        TEST(headers_that_would_split_a_request_are_refused),
        TEST(names_are_looked_up),
        TEST(a_lookup_can_be_cancelled),
        TEST(the_door_is_shut),
    };

    setenv("TAMPU_LOOPBACK_ONLY", "1", 1);
    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
