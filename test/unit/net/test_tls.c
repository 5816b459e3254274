/* SPDX-License-Identifier: Apache-2.0 */
/* TLS through memory: both sides of a conversation, no sockets. */
#include "testing.h"

#include <errno.h>

#include "certificates.h"
#include "net/tls.h"

/* A client and a server, and what each hears. */
static struct {
    struct tls_side *client_side, *server_side;
    struct tls *client, *server;
    struct ssl_session_st *session;
    struct buf wire;
} talk;

static void open_sides(const char *ca, const char *name)
{
    struct err err = {0};

    if (tls_client_open(&talk.client_side, ca, &err) < 0 ||
        tls_server_open(&talk.server_side, certificate(name, "pem"), certificate(name, "key"),
                        &err) < 0)
        fail_msg("%s", err.text);
}

static void meet(const char *host)
{
    assert_int_equal(tls_new(&talk.client, talk.client_side, host, &talk.session), 0);
    assert_int_equal(tls_new(&talk.server, talk.server_side, NULL, NULL), 0);
}

static void part(void)
{
    tls_free(talk.client);
    tls_free(talk.server);
    talk.client = talk.server = NULL;
}

/* Carries what one side has to say to the other, in pieces of `step` bytes. */
static void carry(struct tls *from, struct tls *to, size_t step)
{
    buf_init(&talk.wire, 1 << 20);
    assert_int_equal(tls_take(from, &talk.wire), 0);
    for (size_t at = 0; at < talk.wire.len; at += step) {
        size_t n = talk.wire.len - at < step ? talk.wire.len - at : step;

        assert_int_equal(tls_feed(to, str_slice(talk.wire.data + at, n)), 0);
        tls_shake(to);
    }
    buf_fini(&talk.wire);
}

/* 1 when both are content, else what the client found. */
static int shake(size_t step)
{
    int r = 0;

    for (int i = 0; i < 10 && r == 0; i++) {
        r = tls_shake(talk.client);
        carry(talk.client, talk.server, step);
        if (r == 1)
            break;
        tls_shake(talk.server);
        carry(talk.server, talk.client, step);
    }
    return r;
}

static int tear_down(void **state)
{
    (void)state;
    part();
    tls_session_free(talk.session);
    talk.session = NULL;
    tls_side_close(talk.client_side);
    tls_side_close(talk.server_side);
    talk.client_side = talk.server_side = NULL;
    return 0;
}

static void hears(struct tls *t, const char *text)
{
    char room[256];
    long n = tls_read(t, room, sizeof room);

    assert_true(n > 0);
    assert_true(str_is(str_slice(room, (size_t)n), text));
    assert_int_equal(tls_read(t, room, sizeof room), 0);
}

static void both_sides_hear_each_other_at_any_cut(void **state)
{
    (void)state;
    open_sides(certificates.ca, "here");
    for (size_t step = 1; step < 5000; step = step * 7) {
        meet("localhost");
        assert_int_equal(shake(step), 1);
        assert_int_equal(tls_write(talk.client, STR("hello")), 0);
        carry(talk.client, talk.server, step);
        hears(talk.server, "hello");
        assert_int_equal(tls_write(talk.server, STR("good day")), 0);
        carry(talk.server, talk.client, step);
        hears(talk.client, "good day");
        part();
    }
}

static void a_polite_end_is_heard(void **state)
{
    char room[16];

    (void)state;
    open_sides(certificates.ca, "here");
    meet("127.0.0.1");
    assert_int_equal(shake(4096), 1);
    tls_end(talk.server);
    carry(talk.server, talk.client, 4096);
    assert_int_equal(tls_read(talk.client, room, sizeof room), -ENODATA);
}

static void a_session_is_taken_up_again(void **state)
{
    (void)state;
    open_sides(certificates.ca, "here");
    for (int i = 0; i < 2; i++) {
        meet("localhost");
        assert_int_equal(shake(4096), 1);
        assert_int_equal(tls_is_resumed(talk.client), i == 1);
        assert_int_equal(tls_write(talk.server, STR("x")), 0);
        carry(talk.server, talk.client, 4096);
        hears(talk.client, "x");
        assert_non_null(talk.session);
        tls_end(talk.client);
        part();
    }
}

static void whoever_is_not_trusted_is_refused(void **state)
{
    static const struct {
        const char *certificate, *host, *words;
        bool other_ca;
    } rows[] = {
        {"there", "localhost", "hostname mismatch", false},
        {"there", "127.0.0.1", "IP address mismatch", false},
        {"here", "elsewhere.example", "hostname mismatch", false},
        {"here", "127.0.0.2", "IP address mismatch", false},
        {"old", "localhost", "expired", false},
        {"here", "localhost", "issuer", true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        open_sides(rows[i].other_ca ? certificates.other : certificates.ca, rows[i].certificate);
        meet(rows[i].host);
        assert_int_equal(shake(4096), -EPROTO);
        if (!strstr(tls_words(talk.client), rows[i].words))
            fail_msg("%s, expected: %s", tls_words(talk.client), rows[i].words);
        tear_down(state);
    }
}

static void garbage_is_refused(void **state)
{
    (void)state;
    open_sides(certificates.ca, "here");
    meet("localhost");
    assert_int_equal(tls_feed(talk.server, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), 0);
    assert_int_equal(tls_shake(talk.server), -EPROTO);
    assert_true(strlen(tls_words(talk.server)) > 5);
}

static void files_that_cannot_be_read_are_named(void **state)
{
    struct err err = {0};

    (void)state;
    assert_true(tls_client_open(&talk.client_side, "/nowhere/ca.pem", &err) < 0);
    assert_non_null(strstr(err.text, "/nowhere/ca.pem"));
    assert_true(tls_server_open(&talk.server_side, "/nowhere/a.pem", "/nowhere/a.key", &err) < 0);
    assert_non_null(strstr(err.text, "/nowhere/a.pem"));
    assert_true(tls_server_open(&talk.server_side, certificate("here", "pem"),
                                certificate("there", "key"), &err) < 0);
    assert_non_null(strstr(err.text, "there.key"));
}

static int set_up_all(void **state)
{
    (void)state;
    return make_certificates();
}

static int tear_down_all(void **state)
{
    (void)state;
    remove_certificates();
    return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_sides_hear_each_other_at_any_cut),
        TEST(a_polite_end_is_heard),
        TEST(a_session_is_taken_up_again),
        TEST(whoever_is_not_trusted_is_refused),
        TEST(garbage_is_refused),
        TEST(files_that_cannot_be_read_are_named),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
