/* SPDX-License-Identifier: Apache-2.0 */
/* A server to play with: its owner writes down what it hears, a raw client stands beside it. */
#pragma once

#include "http/server.h"
#include "net/door.h"
#include "wires.h"

enum { SOON_MS = 60, NEVER_MS = 60000, BODY_MAX = 100000 };

#define HELLO "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
#define WAIT  "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"

/* A server whose owner writes down what it hears. */
static struct play {
    struct loop *loop;
    struct server *server;
    struct server_options options;
    struct stream *stream; /* of the last request */
    struct buf log, body, heard;
    uint16_t port;
    int fd;        /* a client */
    size_t served; /* /none, which is not written down */
    bool drained, writable;
} play;

static inline void on_request(void *ctx, struct stream *s, const struct request *r)
{
    assert_ptr_equal(ctx, &play);
    if (str_is(r->path, "/none")) {
        play.served++;
        assert_int_equal(stream_answer(s, 204, NULL, 0, STR("")), 0);
        return;
    }
    assert_int_equal(buf_printf(&play.log, "%s %.*s;", method_name(r->method), STR_ARG(r->path)),
                     0);
    play.stream = s;
    stream_set_ctx(s, &play);
    buf_reset(&play.body);
    if (str_is(r->path, "/hello"))
        assert_int_equal(stream_answer(s, 200, NULL, 0, STR("hello")), 0);
    if (str_is(r->path, "/peer"))
        assert_int_equal(
            stream_answer(s, 200, NULL, 0, r->peer_is_loopback ? STR("near") : STR("far")), 0);
    if (str_is(r->path, "/paused"))
        stream_pause(s);
    if (str_is(r->path, "/empty"))
        assert_int_equal(stream_answer(s, 204, NULL, 0, STR("")), 0);
    if (str_is(r->path, "/parts"))
        assert_int_equal(stream_start(s, 200, NULL, 0, -1), 0);
}

static inline void on_body(struct stream *s, struct str chunk)
{
    assert_ptr_equal(stream_ctx(s), &play);
    assert_int_equal(buf_put(&play.body, chunk), 0);
}

static inline void on_body_end(struct stream *s)
{
    assert_int_equal(buf_put(&play.log, STR("end;")), 0);
    if (play.body.len && contains(&play.log, "/echo"))
        assert_int_equal(stream_answer(s, 200, NULL, 0, buf_str(&play.body)), 0);
}

static inline void on_writable(struct stream *s)
{
    (void)s;
    play.writable = true;
}

static inline void on_gone(struct stream *s, bool ok)
{
    if (s != play.stream)
        return; /* /none */
    assert_int_equal(buf_put(&play.log, ok ? STR("done;") : STR("gone;")), 0);
    play.stream = NULL;
}

static inline void on_drained(void *ctx)
{
    ((struct play *)ctx)->drained = true;
}

static const struct server_events events = {.on_request = on_request,
                                            .on_body = on_body,
                                            .on_body_end = on_body_end,
                                            .on_writable = on_writable,
                                            .on_gone = on_gone};

static inline int set_up(void **state)
{
    (void)state;
    play = (struct play){.fd = -1};
    play.options = (struct server_options){.listen = "127.0.0.1:0",
                                           .header_max = 4096,
                                           .header_count_max = 20,
                                           .body_max = BODY_MAX,
                                           .head_timeout_ms = NEVER_MS,
                                           .body_timeout_ms = NEVER_MS,
                                           .keep_alive_ms = NEVER_MS,
                                           .write_timeout_ms = NEVER_MS,
                                           .connections_max = 100,
                                           .write_high = 65536};
    buf_init(&play.log, 1 << 20);
    buf_init(&play.body, 1 << 20);
    buf_init(&play.heard, HEARD_MAX);
    return loop_open(&play.loop, 0);
}

static inline int tear_down(void **state)
{
    (void)state;
    if (play.fd >= 0)
        close(play.fd);
    server_close(play.server);
    loop_close(play.loop);
    buf_fini(&play.log);
    buf_fini(&play.body);
    buf_fini(&play.heard);
    return 0;
}

static inline void serve(void)
{
    struct err err = {0};

    if (server_open(&play.server, play.loop, &play.options, &events, &play, &err) < 0)
        fail_msg("%s", err.text);
    play.port = port_of(server_address(play.server));
    play.fd = dial(play.port);
}

static inline void client_says(const char *text)
{
    say(play.loop, play.fd, str_from(text));
}

static inline void client_hears(const char *text)
{
    hear(play.loop, play.fd, &play.heard, text);
}

#define client_hears_end() hear_end(play.loop, play.fd, &play.heard)
#define log_is(text)       UNTIL(play.loop, str_is(buf_str(&play.log), text))

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
