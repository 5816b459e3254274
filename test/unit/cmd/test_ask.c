/* SPDX-License-Identifier: Apache-2.0 */
/* status and ps: what they show of a gateway's answer, and what they say when none answers. */
#include "testing.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "capture.h"
#include "cmd/ask.h"
#include "net/door.h"

static char text[8192];

static const char *shown(show_fn *show, const char *answer)
{
    struct json json = {0};
    struct buf out;

    assert_int_equal(json_read(&json, str_from(answer), JSON_MEMORY(strlen(answer)), NULL), 0);
    buf_init(&out, sizeof text - 1);
    assert_int_equal(show(&out, json.root, false), 0);
    snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    json_fini(&json);
    return text;
}

static void ps_shows_what_is_loaded(void **state)
{
    (void)state;
    assert_string_equal(
        shown(ps_write,
              "{\"copies\":["
              "{\"machine\":\"gtr9-pro\",\"artifact\":\"qwen3:8b\",\"name\":\"S-LOC-FRE-qwen3-8b\","
              "\"state\":\"loaded\",\"memory_bytes\":5200000000,\"gpu_bytes\":5200000000,"
              "\"context\":8192,\"slots\":4,\"busy\":1,\"waiting\":2,"
              "\"until\":\"2026-11-23T10:21:07.768885Z\"},"
              "{\"machine\":\"pc\",\"artifact\":\"phi4\",\"name\":null,\"state\":\"loaded\","
              "\"memory_bytes\":1000,\"gpu_bytes\":480},"
              "{\"machine\":\"pi\",\"artifact\":\"tiny\",\"name\":\"\",\"state\":\"loading\"},"
              "{\"machine\":\"mac\",\"artifact\":\"big\",\"state\":\"disk\"}]}"),
        "NAME                MACHINE   SIZE    PROCESSOR        CONTEXT  UNTIL                 "
        "BUSY  "
        "  WAITING\n"
        "S-LOC-FRE-qwen3-8b  gtr9-pro  5.2 GB  100% GPU         8192     2026-11-23T10:21:07Z  1 "
        "of "
        "4  2\n"
        "phi4                pc        1.0 kB  52%/48% CPU/GPU  -        -                     0   "
        " "
        "   0\n"
        "tiny                pi        -       -                -        loading               0   "
        " "
        "   0\n");
}

static void status_shows_machines_and_categories(void **state)
{
    (void)state;
    assert_string_equal(
        shown(status_write,
              "{\"version\":\"0.1.0\",\"uptime_s\":3660,\"fleet\":\"homelab\",\"machines\":["
              "{\"machine\":\"gtr9-pro\",\"tier\":1,\"up\":true,\"engines\":["
              "{\"engine\":\"ollama\",\"address\":\"127.0.0.1:1\",\"up\":true,"
              "\"version\":\"0.12.0\",\"since_s\":90},"
              "{\"engine\":\"whisper\",\"address\":\"127.0.0.1:2\",\"up\":false,"
              "\"version\":\"\",\"since_s\":5}],\"running\":2,\"waiting\":1,"
              "\"duty\":\"drained\",\"duty_by\":\"ann\",\"duty_since\":90061},"
              "{\"machine\":\"pi\",\"tier\":6,\"up\":false,\"engines\":[],"
              "\"running\":0,\"waiting\":0}],"
              "\"categories\":[{\"category\":\"xl-code\",\"ready\":true,\"primary\":\"gtr9-pro\","
              "\"serving\":\"gtr9-pro\"},{\"category\":\"image\",\"ready\":false,"
              "\"primary\":\"pc\",\"serving\":null}],\"requests\":{\"total\":120,\"failed\":2}}"),
        "tampu 0.1.0, fleet homelab, up 1h1m; 120 requests, 2 failed\n\n"
        "MACHINE   TIER  STATE  ENGINE   ADDRESS      VERSION  FOR    RUNNING  WAITING\n"
        "gtr9-pro  1     up     ollama   127.0.0.1:1  0.12.0   1m30s  2        1\n"
        "                down   whisper  127.0.0.1:2  -        5s\n"
        "pi        6     down   -        -            -        -      0        0\n"
        "gtr9-pro: drained by ann, since 1970-01-02T01:01:01Z\n\n"
        "CATEGORY  STATE       PRIMARY   SERVING\n"
        "xl-code   ready       gtr9-pro  gtr9-pro\n"
        "image     not served  pc        -\n");
}

static void an_answer_of_another_shape_is_no_crash(void **state)
{
    static const char *const answers[] = {"{}",
                                          "[]",
                                          "null",
                                          "\"x\"",
                                          "{\"copies\":{},\"machines\":3}",
                                          "{\"copies\":[1],\"machines\":[null]}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        shown(ps_write, answers[i]);
        shown(status_write, answers[i]);
    }
}

/* A gateway that answers one request, and what it was asked. */
struct fake_gateway {
    int fd;
    pthread_t thread;
    const char *answer;
    char url[64], asked[4096];
};

