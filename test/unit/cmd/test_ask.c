/* SPDX-License-Identifier: Apache-2.0 */
/* status and ps: what they show of a gateway's answer, and what they say when none answers. */
#include "testing.h"

#include <netinet/in.h>
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
              "\"until\":\"2026-11-23T10:21:07Z\"},"
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
              "\"version\":\"\",\"since_s\":5}],\"running\":2,\"waiting\":1},"
              "{\"machine\":\"pi\",\"tier\":6,\"up\":false,\"engines\":[],"
              "\"running\":0,\"waiting\":0}],"
              "\"categories\":[{\"category\":\"xl-code\",\"ready\":true,\"primary\":\"gtr9-pro\","
              "\"serving\":\"gtr9-pro\"},{\"category\":\"image\",\"ready\":false,"
              "\"primary\":\"pc\",\"serving\":null}],\"requests\":{\"total\":120,\"failed\":2}}"),
        "tampu 0.1.0, fleet homelab, up 1h1m; 120 requests, 2 failed\n\n"
        "MACHINE   TIER  STATE  ENGINE   ADDRESS      VERSION  FOR    RUNNING  WAITING\n"
        "gtr9-pro  1     up     ollama   127.0.0.1:1  0.12.0   1m30s  2        1\n"
        "                down   whisper  127.0.0.1:2  -        5s\n"
        "pi        6     down   -        -            -        -      0        0\n\n"
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

/* A port of this machine on which nobody listens. */
static void name_dead_gateway(char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    snprintf(url, 64, "http://127.0.0.1:%u", ntohs(address.sin_port));
}

static void no_gateway_is_told_in_words(void **state)
{
    char url[64];

    (void)state;
    name_dead_gateway(url);
    assert_int_equal(captured(cmd_status, "status", "--gateway", url, NULL), EXIT_no);
    assert_non_null(strstr(caught_err, "tampu status: no gateway answers at http://127.0.0.1:"));
    assert_non_null(strstr(caught_err, "tampu serve FLEET"));
    assert_int_equal(captured(cmd_ps, "ps", "--json", "--gateway", url, NULL), EXIT_no);
    assert_string_equal(caught_out, "");
}

static void a_url_that_is_none_is_usage(void **state)
{
    (void)state;
    assert_int_equal(captured(cmd_ps, "ps", "--gateway", "ftp://x", NULL), EXIT_usage);
    assert_non_null(strstr(caught_err, "--gateway ftp://x: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ps_shows_what_is_loaded),
        cmocka_unit_test(status_shows_machines_and_categories),
        cmocka_unit_test(an_answer_of_another_shape_is_no_crash),
        cmocka_unit_test(no_gateway_is_told_in_words),
        cmocka_unit_test(a_url_that_is_none_is_usage),
    };

    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
