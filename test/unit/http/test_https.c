/* SPDX-License-Identifier: Apache-2.0 */
/* Our client and our server over TLS, on one loop. */
#include "testing.h"

#include <stdio.h>

#include "http/client.h"
#include "http/server.h"
#include "net/certificates.h"
#include "net/door.h"
#include "wires.h"

enum { NEVER_MS = 60000, PARTS = 1000 };

static struct both {
    struct loop *loop;
    struct server *server;
    struct client *client;
    struct endpoint endpoint;
    struct tls_files files;
    struct stream *stream;
    struct call *call;
    struct buf body, words;
    int parts_left;
    bool is_over, is_gone;
    enum failure why;
} both;

static void on_request(void *ctx, struct stream *s, const struct request *r)
{
    (void)ctx;
    both.stream = s;
    both.is_gone = false;
    if (str_is(r->path, "/hello"))
        assert_int_equal(stream_answer(s, 200, NULL, 0, STR("hello")), 0);
    if (str_is(r->path, "/parts"))
        assert_int_equal(stream_start(s, 200, NULL, 0, -1), 0);
}

static void on_request_body(struct stream *s, struct str chunk)
{
    (void)s;
    (void)chunk;
}

/* Sends parts until told to stop; goes on from on_writable. */
static void send_parts(struct stream *s)
{
    static char bytes[16000];
    struct str piece = str_slice(bytes, sizeof bytes);
    int r = 0;

    while (both.parts_left && r == 0) {
        r = stream_send(s, &piece, 1);
        both.parts_left--;
    }
    if (!both.parts_left)
        assert_int_equal(stream_end(s, true), 0);
}

static void on_request_end(struct stream *s)
{
    if (both.parts_left)
        send_parts(s);
}

static void on_gone(struct stream *s, bool ok)
{
    (void)s;
    (void)ok;
    both.is_gone = true;
}

static void on_head(void *ctx, const struct reply *r)
{
    (void)ctx;
    assert_int_equal(r->status, 200);
}

static void on_body(void *ctx, struct str chunk)
{
    (void)ctx;
    assert_int_equal(buf_put(&both.body, chunk), 0);
}

static void on_end(void *ctx)
{
    (void)ctx;
    both.is_over = true;
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    (void)ctx;
    both.is_over = true;
    both.why = why;
    assert_int_equal(buf_put(&both.words, str_from(words)), 0);
}

static const struct server_events server_events = {.on_request = on_request,
                                                   .on_body = on_request_body,
                                                   .on_body_end = on_request_end,
                                                   .on_writable = send_parts,
                                                   .on_gone = on_gone};
static const struct call_events call_events = {on_head, on_body, on_end, on_fail};

static void open_both(const char *name, const char *ca)
{
    struct server_options options = {.listen = "127.0.0.1:0",
                                     .header_max = 4096,
                                     .header_count_max = 20,
                                     .body_max = 1 << 20,
                                     .head_timeout_ms = NEVER_MS,
                                     .body_timeout_ms = NEVER_MS,
                                     .keep_alive_ms = NEVER_MS,
                                     .write_timeout_ms = NEVER_MS,
                                     .connections_max = 100,
                                     .write_high = 65536,
                                     .tls = &both.files};
    struct client_options client_options = {
        .idle_max = 2, .idle_timeout_ms = NEVER_MS, .header_max = 4096, .ca_file = ca};
    struct err err = {0};

    both.files = (struct tls_files){certificate(name, "pem"), certificate(name, "key")};
    if (server_open(&both.server, both.loop, &options, &server_events, NULL, &err) < 0 ||
        client_open(&both.client, both.loop, &client_options, &err) < 0)
        fail_msg("%s", err.text);
    both.endpoint = (struct endpoint){
        .host = "127.0.0.1", .port = port_of(server_address(both.server)), .tls = true};
}

static void begin(const char *target)
{
    struct call_request request = {.endpoint = &both.endpoint,
                                   .method = METHOD_GET,
                                   .target = str_from(target),
                                   .connect_timeout_ms = NEVER_MS};

    both.is_over = false;
    assert_int_equal(call_start(&both.call, both.client, &request, &call_events, NULL), 0);
}

static void ask(const char *target)
{
    begin(target);
    UNTIL(both.loop, both.is_over);
    both.call = NULL;
}