static void *answer_once(void *ctx)
{
    struct fake_gateway *g = ctx;
    int fd = accept4(g->fd, NULL, NULL, SOCK_CLOEXEC);
    size_t len = 0;
    ssize_t n;

    while (!strstr(g->asked, "\r\n\r\n") &&
           (n = read(fd, g->asked + len, sizeof g->asked - 1 - len)) > 0)
        len += (size_t)n;
    n = write(fd, g->answer, strlen(g->answer));
    close(fd);
    return n > 0 ? g : NULL;
}

/* Listens on a free port of this machine; without an answer the port is closed again. */
static void open_gateway(struct fake_gateway *g, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    *g = (struct fake_gateway){.answer = answer};
    g->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(g->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(g->fd, (struct sockaddr *)&address, &size), 0);
    snprintf(g->url, sizeof g->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    if (!answer) {
        close(g->fd);
        return;
    }
    assert_int_equal(listen(g->fd, 1), 0);
    assert_int_equal(pthread_create(&g->thread, NULL, answer_once, g), 0);
}

static void close_gateway(struct fake_gateway *g)
{
    pthread_join(g->thread, NULL);
    close(g->fd);
}

static void no_gateway_is_told_in_words(void **state)
{
    struct fake_gateway g;

    (void)state;
    open_gateway(&g, NULL);
    assert_int_equal(captured(cmd_status, "status", "--gateway", g.url, NULL), EXIT_no);
    assert_non_null(strstr(caught_err, "tampu status: no gateway answers at http://127.0.0.1:"));
    assert_non_null(strstr(caught_err, "tampu serve FLEET"));
    assert_int_equal(captured(cmd_ps, "ps", "--json", "--gateway", g.url, NULL), EXIT_no);
    assert_string_equal(caught_out, "");
}

static void the_key_is_presented_and_json_passed_through(void **state)
{
    struct fake_gateway g;

    (void)state;
    setenv("TAMPU_KEY", "tampu-secret", 1);
    open_gateway(&g, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"copies\":[]}");
    assert_int_equal(captured(cmd_ps, "ps", "--json", "--gateway", g.url, NULL), EXIT_done);
    close_gateway(&g);
    unsetenv("TAMPU_KEY");
    assert_string_equal(caught_out, "{\"copies\":[]}\n");
    assert_int_equal(strncmp(g.asked, "GET /admin/v1/ps HTTP/1.1\r\n", 27), 0);
    assert_non_null(strstr(g.asked, "\r\nAuthorization: Bearer tampu-secret\r\n"));
}

static void what_a_gateway_may_answer_is_told_in_words(void **state)
{
    static const struct {
        const char *answer, *says;
    } cases[] = {
        {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "wants an operator's key"},
        {"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "put it into TAMPU_KEY"},
        {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "is no tampu gateway"},
        {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "answered with status 500"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "answered what is no JSON"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", "no gateway answers"},
        {"SSH-2.0\r\n", "no gateway answers"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_gateway g;

        open_gateway(&g, cases[i].answer);
        assert_int_equal(captured(cmd_status, "status", "--gateway", g.url, NULL), EXIT_no);
        close_gateway(&g);
        assert_null(strstr(g.asked, "Authorization"));
        if (!strstr(caught_err, cases[i].says))
            fail_msg("'%s' does not say '%s'", caught_err, cases[i].says);
    }
}

static void a_key_that_is_none_is_not_sent(void **state)
{
    char longest[1000];

    (void)state;
    setenv("TAMPU_KEY", "two\r\nlines", 1);
    assert_int_equal(captured(cmd_ps, "ps", NULL), EXIT_no);
    assert_non_null(strstr(caught_err, "TAMPU_KEY is no key"));
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    setenv("TAMPU_KEY", longest, 1);
    assert_int_equal(captured(cmd_ps, "ps", NULL), EXIT_no);
    assert_non_null(strstr(caught_err, "TAMPU_KEY is no key"));
    unsetenv("TAMPU_KEY");
}

static void a_url_that_is_none_is_usage(void **state)
{
    (void)state;
    assert_int_equal(captured(cmd_ps, "ps", "--gateway", "ftp://x", NULL), EXIT_usage);
    assert_non_null(strstr(caught_err, "--gateway: 'ftp://x': "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ps_shows_what_is_loaded),
        cmocka_unit_test(status_shows_machines_and_categories),
        cmocka_unit_test(an_answer_of_another_shape_is_no_crash),
        cmocka_unit_test(no_gateway_is_told_in_words),
        cmocka_unit_test(the_key_is_presented_and_json_passed_through),
        cmocka_unit_test(what_a_gateway_may_answer_is_told_in_words),
        cmocka_unit_test(a_key_that_is_none_is_not_sent),
        cmocka_unit_test(a_url_that_is_none_is_usage),
    };

    unsetenv("TAMPU_KEY");
    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
