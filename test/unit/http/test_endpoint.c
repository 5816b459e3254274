/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of engines and providers. */
#include "testing.h"

#include <errno.h>

#include "http/client.h"

static const struct {
    const char *url, *host, *authority, *base;
    uint16_t port;
    bool tls;
} good[] = {
    {"http://10.1.2.3:11434", "10.1.2.3", "10.1.2.3:11434", "", 11434, false},
    {"127.0.0.1:8080", "127.0.0.1", "127.0.0.1:8080", "", 8080, false},
    {"localhost", "localhost", "localhost", "", 80, false},
    {"https://api.example.com/v1", "api.example.com", "api.example.com", "/v1", 443, true},
    {"HTTPS://a:80/b/c/", "a", "a:80", "/b/c", 80, true},
    {"http://[::1]:8080/", "::1", "[::1]:8080", "", 8080, false},
    {"https://[fd00::2]", "fd00::2", "[fd00::2]", "", 443, true},
    {"http://my_pi.local:81//", "my_pi.local", "my_pi.local:81", "", 81, false},
};

static const char *const bad[] = {
    "",           "http://",       "ftp://a",        "http://a:0",     "http://a:65536",
    "http://a:b", "http://a:",     "http://u@a",     "http://a/b?c",   "http://a/b#c",
    "http://a b", "http://[::1",   "http://[::1]x",  "http://::1",     "http://a/\xc3\xbc",
    "://a",       "http://a\r\nX", "http://a/b\r\n", "http://[]:8080",
};

static void urls_are_read(void **state)
{
    char authority[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct endpoint e;
        struct err err = {0};

        if (endpoint_parse(&e, str_from(good[i].url), &err) < 0)
            fail_msg("%s", err.text);
        assert_string_equal(e.host, good[i].host);
        assert_string_equal(e.base, good[i].base);
        assert_int_equal(e.port, good[i].port);
        assert_int_equal(e.tls, good[i].tls);
        assert_int_equal(endpoint_authority(&e, authority, sizeof authority),
                         strlen(good[i].authority));
        assert_string_equal(authority, good[i].authority);
    }
}

static void what_is_no_url_is_refused_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct endpoint e;
        struct err err = {0};

        if (endpoint_parse(&e, str_from(bad[i]), &err) != -EINVAL)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(err.text, "expected") ? err.text : strstr(err.text, "path"));
    }
}

static void hosts_and_paths_have_a_ceiling(void **state)
{
    char url[700] = "http://";
    struct endpoint e;

    (void)state;
    memset(url + 7, 'a', 300);
    assert_int_equal(endpoint_parse(&e, str_from(url), NULL), -EINVAL);
    memcpy(url, "http://a/", 9);
    assert_int_equal(endpoint_parse(&e, str_from(url), NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read),
        cmocka_unit_test(what_is_no_url_is_refused_in_words),
        cmocka_unit_test(hosts_and_paths_have_a_ceiling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
