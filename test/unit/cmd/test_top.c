/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/top.h"

#include "../testing.h"

#include <string.h>

#define STATUS \
    "{\"version\":\"1.2\",\"fleet\":\"home\",\"uptime_s\":5400,\"requests\":{\"total\":30," \
    "\"failed\":2},\"machines\":[{\"machine\":\"a\",\"tier\":1,\"up\":true,\"running\":2," \
    "\"waiting\":1,\"temperature_celsius\":61.7,\"engines\":[{\"engine\":\"ollama\",\"address\":" \
    "\"127.0.0.1:9\",\"up\":true," \
    "\"version\":\"0.33.0\"}],\"duty\":\"drained\",\"duty_by\":\"ann\"," \
    "\"duty_since\":90061},{\"machine\":\"b\",\"tier\":2,\"up\":false,\"engines\":[]}]," \
    "\"categories\":[{\"category\":\"fast\",\"ready\":true,\"primary\":\"b\",\"serving\":\"a\"}," \
    "{\"category\":\"large\",\"ready\":false,\"primary\":\"b\",\"serving\":\"\"}]}"
#define PS \
    "{\"copies\":[{\"machine\":\"a\",\"engine\":\"ollama\",\"artifact\":\"one:1b\",\"name\":\"\"," \
    "\"state\":\"loaded\",\"memory_bytes\":1500000000,\"context\":8192,\"slots\":4,\"busy\":2}," \
    "{\"machine\":\"a\",\"engine\":\"ollama\",\"artifact\":\"two:2b\",\"name\":\"S-LOC-FRE-two\"," \
    "\"state\":\"planned\"}]}"

static struct json status, ps;

static int read_both(void **state)
{
    struct err err = {0};

    (void)state;
    return json_read(&status, STR(STATUS), JSON_MEMORY(sizeof STATUS), &err) < 0 ||
           json_read(&ps, STR(PS), JSON_MEMORY(sizeof PS), &err) < 0;
}

static int forget_both(void **state)
{
    (void)state;
    json_fini(&status);
    json_fini(&ps);
    return 0;
}

static void machines_with_what_is_loaded(void **state)
{
    struct grid g;

    (void)state;
    top_sheet(&g, SHEET_machines, status.root, ps.root);
    assert_int_equal(g.count, 2);
    assert_string_equal(g.rows[0].cells[0], "a");
    assert_string_equal(g.rows[0].cells[3], "2");
    assert_string_equal(g.rows[0].cells[5], "1.5 GB");
    assert_string_equal(g.rows[0].cells[6], "62 C");
    assert_string_equal(g.rows[0].cells[7], "one:1b");
    assert_int_equal(g.rows[0].mood, MOOD_good);
    assert_string_equal(g.rows[1].cells[2], "down");
    assert_string_equal(g.rows[1].cells[6], "-");
    assert_int_equal(g.rows[1].mood, MOOD_bad);
    grid_fini(&g);
}

static void copies_by_name_or_artifact(void **state)
{
    struct grid g;

    (void)state;
    top_sheet(&g, SHEET_copies, status.root, ps.root);
    assert_int_equal(g.count, 2);
    assert_string_equal(g.rows[0].cells[0], "one:1b");
    assert_string_equal(g.rows[0].cells[5], "2 of 4");
    assert_string_equal(g.rows[1].cells[0], "S-LOC-FRE-two");
    assert_string_equal(g.rows[1].cells[3], "-");
    grid_fini(&g);
}

static void categories_say_who_stands_in(void **state)
{
    struct grid g;

    (void)state;
    top_sheet(&g, SHEET_categories, status.root, ps.root);
    assert_string_equal(g.rows[0].cells[1], "by a stand-in");
    assert_string_equal(g.rows[1].cells[1], "not served");
    assert_int_equal(g.rows[1].mood, MOOD_bad);
    grid_fini(&g);
}

static void details_of_one_machine(void **state)
{
    struct grid g;

    (void)state;
    top_details(&g, "a", status.root, ps.root);
    assert_int_equal(g.count, 4);
    assert_string_equal(g.rows[0].cells[0], "since 1970-01-02T01:01:01Z");
    assert_string_equal(g.rows[0].cells[4], "by ann");
    assert_string_equal(g.rows[1].cells[4], "127.0.0.1:9");
    assert_string_equal(g.rows[2].cells[0], "one:1b");
    grid_fini(&g);
    top_details(&g, "nobody", status.root, ps.root);
    assert_int_equal(g.count, 0);
    grid_fini(&g);
}

static void a_rate_needs_two_looks(void **state)
{
    struct top_rate rate = {0};
    char head[256];

    (void)state;
    top_head(head, sizeof head, status.root, &rate, 1000000);
    assert_string_equal(head, "tampu 1.2, fleet home, up 1h30m; 30 requests, 2 failed");
    rate.total = 10;
    top_head(head, sizeof head, status.root, &rate, 5000000);
    assert_non_null(strstr(head, ", 5.0/s"));
    rate.total = 1000; /* the gateway was started anew */
    top_head(head, sizeof head, status.root, &rate, 6000000);
    assert_null(strstr(head, "/s"));
}

static void answers_without_anything_are_shown_too(void **state)
{
    struct top_rate rate = {0};
    char head[256];

    (void)state;
    for (enum sheet s = 0; s < SHEET_COUNT; s++) {
        struct grid g;

        assert_true(strlen(sheet_name(s)) > 0);
        top_sheet(&g, s, NULL, NULL);
        assert_int_equal(g.count, 0);
        grid_fini(&g);
    }
    top_head(head, sizeof head, NULL, &rate, 1);
    assert_non_null(strstr(head, "0 requests"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_with_what_is_loaded),
        cmocka_unit_test(copies_by_name_or_artifact),
        cmocka_unit_test(categories_say_who_stands_in),
        cmocka_unit_test(details_of_one_machine),
        cmocka_unit_test(a_rate_needs_two_looks),
        cmocka_unit_test(answers_without_anything_are_shown_too),
    };

    return cmocka_run_group_tests(tests, read_both, forget_both);
}
