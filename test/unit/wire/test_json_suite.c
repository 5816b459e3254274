/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader against what every JSON parser must accept and must reject: RFC 8259 case by
 * case, by their well-known names. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/json.h"

struct json_case {
    const char *name;
    struct str text;
};

static const struct json_case must_accept[] = {
    {"y_array_arraysWithSpaces", STR("[[]   ]")},
    {"y_array_empty-string", STR("[\"\"]")},
    {"y_array_empty", STR("[]")},
    {"y_array_ending_with_newline", STR("[\"a\"]")},
    {"y_array_false", STR("[false]")},
    {"y_array_heterogeneous", STR("[null, 1, \"1\", {}]")},
    {"y_array_null", STR("[null]")},
    {"y_array_with_1_and_newline", STR("[1\n]")},
    {"y_array_with_leading_space", STR(" [1]")},
    {"y_array_with_several_null", STR("[1,null,null,null,2]")},
    {"y_array_with_trailing_space", STR("[2] ")},
    {"y_number", STR("[123e65]")},
    {"y_number_0e+1", STR("[0e+1]")},
    {"y_number_0e1", STR("[0e1]")},
    {"y_number_after_space", STR("[ 4]")},
    {"y_number_double_close_to_zero",
     STR("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]\n")},
    {"y_number_int_with_exp", STR("[20e1]")},
    {"y_number_minus_zero", STR("[-0]")},
    {"y_number_negative_int", STR("[-123]")},
    {"y_number_negative_one", STR("[-1]")},
    {"y_number_negative_zero", STR("[-0]")},
    {"y_number_real_capital_e", STR("[1E22]")},
    {"y_number_real_capital_e_neg_exp", STR("[1E-2]")},
    {"y_number_real_capital_e_pos_exp", STR("[1E+2]")},
    {"y_number_real_exponent", STR("[123e45]")},
    {"y_number_real_fraction_exponent", STR("[123.456e78]")},
    {"y_number_real_neg_exp", STR("[1e-2]")},
    {"y_number_real_pos_exponent", STR("[1e+2]")},
    {"y_number_simple_int", STR("[123]")},
    {"y_number_simple_real", STR("[123.456789]")},
    {"y_object", STR("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}")},
    {"y_object_basic", STR("{\"asd\":\"sdf\"}")},
    {"y_object_duplicated_key", STR("{\"a\":\"b\",\"a\":\"c\"}")},
    {"y_object_duplicated_key_and_value", STR("{\"a\":\"b\",\"a\":\"b\"}")},
    {"y_object_empty", STR("{}")},
    {"y_object_empty_key", STR("{\"\":0}")},
    {"y_object_escaped_null_in_key", STR("{\"foo\\u0000bar\": 42}")},
    {"y_object_extreme_numbers", STR("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }")},
    {"y_object_long_strings",
     STR("{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], "
         "\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}")},
    {"y_object_simple", STR("{\"a\":[]}")},
    {"y_object_string_unicode",
     STR("{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430 "
         "\\u0417\\u0435\\u043c\\u043b\\u0435\\u043a\\u043e\\u043f\\u0430\" }")},
    {"y_object_with_newlines", STR("{\n\"a\": \"b\"\n}")},
    {"y_string_1_2_3_bytes_UTF-8_sequences", STR("[\"\\u0060\\u012a\\u12AB\"]")},
    {"y_string_accepted_surrogate_pair", STR("[\"\\uD801\\udc37\"]")},
    {"y_string_accepted_surrogate_pairs", STR("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]")},
    {"y_string_allowed_escapes", STR("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]")},
    {"y_string_backslash_and_u_escaped_zero", STR("[\"\\\\u0000\"]")},
    {"y_string_backslash_doublequotes", STR("[\"\\\"\"]")},
    {"y_string_comments", STR("[\"a/*b*/c/*d//e\"]")},
    {"y_string_double_escape_a", STR("[\"\\\\a\"]")},
    {"y_string_double_escape_n", STR("[\"\\\\n\"]")},
    {"y_string_escaped_control_character", STR("[\"\\u0012\"]")},
    {"y_string_escaped_noncharacter", STR("[\"\\uFFFF\"]")},
    {"y_string_in_array", STR("[\"asd\"]")},
    {"y_string_in_array_with_leading_space", STR("[ \"asd\"]")},
    {"y_string_last_surrogates_1_and_2", STR("[\"\\uDBFF\\uDFFF\"]")},
    {"y_string_nbsp_uescaped", STR("[\"new\\u00A0line\"]")},
    {"y_string_nonCharacterInUTF-8_U+10FFFF", STR("[\"\xf4\x8f\xbf\xbf\"]")},
    {"y_string_nonCharacterInUTF-8_U+FFFF", STR("[\"\xef\xbf\xbf\"]")},
    {"y_string_null_escape", STR("[\"\\u0000\"]")},
    {"y_string_one-byte-utf-8", STR("[\"\\u002c\"]")},
    {"y_string_pi", STR("[\"\xcf\x80\"]")},
    {"y_string_reservedCharacterInUTF-8_U+1BFFF", STR("[\"\xf0\x9b\xbf\xbf\"]")},
    {"y_string_simple_ascii", STR("[\"asd \"]")},
    {"y_string_space", STR("\" \"")},
    {"y_string_surrogates_U+1D11E_MUSICAL_SYMBOL_G_CLEF", STR("[\"\\uD834\\uDd1e\"]")},
    {"y_string_three-byte-utf-8", STR("[\"\\u0821\"]")},
    {"y_string_two-byte-utf-8", STR("[\"\\u0123\"]")},
    {"y_string_u+2028_line_sep", STR("[\"\xe2\x80\xa8\"]")},
    {"y_string_u+2029_par_sep", STR("[\"\xe2\x80\xa9\"]")},
    {"y_string_uEscape", STR("[\"\\u0061\\u30af\\u30EA\\u30b9\"]")},
    {"y_string_uescaped_newline", STR("[\"new\\u000Aline\"]")},
    {"y_string_unescaped_char_delete", STR("[\"\x7f\"]")},
    {"y_string_unicode", STR("[\"\\uA66D\"]")},
    {"y_string_unicodeEscapedBackslash", STR("[\"\\u005C\"]")},
    {"y_string_unicode_2", STR("[\"\xe2\x8d\x82\xe3\x88\xb4\xe2\x8d\x82\"]")},
    {"y_string_unicode_U+10FFFE_nonchar", STR("[\"\\uDBFF\\uDFFE\"]")},
    {"y_string_unicode_U+1FFFE_nonchar", STR("[\"\\uD83F\\uDFFE\"]")},
    {"y_string_unicode_U+200B_ZERO_WIDTH_SPACE", STR("[\"\\u200B\"]")},
    {"y_string_unicode_U+2064_invisible_plus", STR("[\"\\u2064\"]")},
    {"y_string_unicode_U+FDD0_nonchar", STR("[\"\\uFDD0\"]")},
    {"y_string_unicode_U+FFFE_nonchar", STR("[\"\\uFFFE\"]")},
    {"y_string_unicode_escaped_double_quote", STR("[\"\\u0022\"]")},
    {"y_string_utf8", STR("[\"\xe2\x82\xac\xf0\x9d\x84\x9e\"]")},
    {"y_string_with_del_character", STR("[\"a\x7f"
                                        "a\"]")},
    {"y_structure_lonely_false", STR("false")},
    {"y_structure_lonely_int", STR("42")},
    {"y_structure_lonely_negative_real", STR("-0.1")},
    {"y_structure_lonely_null", STR("null")},
    {"y_structure_lonely_string", STR("\"asd\"")},
    {"y_structure_lonely_true", STR("true")},
    {"y_structure_string_empty", STR("\"\"")},
    {"y_structure_trailing_newline", STR("[\"a\"]\n")},
    {"y_structure_true_in_array", STR("[true]")},
    {"y_structure_whitespace_array", STR(" [] ")},
};

