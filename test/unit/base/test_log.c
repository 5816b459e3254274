/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: their JSON, and when they are written. */
#include "testing.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

/* 2026-11-23T10:21:07.123456Z */
#define NOW 1795429267123456

static int pipe_fds[2];
static char text[1 << 17];

/* What has been written since the last time. */
static const char *written(void)
{
    ssize_t n = read(pipe_fds[0], text, sizeof text - 1);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static int open_log(void **state)
{
    (void)state;
    assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
    log_open(pipe_fds[1], LOG_info);
    return 0;
}

static int close_log(void **state)
{
    (void)state;
    log_flush();
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return 0;
}

static void a_line_is_one_json_object(void **state)
{
    (void)state;
    log_event(EVENT_engine_down, NOW,
              (struct log_field[]){LOG_STR("machine", STR("gtr9-pro")), LOG_U64("after_ms", 5000),
                                   LOG_I64("left", -3), LOG_MS("took_ms", 1234567), LOG_END});
    assert_string_equal(written(),
                        "{\"time\":\"2026-11-23T10:21:07.123456Z\",\"level\":\"warning\","
                        "\"event\":\"engine_down\",\"message\":\"an engine does not answer\","
                        "\"machine\":\"gtr9-pro\",\"after_ms\":5000,\"left\":-3,"
                        "\"took_ms\":1234.567}\n");
}

static void small_and_negative_durations_keep_three_decimals(void **state)
{
    (void)state;
    log_event(
        EVENT_engine_down, NOW,
        (struct log_field[]){LOG_MS("a", 7), LOG_MS("b", -1500), LOG_MS("c", INT64_MIN), LOG_END});
    assert_non_null(strstr(written(), "\"a\":0.007,\"b\":-1.500,\"c\":-9223372036854775.808}"));
}

static void a_line_may_have_no_fields(void **state)
{
    (void)state;
    log_event(EVENT_engine_down, NOW, NULL);
    assert_non_null(strstr(written(), "does not answer\"}\n"));
}

static void information_waits_for_the_flush(void **state)
{
    (void)state;
    log_event(EVENT_started, NOW, NULL);
    assert_string_equal(written(), "");
    log_flush();
    assert_non_null(strstr(written(), "\"event\":\"started\""));
}

static void a_warning_takes_what_waits_with_it(void **state)
{
    const char *first;

    (void)state;
    log_event(EVENT_started, NOW, NULL);
    log_event(EVENT_engine_down, NOW, NULL);
    first = strstr(written(), "\"started\"");
    assert_non_null(first);
    assert_non_null(strstr(first, "\"engine_down\""));
}

static void below_the_least_level_nothing_is_written(void **state)
{
    (void)state;
    assert_false(log_wants(EVENT_step));
    assert_true(log_wants(EVENT_started));
    log_event(EVENT_step, NOW, NULL);
    log_flush();
    assert_string_equal(written(), "");
}

static void texts_are_escaped(void **state)
{
    static const struct {
        const char *words;
        struct str in;
        const char *out;
    } cases[] = {
        {"quotes and backslashes", STR("a\"b\\"), "\"a\\\"b\\\\\""},
        {"control characters", STR("a\n\t\x01\x7f"), "\"a\\u000a\\u0009\\u0001\\u007f\""},
        {"a NUL", STR("a\0b"), "\"a\\u0000b\""},
        {"UTF-8 stays", STR("ñ€😀"), "\"ñ€😀\""},
        {"a lone continuation byte", STR("a\x80z"), "\"a\xef\xbf\xbdz\""},
        {"an overlong form", STR("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"a surrogate", STR("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"a cut character at the end", STR("x\xe2\x82"), "\"x\xef\xbf\xbd\xef\xbf\xbd\""},
        {"nothing", {NULL, 0}, "\"\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        log_event(EVENT_engine_down, NOW, (struct log_field[]){LOG_STR("x", cases[i].in), LOG_END});
        if (!strstr(written(), cases[i].out))
            fail_msg("%s: %s", cases[i].words, text);
    }
}

static void long_texts_are_cut_and_the_line_stays_whole(void **state)
{
    static char longer[9000];
    struct str big = {longer, sizeof longer};

    (void)state;
    memset(longer, 'x', sizeof longer);
    log_event(EVENT_engine_down, NOW,
              (struct log_field[]){LOG_STR("a", big), LOG_STR("b", big), LOG_STR("c", big),
                                   LOG_STR("d", big), LOG_U64("last", 1), LOG_END});
    assert_non_null(strstr(written(), "x…\",\"b\":\"x"));
    assert_null(strstr(text, "\"d\""));
    assert_non_null(strstr(text, "…\",\"last\":1}\n"));
}

static void a_full_batch_is_written_without_being_asked(void **state)
{
    size_t lines = 0;

    (void)state;
    for (int i = 0; i < 500; i++)
        log_event(EVENT_started, NOW, NULL);
    for (const char *at = written(); (at = strchr(at, '\n')); at++)
        lines++;
    assert_in_range(lines, 100, 499);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void *log_one(void *unused)
{
    log_event(EVENT_stopped, NOW, NULL);
    return unused;
}

static void a_thread_that_ends_leaves_nothing_behind(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, log_one, NULL), 0);
    pthread_join(thread, NULL);
    assert_non_null(strstr(written(), "\"stopped\""));
}

static void *log_many(void *unused)
{
    for (int i = 0; i < 100; i++)
        log_event(EVENT_stopped, NOW, NULL);
    log_flush();
    return unused;
}

static void lines_of_many_threads_do_not_mix(void **state)
{
    pthread_t threads[4];
    char *rest = text, *line;
    size_t lines = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    written();
    while ((line = strsep(&rest, "\n")) && *line) {
        lines++;
        assert_int_equal(strncmp(line, "{\"time\"", 7), 0);
        assert_int_equal(line[strlen(line) - 1], '}');
    }
    assert_in_range(lines, 400, 400);
}

static void a_log_that_cannot_be_written_stops_nobody(void **state)
{
    (void)state;
    log_open(-1, LOG_info);
    log_event(EVENT_engine_down, NOW, NULL);
    log_flush();
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, open_log, close_log)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_line_is_one_json_object),
        LOG_TEST(small_and_negative_durations_keep_three_decimals),
        LOG_TEST(a_line_may_have_no_fields),
        LOG_TEST(information_waits_for_the_flush),
        LOG_TEST(a_warning_takes_what_waits_with_it),
        LOG_TEST(below_the_least_level_nothing_is_written),
        LOG_TEST(texts_are_escaped),
        LOG_TEST(long_texts_are_cut_and_the_line_stays_whole),
        LOG_TEST(a_full_batch_is_written_without_being_asked),
        LOG_TEST(a_thread_that_ends_leaves_nothing_behind),
        LOG_TEST(lines_of_many_threads_do_not_mix),
        LOG_TEST(a_log_that_cannot_be_written_stops_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
