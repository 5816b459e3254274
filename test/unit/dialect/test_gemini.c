/* SPDX-License-Identifier: Apache-2.0 */
/* The Gemini dialect: what golden cases do not show. */
#include "testing.h"

#include <errno.h>

#include "dialect/gemini.h"

static const struct dialect *gemini(void)
{
    return dialect_get(DIALECT_gemini);
}

static void an_engines_no_is_understood(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum failure why;
        const char *found;
    } cases[] = {
        {400, "{\"error\":{\"code\":400,\"message\":\"bad\",\"status\":\"INVALID_ARGUMENT\"}}",
         FAILURE_rejected, "bad"},
        {400, "{\"error\":{\"message\":\"API key not valid. Please pass a valid API key.\"}}",
         FAILURE_upstream_auth, "API key not valid. Please pass a valid API key."},
        {400,
         "{\"error\":{\"message\":\"User location is not supported\","
         "\"status\":\"FAILED_PRECONDITION\"}}",
         FAILURE_upstream_auth, "User location is not supported"},
        {400,
         "{\"error\":{\"message\":\"The input token count (9) exceeds the maximum number of "
         "tokens allowed (8).\"}}",
         FAILURE_rejected,
         "The input token count (9) exceeds the maximum number of tokens allowed (8)."},
        {403, "{\"error\":{\"message\":\"denied\",\"status\":\"PERMISSION_DENIED\"}}",
         FAILURE_upstream_auth, "denied"},
        {404, "{\"error\":{\"message\":\"models/x is not found\"}}", FAILURE_upstream_missing,
         "models/x is not found"},
        {429, "[{\"error\":{\"code\":429,\"message\":\"quota\"}}]", FAILURE_upstream_busy, "quota"},
        {499, "", FAILURE_upstream_error, ""},
        {500, "<html>", FAILURE_upstream_error, ""},
        {503, "{\"error\":{\"message\":\"overloaded\"}}", FAILURE_upstream_busy, "overloaded"},
        {504, "", FAILURE_upstream_error, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct str found;

        arena_init(&arena, 1 << 20);
        if (gemini()->read_failure(cases[i].status, str_from(cases[i].body), &arena, &found) !=
                cases[i].why ||
            !str_is(found, cases[i].found))
            fail_msg("%d %s: '%.*s'", cases[i].status, cases[i].body, STR_ARG(found));
        arena_fini(&arena);
    }
}

static void how_long_to_wait_is_in_the_body(void **state)
{
    static const struct {
        const char *body;
        uint64_t ms;
    } cases[] = {
        {"{\"error\":{\"details\":[{\"@type\":\"x\"},{\"retryDelay\":\"46s\"}]}}", 46000},
        {"[{\"error\":{\"details\":[{\"retryDelay\":\"1.5s\"}]}}]", 1500},
        {"{\"error\":{\"details\":[{\"retryDelay\":\"soon\"}]}}", 0},
        {"{\"error\":{\"details\":[{\"retryDelay\":\"-3s\"}]}}", 0},
        {"{\"error\":{}}", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(gemini()->read_patience(str_from(cases[i].body)), cases[i].ms);
}

static void names_are_read_in_both_spellings(void **state)
{
    (void)state;
    assert_true(gemini_is_name(STR("inlineData"), "inlineData"));
    assert_true(gemini_is_name(STR("inline_data"), "inlineData"));
    assert_true(gemini_is_name(STR("response_json_schema"), "responseJsonSchema"));
    assert_false(gemini_is_name(STR("inline__data"), "inlineData"));
    assert_false(gemini_is_name(STR("inlinedata"), "inlineData"));
    assert_false(gemini_is_name(STR("inline_dat"), "inlineData"));
    assert_false(gemini_is_name(STR("inline_"), "inlineData"));
    assert_false(gemini_is_name(STR("inlineDatas"), "inlineData"));
    assert_false(gemini_is_name(STR(""), "inlineData"));
}

static void the_path_says_model_and_framing(void **state)
{
    static const struct {
        const char *rest, *query, *model;
        bool stream, as_list;
    } cases[] = {
        {"S-LOC-FRE-x:generateContent", "", "S-LOC-FRE-x", false, false},
        {"qwen2.5:7b:generateContent", "alt=sse", "qwen2.5:7b", false, false},
        {"qwen2.5%3A7b:streamGenerateContent", "key=1&alt=sse", "qwen2.5:7b", true, false},
        {"org/x:streamGenerateContent", "", "org/x", true, true},
        {"x:streamGenerateContent", "alt=json", "x", true, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct ask ask = {0};

        arena_init(&arena, 1 << 20);
        assert_int_equal(gemini()->scan_path(&ask, str_from(cases[i].rest),
                                             str_from(cases[i].query), &arena, NULL),
                         0);
        if (!str_is(ask.model, cases[i].model) || ask.stream != cases[i].stream ||
            ask.as_list != cases[i].as_list)
            fail_msg("%s: '%.*s' %d %d", cases[i].rest, STR_ARG(ask.model), ask.stream,
                     ask.as_list);
        arena_fini(&arena);
    }
}

static void a_path_without_a_name_is_refused(void **state)
{
    struct arena arena;
    struct ask ask = {0};
    struct err err;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(gemini()->scan_path(&ask, STR("%zz:generateContent"), STR(""), &arena, &err),
                     -EINVAL);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engines_no_is_understood),
        cmocka_unit_test(how_long_to_wait_is_in_the_body),
        cmocka_unit_test(names_are_read_in_both_spellings),
        cmocka_unit_test(the_path_says_model_and_framing),
        cmocka_unit_test(a_path_without_a_name_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
