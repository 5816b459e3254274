/* SPDX-License-Identifier: Apache-2.0 */
/* The settings: four sources, one table. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "config/settings.h"

static void fallbacks_are_what_the_table_says(void **state)
{
    struct settings s;

    (void)state;
    settings_init(&s);
    assert_true(str_is(s.listen, "127.0.0.1:4000"));
    assert_int_equal(s.threads, 0);
    assert_int_equal(s.body_max, 32 << 20);
    assert_int_equal(s.header_max, 32 << 10);
    assert_int_equal(s.header_count_max, 100);
    assert_int_equal(s.keep_alive_ms, 75000);
    assert_int_equal(s.total_timeout_ms, 30 * 60000);
    assert_false(s.require_keys);
    assert_true(str_is(s.log_level, "info"));
}

static void later_sources_win(void **state)
{
    char one[] = "TAMPU_QUEUE_MAX=7", two[] = "TAMPU_TLS_KEY=/k.pem",
         other[] = "TAMPU_LOOPBACK_ONLY=1";
    char *variables[] = {other, one, two, NULL};
    struct settings s;
    struct err err;

    (void)state;
    settings_init(&s);
    assert_int_equal(settings_set(&s, STR("gateway.queue_max"), STR("5"), "f:1:1", &err), 0);
    assert_int_equal(s.queue_max, 5);
    assert_int_equal(settings_read_environment(&s, variables, &err), 0);
    assert_int_equal(s.queue_max, 7);
    assert_true(str_is(s.tls_key, "/k.pem"));
    assert_int_equal(settings_set_flag(&s, STR("queue-max"), STR("9"), &err), 0);
    assert_int_equal(s.queue_max, 9);
    assert_int_equal(settings_set_flag(&s, STR("tls-key"), STR("x"), &err), 0);
    assert_int_equal(settings_set_flag(&s, STR("speed"), STR("x"), &err), -ENOENT);
}

static const struct {
    const char *key, *value;
    int code;
    const char *text;
} bad[] = {
    {"gateway.queue_mx", "5", -ENOENT,
     "f:1:2: found unknown setting 'gateway.queue_mx', expected one of `tampu help settings`; did "
     "you mean 'gateway.queue_max'?"},
    {"gateway.zzz_zzz_zzz", "5", -ENOENT,
     "f:1:2: found unknown setting 'gateway.zzz_zzz_zzz', expected one of `tampu help settings`"},
    {"gateway.queue_max", "many", -EINVAL,
     "f:1:2: found 'many' for gateway.queue_max, expected a whole number"},
    {"gateway.queue_max", "100001", -ERANGE,
     "f:1:2: found 100001 for gateway.queue_max, expected 0 to 100000"},
    {"gateway.threads", "99999999999", -ERANGE,
     "f:1:2: found 99999999999 for gateway.threads, expected 0 to 256"},
    {"gateway.keep_alive", "75", -EINVAL,
     "f:1:2: found '75' for gateway.keep_alive, expected a time, as in 30s or 5m"},
    {"gateway.connect_timeout", "2h", -ERANGE,
     "f:1:2: found 2h for gateway.connect_timeout, expected 10ms to 60s"},
    {"gateway.body_max", "1 TB", -ERANGE,
     "f:1:2: found 1 TB for gateway.body_max, expected 1024 to 4294967296"},
    {"gateway.require_keys", "yes", -EINVAL,
     "f:1:2: found 'yes' for gateway.require_keys, expected true or false"},
    {"gateway.log_level", "loud", -EINVAL,
     "f:1:2: found 'loud' for gateway.log_level, expected one of "
     "error|warning|info|debug"},
};

static void mistakes_are_named(void **state)
{
    struct settings s;

    (void)state;
    settings_init(&s);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err;

        assert_int_equal(
            settings_set(&s, str_from(bad[i].key), str_from(bad[i].value), "f:1:2", &err),
            bad[i].code);
        assert_string_equal(err.text, bad[i].text);
    }
}

static void a_bad_variable_is_named(void **state)
{
    char bad_one[] = "TAMPU_QUEUE_MAX=many";
    char *variables[] = {bad_one, NULL};
    struct settings s;
    struct err err;

    (void)state;
    settings_init(&s);
    assert_int_equal(settings_read_environment(&s, variables, &err), -EINVAL);
    assert_string_equal(err.text, "environment: TAMPU_QUEUE_MAX: found 'many' for "
                                  "gateway.queue_max, expected a whole number");
}

/* Each line that is written can be set again and gives the same. */
static void what_is_written_can_be_read(void **state)
{
    struct settings s, again;
    struct buf out, second;
    struct str rest;
    int count = 0;

    (void)state;
    settings_init(&s);
    settings_init(&again);
    buf_init(&out, 1 << 16);
    buf_init(&second, 1 << 16);
    assert_int_equal(settings_write(&s, &out), 0);
    for (rest = buf_str(&out); rest.len; count++) {
        struct str value, line = str_cut(rest, '\n', &rest), key = str_cut(line, ':', &value);
        struct err err;

        if (settings_set(&again, key, str_trim(value), "x", &err) < 0)
            fail_msg("%s", err.text);
    }
    assert_true(count > 30);
    assert_int_equal(settings_write(&again, &second), 0);
    assert_true(str_equal(buf_str(&out), buf_str(&second)));
    buf_fini(&out);
    buf_fini(&second);
}

static void the_reference_has_a_line_for_each(void **state)
{
    struct buf out;
    unsigned lines = 0, settings = 0;

    (void)state;
#define SETTING(...) settings++;
#include "tables/settings.def"
    buf_init(&out, 1 << 20);
    assert_int_equal(settings_write_reference(&out), 0);
    for (size_t i = 0; i < out.len; i++)
        lines += out.data[i] == '\n';
    assert_int_equal(lines, settings + 2);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fallbacks_are_what_the_table_says),
        cmocka_unit_test(later_sources_win),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_bad_variable_is_named),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(the_reference_has_a_line_for_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
