/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAI dialect: what golden cases do not show. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "dialect/dialect.h"
#include "dialect/openai_media.h"
#include "wire/form.h"

static const struct dialect *openai(void)
{
    return dialect_get(DIALECT_openai);
}

static void a_request_that_cannot_be_understood_is_refused_in_words(void **state)
{
    static const struct {
        enum task task;
        const char *body, *words;
    } cases[] = {
        {TASK_chat, "", "empty"},
        {TASK_chat, "[]", "expected a JSON object"},
        {TASK_chat, "{}", "model: expected a name, found nothing"},
        {TASK_chat, "{\"model\":\"\"}", "model: expected a name, found an empty text"},
        {TASK_chat, "{\"model\":1}", "model: expected a name, found uint"},
        {TASK_chat, "{\"model\":\"m\"}", "messages: expected a list, found nothing"},
        {TASK_chat, "{\"model\":\"m\",\"messages\":\"x\"}", "messages: expected a list"},
        {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"stream\":1}",
         "stream: expected true or false"},
        {TASK_chat, "{\"model\":\"m\",\"model\":\"n\",\"messages\":[]}",
         "model: stands there twice"},
        {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"messages\":[]}",
         "messages: stands there twice"},
        {TASK_chat, "{\"model\":\"m\",\"stream\":true,\"messages\":[],\"stream\":true}",
         "stream: stands there twice"},
        {TASK_complete, "{\"prompt\":\"a\",\"model\":\"m\",\"pr\\u006fmpt\":\"b\"}",
         "prompt: stands there twice"},
        {TASK_embed, "{\"model\":\"m\",\"input\":\"a\",\"input\":[]}", "input: stands there twice"},
        {TASK_complete, "{\"model\":\"m\"}", "prompt: expected text or a list"},
        {TASK_embed, "{\"model\":\"m\",\"input\":7}", "input: expected text or a list"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        struct ask ask;

        assert_int_equal(openai()->scan(&ask, cases[i].task, str_from(cases[i].body), &err),
                         -EINVAL);
        if (!strstr(err.text, cases[i].words))
            fail_msg("%s: said %s", cases[i].body, err.text);
    }
}

static void what_an_answer_may_cost_is_the_largest_that_is_said(void **state)
{
    static const struct {
        enum task task;
        const char *more;
        uint32_t max_tokens, choices;
    } cases[] = {
        {TASK_chat, "", 0, 0},
        {TASK_chat, ",\"max_completion_tokens\":5,\"max_tokens\":90,\"n\":3", 90, 3},
        {TASK_chat, ",\"max_tokens\":5,\"max_tokens\":90,\"n\":2,\"n\":128", 90, 128},
        {TASK_complete, ",\"max_tokens\":90,\"max_tokens\":5,\"n\":2,\"best_of\":20", 90, 20},
        {TASK_draw, ",\"n\":10", 0, 10},
        {TASK_chat, ",\"n\":99999999999", 0, UINT32_MAX},
    };
    static const struct {
        const char *prompt;
        uint32_t choices;
    } lists[] = {{"\"a\"", 3},     {"[\"a\"]", 3},       {"[\"a\",\"b\"]", 6},
                 {"[1,2,3,4]", 3}, {"[[1,2],[3,4]]", 6}, {"[]", 3}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        struct ask ask;
        char body[256];

        snprintf(body, sizeof body, "{\"model\":\"m\",\"messages\":[],\"prompt\":\"x\"%s}",
                 cases[i].more);
        assert_int_equal(openai()->scan(&ask, cases[i].task, str_from(body), &err), 0);
        assert_int_equal(ask.max_tokens, cases[i].max_tokens);
        assert_int_equal(ask.choices, cases[i].choices);
        ask_fini(&ask);
    }
    for (size_t i = 0; i < COUNT_OF(lists); i++) { /* each prompt has its answers */
        struct ask ask;
        char body[256];

        snprintf(body, sizeof body, "{\"model\":\"m\",\"n\":3,\"prompt\":%s}", lists[i].prompt);
        assert_int_equal(openai()->scan(&ask, TASK_complete, str_from(body), NULL), 0);
        assert_int_equal(ask.choices, lists[i].choices);
        ask_fini(&ask);
    }
}

/* What a form for an edited picture with these fields is scanned as. */
static int scan_form(const char *fields, struct ask *ask, struct err *err)
{
    struct arena arena;
    struct form form;
    char body[800];
    int r;

    arena_init(&arena, 1 << 20);
    snprintf(body, sizeof body,
             "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
             "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\nPNG\r\n"
             "%s--b--\r\n",
             fields);
    assert_int_equal(form_init(&form, STR("multipart/form-data; boundary=b"), &arena), 0);
    assert_int_equal(form_feed(&form, str_from(body)), 0);
    assert_int_equal(form_end(&form), 0);
    r = openai_scan_form(ask, TASK_edit, &form, err);
    form_fini(&form);
    arena_fini(&arena);
    return r;
}

#define FORM_N(value) "--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n" value "\r\n"

static void a_form_says_once_how_many_pictures_it_wants(void **state)
{
    static const struct {
        const char *fields;
        int r;
        uint32_t choices;
        const char *words;
    } cases[] = {
        {"", 0, 0, ""},
        {FORM_N(""), 0, 0, ""},
        {FORM_N("4"), 0, 4, ""},
        {FORM_N("99999999999"), 0, UINT32_MAX, ""},
        {FORM_N("1") FORM_N("10"), -EINVAL, 0, "n: stands there twice"},
        {FORM_N("ten"), -EINVAL, 0, "n: expected a number"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ask ask = {0};
        struct err err = {0};

        assert_int_equal(scan_form(cases[i].fields, &ask, &err), cases[i].r);
        assert_string_equal(err.text, cases[i].words);
        assert_int_equal(ask.choices, cases[i].choices);
    }
}

/* Scans and reads; -EINVAL and so on, with the words. */
static int read_it(enum task task, const char *body, struct err *err)
{
    struct chat chat;
    struct arena arena;
    struct ask ask;
    int r;

    arena_init(&arena, 1 << 20);
    assert_int_equal(openai()->scan(&ask, task, str_from(body), err), 0);
    r = openai()->read_request(&chat, &ask, &arena, err);
    ask_fini(&ask);
    arena_fini(&arena);
    return r;
}

static const struct {
    enum task task;
    const char *body;
    int r;
    const char *words;
} refusals[] = {
    {TASK_chat, "{\"model\":\"m\",\"messages\":[1]}", -EINVAL, "messages[0]: role"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[{\"role\":\"x\"}]}", -EINVAL, "found 'x'"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":1}]}", -EINVAL,
     "content: expected text"},
    {TASK_chat,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}",
     -EINVAL, "content[0]: text"},
    {TASK_chat,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
     "\"image_url\":{\"url\":\"ftp://x\"}}]}]}",
     -EINVAL, "image_url.url"},
    {TASK_chat,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
     "\"image_url\":{\"url\":\"data:image/png,raw\"}}]}]}",
     -EINVAL, "base64"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"temperature\":\"hot\"}", -EINVAL,
     "temperature: expected a number"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"stop\":[1]}", -EINVAL, "stop"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"tools\":{}}", -EINVAL, "tools"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"tools\":[{\"type\":\"web_search\"}]}", -ENOTSUP,
     "tools[0]: type"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"tools\":[{\"type\":\"function\"}]}", -EINVAL,
     "function.name"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"tool_choice\":\"x\"}", -EINVAL, "tool_choice"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"tool_choice\":{\"type\":\"allowed_tools\"}}",
     -ENOTSUP, "allowed_tools"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"response_format\":{\"type\":\"xml\"}}", -EINVAL,
     "response_format.type"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"response_format\":{\"type\":\"json_schema\"}}",
     -EINVAL, "schema: expected an object"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"function_call\":{\"name\":\"f\"}}", -ENOTSUP,
     "function_call"},
    {TASK_chat, "{\"model\":\"m\",\"messages\":[],\"web_search_options\":{}}", -ENOTSUP,
     "web_search_options"},
    {TASK_complete, "{\"model\":\"m\",\"prompt\":\"a\",\"best_of\":3}", -ENOTSUP, "best_of"},
    {TASK_complete, "{\"model\":\"m\",\"prompt\":\"a\",\"echo\":true}", -ENOTSUP, "echo"},
    {TASK_complete, "{\"model\":\"m\",\"prompt\":[]}", -EINVAL, "prompt"},
    {TASK_embed, "{\"model\":\"m\",\"input\":[]}", -EINVAL, "input"},
    {TASK_embed, "{\"model\":\"m\",\"input\":\"a\",\"encoding_format\":\"int8\"}", -EINVAL,
     "found int8"},
};

static void what_is_wrong_within_is_named_by_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct err err = {0};
        int r = read_it(refusals[i].task, refusals[i].body, &err);

        if (r != refusals[i].r || !strstr(err.text, refusals[i].words))
            fail_msg("%s: %d %s", refusals[i].body, r, err.text);
    }
}

static void an_engines_no_is_understood(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum failure why;
        const char *found;
    } cases[] = {
        {400, "{\"error\":{\"message\":\"bad\"}}", FAILURE_rejected, "bad"},
        {400, "{\"error\":{\"message\":\"m\",\"type\":\"exceed_context_size_error\"}}",
         FAILURE_rejected, "m"},
        {401, "{\"error\":{\"message\":\"no\"}}", FAILURE_upstream_auth, "no"},
        {402, "{}", FAILURE_upstream_auth, ""},
        {403, "", FAILURE_upstream_auth, ""},
        {404, "{\"error\":{\"message\":\"gone\",\"code\":404}}", FAILURE_upstream_missing, "gone"},
        {408, "slow\r\n", FAILURE_upstream_busy, "slow"},
        {413, "{\"message\":\"big\"}", FAILURE_rejected, "big"},
        {422, "{\"detail\":\"odd\"}", FAILURE_rejected, "odd"},
        {429, "{\"error\":{\"message\":\"later\",\"type\":\"rate_limit_error\"}}",
         FAILURE_upstream_busy, "later"},
        {429, "{\"error\":{\"message\":\"pay\",\"code\":\"insufficient_quota\"}}",
         FAILURE_upstream_auth, "pay"},
        {429, "{\"error\":{\"message\":\"pay\",\"code\":\"credit_balance_exhausted\"}}",
         FAILURE_upstream_auth, "pay"},
        {500, "{\"error\":\"boom\"}", FAILURE_upstream_error, "boom"},
        {500, "{\"error\":{\"message\":\"the request exceeds the available context size\"}}",
         FAILURE_rejected, "the request exceeds the available context size"},
        {500, "{\"error\":{\"message\":\"Failed to parse messages: Missing 'role'\"}}",
         FAILURE_rejected, "Failed to parse messages: Missing 'role'"},
        {500, "{\"error\":{\"message\":\"Failed to parse tools: Missing tool type\"}}",
         FAILURE_rejected, "Failed to parse tools: Missing tool type"},
        {501, "\"text\"", FAILURE_upstream_error, "text"},
        {503, "{\"error\":{\"code\":503,\"message\":\"Loading model\"}}", FAILURE_upstream_loading,
         "Loading model"},
        {529, "[]", FAILURE_upstream_busy, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct str found;

        arena_init(&arena, 1 << 20);
        if (openai()->read_failure(cases[i].status, str_from(cases[i].body), &arena, &found) !=
                cases[i].why ||
            !str_is(found, cases[i].found))
            fail_msg("%d %s", cases[i].status, cases[i].body);
        arena_fini(&arena);
    }
}

static void every_failure_is_a_body_and_an_event_that_clients_understand(void **state)
{
    static const struct {
        enum failure why;
        const char *part;
    } cases[] = {
        {FAILURE_unauthorized,
         "\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"invalid_api_key\""},
        {FAILURE_unknown_model, "\"code\":\"model_not_found\""},
        {FAILURE_queue_full,
         "\"type\":\"rate_limit_error\",\"param\":null,\"code\":\"rate_limit_exceeded\""},
        {FAILURE_no_candidate, "\"type\":\"api_error\",\"param\":null,\"code\":\"no_candidate\""},
        {FAILURE_body_too_large, "\"code\":\"body_too_large\""},
        {FAILURE_too_long, "\"code\":\"context_length_exceeded\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;

        buf_init(&out, 1000);
        assert_int_equal(openai()->write_failure(&out, cases[i].why, STR("here"), true), 0);
        assert_true(str_starts(buf_str(&out), STR("data: {\"error\":{\"message\":\"")));
        assert_true(str_ends(buf_str(&out), STR("}}\n\n")));
        assert_int_equal(buf_put_char(&out, '\0'), 0);
        assert_non_null(strstr(out.data, ": here\""));
        assert_non_null(strstr(out.data, cases[i].part));
        buf_fini(&out);
    }
}

static void the_longest_of_many_inputs_is_noted(void **state)
{
    static const struct {
        const char *input;
        uint32_t prompt_bytes, longest_bytes;
    } cases[] = {
        {"\"three\"", 5, 5},
        {"[\"a\",\"three\",\"bc\"]", 8, 5},
        {"[1,2,3]", 12, 12},
        {"[]", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char body[200];
        struct ask ask;

        snprintf(body, sizeof body, "{\"model\":\"m\",\"input\":%s}", cases[i].input);
        assert_int_equal(openai()->scan(&ask, TASK_embed, str_from(body), NULL), 0);
        assert_int_equal(ask.prompt_bytes, cases[i].prompt_bytes);
        assert_int_equal(ask.longest_bytes, cases[i].longest_bytes);
        ask_fini(&ask);
    }
}

static int count_delta(void *ctx, const struct delta *delta)
{
    (void)delta;
    return ++*(int *)ctx > 2 ? -ECANCELED : 0;
}

static void what_the_sink_refuses_stops_the_reader(void **state)
{
    static const char frame[] = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    struct reader *r;
    uint64_t whole;
    int count = 0;

    (void)state;
    assert_int_equal(
        openai()->reader_new(&r, TASK_chat, true, 1000, (struct sink){count_delta, &count}), 0);
    assert_int_equal(openai()->reader_feed(r, str_from(frame), &whole), 0);
    assert_int_equal(whole, sizeof frame - 1);
    assert_int_equal(openai()->reader_feed(r, str_from(frame), NULL), 0);
    assert_int_equal(openai()->reader_feed(r, str_from(frame), &whole), -ECANCELED);
    assert_int_equal(whole, 2 * (sizeof frame - 1));
    openai()->reader_free(r);
}

static void an_answer_beyond_the_ceiling_is_refused(void **state)
{
    struct reader *r;
    int count = 0;

    (void)state;
    for (int streaming = 0; streaming < 2; streaming++) {
        assert_int_equal(
            openai()->reader_new(&r, TASK_chat, streaming, 10, (struct sink){count_delta, &count}),
            0);
        assert_int_equal(openai()->reader_feed(r, STR("data: abcdefg"), NULL), -EMSGSIZE);
        openai()->reader_free(r);
    }
}

/* A frame goes out whole or not at all, whatever room is left. */
static void a_full_buffer_gets_no_half_frames(void **state)
{
    struct reply_shape shape = {
        .task = TASK_chat, .stream = true, .id = STR("1"), .model = STR("m"), .created_s = 1};
    struct delta call = {.kind = DELTA_call, .call = {.name = STR("f"), .arguments = STR("{}")}};
    struct delta text = {.kind = DELTA_text, .text = STR("hello")};

    (void)state;
    for (size_t room = 150; room < 700; room++) {
        struct writer *w;
        struct buf out;
        int r;

        buf_init(&out, room);
        if (openai()->writer_new(&w, &shape, &out) < 0)
            continue;
        r = openai()->writer_put(w, &text);
        r = r < 0 ? r : openai()->writer_put(w, &call);
        r = r < 0 ? r : openai()->writer_end(w);
        assert_true(r == 0 || r == -EMSGSIZE);
        assert_true(!out.len || str_ends(buf_str(&out), STR("}\n\n")) ||
                    str_ends(buf_str(&out), STR("[DONE]\n\n")));
        openai()->writer_free(w);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_cannot_be_understood_is_refused_in_words),
        cmocka_unit_test(what_an_answer_may_cost_is_the_largest_that_is_said),
        cmocka_unit_test(a_form_says_once_how_many_pictures_it_wants),
        cmocka_unit_test(what_is_wrong_within_is_named_by_its_place),
        cmocka_unit_test(an_engines_no_is_understood),
        cmocka_unit_test(every_failure_is_a_body_and_an_event_that_clients_understand),
        cmocka_unit_test(the_longest_of_many_inputs_is_noted),
        cmocka_unit_test(what_the_sink_refuses_stops_the_reader),
        cmocka_unit_test(an_answer_beyond_the_ceiling_is_refused),
        cmocka_unit_test(a_full_buffer_gets_no_half_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
