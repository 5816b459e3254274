/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog says, held against what was looked up apart from it: sizes as registries have
 * them, parameters and shapes as they were published, and what replaces what is gone. */
#include "testing.h"

#include <math.h>
#include <stdio.h>

#include "model/catalog.h"

static struct catalog *catalog;

static int load_catalog(void **state)
{
    (void)state;
    return catalog_load(&catalog, NULL, NULL);
}

static int free_catalog(void **state)
{
    (void)state;
    catalog_free(catalog);
    return 0;
}

/* As a plan had it, as it is called, then thousand millions of parameters, quantisation, GB, and
 * layers, width, heads, heads of keys, length of a key, context. */
/* clang-format off */
static const struct fact {
    const char *written, *tag;
    double params_b, active_b;
    const char *quant;
    double gb;
    unsigned layers, hidden, heads, kv_heads, key_length;
    uint64_t context;
} facts[] = {
    {"qwen2.5-coder:32b", "qwen2.5-coder:32b", 32.76, 32.76, "Q4_K_M", 19.851, 64, 5120, 40, 8, 128, 32768},
    {"qwen2.5-coder:32b-q4", "qwen2.5-coder:32b-instruct-q4_K_M", 32.76, 32.76, "Q4_K_M", 19.851, 64, 5120, 40, 8, 128, 32768},
    {"deepseek-coder-v2:236b", "deepseek-coder-v2:236b", 235.74, 21.4, "Q4_0", 132.912, 60, 5120, 128, 128, 192, 4096},
    {"deepseek-coder-v2:236b-q4", "deepseek-coder-v2:236b-instruct-q4_0", 235.74, 21.4, "Q4_0", 132.912, 60, 5120, 128, 128, 192, 4096},
    {"qwen2.5:72b", "qwen2.5:72b", 72.71, 72.71, "Q4_K_M", 47.416, 80, 8192, 64, 8, 128, 32768},
    {"qwen2.5:72b-q4", "qwen2.5:72b-instruct-q4_K_M", 72.71, 72.71, "Q4_K_M", 47.416, 80, 8192, 64, 8, 128, 32768},
    {"llava:34b", "llava:34b", 34.75, 34.75, "Q4_0", 20.166, 60, 7168, 56, 8, 128, 4096},
    {"deepseek-r1:14b", "deepseek-r1:14b", 14.77, 14.77, "Q4_K_M", 8.988, 48, 5120, 40, 8, 128, 131072},
    {"qwen2.5:32b", "qwen2.5:32b", 32.76, 32.76, "Q4_K_M", 19.851, 64, 5120, 40, 8, 128, 32768},
    {"llama3.2-vision:90b", "llama3.2-vision:90b", 88.6, 88.6, "Q4_K_M", 54.623, 100, 8192, 64, 8, 128, 131072},
    {"llama3.2-vision:11b", "llama3.2-vision:11b", 10.67, 10.67, "Q4_K_M", 7.817, 40, 4096, 32, 8, 128, 131072},
    {"codestral:22b", "codestral:22b", 22.25, 22.25, "Q4_0", 12.569, 56, 6144, 48, 8, 128, 32768},
    {"llama3.1:70b-q4", "llama3.1:70b-instruct-q4_K_M", 70.55, 70.55, "Q4_K_M", 42.520, 80, 8192, 64, 8, 128, 131072},
    {"mistral-nemo:12b", "mistral-nemo:12b", 12.25, 12.25, "Q4_0", 7.072, 40, 5120, 32, 8, 128, 131072},
    {"qwen2.5:14b", "qwen2.5:14b", 14.77, 14.77, "Q4_K_M", 8.988, 48, 5120, 40, 8, 128, 32768},
    {"llama3.2:3b", "llama3.2:3b", 3.21, 3.21, "Q4_K_M", 2.019, 28, 3072, 24, 8, 128, 131072},
    {"deepseek-r1:8b", "deepseek-r1:8b", 8.19, 8.19, "Q4_K_M", 5.225, 36, 4096, 32, 8, 128, 131072},
    {"nomic-embed-text", "nomic-embed-text", 0.137, 0.137, "F16", 0.274, 12, 768, 12, 12, 64, 2048},
    {"mixtral:8x22b-q4", "mixtral:8x22b-instruct-v0.1-q4_0", 140.63, 39.2, "Q4_0", 79.521, 56, 6144, 48, 8, 128, 65536},
    {"mxbai-embed-large", "mxbai-embed-large", 0.334, 0.334, "F16", 0.670, 24, 1024, 16, 16, 64, 512},
    {"bge-m3", "bge-m3", 0.567, 0.567, "F16", 1.158, 24, 1024, 16, 16, 64, 8192},
    {"snowflake-arctic-embed:335m", "snowflake-arctic-embed:335m", 0.334, 0.334, "F16", 0.669, 24, 1024, 16, 16, 64, 512},
    {"granite-embedding", "granite-embedding:30m", 0.03, 0.03, "F16", 0.063, 6, 384, 12, 12, 32, 512},
    {"phi3.5:3.8b", "phi3.5:3.8b", 3.82, 3.82, "Q4_0", 2.176, 32, 3072, 32, 32, 96, 131072},
    {"mistral:7b", "mistral:7b", 7.25, 7.25, "Q4_K_M", 4.373, 32, 4096, 32, 8, 128, 32768},
    {"codellama:13b", "codellama:13b", 13.02, 13.02, "Q4_0", 7.366, 40, 5120, 40, 40, 128, 16384},
    {"qwen2.5:7b", "qwen2.5:7b", 7.62, 7.62, "Q4_K_M", 4.683, 28, 3584, 28, 4, 128, 32768},
    {"tinyllama:1.1b", "tinyllama:1.1b", 1.1, 1.1, "Q4_0", 0.638, 22, 2048, 32, 4, 64, 2048},
    {"phi-2:2.7b", "phi:2.7b", 2.78, 2.78, "Q4_0", 1.602, 32, 2560, 32, 32, 80, 2048},
    {"llama3.2:1b", "llama3.2:1b", 1.24, 1.24, "Q8_0", 1.321, 16, 2048, 32, 8, 64, 131072},
};
/* clang-format on */

