/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: what each kind of engine is asked, and what is made of its answer. */
#include "testing.h"

#include <stdio.h>

#include "../http/wires.h"
#include "engine/probe.h"
#include "net/door.h"

enum { NEVER_MS = 60000, SOON_MS = 50 };

static struct play {
    struct loop *loop;
    struct client *client;
    struct endpoint endpoint;
    struct probe *probe;
    struct buf heard, result;
    int listener, fd;
    bool done;
} play;

static void on_probed(void *ctx, const struct probe_result *r)
{
    assert_ptr_equal(ctx, &play);
    assert_false(play.done);
    play.done = true;
    assert_int_equal(buf_printf(&play.result, "%s '%.*s'%s", r->up ? "up" : "down",
                                STR_ARG(r->version), r->knows_loaded ? " loaded:" : ""),
                     0);
    for (unsigned i = 0; i < r->count; i++)
        assert_int_equal(buf_printf(&play.result, " %.*s/%ju/%ju/%ju", STR_ARG(r->models[i].name),
                                    (uintmax_t)r->models[i].memory_bytes,
                                    (uintmax_t)r->models[i].gpu_bytes,
                                    (uintmax_t)r->models[i].context),
                         0);
    if (r->knows_listed)
        assert_int_equal(buf_printf(&play.result, " has:"), 0);
    for (unsigned i = 0; i < r->listed_count; i++)
        assert_int_equal(buf_printf(&play.result, " %.*s", STR_ARG(r->listed[i])), 0);
}

static int set_up(void **state)
{
    struct err err = {0};
    uint16_t port;

    (void)state;
    play = (struct play){.fd = -1};
    buf_init(&play.heard, HEARD_MAX);
    buf_init(&play.result, 1 << 20);
    play.listener = listen_raw(&port, 16);
    play.endpoint = (struct endpoint){.host = "127.0.0.1", .port = port};
    assert_int_equal(loop_open(&play.loop, 0), 0);
    return client_open(
        &play.client, play.loop,
        &(struct client_options){.idle_max = 1, .idle_timeout_ms = NEVER_MS, .header_max = 4096},
        &err);
}

static int tear_down(void **state)
{
    (void)state;
    if (play.fd >= 0)
        close(play.fd);
    if (play.listener >= 0)
        close(play.listener);
    client_close(play.client);
    loop_close(play.loop);
    buf_fini(&play.heard);
    buf_fini(&play.result);
    return 0;
}

static void begin(enum engine_kind kind, uint32_t timeout_ms)
{
    const struct probe_ask ask = {&play.endpoint, kind, STR("Bearer k"), timeout_ms, false};

    assert_int_equal(probe_start(&play.probe, play.client, &ask, on_probed, &play), 0);
}

static void begin_with_list(void)
{
    const struct probe_ask ask = {&play.endpoint, ENGINE_ollama, STR(""), NEVER_MS, true};

    assert_int_equal(probe_start(&play.probe, play.client, &ask, on_probed, &play), 0);
}

/* The engine hears that question and answers. */
static void answers(const char *question, const char *status, const char *body)
{
    char text[8192];

    if (play.fd < 0)
        play.fd = accept_raw(play.loop, play.listener);
    buf_reset(&play.heard);
    hear(play.loop, play.fd, &play.heard, "\r\n\r\n");
    assert_true(str_starts(buf_str(&play.heard), str_from(question)));
    snprintf(text, sizeof text, "HTTP/1.1 %s\r\ncontent-length: %zu\r\n\r\n%s", status,
             strlen(body), body);
    say(play.loop, play.fd, str_from(text));
}

static void result_is(const char *text)
{
    UNTIL(play.loop, play.done);
    if (!str_is(buf_str(&play.result), text))
        fail_msg("%.*s, not %s", STR_ARG(buf_str(&play.result)), text);
}

static void ollama_says_its_version_and_what_is_loaded(void **state)
{
    (void)state;
    begin(ENGINE_ollama, NEVER_MS);
    answers("GET /api/version ", "200 OK", "{\"version\":\"0.12.3\"}");
    answers("GET /api/ps ", "200 OK",
            "{\"models\":[{\"name\":\"qwen2.5:7b\",\"size\":6000,\"size_vram\":5000,"
            "\"context_length\":8192},{\"name\":\"b\"}]}");
    result_is("up '0.12.3' loaded: qwen2.5:7b/6000/5000/8192 b/0/0/0");
}

static void ollama_says_what_it_has_when_that_is_asked_for(void **state)
{
    (void)state;
    begin_with_list();
    answers("GET /api/version ", "200 OK", "{\"version\":\"1\"}");
    answers("GET /api/tags ", "200 OK", "{\"models\":[{\"name\":\"a:1b\"},{\"name\":\"b\"}]}");
    answers("GET /api/ps ", "200 OK", "{\"models\":[]}");
    result_is("up '1' loaded: has: a:1b b");
}

static void an_ollama_whose_list_fails_is_up_all_the_same(void **state)
{
    (void)state;
    begin_with_list();
    answers("GET /api/version ", "200 OK", "{\"version\":\"1\"}");
    answers("GET /api/tags ", "500 No", "");
    answers("GET /api/ps ", "200 OK", "{\"models\":[]}");
    result_is("up '1' loaded:");
}

