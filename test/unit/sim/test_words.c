/* SPDX-License-Identifier: Apache-2.0 */
/* What imagined models say: the same words, their continuation, calls, JSON, vectors. */
#include "testing.h"

#include <math.h>
#include <stdio.h>

#include "sim/words.h"

/* The answer to a body, in memory that lives until the next question but three. */
static struct answer answer_to(const char *body, enum asked_words words)
{
    static struct arena arenas[4];
    static struct json trees[4];
    static unsigned round;
    unsigned i = round++ % 4;
    struct asked asked;
    struct answer a = {0};

    arena_fini(&arenas[i]);
    json_fini(&trees[i]);
    arena_init(&arenas[i], 8 << 20);
    assert_int_equal(json_read(&trees[i], str_from(body), JSON_MEMORY(strlen(body)), NULL), 0);
    assert_int_equal(asked_read(&asked, trees[i].root, words, &arenas[i]), 0);
    assert_int_equal(words_answer(&a, &asked, STR("qwen2.5:14b"), 1, false, &arenas[i]), 0);
    return a;
}

static bool says(struct answer a, const char *begins)
{
    return str_starts(a.text, str_from(begins));
}

static void an_answer_begins_with_what_arrived(void **state)
{
    (void)state;
    assert_true(
        says(answer_to("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", ASKED_native),
             "[qwen2.5:14b m=1 i=0 t=0 n="));
    assert_true(
        says(answer_to("{\"messages\":[{\"role\":\"system\",\"content\":\"x\"},{\"role\":\"user\","
                       "\"content\":\"hi\",\"images\":[\"AA\"]}],\"tools\":[{}]}",
                       ASKED_native),
             "[qwen2.5:14b m=2 i=1 t=1 n="));
    assert_true(says(answer_to("{\"prompt\":\"write 3 words\"}", ASKED_native),
                     "[qwen2.5:14b m=1 i=0 t=0 n=3 #"));
}

static void the_same_messages_give_the_same_text_in_every_dialect(void **state)
{
    struct answer native, parts;

    (void)state;
    native =
        answer_to("{\"messages\":[{\"role\":\"user\",\"content\":\"hello\",\"images\":[\"AA\"]}]}",
                  ASKED_native);
    parts = answer_to(
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hel\"},"
        "{\"type\":\"text\",\"text\":\"lo\"},{\"type\":\"image_url\",\"image_url\":{}}]}]}",
        ASKED_openai);
    assert_true(str_equal(native.text, parts.text));
}

