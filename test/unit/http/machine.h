/* SPDX-License-Identifier: Apache-2.0 */
/* A client to play with, and beside it a raw socket that plays the machine. */
#pragma once

#include "http/client.h"
#include "net/door.h"
#include "wires.h"

enum { SOON_MS = 60, NEVER_MS = 60000, HEADER_MAX = 4096 };

static struct machine {
    struct loop *loop;
    struct client *client;
    struct client_options options;
    struct endpoint endpoint;
    struct call_request request;
    struct call *call;
    struct buf log, body, heard;
    int listener, fd;
    bool cancel_at_head, cancel_at_body, pause_at_head, again_at_end;
} machine;

static inline void note(const char *text)
{
    assert_int_equal(buf_put(&machine.log, str_from(text)), 0);
}

static inline void begin(void);

static inline void on_head(void *ctx, const struct reply *r)
{
    assert_ptr_equal(ctx, &machine);
    assert_int_equal(buf_printf(&machine.log, "%d;", r->status), 0);
    if (machine.cancel_at_head)
        call_cancel(machine.call);
    if (machine.pause_at_head)
        call_pause(machine.call);
}

static inline void on_body(void *ctx, struct str chunk)
{
    (void)ctx;
    assert_int_equal(buf_put(&machine.body, chunk), 0);
    if (machine.cancel_at_body)
        call_cancel(machine.call);
}

static inline void on_end(void *ctx)
{
    (void)ctx;
    note("end;");
    machine.call = NULL;
    if (machine.again_at_end) {
        machine.again_at_end = false;
        begin();
    }
}

static inline void on_fail(void *ctx, enum failure why, const char *words)
{
    (void)ctx;
    assert_true(strlen(words) > 3);
    note(failure_row(why)->name);
    note(";");
    machine.call = NULL;
}

static const struct call_events events = {on_head, on_body, on_end, on_fail};

static inline void begin(void)
{
    assert_int_equal(call_start(&machine.call, machine.client, &machine.request, &events, &machine),
                     0);
}

static inline int set_up(void **state)
{
    uint16_t port;

    (void)state;
    machine = (struct machine){.fd = -1};
    buf_init(&machine.log, 1 << 20);
    buf_init(&machine.body, HEARD_MAX);
    buf_init(&machine.heard, HEARD_MAX);
    machine.listener = listen_raw(&port, 16);
    machine.endpoint = (struct endpoint){.host = "127.0.0.1", .port = port};
    machine.options = (struct client_options){
        .idle_max = 2, .idle_timeout_ms = NEVER_MS, .header_max = HEADER_MAX};
    machine.request = (struct call_request){.endpoint = &machine.endpoint,
                                            .method = METHOD_GET,
                                            .target = STR("/api"),
                                            .connect_timeout_ms = NEVER_MS,
                                            .first_byte_timeout_ms = NEVER_MS,
                                            .idle_timeout_ms = NEVER_MS};
    return loop_open(&machine.loop, 0);
}

static inline int tear_down(void **state)
{
    (void)state;
    if (machine.fd >= 0)
        close(machine.fd);
    close(machine.listener);
    client_close(machine.client);
    loop_close(machine.loop);
    buf_fini(&machine.log);
    buf_fini(&machine.body);
    buf_fini(&machine.heard);
    return 0;
}

static inline void open_client(void)
{
    struct err err = {0};

    if (client_open(&machine.client, machine.loop, &machine.options, &err) < 0)
        fail_msg("%s", err.text);
}

/* A call begins and the machine hears its head. */
static inline void ask(void)
{
    if (!machine.client)
        open_client();
    begin();
    if (machine.fd < 0)
        machine.fd = accept_raw(machine.loop, machine.listener);
    buf_reset(&machine.heard);
    hear(machine.loop, machine.fd, &machine.heard, "\r\n\r\n");
}

static inline void machine_says(const char *text)
{
    say(machine.loop, machine.fd, str_from(text));
}

static inline void log_is(const char *text)
{
    uint64_t give_up_us = clock_monotonic_us() + PATIENCE_US;

    while (!str_is(buf_str(&machine.log), text)) {
        if (clock_monotonic_us() > give_up_us)
            fail_msg("log: %.*s, expected: %s", STR_ARG(buf_str(&machine.log)), text);
        turn(machine.loop, -1);
    }
}

#define body_is(text) assert_true(str_is(buf_str(&machine.body), text))

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