static void the_credential_goes_along(void **state)
{
    (void)state;
    begin(ENGINE_openai, NEVER_MS);
    answers("GET ", "200 OK", "{}");
    assert_non_null(memmem(play.heard.data, play.heard.len, "Bearer k", 8));
    result_is("up ''");
}

static void an_ollama_that_does_not_say_what_is_loaded_is_up(void **state)
{
    static const struct {
        const char *status, *body;
    } cases[] = {{"404 Not Found", "{}"}, {"200 OK", "no JSON"}, {"200 OK", ""}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(ENGINE_ollama, NEVER_MS);
        answers("GET /api/version ", "200 OK", "{\"version\":\"1\"}");
        answers("GET /api/ps ", cases[i].status, cases[i].body);
        result_is("up '1'");
        tear_down(state);
        set_up(state);
    }
}

static void a_list_that_is_no_list_has_nothing_in_it(void **state)
{
    (void)state;
    begin(ENGINE_ollama, NEVER_MS);
    answers("GET /api/version ", "200 OK", "[]");
    answers("GET /api/ps ", "200 OK", "{\"models\":{\"name\":1}}");
    result_is("up '' loaded:");
}

static void an_ollama_that_dies_between_two_questions_was_up(void **state)
{
    (void)state;
    begin(ENGINE_ollama, NEVER_MS);
    answers("GET /api/version ", "200 OK", "{\"version\":\"1\"}");
    buf_reset(&play.heard);
    hear(play.loop, play.fd, &play.heard, "\r\n\r\n");
    hang_up(&play.fd);
    close(play.listener);
    play.listener = -1;
    result_is("up '1'");
}

static void a_llama_server_that_loads_its_model_is_up(void **state)
{
    (void)state;
    begin(ENGINE_llama_server, NEVER_MS);
    answers("GET /health ", "503 Service Unavailable",
            "{\"error\":{\"message\":\"Loading model\"}}");
    result_is("up ''");
}

static void any_other_error_is_down(void **state)
{
    (void)state;
    begin(ENGINE_ollama, NEVER_MS);
    answers("GET /api/version ", "503 Service Unavailable", "{}");
    result_is("down ''");
}

static void nobody_there_is_down(void **state)
{
    (void)state;
    close(play.listener);
    play.listener = -1;
    begin(ENGINE_ollama, NEVER_MS);
    result_is("down ''");
}

static void silence_is_down(void **state)
{
    (void)state;
    begin(ENGINE_ollama, SOON_MS);
    play.fd = accept_raw(play.loop, play.listener);
    result_is("down ''");
}

static void a_version_too_long_to_be_one_is_cut(void **state)
{
    (void)state;
    begin(ENGINE_openai, NEVER_MS);
    answers("GET ", "200 OK", "{\"version\":\"0123456789012345678901234567890123456789\"}");
    result_is("up '0123456789012345678901234567890'");
}

static void a_list_without_end_is_taken_up_to_its_ceiling(void **state)
{
    struct buf body;

    (void)state;
    buf_init(&body, 8192);
    assert_int_equal(buf_put(&body, STR("{\"models\":[{}")), 0);
    for (int i = 0; i < 3 * PROBE_MODELS_MAX; i++)
        assert_int_equal(buf_put(&body, STR(",{}")), 0);
    assert_int_equal(buf_put(&body, STR("]}\0")), 0);
    begin(ENGINE_ollama, NEVER_MS);
    answers("GET /api/version ", "200 OK", "{}");
    answers("GET /api/ps ", "200 OK", body.data);
    UNTIL(play.loop, play.done);
    assert_int_equal(play.result.len,
                     strlen("up '' loaded:") + PROBE_MODELS_MAX * strlen(" /0/0/0"));
    buf_fini(&body);
}

static void a_probe_that_is_cancelled_says_nothing(void **state)
{
    (void)state;
    begin(ENGINE_ollama, NEVER_MS);
    play.fd = accept_raw(play.loop, play.listener);
    hear(play.loop, play.fd, &play.heard, "\r\n\r\n");
    probe_cancel(play.probe);
    probe_cancel(NULL);
    hear_end(play.loop, play.fd, &play.heard);
    assert_false(play.done);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ollama_says_its_version_and_what_is_loaded),
        TEST(ollama_says_what_it_has_when_that_is_asked_for),
        TEST(an_ollama_whose_list_fails_is_up_all_the_same),
        TEST(the_credential_goes_along),
        TEST(an_ollama_that_does_not_say_what_is_loaded_is_up),
        TEST(a_list_that_is_no_list_has_nothing_in_it),
        TEST(an_ollama_that_dies_between_two_questions_was_up),
        TEST(a_llama_server_that_loads_its_model_is_up),
        TEST(any_other_error_is_down),
        TEST(nobody_there_is_down),
        TEST(silence_is_down),
        TEST(a_version_too_long_to_be_one_is_cut),
        TEST(a_list_without_end_is_taken_up_to_its_ceiling),
        TEST(a_probe_that_is_cancelled_says_nothing),
    };

    door_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
