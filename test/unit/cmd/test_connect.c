/* SPDX-License-Identifier: Apache-2.0 */
/* Settings for other programs: every place is filled, every call is one that the gateway takes. */
#include "testing.h"

#include "cmd/connect.h"
#include "gateway/endpoints.h"
#include "wire/json.h"

static const struct client_values all = {
    .url = STR("http://127.0.0.1:4000"),
    .key = STR("tampu-\"x"),
    .model = STR("xl-code"),
    .embed = STR("embeddings"),
};

static void every_place_is_filled(void **state)
{
    static const char *const places[] = {"{url}", "{key}", "{model}", "{embed}"};

    (void)state;
    for (size_t i = 0; i < client_count; i++) {
        struct buf out;

        buf_init(&out, 1 << 16);
        assert_int_equal(client_write(&out, &client_rows[i], &all), 0);
        assert_int_equal(buf_put_char(&out, '\0'), 0);
        for (size_t j = 0; j < COUNT_OF(places); j++)
            if (strstr(out.data, places[j]))
                fail_msg("%s: %s is left", client_rows[i].name, places[j]);
        if (!strstr(out.data, "http://127.0.0.1:4000") || !strstr(out.data, "xl-code"))
            fail_msg("%s says neither where nor what", client_rows[i].name);
        buf_fini(&out);
    }
}

static void files_of_json_are_json(void **state)
{
    unsigned count = 0;

    (void)state;
    for (size_t i = 0; i < client_count; i++) {
        struct json json = {0};
        struct buf out;

        if (!str_ends(str_from(client_rows[i].where), STR(".json")))
            continue;
        buf_init(&out, 1 << 16);
        assert_int_equal(client_write(&out, &client_rows[i], &all), 0);
        assert_int_equal(json_read(&json, buf_str(&out), JSON_MEMORY(out.len), NULL), 0);
        json_fini(&json);
        buf_fini(&out);
        count++;
    }
    assert_true(count >= 2);
}

static void a_line_without_its_value_is_left_out(void **state)
{
    const struct client_row row = {.text = "a {model}\nb {embed}\nc {embed} {model}\nd\n"};
    const struct client_values none = {.model = STR("m")};
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    assert_int_equal(client_write(&out, &row, &none), 0);
    assert_true(str_is(buf_str(&out), "a m\nd\n"));
    buf_fini(&out);
}

static void every_call_is_one_that_the_gateway_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < client_count; i++) {
        struct str rest = str_from(client_rows[i].calls);

        while (rest.len) {
            struct str path, method = str_cut(str_trim(str_cut(rest, ',', &rest)), ' ', &path);
            enum method by = str_is(method, "GET") ? METHOD_GET : METHOD_POST;

            if (endpoint_find(by, path) < 0)
                fail_msg("%s: nothing answers %.*s", client_rows[i].name, STR_ARG(path));
        }
    }
}

static void clients_are_found_by_the_name_that_is_typed(void **state)
{
    (void)state;
    assert_string_equal(client_find("claude-code")->title, "Claude Code");
    assert_null(client_find("Claude Code"));
    assert_null(client_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_is_filled),
        cmocka_unit_test(files_of_json_are_json),
        cmocka_unit_test(a_line_without_its_value_is_left_out),
        cmocka_unit_test(every_call_is_one_that_the_gateway_takes),
        cmocka_unit_test(clients_are_found_by_the_name_that_is_typed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
