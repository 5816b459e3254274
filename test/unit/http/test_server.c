/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server against raw sockets: requests and answers. */
#include "testing.h"

#include <stdio.h>

#include "play.h"

static void requests_are_answered_on_one_connection(void **state)
{
    (void)state;
    serve();
    client_says(HELLO);
    client_hears("\r\n\r\nhello");
    assert_true(contains(&play.heard, "HTTP/1.1 200 OK\r\nDate: "));
    assert_true(contains(&play.heard, "Content-Length: 5\r\n"));
    assert_false(contains(&play.heard, "Connection:"));
    buf_reset(&play.heard);
    client_says(HELLO);
    client_hears("hello");
    log_is("GET /hello;done;GET /hello;done;");
    assert_int_equal(server_connections(play.server), 1);
}

static void bodies_arrive_in_any_framing(void **state)
{
    (void)state;
    serve();
    client_says("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    client_hears("\r\n\r\nabc");
    client_says("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                "3\r\nde");
    UNTIL(play.loop, contains(&play.body, "de"));
    client_says("f\r\n2\r\ngh\r\n0\r\n\r\n");
    client_hears("\r\n\r\ndefgh");
}

static void pipelined_requests_wait_their_turn(void **state)
{
    (void)state;
    serve();
    client_says(WAIT HELLO "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n" WAIT);
    log_is("GET /wait;end;");
    for (int i = 0; i < 5; i++)
        turn(play.loop, -1);
    log_is("GET /wait;end;");
    assert_int_equal(stream_answer(play.stream, 200, NULL, 0, STR("first")), 0);
    client_hears("near");
    log_is("GET /wait;end;done;GET /hello;done;GET /peer;done;GET /wait;end;");
    assert_true(str_index(buf_str(&play.heard), 'f') < play.heard.len);
    assert_int_equal(stream_answer(play.stream, 200, NULL, 0, STR("last")), 0);
    client_hears("last");
    assert_int_equal(times(&play.heard, "HTTP/1.1 200 OK"), 4);
}

static void a_pipelined_request_that_breaks_the_rules_is_refused(void **state)
{
    (void)state;
    serve();
    client_says(HELLO "POST\r\n\r\nand more");
    client_hears("HTTP/1.1 400 ");
    client_hears_end();
    assert_int_equal(times(&play.heard, "HTTP/1.1 "), 2);
    log_is("GET /hello;done;");
}

/* Far more than is kept for a client that does not wait: reading stops, nothing is lost. */
static void a_flood_of_pipelined_requests_is_served(void **state)
{
    enum { FLOOD = 6000, STUCK = 50 };
    char filler[2000];
    struct buf flood;
    size_t sent = 0;
    ssize_t n;
    int stuck = 0;

    (void)state;
    serve();
    memset(filler, 'x', sizeof filler);
    buf_init(&flood, 16 << 20);
    assert_int_equal(buf_put(&flood, STR(WAIT)), 0);
    for (int i = 0; i < FLOOD; i++)
        assert_int_equal(buf_printf(&flood, "GET /none HTTP/1.1\r\nHost: a\r\nX: %.*s\r\n\r\n",
                                    (int)sizeof filler, filler),
                         0);
    while (stuck < STUCK) {
        n = send(play.fd, flood.data + sent, flood.len - sent, MSG_DONTWAIT);
        stuck = n > 0 ? 0 : stuck + 1;
        sent += n > 0 ? (size_t)n : 0;
        turn(play.loop, -1);
    }
    assert_in_range(sent, 1, flood.len - 1);
    log_is("GET /wait;end;");
    assert_int_equal(stream_answer(play.stream, 200, NULL, 0, STR("first")), 0);
    for (stuck = 0; play.served < FLOOD && stuck < STUCK * STUCK; stuck++) {
        size_t rest = flood.len - sent < 65536 ? flood.len - sent : 65536;

        hear_some(play.fd, &play.heard); /* who does not read is not served */
        if (rest && (n = send(play.fd, flood.data + sent, rest, MSG_DONTWAIT)) > 0)
            sent += (size_t)n;
        turn(play.loop, -1);
    }
    assert_int_equal(play.served, FLOOD);
    buf_fini(&flood);
}

static void what_breaks_the_rules_is_refused_and_the_connection_closed(void **state)
{
    static const struct {
        const char *says, *status;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n" HELLO, "400"},
        {"GET / HTTP/1.1\nHost: a\n\n" HELLO, "400"},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n" HELLO, "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n" HELLO,
         "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab" HELLO,
         "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: miracle\r\nContent-Length: 2\r\n\r\nab" HELLO,
         "417"},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n" HELLO, "505"},
        {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n" HELLO, "501"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n" HELLO, "413"},
    };
    char wanted[32];

    (void)state;
    serve();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        close(play.fd);
        play.fd = dial(play.port);
        buf_reset(&play.heard);
        client_says(rows[i].says);
        client_hears_end();
        snprintf(wanted, sizeof wanted, "HTTP/1.1 %s ", rows[i].status);
        if (!str_starts(buf_str(&play.heard), str_from(wanted)))
            fail_msg("%s: %.*s", rows[i].says, STR_ARG(buf_str(&play.heard)));
        assert_true(contains(&play.heard, "Connection: close\r\n"));
        assert_int_equal(times(&play.heard, "Connection: close"), 1);
    }
    assert_int_equal(play.log.len, 0);
}

