/* SPDX-License-Identifier: Apache-2.0 */
/* What a model says of itself: from an engine's list, and from a header made by hand. */
#include "testing.h"

#include <errno.h>

#include "model/header.h"
#include "wire/json.h"

static struct arena arena;
static struct header header;
static struct json json;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    header_init(&header, &arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_fini(&json);
    json = (struct json){0};
    arena_fini(&arena);
    return 0;
}

static int read_show(const char *text, struct model *ret)
{
    struct err err = {0};
    int r = json_read(&json, str_from(text), JSON_MEMORY(strlen(text)), &err);

    if (r == 0)
        r = header_read_show(&header, json.root, &err);
    return r < 0 ? r : header_model(&header, ret, &err);
}

static void a_dense_model_is_read_from_what_the_engine_lists(void **state)
{
    struct model m;

    (void)state;
    assert_int_equal(
        read_show(
            "{\"license\":\"Apache License 2.0\\nand so on\",\"details\":{\"quantization_level\""
            ":\"Q4_K_M\"},\"capabilities\":[\"completion\",\"tools\",\"insert\"],"
            "\"model_info\":{\"general.architecture\":\"qwen2\",\"general.name\":\"Qwen2.5 Coder\","
            "\"general.parameter_count\":32763876352,\"qwen2.block_count\":64,"
            "\"qwen2.context_length\":32768,\"qwen2.embedding_length\":5120,"
            "\"qwen2.feed_forward_length\":27648,\"qwen2.attention.head_count\":40,"
            "\"qwen2.attention.head_count_kv\":8,\"qwen2.vocab_size\":152064,"
            "\"qwen2.attention.layer_norm_rms_epsilon\":1e-6,"
            "\"tokenizer.ggml.tokens\":null}}",
            &m),
        0);
    assert_int_equal(m.params, 32763876352);
    assert_int_equal(m.active_params, m.params);
    assert_int_equal(m.geometry.layers, 64);
    assert_int_equal(m.geometry.kv_heads, 8);
    assert_int_equal(m.geometry.key_length, 128);
    assert_int_equal(m.geometry.value_length, 128);
    assert_int_equal(m.geometry.vocabulary, 152064);
    assert_int_equal(m.context, 32768);
    assert_int_equal(m.capabilities, 1u << CAPABILITY_completion | 1u << CAPABILITY_tools |
                                         1u << CAPABILITY_insert);
    assert_int_equal(m.purposes, 1u << PURPOSE_general | 1u << PURPOSE_code);
    assert_true(str_is(m.licence, "Apache License 2.0"));
    assert_true(str_is(header.quant, "Q4_K_M"));
}

static void of_experts_only_those_in_use_are_active(void **state)
{
    struct model m;

    (void)state;
    /* 36 layers of 128 experts with three matrices of 2880 by 2880 each. */
    assert_int_equal(
        read_show("{\"capabilities\":[\"completion\",\"thinking\"],\"model_info\":{"
                  "\"general.architecture\":\"gpt-oss\",\"general.parameter_count\":116829156672,"
                  "\"gpt-oss.block_count\":36,\"gpt-oss.embedding_length\":2880,"
                  "\"gpt-oss.expert_feed_forward_length\":2880,\"gpt-oss.expert_count\":128,"
                  "\"gpt-oss.expert_used_count\":4,\"gpt-oss.attention.head_count\":64,"
                  "\"gpt-oss.attention.head_count_kv\":8,\"gpt-oss.attention.key_length\":64,"
                  "\"gpt-oss.attention.value_length\":64,\"gpt-oss.context_length\":131072}}",
                  &m),
        0);
    assert_in_range(m.active_params, 4900000000, 6200000000);
    assert_int_equal(m.geometry.experts, 128);
    assert_int_equal(m.geometry.key_length, 64);
    assert_true(m.purposes & 1u << PURPOSE_reasoning);
}

static void lists_by_layer_are_counted(void **state)
{
    struct model m;

    (void)state;
    assert_int_equal(
        read_show(
            "{\"model_info\":{\"general.architecture\":\"lfm2\",\"general.parameter_count\":1000,"
            "\"lfm2.block_count\":4,\"lfm2.embedding_length\":64,\"lfm2.attention.head_count\":4,"
            "\"lfm2.attention.head_count_kv\":[0,2,0,2],\"lfm2.attention.sliding_window\":128,"
            "\"lfm2.attention.sliding_window_pattern\":[true,true,true,false]}}",
            &m),
        0);
    assert_int_equal(m.geometry.kv_layers, 2);
    assert_int_equal(m.geometry.kv_heads, 2);
    assert_int_equal(m.geometry.window, 128);
    assert_int_equal(m.geometry.window_layers, 3);
}

static void an_embedding_has_dimensions(void **state)
{
    struct model m;

    (void)state;
    assert_int_equal(
        read_show(
            "{\"capabilities\":[\"embedding\"],\"model_info\":{\"general.architecture\":"
            "\"nomic-bert\",\"general.parameter_count\":136727040,\"nomic-bert.block_count\":12,"
            "\"nomic-bert.embedding_length\":768,\"nomic-bert.attention.head_count\":12,"
            "\"nomic-bert.context_length\":2048,\"nomic-bert.pooling_type\":1}}",
            &m),
        0);
    assert_int_equal(m.dimensions, 768);
    assert_int_equal(m.purposes, 1u << PURPOSE_embedding);
}

static void what_says_too_little_is_refused(void **state)
{
    struct model m;

    (void)state;
    assert_int_equal(read_show("{\"modelfile\":\"FROM x\"}", &m), -EINVAL);
    json_fini(&json);
    assert_int_equal(read_show("{\"model_info\":{\"general.architecture\":\"clip\"}}", &m),
                     -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_dense_model_is_read_from_what_the_engine_lists, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_experts_only_those_in_use_are_active, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_by_layer_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(an_embedding_has_dimensions, setup, teardown),
        cmocka_unit_test_setup_teardown(what_says_too_little_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