/* n_structure_100000_opening_arrays and n_structure_open_array_object are too long for a
 * table: the test makes them. */
static const struct json_case must_reject[] = {
    {"n_array_1_true_without_comma", STR("[1 true]")},
    {"n_array_a_invalid_utf8", STR("[a\xe5]")},
    {"n_array_colon_instead_of_comma", STR("[\"\": 1]")},
    {"n_array_comma_after_close", STR("[\"\"],")},
    {"n_array_comma_and_number", STR("[,1]")},
    {"n_array_double_comma", STR("[1,,2]")},
    {"n_array_double_extra_comma", STR("[\"x\",,]")},
    {"n_array_extra_close", STR("[\"x\"]]")},
    {"n_array_extra_comma", STR("[\"\",]")},
    {"n_array_incomplete", STR("[\"x\"")},
    {"n_array_incomplete_invalid_value", STR("[x")},
    {"n_array_inner_array_no_comma", STR("[3[4]]")},
    {"n_array_invalid_utf8", STR("[\xff]")},
    {"n_array_items_separated_by_semicolon", STR("[1:2]")},
    {"n_array_just_comma", STR("[,]")},
    {"n_array_just_minus", STR("[-]")},
    {"n_array_missing_value", STR("[   , \"\"]")},
    {"n_array_newlines_unclosed", STR("[\"a\",\n4\n,1,")},
    {"n_array_number_and_comma", STR("[1,]")},
    {"n_array_number_and_several_commas", STR("[1,,]")},
    {"n_array_spaces_vertical_tab_formfeed", STR("[\"\va\"\\f]")},
    {"n_array_star_inside", STR("[*]")},
    {"n_array_unclosed", STR("[\"\"")},
    {"n_array_unclosed_trailing_comma", STR("[1,")},
    {"n_array_unclosed_with_new_lines", STR("[1,\n1\n,1")},
    {"n_array_unclosed_with_object_inside", STR("[{}")},
    {"n_incomplete_false", STR("[fals]")},
    {"n_incomplete_null", STR("[nul]")},
    {"n_incomplete_true", STR("[tru]")},
    {"n_multidigit_number_then_00", STR("123\0")},
    {"n_number_++", STR("[++1234]")},
    {"n_number_+1", STR("[+1]")},
    {"n_number_+Inf", STR("[+Inf]")},
    {"n_number_-01", STR("[-01]")},
    {"n_number_-1.0.", STR("[-1.0.]")},
    {"n_number_-2.", STR("[-2.]")},
    {"n_number_-NaN", STR("[-NaN]")},
    {"n_number_.-1", STR("[.-1]")},
    {"n_number_.2e-3", STR("[.2e-3]")},
    {"n_number_0.1.2", STR("[0.1.2]")},
    {"n_number_0.3e+", STR("[0.3e+]")},
    {"n_number_0.3e", STR("[0.3e]")},
    {"n_number_0.e1", STR("[0.e1]")},
    {"n_number_0_capital_E+", STR("[0E+]")},
    {"n_number_0_capital_E", STR("[0E]")},
    {"n_number_0e+", STR("[0e+]")},
    {"n_number_0e", STR("[0e]")},
    {"n_number_1.0e+", STR("[1.0e+]")},
    {"n_number_1.0e-", STR("[1.0e-]")},
    {"n_number_1.0e", STR("[1.0e]")},
    {"n_number_1_000", STR("[1 000.0]")},
    {"n_number_1eE2", STR("[1eE2]")},
    {"n_number_2.e+3", STR("[2.e+3]")},
    {"n_number_2.e-3", STR("[2.e-3]")},
    {"n_number_2.e3", STR("[2.e3]")},
    {"n_number_9.e+", STR("[9.e+]")},
    {"n_number_Inf", STR("[Inf]")},
    {"n_number_NaN", STR("[NaN]")},
    {"n_number_U+FF11_fullwidth_digit_one", STR("[\xef\xbc\x91]")},
    {"n_number_expression", STR("[1+2]")},
    {"n_number_hex_1_digit", STR("[0x1]")},
    {"n_number_hex_2_digits", STR("[0x42]")},
    {"n_number_infinity", STR("[Infinity]")},
    {"n_number_invalid+-", STR("[0e+-1]")},
    {"n_number_invalid-negative-real", STR("[-123.123foo]")},
    {"n_number_invalid-utf-8-in-bigger-int", STR("[123\xe5]")},
    {"n_number_invalid-utf-8-in-exponent", STR("[1e1\xe5]")},
    {"n_number_invalid-utf-8-in-int", STR("[0\xe5]\n")},
    {"n_number_minus_infinity", STR("[-Infinity]")},
    {"n_number_minus_sign_with_trailing_garbage", STR("[-foo]")},
    {"n_number_minus_space_1", STR("[- 1]")},
    {"n_number_neg_int_starting_with_zero", STR("[-012]")},
    {"n_number_neg_real_without_int_part", STR("[-.123]")},
    {"n_number_neg_with_garbage_at_end", STR("[-1x]")},
    {"n_number_real_garbage_after_e", STR("[1ea]")},
    {"n_number_real_with_invalid_utf8_after_e", STR("[1e\xe5]")},
    {"n_number_real_without_fractional_part", STR("[1.]")},
    {"n_number_starting_with_dot", STR("[.123]")},
    {"n_number_with_alpha", STR("[1.2a-3]")},
    {"n_number_with_alpha_char", STR("[1.8011670033376514H-308]")},
    {"n_number_with_leading_zero", STR("[012]")},
    {"n_object_bad_value", STR("[\"x\", truth]")},
    {"n_object_bracket_key", STR("{[: \"x\"}\n")},
    {"n_object_comma_instead_of_colon", STR("{\"x\", null}")},
    {"n_object_double_colon", STR("{\"x\"::\"b\"}")},
    {"n_object_emoji", STR("{\xf0\x9f\x87\xa8\xf0\x9f\x87\xad}")},
    {"n_object_garbage_at_end", STR("{\"a\":\"a\" 123}")},
    {"n_object_key_with_single_quotes", STR("{key: 'value'}")},
    {"n_object_lone_continuation_byte_in_key_and_trailing_comma", STR("{\"\xb9\":\"0\",}")},
    {"n_object_missing_colon", STR("{\"a\" b}")},
    {"n_object_missing_key", STR("{:\"b\"}")},
    {"n_object_missing_semicolon", STR("{\"a\" \"b\"}")},
    {"n_object_missing_value", STR("{\"a\":")},
    {"n_object_no-colon", STR("{\"a\"")},
    {"n_object_non_string_key", STR("{1:1}")},
    {"n_object_non_string_key_but_huge_number_instead", STR("{9999E9999:1}")},
    {"n_object_repeated_null_null", STR("{null:null,null:null}")},
    {"n_object_several_trailing_commas", STR("{\"id\":0,,,,,}")},
    {"n_object_single_quote", STR("{'a':0}")},
    {"n_object_trailing_comma", STR("{\"id\":0,}")},
    {"n_object_trailing_comment", STR("{\"a\":\"b\"}/**/")},
    {"n_object_trailing_comment_open", STR("{\"a\":\"b\"}/**//")},
    {"n_object_trailing_comment_slash_open", STR("{\"a\":\"b\"}//")},
    {"n_object_trailing_comment_slash_open_incomplete", STR("{\"a\":\"b\"}/")},
    {"n_object_two_commas_in_a_row", STR("{\"a\":\"b\",,\"c\":\"d\"}")},
    {"n_object_unquoted_key", STR("{a: \"b\"}")},
    {"n_object_unterminated-value", STR("{\"a\":\"a")},
    {"n_object_with_single_string", STR("{ \"foo\" : \"bar\", \"a\" }")},
    {"n_object_with_trailing_garbage", STR("{\"a\":\"b\"}#")},
    {"n_single_space", STR(" ")},
    {"n_string_1_surrogate_then_escape", STR("[\"\\uD800\\\"]")},
    {"n_string_1_surrogate_then_escape_u", STR("[\"\\uD800\\u\"]")},
    {"n_string_1_surrogate_then_escape_u1", STR("[\"\\uD800\\u1\"]")},
    {"n_string_1_surrogate_then_escape_u1x", STR("[\"\\uD800\\u1x\"]")},
    {"n_string_accentuated_char_no_quotes", STR("[\xc3\xa9]")},
    {"n_string_backslash_00", STR("[\"\\\0\"]")},
    {"n_string_escape_x", STR("[\"\\x00\"]")},
    {"n_string_escaped_backslash_bad", STR("[\"\\\\\\\"]")},
    {"n_string_escaped_ctrl_char_tab", STR("[\"\\\t\"]")},
    {"n_string_escaped_emoji", STR("[\"\\\xf0\x9f\x8c\x80\"]")},
    {"n_string_incomplete_escape", STR("[\"\\\"]")},
    {"n_string_incomplete_escaped_character", STR("[\"\\u00A\"]")},
    {"n_string_incomplete_surrogate", STR("[\"\\uD834\\uDd\"]")},
    {"n_string_incomplete_surrogate_escape_invalid", STR("[\"\\uD800\\uD800\\x\"]")},
    {"n_string_invalid-utf-8-in-escape", STR("[\"\\u\xe5\"]")},
    {"n_string_invalid_backslash_esc", STR("[\"\\a\"]")},
    {"n_string_invalid_unicode_escape", STR("[\"\\uqqqq\"]")},
    {"n_string_invalid_utf8_after_escape", STR("[\"\\\xe5\"]")},
    {"n_string_leading_uescaped_thinspace", STR("[\\u0020\"asd\"]")},
    {"n_string_no_quotes_with_bad_escape", STR("[\\n]")},
    {"n_string_single_doublequote", STR("\"")},
    {"n_string_single_quote", STR("['single quote']")},
    {"n_string_single_string_no_double_quotes", STR("abc")},
    {"n_string_start_escape_unclosed", STR("[\"\\")},
    {"n_string_unescaped_ctrl_char", STR("[\"a\0a\"]")},
    {"n_string_unescaped_newline", STR("[\"new\nline\"]")},
    {"n_string_unescaped_tab", STR("[\"\t\"]")},
    {"n_string_unicode_CapitalU", STR("\"\\UA66D\"")},
    {"n_string_with_trailing_garbage", STR("\"\"x")},
    {"n_structure_U+2060_word_joined", STR("[\xe2\x81\xa0]")},
    {"n_structure_UTF8_BOM_no_data", STR("\xef\xbb\xbf")},
    {"n_structure_angle_bracket_.", STR("<.>")},
    {"n_structure_angle_bracket_null", STR("[<null>]")},
    {"n_structure_array_trailing_garbage", STR("[1]x")},
    {"n_structure_array_with_extra_array_close", STR("[1]]")},
    {"n_structure_array_with_unclosed_string", STR("[\"asd]")},
    {"n_structure_ascii-unicode-identifier", STR("a\xc3\xa5")},
    {"n_structure_capitalized_True", STR("[True]")},
    {"n_structure_close_unopened_array", STR("1]")},
    {"n_structure_comma_instead_of_closing_brace", STR("{\"x\": true,")},
    {"n_structure_double_array", STR("[][]")},
    {"n_structure_end_array", STR("]")},
    {"n_structure_incomplete_UTF8_BOM", STR("\xef\xbb{}")},
    {"n_structure_lone-invalid-utf-8", STR("\xe5")},
    {"n_structure_lone-open-bracket", STR("[")},
    {"n_structure_no_data", STR("")},
    {"n_structure_null-byte-outside-string", STR("[\0]")},
    {"n_structure_number_with_trailing_garbage", STR("2@")},
    {"n_structure_object_followed_by_closing_object", STR("{}}")},
    {"n_structure_object_unclosed_no_value", STR("{\"\":")},
    {"n_structure_object_with_comment", STR("{\"a\":/*comment*/\"b\"}")},
    {"n_structure_object_with_trailing_garbage", STR("{\"a\": true} \"x\"")},
    {"n_structure_open_array_apostrophe", STR("['")},
    {"n_structure_open_array_comma", STR("[,")},
    {"n_structure_open_array_open_object", STR("[{")},
    {"n_structure_open_array_open_string", STR("[\"a")},
    {"n_structure_open_array_string", STR("[\"a\"")},
    {"n_structure_open_object", STR("{")},
    {"n_structure_open_object_close_array", STR("{]")},
    {"n_structure_open_object_comma", STR("{,")},
    {"n_structure_open_object_open_array", STR("{[")},
    {"n_structure_open_object_open_string", STR("{\"a")},
    {"n_structure_open_object_string_with_apostrophes", STR("{'a'")},
    {"n_structure_open_open", STR("[\"\\{[\"\\{[\"\\{[\"\\{")},
    {"n_structure_single_eacute", STR("\xe9")},
    {"n_structure_single_star", STR("*")},
    {"n_structure_trailing_#", STR("{\"a\":\"b\"}#{}")},
    {"n_structure_uescaped_LF_before_string", STR("[\\u000A\"\"]")},
    {"n_structure_unclosed_array", STR("[1")},
    {"n_structure_unclosed_array_partial_null", STR("[ false, nul")},
    {"n_structure_unclosed_array_unfinished_false", STR("[ true, fals")},
    {"n_structure_unclosed_array_unfinished_true", STR("[ false, tru")},
    {"n_structure_unclosed_object", STR("{\"asd\":\"asd\"")},
    {"n_structure_unicode-identifier", STR("\xc3\xa5")},
    {"n_structure_whitespace_U+2060_word_joiner", STR("[\xe2\x81\xa0]")},
    {"n_structure_whitespace_formfeed", STR("[\f]")},
};

