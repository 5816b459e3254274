/* SPDX-License-Identifier: Apache-2.0 */
/* The Ollama dialect: what golden cases do not show. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "dialect/dialect.h"

static const struct dialect *ollama(void)
{
    return dialect_get(DIALECT_ollama);
}

static void an_engines_no_is_understood(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum failure why;
    } cases[] = {
        {400, "{\"error\":\"invalid input type\"}", FAILURE_rejected},
        {400, "{\"error\":\"\\\"x\\\" does not support tools\"}", FAILURE_rejected},
        {400, "{\"error\":\"the input length exceeds the context length\"}", FAILURE_rejected},
        {400, "{\"error\":\"llama runner process no longer running: 2\"}", FAILURE_upstream_error},
        {400,
         "{\"error\":\"do embedding request: Post \\\"http://127.0.0.1:1/embedding\\\": EOF\"}",
         FAILURE_upstream_error},
        {401, "{\"error\":\"unauthorized\"}", FAILURE_upstream_auth},
        {403, "", FAILURE_upstream_auth},
        {404, "{\"error\":\"model 'x' not found\"}", FAILURE_upstream_missing},
        {405, "405 method not allowed", FAILURE_rejected},
        {499, "{\"error\":\"request canceled\"}", FAILURE_upstream_error},
        {500, "{\"error\":\"timed out waiting for llama runner to start\"}",
         FAILURE_upstream_error},
        {500, "{\"error\":\"prompt exceeds context\"}", FAILURE_rejected},
        {502, "<html>", FAILURE_upstream_error},
        {503, "{\"error\":\"server busy, please try again.\"}", FAILURE_upstream_busy},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct str found;

        arena_init(&arena, 1 << 20);
        if (ollama()->read_failure(cases[i].status, str_from(cases[i].body), &arena, &found) !=
            cases[i].why)
            fail_msg("%d %s", cases[i].status, cases[i].body);
        arena_fini(&arena);
    }
}

static int scan(struct ask *ask, enum task task, const char *body, struct err *err)
{
    return ollama()->scan(ask, task, str_from(body), err);
}

static void a_request_streams_unless_it_says_otherwise(void **state)
{
    struct err err;
    struct ask ask;

    (void)state;
    assert_int_equal(scan(&ask, TASK_chat, "{\"model\":\"m\",\"messages\":[]}", &err), 0);
    assert_true(ask.stream && ask.include_usage);
    ask_fini(&ask);
    assert_int_equal(scan(&ask, TASK_complete, "{\"model\":\"m\",\"stream\":false}", &err), 0);
    assert_false(ask.stream);
    ask_fini(&ask);
    assert_int_equal(scan(&ask, TASK_embed, "{\"model\":\"m\",\"input\":\"a\"}", &err), 0);
    assert_false(ask.stream);
    ask_fini(&ask);
}

static void nobody_unloads_a_model_from_outside(void **state)
{
    static const char *const unloads[] = {"0", "\"0\"", "\"0s\"", "0.0"};
    static const char *const others[] = {"-1", "\"5m\"", "300", "\"00h\""};
    char body[100];
    struct err err;
    struct ask ask;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(unloads); i++) {
        snprintf(body, sizeof body, "{\"model\":\"m\",\"keep_alive\":%s}", unloads[i]);
        assert_int_equal(scan(&ask, TASK_complete, body, &err), -EINVAL);
        assert_non_null(strstr(err.text, "keep_alive"));
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        snprintf(body, sizeof body, "{\"model\":\"m\",\"keep_alive\":%s}", others[i]);
        assert_int_equal(scan(&ask, TASK_complete, body, &err), 0);
        ask_fini(&ask);
    }
}

static void a_member_that_only_the_engine_would_take_for_another_is_refused(void **state)
{
    static const char *const refused[] = {
        "Model",
        "MODEL",
        "Options",
        "STREAM",
        "\\u017ftream",
        "\\u017fhift",
        "Keep_Alive",
        "\\u212aeep_alive",
        "m\\u004fdel",
        "\xc5\xbftream",
        "Prompt",
        ("\xe2\x84\xaa"
         "eep_alive"),
    };
    static const char *const others[] = {"mode", "Models", "m", "Template", "", "o\\u017f"};
    char body[100];
    struct err err;
    struct ask ask;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        snprintf(body, sizeof body, "{\"model\":\"m\",\"prompt\":\"a\",\"%s\":\"n\"}", refused[i]);
        if (scan(&ask, TASK_complete, body, &err) != -EINVAL)
            fail_msg("%s was taken", refused[i]);
        assert_non_null(strstr(err.text, "in small letters"));
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        snprintf(body, sizeof body, "{\"model\":\"m\",\"%s\":\"n\"}", others[i]);
        assert_int_equal(scan(&ask, TASK_complete, body, &err), 0);
        ask_fini(&ask);
    }
}

static void what_is_wrong_within_is_named_by_its_place(void **state)
{
    static const struct {
        enum task task;
        const char *body;
        int r;
        const char *words;
    } cases[] = {
        {TASK_chat, "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\"}]}", -EINVAL,
         "messages[0]: role"},
        {TASK_chat, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"images\":[1]}]}", -EINVAL,
         "images"},
        {TASK_chat, "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"tool_name\":\"f\"}]}",
         -EINVAL, "tool_name"},
        {TASK_chat,
         "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{}}]"
         "}]}",
         -EINVAL, "tool_calls[0].function: name"},
        {TASK_chat,
         "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":"
         "{\"name\":\"f\",\"arguments\":\"{}\"}}]}]}",
         -EINVAL, "arguments: expected an object"},
        {TASK_chat, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}],\"format\":\"xml\"}",
         -EINVAL, "format"},
        {TASK_chat,
         "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}],\"options\":{\"seed\":\"x\"}}",
         -EINVAL, "options.seed"},
        {TASK_chat, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}],\"options\":{\"stop\":7}}",
         -EINVAL, "options.stop"},
        {TASK_complete, "{\"model\":\"m\",\"prompt\":\"a\",\"context\":[1]}", -ENOTSUP, "context"},
        {TASK_embed, "{\"model\":\"m\",\"input\":[1]}", -EINVAL, "input"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        struct arena arena;
        struct chat chat;
        struct ask ask;
        int r;

        arena_init(&arena, 1 << 20);
        assert_int_equal(scan(&ask, cases[i].task, cases[i].body, &err), 0);
        r = ollama()->read_request(&chat, &ask, &arena, &err);
        if (r != cases[i].r || !strstr(err.text, cases[i].words))
            fail_msg("%s: %d %s", cases[i].body, r, err.text);
        ask_fini(&ask);
        arena_fini(&arena);
    }
}

/* A model may write arguments that are no JSON; this dialect has no way to pass them on. */
static void arguments_that_make_no_sense_are_told(void **state)
{
    struct reply_shape shape = {.task = TASK_chat, .stream = true, .model = STR("m")};
    struct delta call = {.kind = DELTA_call, .call = {.name = STR("f"), .arguments = STR("{\"a")}};
    struct writer *w;
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    assert_int_equal(ollama()->writer_new(&w, &shape, &out), 0);
    assert_int_equal(ollama()->writer_put(w, &call), 0);
    assert_int_equal(ollama()->writer_end(w), -EBADMSG);
    assert_int_equal(out.len, 0);
    ollama()->writer_free(w);
    buf_fini(&out);
}

