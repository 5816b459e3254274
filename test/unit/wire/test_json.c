/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: places, ceilings, look-ups, and values as text. */
#include "testing.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "wire/json.h"
#include "wire/json_out.h"

static void place_of_a_string_is_where_it_stands_in_the_original(void **state)
{
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"{\"model\":\"m\"}", "\"m\""},
        {" { \"a\" : [ \"m\" ] , \"model\" :\t\"x y\" } ", "\"x y\""},
        {"{\"model\":\"\"}", "\"\""},
        {"{\"a\\u0062\":\"\\n\\n\\n\",\"model\":\"q\\\"\\\\\"}", "\"q\\\"\\\\\""},
        {"{\"mod\\u0065l\":\"\\u00fc\xc3\xbc\"}", "\"\\u00fc\xc3\xbc\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str text = str_from(cases[i].text), place;
        struct json json;

        assert_int_equal(json_read(&json, text, JSON_MEMORY(text.len), NULL), 0);
        place = json_place(&json, text, json_find(json.root, "model"));
        assert_true(place.data > text.data && place.data < text.data + text.len);
        assert_int_equal(place.len, strlen(cases[i].place));
        assert_memory_equal(place.data, cases[i].place, place.len);
        json_fini(&json);
    }
}

static void what_is_wrong_is_said_by_line_and_column(void **state)
{
    struct json json;
    struct err err;

    (void)state;
    assert_int_equal(json_read(&json, STR("{\n \"a\":}"), 1 << 20, &err), -EINVAL);
    assert_non_null(strstr(err.text, "line 2, column 6"));
    assert_int_equal(json_read(&json, STR(""), 1 << 20, &err), -EINVAL);
    assert_non_null(strstr(err.text, "empty"));
    assert_int_equal(json_read(&json, STR("\xef\xbb\xbf{}"), 1 << 20, NULL), -EINVAL);
}

static void a_tree_that_costs_too_much_is_refused(void **state)
{
    enum { COUNT = 100000 };
    char *text = malloc(2 * COUNT + 1);
    struct json json;
    struct err err;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(text + 2 * i, i ? ",1" : "[1", 2);
    text[2 * COUNT] = ']';
    assert_int_equal(json_read(&json, str_slice(text, 2 * COUNT + 1), 1 << 20, &err), -EMSGSIZE);
    assert_int_equal(json_read(&json, str_slice(text, 2 * COUNT + 1), 8 << 20, &err), 0);
    json_fini(&json);
    free(text);
}

static void look_ups_of_the_wrong_type_find_nothing(void **state)
{
    struct json json;

    (void)state;
    assert_int_equal(json_read(&json,
                               STR("{\"s\":\"x\",\"n\":7,\"r\":2.0,\"f\":2.5,\"neg\":-1,"
                                   "\"big\":1e300,\"t\":true,\"o\":{\"k\":1},\"a\":[1,2]}"),
                               1 << 20, NULL),
                     0);
    assert_int_equal(json_find_u64(json.root, "n"), 7);
    assert_int_equal(json_find_u64(json.root, "r"), 2);
    assert_int_equal(json_find_u64(json.root, "f"), 0);
    assert_int_equal(json_find_u64(json.root, "neg"), 0);
    assert_int_equal(json_find_u64(json.root, "big"), 0);
    assert_int_equal(json_find_u64(json.root, "s"), 0);
    assert_true(json_find_real(json.root, "f") == 2.5);
    assert_true(json_find_real(json.root, "big") == 0);
    assert_true(json_find_true(json.root, "t"));
    assert_false(json_find_true(json.root, "n"));
    assert_true(str_equal(json_find_str(json.root, "s"), STR("x")));
    assert_null(json_find_str(json.root, "o").data);
    assert_int_equal(json_find_str(json.root, "a").len, 0);
    assert_null(json_find(json_find(json.root, "s"), "k"));
    json_fini(&json);
}

static void a_pool_reads_small_and_large_in_turn(void **state)
{
    enum { LARGE = 100000 };
    struct json_pool pool = {0};
    char *large = malloc(LARGE);
    yyjson_val *root;

    (void)state;
    assert_non_null(large);
    memset(large, 'x', LARGE);
    large[0] = large[LARGE - 1] = '"';
    for (int i = 0; i < 3; i++) {
        assert_int_equal(json_pool_read(&pool, STR("{\"a\":[1,2,3]}"), &root), 0);
        assert_int_equal(yyjson_arr_size(json_find(root, "a")), 3);
        assert_int_equal(json_pool_read(&pool, str_slice(large, LARGE), &root), 0);
        assert_int_equal(json_str(root).len, LARGE - 2);
        assert_int_equal(json_pool_read(&pool, STR("{"), &root), -EBADMSG);
    }
    json_pool_fini(&pool);
    free(large);
}