/* Both ways of reading must agree; on disagreement the case says its name. */
static int read_it(struct str text, const char *name)
{
    struct json json;
    struct json_pool pool = {0};
    yyjson_val *root;
    int alone = json_read(&json, text, JSON_MEMORY(text.len), NULL);
    int pooled = json_pool_read(&pool, text, &root);

    if (alone == 0)
        json_fini(&json);
    json_pool_fini(&pool);
    if ((alone == 0) != (pooled == 0))
        fail_msg("%s: json_read() says %d, json_pool_read() %d", name, alone, pooled);
    return alone;
}

static void what_must_be_accepted_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(must_accept), 95);
    for (size_t i = 0; i < COUNT_OF(must_accept); i++)
        if (read_it(must_accept[i].text, must_accept[i].name) < 0)
            fail_msg("%s was rejected", must_accept[i].name);
}

static void what_must_be_rejected_is_rejected(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(must_reject) + 2, 188);
    for (size_t i = 0; i < COUNT_OF(must_reject); i++)
        if (read_it(must_reject[i].text, must_reject[i].name) == 0)
            fail_msg("%s was accepted", must_reject[i].name);
}

static char *repeat(const char *what, size_t times)
{
    size_t length = strlen(what);
    char *text = malloc(times * length);

    assert_non_null(text);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * length, what, length);
    return text;
}

