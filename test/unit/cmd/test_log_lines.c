/* SPDX-License-Identifier: Apache-2.0 */
/* tampu logs: which lines are shown, and how. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/log_lines.h"

#define LINE \
    "{\"time\":\"2026-11-23T18:41:01.000001Z\",\"level\":\"warning\",\"event\":\"attempt_" \
    "failed\"," \
    "\"message\":\"attempt failed\",\"request\":\"t1\",\"machine\":\"a\",\"model\":\"M-x\"," \
    "\"failure\":\"upstream_gone\",\"found\":\"it is gone\",\"empty\":\"\",\"n\":3}"

static char text[8192];

static const char *shown(const struct log_wish *wish, const char *line)
{
    struct buf out;

    buf_init(&out, sizeof text - 1);
    snprintf(text, sizeof text, "%s",
             log_line_write(&out, wish, str_from(line)) ? "" : "(left out)");
    if (!*text)
        snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    return text;
}

static struct log_wish wish(const char *level, const char *since)
{
    struct log_wish made = {0};

    assert_int_equal(
        log_wish_read(&made, str_from(level), str_from(since), INT64_C(1795459261) * 1000000, NULL),
        0);
    return made;
}

static void a_line_reads_as_a_sentence_with_its_fields(void **state)
{
    struct log_wish all = {0};

    (void)state;
    assert_string_equal(
        shown(&all, LINE),
        "2026-11-23T18:41:01.000001Z  warning  attempt failed: request=t1 machine=a "
        "model=M-x failure=upstream_gone found=\"it is gone\" n=3\n");
    assert_string_equal(shown(&all, "tampu: ready on http://127.0.0.1:4000"),
                        "tampu: ready on http://127.0.0.1:4000\n");
    all.as_json = true;
    assert_string_equal(shown(&all, LINE), LINE "\n");
    assert_string_equal(shown(&all, "no log line"), "(left out)");
}

static void what_is_not_wanted_is_left_out(void **state)
{
    static const struct {
        struct str machine, model, request;
        bool is_shown;
    } cases[] = {
        {{"a", sizeof "a" - 1}, {"", sizeof "" - 1}, {"", sizeof "" - 1}, true},
        {{"b", sizeof "b" - 1}, {"", sizeof "" - 1}, {"", sizeof "" - 1}, false},
        {{"", sizeof "" - 1}, {"M-x", sizeof "M-x" - 1}, {"", sizeof "" - 1}, true},
        {{"", sizeof "" - 1}, {"M-y", sizeof "M-y" - 1}, {"", sizeof "" - 1}, false},
        {{"", sizeof "" - 1}, {"", sizeof "" - 1}, {"t1", sizeof "t1" - 1}, true},
        {{"", sizeof "" - 1}, {"", sizeof "" - 1}, {"t", sizeof "t" - 1}, false},
        {{"a", sizeof "a" - 1}, {"M-x", sizeof "M-x" - 1}, {"t1", sizeof "t1" - 1}, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct log_wish w = {
            .machine = cases[i].machine, .model = cases[i].model, .request = cases[i].request};

        assert_int_equal(strcmp(shown(&w, LINE), "(left out)") != 0, cases[i].is_shown);
    }
}

static void an_engine_and_a_subject_are_of_their_machine(void **state)
{
    struct log_wish w = {.machine = STR("pi")};

    (void)state;
    assert_string_not_equal(shown(&w, "{\"event\":\"engine_up\",\"engine\":\"pi/ollama\"}"),
                            "(left out)");
    assert_string_not_equal(shown(&w, "{\"event\":\"alert\",\"subject\":\"pi\"}"), "(left out)");
    assert_string_equal(shown(&w, "{\"event\":\"engine_up\",\"engine\":\"pie/ollama\"}"),
                        "(left out)");
}

static void levels_and_times_are_from_there_on(void **state)
{
    struct log_wish error = wish("error", ""), warning = wish("warning", "");
    struct log_wish hour = wish("", "1h"), late = wish("", "2026-11-23T18:42"),
                    day = wish("", "2026-11-23");
    struct log_wish bad = {0};
    struct err err = {0};

    (void)state;
    assert_string_equal(hour.since, "2026-11-23T17:41:01");
    assert_string_equal(shown(&error, LINE), "(left out)");
    assert_string_not_equal(shown(&warning, LINE), "(left out)");
    assert_string_not_equal(shown(&hour, LINE), "(left out)");
    assert_string_not_equal(shown(&day, LINE), "(left out)");
    assert_string_equal(shown(&late, LINE), "(left out)");
    assert_int_equal(log_wish_read(&bad, STR("loud"), STR(""), 0, &err), -EINVAL);
    assert_int_equal(log_wish_read(&bad, STR(""), STR("yesterday"), 0, &err), -EINVAL);
    assert_non_null(strstr(err.text, "how long ago"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_reads_as_a_sentence_with_its_fields),
        cmocka_unit_test(what_is_not_wanted_is_left_out),
        cmocka_unit_test(an_engine_and_a_subject_are_of_their_machine),
        cmocka_unit_test(levels_and_times_are_from_there_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