static int ignore(void *ctx, const struct delta *delta)
{
    (void)ctx;
    (void)delta;
    return 0;
}

static void only_done_is_the_end(void **state)
{
    static const struct {
        const char *lines;
        int r;
    } cases[] = {
        {"{\"message\":{\"content\":\"a\"},\"done\":true}\n", 0},
        {"{\"message\":{\"content\":\"a\"},\"done\":true}", 0},
        {"{\"message\":{\"content\":\"a\"},\"done\":false}\n", -EBADMSG},
        {"{\"error\":\"x\"}\n{\"done\":true}\n", -EBADMSG},
        {"{\"done\":true}\ngarbage behind the end\n", 0},
        {"", -EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reader *r;

        assert_int_equal(
            ollama()->reader_new(&r, TASK_chat, true, 1000, (struct sink){ignore, NULL}), 0);
        assert_int_equal(ollama()->reader_feed(r, str_from(cases[i].lines), NULL), 0);
        assert_int_equal(ollama()->reader_end(r), cases[i].r);
        ollama()->reader_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engines_no_is_understood),
        cmocka_unit_test(a_request_streams_unless_it_says_otherwise),
        cmocka_unit_test(nobody_unloads_a_model_from_outside),
        cmocka_unit_test(a_member_that_only_the_engine_would_take_for_another_is_refused),
        cmocka_unit_test(what_is_wrong_within_is_named_by_its_place),
        cmocka_unit_test(arguments_that_make_no_sense_are_told),
        cmocka_unit_test(only_done_is_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
