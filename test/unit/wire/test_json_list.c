/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON array in pieces: each value once, wherever it is cut. */
#include "testing.h"

#include <errno.h>

#include "wire/json_list.h"

enum { VALUE_MAX = 64 };

static const struct {
    const char *what, *in, *out;
    int r;
    bool is_whole;
} cases[] = {
    {"two objects", "[{\"a\":1},\r\n{\"b\":[{}]}]\n", "{\"a\":1}|{\"b\":[{}]}|", 0, true},
    {"none", " [ ] ", "", 0, true},
    {"a lone object", "{\"error\":{}}", "{\"error\":{}}|", 0, true},
    {"brackets in texts", "[{\"a\":\"}]\\\"{\\\\\"}]", "{\"a\":\"}]\\\"{\\\\\"}|", 0, true},
    {"an array that is not closed", "[{\"a\":1},", "{\"a\":1}|", 0, false},
    {"an object that is not closed", "[{\"a\":1", "", 0, false},
    {"a number", "[1]", "", -EBADMSG, false},
    {"no array", "data: {}", "", -EBADMSG, false},
    {"something behind it", "[{}]x", "{}|", -EBADMSG, true},
    {"a value that is too long",
     "[{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123\"}]", "",
     -EMSGSIZE, false},
};

static int hear(void *ctx, struct str value)
{
    int r = buf_put(ctx, value);

    return r < 0 ? r : buf_put_char(ctx, '|');
}

static void play(const char *text, size_t cut, struct buf *out, int *r, bool *is_whole)
{
    struct str all = str_from(text);
    struct json_list l;

    buf_init(out, 1024);
    json_list_init(&l, VALUE_MAX, hear, out);
    *r = json_list_feed(&l, str_slice(all.data, cut));
    if (*r == 0)
        *r = json_list_feed(&l, str_slice(all.data + cut, all.len - cut));
    *is_whole = json_list_is_whole(&l);
    assert_true(json_list_end(&l) <= all.len);
    if (*r == 0 && *is_whole)
        assert_int_equal(json_list_end(&l), all.len);
    json_list_fini(&l);
}

static void each_value_comes_once_wherever_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].in); cut++) {
            struct buf out;
            bool is_whole;
            int r;

            play(cases[i].in, cut, &out, &r, &is_whole);
            if (r != cases[i].r || is_whole != cases[i].is_whole ||
                !str_is(buf_str(&out), cases[i].out))
                fail_msg("%s, cut at %zu: %d, '%.*s'", cases[i].what, cut, r,
                         STR_ARG(buf_str(&out)));
            buf_fini(&out);
        }
    }
}

static int stop(void *ctx, struct str value)
{
    (void)ctx;
    (void)value;
    return -ECANCELED;
}

static void whoever_hears_may_stop_it(void **state)
{
    struct json_list l;

    (void)state;
    json_list_init(&l, VALUE_MAX, stop, NULL);
    assert_int_equal(json_list_feed(&l, STR("[{},{}]")), -ECANCELED);
    json_list_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_comes_once_wherever_it_is_cut),
        cmocka_unit_test(whoever_hears_may_stop_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