static void strings_are_escaped_and_repaired(void **state)
{
    static const struct {
        struct str in;
        const char *out;
    } cases[] = {
        {STR(""), "\"\""},
        {STR("plain ascii"), "\"plain ascii\""},
        {STR("a\"b\\c/d"), "\"a\\\"b\\\\c/d\""},
        {STR("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\""},
        {STR("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\""},
        {STR("\xc3\xbc\xe2\x98\x83\xf0\x9f\xa6\x99"), "\"\xc3\xbc\xe2\x98\x83\xf0\x9f\xa6\x99\""},
        {STR("a\xff"
             "b"),
         "\"a\xef\xbf\xbd"
         "b\""},
        {STR("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
        {STR("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* surrogate */
        {STR("\xf4\x90\x80\x80"),
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* beyond U+10FFFF */
        {STR("x\xe2\x98"), "\"x\xef\xbf\xbd\xef\xbf\xbd\""},      /* cut */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json_pool pool = {0};
        yyjson_val *root;
        struct buf out;

        buf_init(&out, 1000);
        assert_int_equal(json_put_string(&out, cases[i].in), 0);
        assert_int_equal(buf_put_char(&out, '\0'), 0);
        assert_string_equal(out.data, cases[i].out);
        assert_int_equal(json_pool_read(&pool, str_slice(out.data, out.len - 1), &root), 0);
        json_pool_fini(&pool);
        buf_fini(&out);
    }
}

static void numbers_read_back_as_themselves(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {42, "42"},
        {-7, "-7"},
        {0.1, "0.1"},
        {1e-7, "1e-7"},
        {0.7f, "0.699999988079071"},
        {1.0 / 3, "0.3333333333333333"},
        {123456789012345.0, "123456789012345"},
        {1e22, "1e22"},
        {NAN, "null"},
        {INFINITY, "null"},
        {5e-324, "5e-324"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;

        buf_init(&out, 64);
        assert_int_equal(json_put_double(&out, cases[i].value), 0);
        assert_int_equal(buf_put_char(&out, '\0'), 0);
        assert_string_equal(out.data, cases[i].text);
        if (isfinite(cases[i].value))
            assert_true(strtod(out.data, NULL) == cases[i].value);
        buf_fini(&out);
    }
}

static void pieces_make_a_document(void **state)
{
    struct buf out;
    struct json_out o = {.out = &out};

    (void)state;
    buf_init(&out, 1000);
    json_open(&o, '{');
    json_open(json_key(&o, "empty"), '[');
    json_close(&o, ']');
    json_open(json_key(&o, "list"), '[');
    json_number(&o, 1);
    json_double(&o, 2.5);
    json_bool(&o, false);
    json_open(&o, '{');
    json_close(&o, '}');
    json_close(&o, ']');
    json_joined(json_key_str(&o, STR("k\"")), STR("a\n"), STR("b"));
    json_raw(json_key(&o, "null"), STR("null"));
    json_close(&o, '}');
    assert_int_equal(o.error, 0);
    assert_int_equal(buf_put_char(&out, '\0'), 0);
    assert_string_equal(
        out.data, "{\"empty\":[],\"list\":[1,2.5,false,{}],\"k\\\"\":\"a\\nb\",\"null\":null}");
    buf_fini(&out);
}

static void the_first_error_sticks(void **state)
{
    struct buf out;
    struct json_out o = {.out = &out};

    (void)state;
    buf_init(&out, 12);
    json_open(&o, '{');
    json_text(json_key(&o, "a"), STR("much too long for it"));
    assert_int_equal(o.error, -EMSGSIZE);
    json_number(json_key(&o, "b"), 1);
    json_close(&o, '}');
    assert_int_equal(o.error, -EMSGSIZE);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(place_of_a_string_is_where_it_stands_in_the_original),
        cmocka_unit_test(what_is_wrong_is_said_by_line_and_column),
        cmocka_unit_test(a_tree_that_costs_too_much_is_refused),
        cmocka_unit_test(look_ups_of_the_wrong_type_find_nothing),
        cmocka_unit_test(a_pool_reads_small_and_large_in_turn),
        cmocka_unit_test(strings_are_escaped_and_repaired),
        cmocka_unit_test(numbers_read_back_as_themselves),
        cmocka_unit_test(pieces_make_a_document),
        cmocka_unit_test(the_first_error_sticks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
