/* SPDX-License-Identifier: Apache-2.0 */
/* Notices: what people and programs are told. */
#include "testing.h"

#include "alert/notice.h"
#include "wire/json.h"

/* 2026-11-23T10:00:00Z */
#define BEGAN 1795428000000000ll

static const struct alert_row rows[] = {
    {.kind = ALERT_category_uncovered, .subject = "xl-code", .words = "why", .began_us = BEGAN},
    {.kind = ALERT_machine_down,
     .is_over = true,
     .subject = "pi\n\"5\"",
     .words = "",
     .began_us = BEGAN,
     .ended_us = BEGAN + 60000000},
};

typedef int write_fn(struct buf *out, const struct alert_row *rows, size_t count);

static const char *written(write_fn *write, const struct alert_row *first, size_t count)
{
    static char text[8192];
    struct buf out;

    buf_init(&out, sizeof text - 1);
    assert_int_equal(write(&out, first, count), 0);
    memcpy(text, out.data, out.len);
    text[out.len] = '\0';
    buf_fini(&out);
    return text;
}

static void a_title_says_the_most_urgent_and_is_one_line(void **state)
{
    (void)state;
    assert_string_equal(written(notice_write_title, rows, 1), "tampu: nobody answers xl-code");
    assert_string_equal(written(notice_write_title, rows, 2),
                        "tampu: 1 alert, first: nobody answers xl-code");
    assert_string_equal(written(notice_write_title, rows + 1, 1),
                        "tampu, over: does not answer: machine pi?\"5\"");
}

static void a_text_says_what_why_and_what_to_do(void **state)
{
    const char *text = written(notice_write_text, rows, 2);

    (void)state;
    assert_ptr_equal(strstr(text, "critical: nobody answers xl-code, since 2026-11-23T10:00:00Z\n"
                                  "  why\n  Bring one of its machines back"),
                     text);
    assert_non_null(strstr(text, "\nover: does not answer: machine pi"));
    assert_non_null(strstr(text, "(from 2026-11-23T10:00:00Z to 2026-11-23T10:01:00Z)\n"));
}

static int write_json(struct buf *out, const struct alert_row *first, size_t count)
{
    return notice_write_json(out, first, count, STR("http://127.0.0.1:4000"));
}

static void json_is_what_alertmanager_would_post(void **state)
{
    struct str text = str_from(written(write_json, rows, 2));
    struct json json = {0};
    yyjson_val *alerts;

    (void)state;
    assert_int_equal(json_read(&json, text, JSON_MEMORY(text.len), NULL), 0);
    assert_string_equal(yyjson_get_str(yyjson_obj_get(json.root, "status")), "firing");
    alerts = yyjson_obj_get(json.root, "alerts");
    assert_int_equal(yyjson_arr_size(alerts), 2);
    assert_string_equal(yyjson_get_str(yyjson_ptr_get(json.root, "/alerts/0/labels/alertname")),
                        "category_uncovered");
    assert_string_equal(yyjson_get_str(yyjson_ptr_get(json.root, "/alerts/0/endsAt")),
                        "0001-01-01T00:00:00Z");
    assert_string_equal(yyjson_get_str(yyjson_ptr_get(json.root, "/alerts/1/endsAt")),
                        "2026-11-23T10:01:00Z");
    json_fini(&json);
}

static int write_mail(struct buf *out, const struct alert_row *first, size_t count)
{
    return notice_write_mail(out, first, count, STR("tampu"), STR("me@example.org\nBcc: x"));
}

static void nothing_gets_a_header_of_its_own(void **state)
{
    const char *mail = written(write_mail, rows + 1, 1);

    (void)state;
    assert_ptr_equal(strstr(mail, "From: tampu\nTo: me@example.org?Bcc: x\nSubject: tampu, over: "),
                     mail);
    assert_non_null(strstr(mail, "machine pi?\"5\"\nMIME-Version: 1.0\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_title_says_the_most_urgent_and_is_one_line),
        cmocka_unit_test(a_text_says_what_why_and_what_to_do),
        cmocka_unit_test(json_is_what_alertmanager_would_post),
        cmocka_unit_test(nothing_gets_a_header_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
