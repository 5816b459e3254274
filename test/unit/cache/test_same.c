/* SPDX-License-Identifier: Apache-2.0 */
/* When two requests are the same: the text that they come to, and what it gives away. */
#include "testing.h"

#include <errno.h>

#include "cache/same.h"

enum { S = TRAIT_steady, E = TRAIT_effects, A = TRAIT_apart };

static const struct {
    const char *body, *wanted; /* wanted: NULL: nested too deep */
    unsigned traits;
} golden[] = {
    {"{}", "{}", 0},
    {"{\"b\":1,\"a\":[2,{\"d\":3,\"c\":4}]}", "{\"a\":[2,{\"c\":4,\"d\":3}],\"b\":1}", 0},
    {"{ \"a\" : \"x\\u0041\\n\" }", "{\"a\":\"xA\\n\"}", 0},
    {"{\"a\":1.0,\"b\":1.5,\"c\":-0.0,\"d\":1e300}", "{\"a\":1,\"b\":1.5,\"c\":0,\"d\":1e300}", 0},
    {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}", 0},
    {"{\"a\":2,\"a\":1}", "{\"a\":2,\"a\":1}", 0},
    {"{\"model\":\"m\",\"stream\":true,\"stream_options\":{},\"keep_alive\":5}",
     "{\"model\":\"m\"}", 0},
    {"{\"a\":{\"stream\":true}}", "{\"a\":{\"stream\":true}}", 0},
    {"{\"temperature\":0}", "{\"temperature\":0}", S},
    {"{\"temperature\":0.0}", "{\"temperature\":0}", S},
    {"{\"temperature\":0.1}", "{\"temperature\":0.1}", 0},
    {"{\"temperature\":\"0\"}", "{\"temperature\":\"0\"}", 0},
    {"{\"options\":{\"temperature\":0}}", "{\"options\":{\"temperature\":0}}", S},
    {"{\"generationConfig\":{\"temperature\":0}}", "{\"generationConfig\":{\"temperature\":0}}", S},
    {"{\"a\":{\"b\":{\"temperature\":0}}}", "{\"a\":{\"b\":{\"temperature\":0}}}", 0},
    {"{\"tools\":[]}", "{\"tools\":[]}", 0},
    {"{\"tools\":[1]}", "{\"tools\":[1]}", E},
    {"{\"messages\":[{\"role\":\"tool\"}]}", "{\"messages\":[{\"role\":\"tool\"}]}", E},
    {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"}]}]}",
     "{\"messages\":[{\"content\":[{\"type\":\"tool_result\"}],\"role\":\"user\"}]}", E},
    {"{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\"}}]}]}",
     "{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\"}}]}]}", E},
    {"{\"input\":[{\"type\":\"function_call_output\"}]}",
     "{\"input\":[{\"type\":\"function_call_output\"}]}", E},
    {"{\"n\":1,\"logprobs\":false}", "{\"logprobs\":false,\"n\":1}", 0},
    {"{\"n\":2}", "{\"n\":2}", A},
    {"{\"logprobs\":true}", "{\"logprobs\":true}", A},
    {"{\"generationConfig\":{\"candidateCount\":3}}",
     "{\"generationConfig\":{\"candidateCount\":3}}", A},
    {"{\"previous_response_id\":\"r\",\"temperature\":0}",
     "{\"previous_response_id\":\"r\",\"temperature\":0}", A | S},
};

static void read_text(const char *body, struct buf *text, unsigned *traits, int wanted)
{
    struct json json = {0};

    assert_int_equal(json_read(&json, str_from(body), JSON_MEMORY(strlen(body)), NULL), 0);
    assert_int_equal(same_text(text, json.root, traits), wanted);
    json_fini(&json);
}

static void equal_requests_come_to_one_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(golden); i++) {
        struct buf text;
        unsigned traits = 0;

        buf_init(&text, 4096);
        read_text(golden[i].body, &text, &traits, 0);
        if (!str_is(buf_str(&text), golden[i].wanted) || traits != golden[i].traits)
            fail_msg("%s: %.*s, traits %u", golden[i].body, STR_ARG(buf_str(&text)), traits);
        buf_fini(&text);
    }
}

/* Neither the stack nor the memory of the gateway is a caller's to spend. */
static void what_is_too_deep_or_too_long_is_not_looked_at(void **state)
{
    char deep[256] = "";
    struct buf text;
    unsigned traits = 0;

    (void)state;
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    buf_init(&text, 4096);
    read_text(deep, &text, &traits, -ENOTSUP);
    buf_fini(&text);
    buf_init(&text, 8);
    read_text("{\"a\":\"longer than that\"}", &text, &traits, -EMSGSIZE);
    buf_fini(&text);
}

static void a_scope_keeps_equal_texts_apart(void **state)
{
    const struct str one[] = {STR("a"), STR("bc")}, other[] = {STR("ab"), STR("c")};
    struct cache_key keys[4];

    (void)state;
    assert_int_equal(same_key(&keys[0], one, 2, STR("{}")), 0);
    assert_int_equal(same_key(&keys[1], one, 2, STR("{}")), 0);
    assert_int_equal(same_key(&keys[2], other, 2, STR("{}")), 0);
    assert_int_equal(same_key(&keys[3], one, 1, STR("bc{}")), 0);
    assert_memory_equal(&keys[0], &keys[1], sizeof keys[0]);
    assert_memory_not_equal(&keys[0], &keys[2], sizeof keys[0]);
    assert_memory_not_equal(&keys[0], &keys[3], sizeof keys[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_requests_come_to_one_text),
        cmocka_unit_test(what_is_too_deep_or_too_long_is_not_looked_at),
        cmocka_unit_test(a_scope_keeps_equal_texts_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
