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

/* One request of OpenAI's as an engine of OpenAI's is asked, in `out`; by way of Gemini when
 * `detour`.
 */
static void write_openai(struct buf *out, const char *body, bool detour)
{
    const struct copy_shape shape = {.model = STR("m"), .can_think = true};
    const struct dialect *openai = dialect_get(DIALECT_openai);
    struct arena arena;
    struct ask ask = {0}, again = {0};
    struct chat chat;
    struct buf between;
    struct err err;

    arena_init(&arena, 1 << 20);
    buf_init(&between, 1 << 16);
    assert_int_equal(openai->scan(&ask, TASK_chat, str_from(body), &err), 0);
    assert_int_equal(openai->read_request(&chat, &ask, &arena, &err), 0);
    if (detour) {
        assert_int_equal(gemini()->write_request(&between, &chat, &shape, false, &arena, &err), 0);
        assert_int_equal(gemini()->scan(&again, TASK_chat, buf_str(&between), &err), 0);
        assert_int_equal(
            gemini()->scan_path(&again, STR("g:generateContent"), STR(""), &arena, &err), 0);
        assert_int_equal(gemini()->read_request(&chat, &again, &arena, &err), 0);
    }
    assert_int_equal(openai->write_request(out, &chat, &shape, false, &arena, &err), 0);
    buf_fini(&between);
    ask_fini(&ask);
    ask_fini(&again);
    arena_fini(&arena);
}

/* What both dialects have a place for means the same after a detour. */
static void what_is_carried_there_and_back_is_the_same(void **state)
{
    static const char *const bodies[] = {
        "{\"model\":\"g\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
        "{\"role\":\"user\",\"content\":\"hi\"}],\"max_tokens\":9,\"temperature\":0.5,"
        "\"top_p\":0.9,\"seed\":7,\"stop\":[\"a\",\"b\"],\"presence_penalty\":0.1,"
        "\"frequency_penalty\":0.2,\"reasoning_effort\":\"low\"}",
        "{\"model\":\"g\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
        "\"text\":\"look\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:image/png;base64,iVBOR\"}}]},{\"role\":\"assistant\",\"content\":\"one moment\","
        "\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{\\\"x\\\":[1,null]}\"}},{\"id\":\"b\",\"type\":\"function\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\","
        "\"tool_call_id\":\"a\",\"content\":\"1\"},{\"role\":\"tool\",\"tool_call_id\":\"b\","
        "\"content\":\"\\\"2\\\"\"},{\"role\":\"user\",\"content\":\"so?\"}],\"tools\":[{"
        "\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\","
        "\"parameters\":{\"type\":\"object\"}}}],\"tool_choice\":{\"type\":\"function\","
        "\"function\":{\"name\":\"f\"}},\"response_format\":{\"type\":\"json_schema\","
        "\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\"}}}}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct buf straight, around;

        buf_init(&straight, 1 << 16);
        buf_init(&around, 1 << 16);
        write_openai(&straight, bodies[i], false);
        write_openai(&around, bodies[i], true);
        if (!str_equal(buf_str(&straight), buf_str(&around)))
            fail_msg("%.*s\nis not\n%.*s", STR_ARG(buf_str(&straight)), STR_ARG(buf_str(&around)));
        buf_fini(&straight);
        buf_fini(&around);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engines_no_is_understood),
        cmocka_unit_test(how_long_to_wait_is_in_the_body),
        cmocka_unit_test(names_are_read_in_both_spellings),
        cmocka_unit_test(the_path_says_model_and_framing),
        cmocka_unit_test(a_path_without_a_name_is_refused),
        cmocka_unit_test(what_is_carried_there_and_back_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