static void a_bad_chunk_ends_the_request(void **state)
{
    (void)state;
    serve();
    client_says(
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX" HELLO);
    client_hears_end();
    log_is("POST /echo;gone;");
    assert_true(contains(&play.heard, "HTTP/1.1 400 "));
}

static void a_head_that_is_too_long_is_refused(void **state)
{
    char text[6000];

    (void)state;
    serve();
    memset(text, 'x', sizeof text);
    client_says("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    say(play.loop, play.fd, str_slice(text, sizeof text));
    client_hears_end();
    assert_true(contains(&play.heard, "HTTP/1.1 431 "));
}

static size_t own_error(void *ctx, struct str path, int status, const char *words, char *out,
                        size_t room)
{
    assert_ptr_equal(ctx, &play);
    assert_int_equal(path.len, 0);
    return (size_t)snprintf(out, room, "<%d %s>", status, words);
}

static void the_errors_words_can_be_chosen(void **state)
{
    struct server_events own = events;
    struct err err;

    (void)state;
    own.error_body = own_error;
    assert_int_equal(server_open(&play.server, play.loop, &play.options, &own, &play, &err), 0);
    play.fd = dial(port_of(server_address(play.server)));
    client_says("GET / HTTP/1.1\r\n\r\n");
    client_hears_end();
    assert_true(contains(&play.heard, "<400 there must be exactly one Host>"));
}

/* 300 KB are under way when the refusal is sent: closing at once would reset the connection. */
static void a_refusal_is_heard_though_the_body_is_under_way(void **state)
{
    struct buf body;

    (void)state;
    serve();
    buf_init(&body, 1 << 20);
    assert_int_equal(buf_reserve(&body, 300000), 0);
    memset(body.data, 'x', 300000);
    body.len = 300000;
    client_says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n");
    say(play.loop, play.fd, buf_str(&body));
    client_hears("HTTP/1.1 413 ");
    client_hears_end();
    buf_fini(&body);
}

static void a_chunked_body_has_a_ceiling(void **state)
{
    char chunk[10000];

    (void)state;
    serve();
    memset(chunk, 'x', sizeof chunk);
    client_says("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 11; i++) {
        client_says("2710\r\n");
        say(play.loop, play.fd, str_slice(chunk, sizeof chunk));
        client_says("\r\n");
    }
    client_hears("HTTP/1.1 413 ");
    log_is("POST /;gone;");
    assert_true(play.body.len <= BODY_MAX);
}

static void expect_is_answered_when_the_body_is_wanted(void **state)
{
    (void)state;
    serve();
    client_says(
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_hears("HTTP/1.1 100 Continue\r\n\r\n");
    client_says("ab");
    client_hears("\r\n\r\nab");
    assert_int_equal(times(&play.heard, "100 Continue"), 1);
}

static void expect_waits_for_a_paused_request(void **state)
{
    (void)state;
    serve();
    client_says(
        "POST /paused HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    log_is("POST /paused;");
    for (int i = 0; i < 5; i++)
        turn(play.loop, -1);
    hear_some(play.fd, &play.heard);
    assert_int_equal(play.heard.len, 0);
    stream_resume(play.stream);
    client_hears("HTTP/1.1 100 Continue\r\n\r\n");
    client_says("ab");
    log_is("POST /paused;end;");
}

static void expect_is_not_answered_when_the_answer_is_no(void **state)
{
    (void)state;
    serve();
    client_says(
        "POST /hello HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_hears("hello");
    client_hears_end();
    assert_false(contains(&play.heard, "100 Continue"));
    assert_true(contains(&play.heard, "Connection: close\r\n"));
}

static void an_answer_before_the_body_leaves_the_connection_in_order(void **state)
{
    (void)state;
    serve();
    client_says("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    client_hears("hello");
    log_is("POST /hello;done;");
    client_says("12345" HELLO);
    log_is("POST /hello;done;GET /hello;done;");
    UNTIL(play.loop, hear_some(play.fd, &play.heard) && times(&play.heard, "hello") == 2);
}

static void a_paused_body_waits(void **state)
{
    (void)state;
    serve();
    client_says("POST /paused HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc");
    log_is("POST /paused;");
    for (int i = 0; i < 5; i++)
        turn(play.loop, -1);
    assert_int_equal(play.body.len, 0);
    stream_resume(play.stream);
    UNTIL(play.loop, contains(&play.body, "abc"));
    stream_pause(play.stream);
    client_says("de");
    for (int i = 0; i < 5; i++)
        turn(play.loop, -1);
    assert_int_equal(play.body.len, 3);
    stream_resume(play.stream);
    log_is("POST /paused;end;");
    assert_true(contains(&play.body, "abcde"));
}

static void head_and_204_have_no_body(void **state)
{
    (void)state;
    serve();
    client_says("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /empty HTTP/1.1\r\nHost: a\r\n\r\n");
    client_hears("204 No Content");
    client_hears("\r\n\r\n");
    assert_true(contains(&play.heard, "Content-Length: 5\r\n\r\nHTTP/1.1 204"));
    assert_int_equal(times(&play.heard, "Content-Length"), 1);
}

static void http_1_0_gets_its_answer_until_the_end(void **state)
{
    struct str piece = STR("part");

    (void)state;
    serve();
    client_says("GET /parts HTTP/1.0\r\n\r\n");
    log_is("GET /parts;end;");
    assert_int_equal(stream_send(play.stream, &piece, 1), 0);
    assert_int_equal(stream_end(play.stream, true), 0);
    client_hears_end();
    assert_true(contains(&play.heard, "Connection: close\r\n\r\npart"));
    assert_false(contains(&play.heard, "chunked"));
}

static void http_1_0_may_be_kept(void **state)
{
    (void)state;
    serve();
    client_says("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    client_hears("hello");
    assert_true(contains(&play.heard, "Connection: keep-alive\r\n"));
    client_says(HELLO);
    UNTIL(play.loop, hear_some(play.fd, &play.heard) && times(&play.heard, "hello") == 2);
}

static void the_parts_of_one_turn_leave_together(void **state)
{
    struct str pieces[] = {STR("ab"), STR("c")};
    char room[4096];
    ssize_t n;

    (void)state;
    serve();
    client_says("GET /parts HTTP/1.1\r\nHost: a\r\n\r\n");
    log_is("GET /parts;end;");
    client_hears("chunked\r\n\r\n");
    assert_int_equal(stream_send(play.stream, pieces, 2), 0);
    assert_int_equal(stream_send(play.stream, pieces, 1), 0);
    assert_int_equal(stream_end(play.stream, true), 0);
    assert_true(recv(play.fd, room, sizeof room, MSG_DONTWAIT) <
                0); /* the owner may still book it */
    UNTIL(play.loop, (n = recv(play.fd, room, sizeof room, MSG_DONTWAIT)) > 0);
    assert_true(str_is(str_slice(room, (size_t)n), "3\r\nabc\r\n2\r\nab\r\n0\r\n\r\n"));
    log_is("GET /parts;end;done;");
}

static void a_broken_answer_has_no_end(void **state)
{
    struct str piece = STR("part");

    (void)state;
    serve();
    client_says("GET /parts HTTP/1.1\r\nHost: a\r\n\r\n");
    log_is("GET /parts;end;");
    assert_int_equal(stream_send(play.stream, &piece, 1), 0);
    assert_int_equal(stream_end(play.stream, false), 0);
    assert_int_equal(stream_send(play.stream, &piece, 1), -EPIPE);
    client_hears_end();
    assert_true(contains(&play.heard, "4\r\npart\r\n"));
    assert_false(contains(&play.heard, "0\r\n\r\n"));
    log_is("GET /parts;end;gone;");
}

static void an_answer_shorter_than_promised_is_cut(void **state)
{
    struct str piece = STR("part");

    (void)state;
    serve();
    client_says(WAIT);
    log_is("GET /wait;end;");
    assert_int_equal(stream_start(play.stream, 200, NULL, 0, 10), 0);
    assert_int_equal(stream_send(play.stream, &piece, 1), 0);
    assert_int_equal(stream_end(play.stream, true), 0);
    client_hears_end();
    assert_true(contains(&play.heard, "Content-Length: 10\r\n\r\npart"));
    log_is("GET /wait;end;gone;");
}

static void an_answer_longer_than_promised_is_cut(void **state)
{
    struct str piece = STR("part");

    (void)state;
    serve();
    client_says(WAIT);
    log_is("GET /wait;end;");
    assert_int_equal(stream_start(play.stream, 200, NULL, 0, 3), 0);
    assert_int_equal(stream_send(play.stream, &piece, 1), -EPIPE);
    client_hears_end();
    log_is("GET /wait;end;gone;");
}

static void a_second_answer_is_refused(void **state)
{
    (void)state;
    serve();
    client_says(WAIT);
    log_is("GET /wait;end;");
    assert_int_equal(stream_answer(play.stream, 200, NULL, 0, STR("one")), 0);
    assert_int_equal(stream_answer(play.stream, 200, NULL, 0, STR("two")), -EPIPE);
    assert_int_equal(stream_end(play.stream, true), -EPIPE);
    client_hears("one");
    log_is("GET /wait;end;done;");
}

static void a_header_that_would_split_the_answer_is_refused(void **state)
{
    const struct header evil = {STR("X"), STR("a\r\nSet-Cookie: b")};

    (void)state;
    serve();
    client_says(WAIT);
    log_is("GET /wait;end;");
    assert_int_equal(stream_answer(play.stream, 200, &evil, 1, STR("one")), -EINVAL);
    assert_int_equal(stream_answer(play.stream, 500, NULL, 0, STR("two")), 0);
    client_hears("two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_are_answered_on_one_connection),
        TEST(bodies_arrive_in_any_framing),
        TEST(pipelined_requests_wait_their_turn),
        TEST(a_pipelined_request_that_breaks_the_rules_is_refused),
        TEST(a_flood_of_pipelined_requests_is_served),
        TEST(what_breaks_the_rules_is_refused_and_the_connection_closed),
        TEST(a_bad_chunk_ends_the_request),
        TEST(a_head_that_is_too_long_is_refused),
        TEST(the_errors_words_can_be_chosen),
        TEST(a_refusal_is_heard_though_the_body_is_under_way),
        TEST(a_chunked_body_has_a_ceiling),
        TEST(expect_is_answered_when_the_body_is_wanted),
        TEST(expect_waits_for_a_paused_request),
        TEST(expect_is_not_answered_when_the_answer_is_no),
        TEST(an_answer_before_the_body_leaves_the_connection_in_order),
        TEST(a_paused_body_waits),
        TEST(head_and_204_have_no_body),
        TEST(http_1_0_gets_its_answer_until_the_end),
        TEST(http_1_0_may_be_kept),
        TEST(the_parts_of_one_turn_leave_together),
        TEST(a_broken_answer_has_no_end),
        TEST(an_answer_shorter_than_promised_is_cut),
        TEST(an_answer_longer_than_promised_is_cut),
        TEST(a_second_answer_is_refused),
        TEST(a_header_that_would_split_the_answer_is_refused),
    };

    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
