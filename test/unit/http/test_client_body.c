/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client's bodies: large ones, and those that are not in memory. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>

#include "machine.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void a_large_body_is_taken_as_the_machine_takes_it(void **state)
{
    enum { LARGE = 8 << 20 };
    char *bytes = malloc(LARGE);
    const struct str body[] = {str_slice(bytes, LARGE / 2),
                               str_slice(bytes + LARGE / 2, LARGE / 2)};

    (void)state;
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    machine.request.method = METHOD_POST;
    machine.request.body = body;
    machine.request.body_count = 2;
    ask();
    UNTIL(machine.loop, hear_some(machine.fd, &machine.heard) && machine.heard.len > LARGE);
    assert_memory_equal(machine.heard.data + machine.heard.len - LARGE, bytes, LARGE);
    machine_says(ANSWER);
    log_is("200;end;");
    assert_int_equal(client_idle(machine.client), 1);
    free(bytes);
}

enum { SOURCE_LENGTH = 4 << 20, SOURCE_ODD = 10007 };

/* Gives less than it could; ctx: where it can be read no more. */
static int64_t read_source(void *ctx, uint64_t at, char *out, size_t room)
{
    const uint64_t *broken_at = ctx;
    size_t n = SOURCE_LENGTH - at < SOURCE_ODD ? SOURCE_LENGTH - at : SOURCE_ODD;

    assert_true(at < SOURCE_LENGTH && room >= n);
    if (at >= *broken_at)
        return -EIO;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)((at + i) * 2654435761u >> 13);
    return (int64_t)n;
}

static void a_body_may_come_from_elsewhere(void **state)
{
    const struct str before = STR("before");
    uint64_t never = UINT64_MAX;
    const struct call_source source = {SOURCE_LENGTH, read_source, &never};
    const char *body;

    (void)state;
    machine.request.method = METHOD_POST;
    machine.request.body = &before;
    machine.request.body_count = 1;
    machine.request.source = &source;
    ask();
    UNTIL(machine.loop,
          hear_some(machine.fd, &machine.heard) && machine.heard.len > SOURCE_LENGTH + 6);
    body = machine.heard.data + machine.heard.len - SOURCE_LENGTH;
    assert_non_null(memmem(machine.heard.data, machine.heard.len, "\r\n\r\nbefore", 10));
    assert_non_null(memmem(machine.heard.data, machine.heard.len, "ontent-", 7));
    for (size_t i = 0; i < SOURCE_LENGTH; i++)
        assert_true(body[i] == (char)(i * 2654435761u >> 13));
    machine_says(ANSWER);
    log_is("200;end;");
    assert_int_equal(client_idle(machine.client), 1);
}

static void a_body_that_cannot_be_read_back_is_our_own_fault(void **state)
{
    uint64_t broken_at = SOURCE_LENGTH / 2;
    const struct call_source source = {SOURCE_LENGTH, read_source, &broken_at};

    (void)state;
    machine.request.method = METHOD_POST;
    machine.request.source = &source;
    ask();
    UNTIL(machine.loop, hear_some(machine.fd, &machine.heard) && machine.log.len);
    log_is("out_of_room;");
}

static void an_early_answer_ends_the_sending(void **state)
{
    enum { LARGE = 32 << 20 };
    char *bytes = calloc(1, LARGE);
    const struct str body = str_slice(bytes, LARGE);

    (void)state;
    machine.request.method = METHOD_POST;
    machine.request.body = &body;
    machine.request.body_count = 1;
    ask();
    machine_says("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
    log_is("413;end;");
    free(bytes); /* it is not needed after on_head */
    hear_end(machine.loop, machine.fd, &machine.heard);
    assert_true(machine.heard.len < LARGE);
    assert_int_equal(client_idle(machine.client), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_large_body_is_taken_as_the_machine_takes_it),
        TEST(a_body_may_come_from_elsewhere),
        TEST(a_body_that_cannot_be_read_back_is_our_own_fault),
        TEST(an_early_answer_ends_the_sending),
    };

    setenv("TAMPU_LOOPBACK_ONLY", "1", 1);
    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