static void check_near(const char *tag, const char *what, double found, double expected,
                       double slack)
{
    if (fabs(found - expected) > slack * expected)
        fail_msg("%s: %s is %g, expected %g", tag, what, found, expected);
}

static void check_same(const char *tag, const char *what, uint64_t found, uint64_t expected)
{
    if (found != expected)
        fail_msg("%s: %s is %llu, expected %llu", tag, what, (unsigned long long)found,
                 (unsigned long long)expected);
}

static void every_model_has_the_size_and_shape_that_was_looked_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(facts); i++) {
        const struct fact *f = &facts[i];
        const struct artifact *a = catalog_artifact(catalog, str_from(f->tag));
        const struct geometry *g;

        if (!a)
            fail_msg("%s is not in the catalog", f->tag);
        g = &a->model->geometry;
        check_near(f->tag, "GB", (double)a->bytes / 1e9, f->gb, 0.005);
        check_near(f->tag, "parameters", (double)a->model->params / 1e9, f->params_b, 0.01);
        check_near(f->tag, "active", (double)a->model->active_params / 1e9, f->active_b, 0.02);
        check_same(f->tag, "layers", g->layers, f->layers);
        check_same(f->tag, "hidden", g->hidden, f->hidden);
        check_same(f->tag, "heads", g->heads, f->heads);
        check_same(f->tag, "kv_heads", g->kv_heads, f->kv_heads);
        check_same(f->tag, "key_length", g->key_length, f->key_length);
        check_same(f->tag, "context", artifact_context(a), f->context);
        assert_true(str_equal_nocase(a->quant, str_from(f->quant)));
        assert_true(a->model->engines & 1u << ENGINE_ollama);
    }
}

static void a_name_that_does_not_exist_leads_to_the_one_that_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(facts); i++) {
        const struct artifact *right = catalog_artifact(catalog, str_from(facts[i].tag));
        const struct artifact *found = catalog_artifact(catalog, str_from(facts[i].written));

        if (!found)
            found = catalog_mistaken(catalog, str_from(facts[i].written));
        if (found != right)
            fail_msg("%s does not lead to %s", facts[i].written, facts[i].tag);
    }
}

/* Images, video and voice: names that Ollama does not have, and the GB of what is meant. */
static void what_ollama_does_not_serve_has_its_engine(void **state)
{
    static const struct {
        const char *written;
        enum engine_kind engine;
        double gb; /* of the whole bundle; 0: not known */
    } rows[] = {
        {"stable-diffusion-xl", ENGINE_sd_server, 6.94},
        {"flux-schnell", ENGINE_sd_server, 22.8},
        {"stable-diffusion-2.1", ENGINE_sd_server, 5.21},
        {"stable-diffusion", ENGINE_sd_server, 4.27},
        {"whisper:large-v3", ENGINE_whisper_server, 3.1},
        {"wan2.1-t2v-1.3b-q8_0", ENGINE_sd_server, 0},
        {"whisper-large-v3-turbo", ENGINE_whisper_server, 1.62},
        {"kokoro-82m", ENGINE_openai, 0.35},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str name = str_from(rows[i].written);
        const struct artifact *a = catalog_artifact(catalog, name);
        const struct model *m = catalog_model(catalog, name);

        if (!a)
            a = catalog_mistaken(catalog, name);
        if (!a && m)
            a = m->artifacts;
        if (!a)
            fail_msg("%s leads nowhere", rows[i].written);
        assert_true(a->model->engines & 1u << rows[i].engine);
        assert_false(a->model->engines & 1u << ENGINE_ollama);
        if (rows[i].gb > 0)
            check_near(rows[i].written, "GB", (double)a->bytes / 1e9, rows[i].gb, 0.02);
    }
}

