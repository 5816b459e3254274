/* SPDX-License-Identifier: Apache-2.0 */
/* The Anthropic dialect: what golden cases do not show. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "dialect/dialect.h"

static const struct dialect *anthropic(void)
{
    return dialect_get(DIALECT_anthropic);
}

#define ERROR(type, words) \
    "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"" words "\"}}"

static void an_engines_no_is_understood(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum failure why;
    } cases[] = {
        {400, ERROR("invalid_request_error", "max_tokens: too large"), FAILURE_rejected},
        {400, ERROR("invalid_request_error", "Your credit balance is too low to access"),
         FAILURE_upstream_auth},
        {400, ERROR("invalid_request_error", "prompt is too long: 9 tokens"), FAILURE_rejected},
        {401, ERROR("authentication_error", "invalid x-api-key"), FAILURE_upstream_auth},
        {402, ERROR("billing_error", "pay"), FAILURE_upstream_auth},
        {403, ERROR("permission_error", "no"), FAILURE_upstream_auth},
        {404, ERROR("not_found_error", "model: x"), FAILURE_upstream_missing},
        {409, ERROR("invalid_request_error", "conflict"), FAILURE_upstream_busy},
        {413, ERROR("request_too_large", "32 MB"), FAILURE_rejected},
        {429, ERROR("rate_limit_error", "slower"), FAILURE_upstream_busy},
        {429, ERROR("rate_limit_error", "you reached your spend limit"), FAILURE_upstream_auth},
        {500, ERROR("api_error", "oops"), FAILURE_upstream_error},
        {504, ERROR("timeout_error", "late"), FAILURE_upstream_error},
        {529, ERROR("overloaded_error", "Overloaded"), FAILURE_upstream_busy},
        {502, "<html>", FAILURE_upstream_error},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct str found;

        arena_init(&arena, 1 << 20);
        if (anthropic()->read_failure(cases[i].status, str_from(cases[i].body), &arena, &found) !=
            cases[i].why)
            fail_msg("%d %s", cases[i].status, cases[i].body);
        arena_fini(&arena);
    }
}

static void every_failure_has_a_type_that_the_library_knows(void **state)
{
    static const struct {
        enum failure why;
        const char *type;
    } cases[] = {
        {FAILURE_bad_json, "invalid_request_error"},
        {FAILURE_unauthorized, "authentication_error"},
        {FAILURE_forbidden, "permission_error"},
        {FAILURE_unknown_model, "not_found_error"},
        {FAILURE_wrong_method, "invalid_request_error"},
        {FAILURE_body_too_large, "request_too_large"},
        {FAILURE_queue_full, "rate_limit_error"},
        {FAILURE_no_candidate, "overloaded_error"},
        {FAILURE_upstream_error, "api_error"},
        {FAILURE_idle_timeout, "timeout_error"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char wanted[64];
        struct buf out;

        buf_init(&out, 4096);
        assert_int_equal(anthropic()->write_failure(&out, cases[i].why, STR("x"), false), 0);
        assert_int_equal(buf_put_char(&out, '\0'), 0);
        snprintf(wanted, sizeof wanted, "\"error\":{\"type\":\"%s\"", cases[i].type);
        assert_non_null(strstr(out.data, wanted));
        buf_fini(&out);
    }
}

#define HEAD        "{\"model\":\"m\",\"max_tokens\":1,"
#define HI          "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define SAID(block) HEAD "\"messages\":[{\"role\":\"user\",\"content\":[" block "]}]}"

/* -EINVAL is the caller's mistake, -ENOTSUP what no engine of another dialect can do. */
static const struct {
    const char *body;
    int r;
    const char *words;
} mistakes[] = {
    {"{\"model\":\"m\"," HI "}", -EINVAL, "max_tokens"},
    {HEAD "\"messages\":\"hi\"}", -EINVAL, "messages: expected a list"},
    {HEAD "\"messages\":[{\"role\":\"robot\",\"content\":\"\"}]}", -EINVAL, "messages[0]: role"},
    {HEAD "\"messages\":[{\"role\":\"user\"}]}", -EINVAL, "content"},
    {SAID("{\"type\":\"text\"}"), -EINVAL, "text: expected text"},
    {SAID("{\"type\":\"search_result\"}"), -ENOTSUP, "search_result"},
    {SAID("{\"type\":\"image\",\"source\":{\"type\":\"file\",\"file_id\":\"f\"}}"), -ENOTSUP,
     "source.type"},
    {SAID("{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"ftp://x\"}}"), -EINVAL,
     "source.url"},
    {SAID("{\"type\":\"image\",\"source\":{\"type\":\"base64\"}}"), -EINVAL, "media_type"},
    {SAID("{\"type\":\"tool_result\"}"), -EINVAL, "tool_use_id"},
    {HEAD HI ",\"tools\":{}}", -EINVAL, "tools: expected a list"},
    {HEAD HI ",\"tools\":[{\"name\":\"f\"}]}", -EINVAL, "tools[0]: input_schema"},
    {HEAD HI ",\"tools\":[{\"input_schema\":{}}]}", -EINVAL, "tools[0]: name"},
    {HEAD HI ",\"tool_choice\":{\"type\":\"some\"}}", -EINVAL, "tool_choice.type"},
    {HEAD HI ",\"tool_choice\":{\"type\":\"tool\"}}", -EINVAL, "tool_choice.name"},
    {HEAD HI ",\"thinking\":{\"type\":\"enabled\"}}", -EINVAL, "budget_tokens"},
    {HEAD HI ",\"thinking\":{\"type\":\"deeply\"}}", -EINVAL, "thinking.type"},
    {HEAD HI ",\"temperature\":\"hot\"}", -EINVAL, "temperature"},
    {HEAD HI ",\"stop_sequences\":[1]}", -EINVAL, "stop_sequences"},
    {HEAD HI ",\"output_config\":{\"format\":{\"type\":\"xml\"}}}", -EINVAL, "format.type"},
    {HEAD HI ",\"mcp_servers\":[]}", -ENOTSUP, "mcp_servers"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
        struct arena arena;
        struct ask ask = {0};
        struct chat chat;
        struct err err = {0};
        int r;

        arena_init(&arena, 1 << 20);
        r = anthropic()->scan(&ask, TASK_chat, str_from(mistakes[i].body), &err);
        if (r == 0)
            r = anthropic()->read_request(&chat, &ask, &arena, &err);
        if (r != mistakes[i].r || !strstr(err.text, mistakes[i].words))
            fail_msg("%s: %d %s", mistakes[i].body, r, err.text);
        ask_fini(&ask);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engines_no_is_understood),
        cmocka_unit_test(every_failure_has_a_type_that_the_library_knows),
        cmocka_unit_test(what_is_wrong_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
