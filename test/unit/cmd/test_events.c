/* SPDX-License-Identifier: Apache-2.0 */
/* tampu events: which lines become of a gateway's events. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/events.h"

enum { NOW_S = 1795459261 };

static char text[8192];

static const char *told(struct events *e, const char *name, const char *data)
{
    struct buf out;

    buf_init(&out, sizeof text - 1);
    assert_int_equal(events_add(e, str_from(name), str_from(data), NOW_S * INT64_C(1000000), &out),
                     0);
    snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    return text;
}

static void the_first_status_is_a_sum_and_later_ones_are_what_changed(void **state)
{
    struct events e = {0};

    (void)state;
    assert_string_equal(
        told(&e, "status",
             "{\"fleet\":\"home\",\"machines\":[{\"machine\":\"a\",\"up\":true},"
             "{\"machine\":\"b\",\"up\":false}],"
             "\"categories\":[{\"category\":\"talk\",\"ready\":true,\"serving\":\"a\"}]}"),
        "2026-11-23T18:41:01Z  fleet     home: 1 of 2 machines up, 1 of 1 categories served\n");
    assert_string_equal(
        told(&e, "status",
             "{\"machines\":[{\"machine\":\"a\",\"up\":false},{\"machine\":\"b\",\"up\":true,"
             "\"duty\":\"cordoned\"}],"
             "\"categories\":[{\"category\":\"talk\",\"ready\":false,\"serving\":null}]}"),
        "2026-11-23T18:41:01Z  machine   a: down\n"
        "2026-11-23T18:41:01Z  machine   b: cordoned\n"
        "2026-11-23T18:41:01Z  category  talk: not served\n");
    assert_string_equal(
        told(&e, "status",
             "{\"machines\":[{\"machine\":\"a\",\"up\":false},{\"machine\":\"b\",\"up\":true,"
             "\"duty\":\"serves\"}],"
             "\"categories\":[{\"category\":\"talk\",\"ready\":true,\"serving\":\"b\"}]}"),
        "2026-11-23T18:41:01Z  machine   b: up\n"
        "2026-11-23T18:41:01Z  category  talk: served by b\n");
    events_fini(&e);
}

static void a_copy_is_told_when_its_state_changes(void **state)
{
    struct events e = {0};

    (void)state;
    assert_string_equal(told(&e, "ps",
                             "{\"copies\":[{\"machine\":\"a\",\"artifact\":\"x\",\"state\":"
                             "\"disk\"},{\"machine\":\"b\",\"artifact\":\"x\",\"state\":"
                             "\"disk\"}]}"),
                        "");
    assert_string_equal(told(&e, "ps",
                             "{\"copies\":[{\"machine\":\"a\",\"artifact\":\"x\",\"state\":"
                             "\"disk\"},{\"machine\":\"b\",\"artifact\":\"x\",\"state\":"
                             "\"loaded\"}]}"),
                        "2026-11-23T18:41:01Z  copy      x on b: loaded\n");
    events_fini(&e);
}

static void a_request_is_told_at_the_time_of_its_step(void **state)
{
    static const char *const cases[][2] = {
        {"{\"request\":\"r1\",\"step\":\"route\",\"started_ms\":0,\"asked\":\"talk\",\"failure\":"
         "\"none\"}",
         "1970-01-01T00:00:00Z  request   r1  waits     talk\n"},
        {"{\"request\":\"r1\",\"step\":\"relay\",\"started_ms\":0,\"asked\":\"talk\",\"machine\":"
         "\"a\",\"name\":\"talk\",\"failure\":\"none\",\"first_token_ms\":2000}",
         "1970-01-01T00:00:02Z  request   r1  answers   talk on a\n"},
        {"{\"request\":\"r1\",\"step\":\"settle\",\"started_ms\":0,\"asked\":\"talk\",\"machine\":"
         "\"a\",\"name\":\"S-LOC\",\"failure\":\"none\",\"status\":200,\"prompt_tokens\":3,"
         "\"completion_tokens\":4,\"total_ms\":5000}",
         "1970-01-01T00:00:05Z  request   r1  done      talk on a as S-LOC; status 200, "
         "3 + 4 tokens, 5000 ms\n"},
        {"{\"request\":\"r1\",\"step\":\"settle\",\"started_ms\":0,\"asked\":\"x\",\"failure\":"
         "\"unknown_model\",\"status\":404,\"total_ms\":null}",
         "1970-01-01T00:00:00Z  request   r1  failed    x; status 404, 0 + 0 tokens, 0 ms, "
         "unknown_model\n"},
    };
    struct events e = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(told(&e, "request", cases[i][0]), cases[i][1]);
    events_fini(&e);
}

static void facts_are_told_when_they_change(void **state)
{
    struct events e = {0};

    (void)state;
    assert_string_equal(told(&e, "facts", "{}"), "");
    assert_string_equal(told(&e, "facts", "{}"),
                        "2026-11-23T18:41:01Z  fleet     the fleet file was read again\n");
    events_fini(&e);
}

static void as_json_each_event_is_a_line(void **state)
{
    struct events e = {.as_json = true};

    (void)state;
    assert_string_equal(told(&e, "map", "{\"rows\":[1,2]}"),
                        "{\"event\":\"map\",\"data\":{\"rows\":[1,2]}}\n");
    events_fini(&e);
}

static void another_shape_is_no_crash_and_no_json_is_refused(void **state)
{
    static const char *const names[] = {"facts", "status", "ps", "request", "map", "", "later"};
    static const char *const shapes[] = {"{}", "[]", "null", "\"x\"",
                                         "{\"machines\":[1],\"copies\":{},\"categories\":[null]}"};
    struct events e = {0};
    struct buf out;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        for (size_t k = 0; k < COUNT_OF(shapes); k++)
            told(&e, names[i], shapes[k]);
    buf_init(&out, 64);
    assert_int_equal(events_add(&e, STR("status"), STR("{"), 0, &out), -EBADMSG);
    buf_fini(&out);
    events_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_status_is_a_sum_and_later_ones_are_what_changed),
        cmocka_unit_test(a_copy_is_told_when_its_state_changes),
        cmocka_unit_test(a_request_is_told_at_the_time_of_its_step),
        cmocka_unit_test(facts_are_told_when_they_change),
        cmocka_unit_test(as_json_each_event_is_a_line),
        cmocka_unit_test(another_shape_is_no_crash_and_no_json_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