static int set_up(void **state)
{
    (void)state;
    both = (struct both){0};
    buf_init(&both.body, HEARD_MAX);
    buf_init(&both.words, 4096);
    return loop_open(&both.loop, 0);
}

static int tear_down(void **state)
{
    (void)state;
    client_close(both.client);
    server_close(both.server);
    loop_close(both.loop);
    buf_fini(&both.body);
    buf_fini(&both.words);
    return 0;
}

static void calls_are_answered_over_one_connection(void **state)
{
    (void)state;
    open_both("here", certificates.ca);
    ask("/hello");
    assert_int_equal(both.why, FAILURE_none);
    assert_true(str_is(buf_str(&both.body), "hello"));
    assert_int_equal(client_idle(both.client), 1);
    ask("/hello");
    assert_true(str_is(buf_str(&both.body), "hellohello"));
    assert_int_equal(server_connections(both.server), 1);
}

static void long_answers_are_held_back_and_arrive_whole(void **state)
{
    (void)state;
    open_both("here", certificates.ca);
    both.parts_left = PARTS;
    begin("/parts");
    UNTIL(both.loop, both.body.len > 0);
    call_pause(both.call);
    for (int i = 0; i < 50; i++)
        turn(both.loop, -1);
    assert_true(both.parts_left > 0);
    call_resume(both.call);
    UNTIL(both.loop, both.is_over);
    assert_int_equal(both.why, FAILURE_none);
    assert_int_equal(both.body.len, PARTS * 16000);
}

static void a_cancelled_call_is_noticed_by_the_server(void **state)
{
    (void)state;
    open_both("here", certificates.ca);
    begin("/wait");
    UNTIL(both.loop, both.stream);
    call_cancel(both.call);
    UNTIL(both.loop, both.is_gone);
}

static void a_wrong_name_is_refused(void **state)
{
    (void)state;
    open_both("there", certificates.ca);
    ask("/hello");
    assert_int_equal(both.why, FAILURE_tls_failed);
    assert_true(contains(&both.words, "mismatch"));
}

static void an_unknown_authority_is_refused(void **state)
{
    (void)state;
    open_both("here", certificates.other);
    ask("/hello");
    assert_int_equal(both.why, FAILURE_tls_failed);
    assert_null(both.stream);
}

static void an_authority_that_cannot_be_read_is_named(void **state)
{
    struct client_options options = {.ca_file = "/nowhere/ca.pem"};
    struct err err = {0};

    (void)state;
    assert_true(client_open(&both.client, both.loop, &options, &err) < 0);
    assert_non_null(strstr(err.text, "/nowhere/ca.pem"));
}

static void plain_text_on_the_tls_port_is_refused(void **state)
{
    struct buf heard;
    int fd;

    (void)state;
    open_both("here", certificates.ca);
    buf_init(&heard, HEARD_MAX);
    fd = dial(both.endpoint.port);
    say(both.loop, fd, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    hear_end(both.loop, fd, &heard);
    assert_false(contains(&heard, "HTTP/1.1"));
    close(fd);
    buf_fini(&heard);
}

static void tls_to_a_plain_port_is_refused(void **state)
{
    uint16_t port;
    int listener = listen_raw(&port, 4), fd;

    (void)state;
    open_both("here", certificates.ca);
    both.endpoint.port = port;
    begin("/hello");
    fd = accept_raw(both.loop, listener);
    say(both.loop, fd, STR("HTTP/1.1 400 Bad Request\r\n\r\n"));
    UNTIL(both.loop, both.is_over);
    assert_int_equal(both.why, FAILURE_tls_failed);
    close(fd);
    close(listener);
}

static int set_up_all(void **state)
{
    (void)state;
    door_open();
    return make_certificates();
}

static int tear_down_all(void **state)
{
    (void)state;
    remove_certificates();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_are_answered_over_one_connection),
        TEST(long_answers_are_held_back_and_arrive_whole),
        TEST(a_cancelled_call_is_noticed_by_the_server),
        TEST(a_wrong_name_is_refused),
        TEST(an_unknown_authority_is_refused),
        TEST(an_authority_that_cannot_be_read_is_named),
        TEST(plain_text_on_the_tls_port_is_refused),
        TEST(tls_to_a_plain_port_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