static void a_beginning_is_continued_wherever_it_was_cut(void **state)
{
    static const char body[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"tell me\"}]}";
    struct answer whole = answer_to(body, ASKED_native);
    char full[4096], cut[8192];

    (void)state;
    snprintf(full, sizeof full, "%.*s", STR_ARG(whole.text));
    for (size_t n = 1; n < strlen(full); n++) {
        struct answer rest;

        snprintf(
            cut, sizeof cut,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"tell me\"},{\"role\":\"assistant\","
            "\"content\":\"%.*s\"}]}",
            (int)n, full);
        rest = answer_to(cut, ASKED_openai);
        assert_true(str_equal(rest.text, str_from(full + n)));
        assert_true(rest.chain == whole.chain || rest.chain != 0);
    }
}

static void a_raw_prompt_that_ends_in_an_answer_is_continued_too(void **state)
{
    struct answer whole = answer_to("{\"prompt\":\"hi\"}", ASKED_native), rest;
    char full[4096], cut[8192];

    (void)state;
    snprintf(full, sizeof full, "%.*s", STR_ARG(whole.text));
    snprintf(cut, sizeof cut, "{\"raw\":true,\"prompt\":\"<user>hi<assistant>%.90s\"}", full);
    rest = answer_to(cut, ASKED_native);
    assert_true(str_equal(rest.text, str_from(full + 90)));
}

static void tools_are_called_when_the_user_says_so(void **state)
{
    static const struct {
        const char *text, *extra, *name;
    } cases[] = {
        {"please call weather now", "", "weather"},
        {"use the tool weather", "", "weather"},
        {"use clock", "", "clock"},
        {"call weatherman", "", NULL},
        {"hello", "", NULL},
        {"hello", ",\"tool_choice\":\"required\"", "weather"},
        {"hello", ",\"tool_choice\":{\"function\":{\"name\":\"clock\"}}", "clock"},
        {"call weather", ",\"tool_choice\":\"none\"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char body[1024];
        struct answer a;

        snprintf(body, sizeof body,
                 "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"tools\":["
                 "{\"function\":{\"name\":\"weather\",\"parameters\":{\"type\":\"object\","
                 "\"properties\":{\"city\":{\"type\":\"string\",\"enum\":[\"Cusco\"]},"
                 "\"days\":{\"type\":\"array\",\"items\":{\"const\":7}}}}}},"
                 "{\"function\":{\"name\":\"clock\"}}]%s}",
                 cases[i].text, cases[i].extra);
        a = answer_to(body, ASKED_openai);
        if (!cases[i].name)
            assert_null(a.call_name.data);
        else
            assert_true(str_is(a.call_name, cases[i].name));
        if (cases[i].name && cases[i].name[0] == 'w')
            assert_true(str_is(a.call_arguments, "{\"city\":\"Cusco\",\"days\":[7]}"));
    }
}

static void json_is_json_and_still_says_what_arrived(void **state)
{
    struct answer a;
    struct json tree;

    (void)state;
    a = answer_to("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"format\":{\"type\":"
                  "\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"age\":{\"type\":"
                  "\"integer\",\"minimum\":18},\"ok\":{\"type\":\"boolean\"}}}}",
                  ASKED_native);
    assert_int_equal(json_read(&tree, a.text, JSON_MEMORY(a.text.len), NULL), 0);
    assert_true(str_starts(json_find_str(tree.root, "name"), STR("[qwen2.5:14b m=1")));
    assert_true(json_find_u64(tree.root, "age") >= 18);
    assert_true(yyjson_is_bool(json_find(tree.root, "ok")));
    json_fini(&tree);
}

static void a_stop_text_ends_it(void **state)
{
    struct answer a = answer_to("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
                                "\"options\":{\"stop\":[\" n=\"]}}",
                                ASKED_native);

    (void)state;
    assert_true(str_is(a.text, "[qwen2.5:14b m=1 i=0 t=0"));
    assert_true(a.stopped);
}

static void tokens_make_the_whole_text_again(void **state)
{
    static const struct str texts[] = {{"one two  three", 14},
                                       {"incomprehensibilities", 21},
                                       {"", 0},
                                       {"h\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 x", 11}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char whole[64] = "";
        struct str token;

        for (size_t at = 0; words_token(texts[i], &at, &token);) {
            assert_true(token.len > 0 && ((unsigned char)token.data[0] & 0xc0) != 0x80);
            strncat(whole, token.data, token.len);
        }
        assert_string_equal(whole, texts[i].data);
    }
}

static void durations_are_read_as_go_reads_them(void **state)
{
    static const struct {
        const char *json;
        double ms;
    } cases[] = {
        {"300", 300000},        {"-1", -1000},      {"0", 0},           {"\"10m\"", 600000},
        {"\"1h30m\"", 5400000}, {"\"-1s\"", -1000}, {"\"1.5s\"", 1500}, {"\"0\"", 0}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json tree;
        double ms = 99;

        assert_int_equal(json_read(&tree, str_from(cases[i].json), 1 << 20, NULL), 0);
        assert_int_equal(asked_duration(&ms, tree.root), 0);
        assert_true(ms == cases[i].ms);
        json_fini(&tree);
    }
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static void vectors_are_one_long_and_near_for_like_texts(void **state)
{
    float a[384], b[384], c[384], other[384];

    (void)state;
    words_embed(a, 384, STR("bge-m3"), STR("the llama crosses the bridge"));
    words_embed(b, 384, STR("bge-m3"), STR("a llama crosses a bridge"));
    words_embed(c, 384, STR("bge-m3"), STR("quarterly tax return"));
    words_embed(other, 384, STR("nomic"), STR("the llama crosses the bridge"));
    assert_true(fabs(dot(a, a, 384) - 1) < 1e-4);
    assert_true(dot(a, b, 384) > dot(a, c, 384) + 0.2);
    assert_true(fabs(dot(a, other, 384)) < 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_begins_with_what_arrived),
        cmocka_unit_test(the_same_messages_give_the_same_text_in_every_dialect),
        cmocka_unit_test(a_beginning_is_continued_wherever_it_was_cut),
        cmocka_unit_test(a_raw_prompt_that_ends_in_an_answer_is_continued_too),
        cmocka_unit_test(tools_are_called_when_the_user_says_so),
        cmocka_unit_test(json_is_json_and_still_says_what_arrived),
        cmocka_unit_test(a_stop_text_ends_it),
        cmocka_unit_test(tokens_make_the_whole_text_again),
        cmocka_unit_test(durations_are_read_as_go_reads_them),
        cmocka_unit_test(vectors_are_one_long_and_near_for_like_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