static void nesting_of_any_depth_costs_no_stack(void **state)
{
    char *arrays = repeat("[", 100000), *both = repeat("[{\"\":", 50000);

    (void)state;
    assert_true(read_it(str_slice(arrays, 100000), "n_structure_100000_opening_arrays") < 0);
    assert_true(read_it(str_slice(both, 250000), "n_structure_open_array_object") < 0);
    free(arrays);
    free(both);
}

/* The table has no use for closing brackets; a tree that deep must be read, written and freed. */
static void a_deep_tree_is_read_and_written(void **state)
{
    enum { DEPTH = 100000 };
    char *opening = repeat("[", 2 * DEPTH);
    struct json json;
    struct buf out;

    (void)state;
    memset(opening + DEPTH, ']', DEPTH);
    buf_init(&out, 1 << 20);
    assert_int_equal(json_read(&json, str_slice(opening, 2 * DEPTH), JSON_MEMORY(2 * DEPTH), NULL),
                     0);
    assert_int_equal(json_put_value(&out, json.root), 0);
    assert_int_equal(out.len, 2 * DEPTH);
    json_fini(&json);
    buf_fini(&out);
    free(opening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_must_be_accepted_is_accepted),
        cmocka_unit_test(what_must_be_rejected_is_rejected),
        cmocka_unit_test(nesting_of_any_depth_costs_no_stack),
        cmocka_unit_test(a_deep_tree_is_read_and_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