static void what_replaces_old_models_is_there(void **state)
{
    static const struct {
        const char *tag;
        double gb;
    } rows[] = {
        {"qwen3-coder:30b", 19}, {"gpt-oss:120b", 65},  {"qwen3-vl:32b", 21},
        {"qwen3-vl:8b", 6.1},    {"qwen2.5vl:72b", 49}, {"qwen2.5vl:7b", 6.0},
        {"gemma4:31b", 20},      {"gemma4:12b", 7.6},   {"granite-embedding:278m", 0.563},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct artifact *a = catalog_artifact(catalog, str_from(rows[i].tag));

        if (!a)
            fail_msg("%s is not in the catalog", rows[i].tag);
        check_near(rows[i].tag, "GB", (double)a->bytes / 1e9, rows[i].gb, 0.03);
    }
}

static void devices_have_the_bandwidth_that_was_looked_up(void **state)
{
    static const struct {
        const char *name;
        double gbs, efficiency, gib;
    } rows[] = {
        {"RTX 5090", 1792, 0.65, 31.85},  {"RTX 2080 Super", 496, 0.75, 8},
        {"AI Max+ 395", 256, 0.75, 0},    {"GB10", 273, 0.71, 0},
        {"M4 Pro", 273, 0.8, 0},          {"HX 370", 120, 0.45, 0},
        {"Ultra 9 185H", 89.6, 0.5, 0},   {"i9-12900K", 57.6, 0.62, 0},
        {"i9-12900H", 76.8, 0.55, 0},     {"i5-12400", 76.8, 0.6, 0},
        {"i7-6700K", 34.1, 0.62, 0},      {"Ryzen 3 3200U", 38.4, 0.55, 0},
        {"Raspberry Pi 5", 17.1, 0.6, 0}, {"AMD XDNA 2", 60, 0.54, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct hardware_facts *h = catalog_hardware(catalog, str_from(rows[i].name));

        if (!h)
            fail_msg("%s is not in the catalog", rows[i].name);
        check_near(rows[i].name, "bandwidth", h->bandwidth_gbs, rows[i].gbs, 0);
        check_near(rows[i].name, "efficiency", h->efficiency, rows[i].efficiency, 0);
        if (rows[i].gib > 0)
            check_near(rows[i].name, "GiB", (double)h->memory_bytes / (1 << 30), rows[i].gib,
                       0.001);
    }
}

static void cloud_models_have_their_price_and_their_end(void **state)
{
    static const struct {
        const char *written, *id;
        enum provider_kind provider;
        double in, out;
        uint64_t context;
        const char *retired;
    } rows[] = {
        {"claude-opus-4.5", "claude-opus-4-5-20251101", PROVIDER_anthropic, 5, 25, 200000, ""},
        {"claude-sonnet-4.5", "claude-sonnet-4-5-20250929", PROVIDER_anthropic, 3, 15, 200000, ""},
        {"claude-haiku-4.5", "claude-haiku-4-5-20251001", PROVIDER_anthropic, 1, 5, 200000, ""},
        {"gpt-4o", "gpt-4o", PROVIDER_openai, 2.5, 10, 128000, "2027-01-14"},
        {"gpt-4o-mini", "gpt-4o-mini", PROVIDER_openai, 0.15, 0.6, 128000, "2027-01-14"},
        {"o1", "o1", PROVIDER_openai, 15, 60, 200000, "2026-10-23"},
        {"gemini-flash-2.0", "gemini-2.0-flash", PROVIDER_gemini, 0.1, 0.4, 1048576, "2026-06-01"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cloud_facts *c = catalog_cloud(catalog, str_from(rows[i].written));

        if (!c)
            fail_msg("%s is not in the catalog", rows[i].written);
        assert_string_equal(c->id.data, rows[i].id);
        assert_int_equal(c->provider, rows[i].provider);
        assert_int_equal(c->price_in_micro, lround(rows[i].in * 1e6));
        assert_int_equal(c->price_out_micro, lround(rows[i].out * 1e6));
        assert_int_equal(c->context, rows[i].context);
        assert_true(str_is(c->retired, rows[i].retired));
        for (uint32_t j = 0; j < c->replace_by_count; j++)
            assert_non_null(catalog_cloud(catalog, c->replace_by[j]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_has_the_size_and_shape_that_was_looked_up),
        cmocka_unit_test(a_name_that_does_not_exist_leads_to_the_one_that_does),
        cmocka_unit_test(what_ollama_does_not_serve_has_its_engine),
        cmocka_unit_test(what_replaces_old_models_is_there),
        cmocka_unit_test(devices_have_the_bandwidth_that_was_looked_up),
        cmocka_unit_test(cloud_models_have_their_price_and_their_end),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
