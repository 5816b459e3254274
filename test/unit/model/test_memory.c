/* SPDX-License-Identifier: Apache-2.0 */
/* What a model needs and whether a machine has it: against known figures, and monotone. */
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/memory.h"

static struct catalog *catalog;

static int load_catalog(void **state)
{
    struct err err;

    (void)state;
    if (catalog_load(&catalog, NULL, &err) == 0)
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int free_catalog(void **state)
{
    (void)state;
    catalog_free(catalog);
    return 0;
}

static const struct artifact *get(const char *tag)
{
    const struct artifact *a = catalog_artifact(catalog, str_from(tag));

    if (!a)
        fail_msg("%s is not in the catalog", tag);
    return a;
}

static const struct {
    const char *tag;
    unsigned kib;
} kv_rows[] = {
    {"qwen2.5-coder:32b", 256},
    {"deepseek-coder-v2:236b", 4800},
    {"qwen2.5:72b", 320},
    {"llava:34b", 240},
    {"deepseek-r1:14b", 192},
    {"llama3.2-vision:90b", 320},
    {"llama3.2-vision:11b", 128},
    {"codestral:22b", 224},
    {"llama3.1:70b", 320},
    {"mistral-nemo:12b", 160},
    {"llama3.2:3b", 112},
    {"deepseek-r1:8b", 144},
    {"mixtral:8x22b", 224},
    {"phi3.5:3.8b", 384},
    {"mistral:7b", 128},
    {"codellama:13b", 800},
    {"qwen2.5:7b", 56},
    {"tinyllama:1.1b", 22},
    {"phi:2.7b", 320},
    {"llama3.2:1b", 32},
};

static void a_token_keeps_the_known_number_of_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kv_rows); i++) {
        const struct artifact *a = get(kv_rows[i].tag);

        if (memory_kv_of_token(&a->model->geometry, KV_f16) != kv_rows[i].kib * 1024ull)
            fail_msg("%s: %llu bytes a token, expected %u KiB", kv_rows[i].tag,
                     (unsigned long long)memory_kv_of_token(&a->model->geometry, KV_f16),
                     kv_rows[i].kib);
    }
}

/* Weights, KV and buffers at 8192 tokens, GiB, as reckoned by hand. */
static const struct {
    const char *tag;
    double gib;
} totals[] = {
    {"qwen2.5-coder:32b", 21.2}, {"qwen2.5:72b", 47.8},   {"llava:34b", 20.4},
    {"deepseek-r1:14b", 10.6},   {"codestral:22b", 14.2}, {"llama3.1:70b", 43.2},
    {"mistral-nemo:12b", 8.5},   {"llama3.2:3b", 3.2},    {"deepseek-r1:8b", 6.4},
    {"mixtral:8x22b", 76.9},     {"phi3.5:3.8b", 5.4},    {"mistral:7b", 5.5},
    {"codellama:13b", 13.8},     {"qwen2.5:7b", 5.2},     {"deepseek-coder-v2:236b", 143.6},
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void totals_meet_the_figures_reckoned_by_hand(void **state)
{
    double errors[COUNT_OF(totals)];
    struct run run = {.context = 8192};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(totals); i++) {
        struct footprint need = memory_need_of_artifact(get(totals[i].tag), &run);
        double gib = (double)footprint_total(&need) / (1ull << 30);

        errors[i] = fabs(gib / totals[i].gib - 1);
        if (errors[i] > 0.08)
            fail_msg("%s: %.2f GiB, expected %.1f", totals[i].tag, gib, totals[i].gib);
    }
    qsort(errors, COUNT_OF(errors), sizeof errors[0], by_value);
    print_message("memory, %zu rows: median error %.1f %%, worst %.1f %%\n", COUNT_OF(errors),
                  100 * errors[COUNT_OF(errors) / 2], 100 * errors[COUNT_OF(errors) - 1]);
    assert_true(errors[COUNT_OF(errors) / 2] < 0.03);
}

/* The document's assignments, at 8192 tokens and one slot. */
static const struct {
    const char *tag, *cpu, *gpu;
    unsigned ram_gib;
    enum fit_kind kind;
    double share; /* 0: not asked */
} assignments[] = {
    {"qwen2.5-coder:32b", "i9-12900K", "RTX 5090", 192, FIT_gpu, 1},
    {"deepseek-coder-v2:236b", "i9-12900K", "RTX 5090", 192, FIT_split, 0.21},
    {"qwen2.5:72b", "i9-12900K", "RTX 5090", 192, FIT_split, 0.63},
    {"codestral:22b", "i9-12900K", "RTX 5090", 192, FIT_gpu, 1},
    {"qwen2.5-coder:32b", "i7-6700K", "RTX 2080 Super", 32, FIT_split, 0.29},
    {"llama3.1:70b", "i7-6700K", "RTX 2080 Super", 32, FIT_no, 0},
    {"mistral-nemo:12b", "i7-6700K", "RTX 2080 Super", 32, FIT_split, 0.75},
    {"deepseek-r1:8b", "i7-6700K", "RTX 2080 Super", 32, FIT_gpu, 1},
    {"deepseek-coder-v2:236b", "AI Max+ 395", "", 128, FIT_no, 0},
    {"deepseek-coder-v2:236b-instruct-q2_K", "AI Max+ 395", "", 128, FIT_gpu, 1},
    {"mixtral:8x22b", "AI Max+ 395", "", 128, FIT_gpu, 1},
    {"qwen2.5:14b", "M4 Pro", "", 24, FIT_gpu, 1},
    {"codellama:13b", "Ultra 9 185H", "", 32, FIT_ram, 0},
    {"tinyllama:1.1b", "Ryzen 3 3200U", "", 16, FIT_ram, 0},
};

static void the_documents_assignments_fit_or_not_as_known(void **state)
{
    struct run run = {.context = 8192};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(assignments); i++) {
        struct box box =
            memory_box(catalog, str_from(assignments[i].cpu), str_from(assignments[i].gpu),
                       (uint64_t)assignments[i].ram_gib << 30, 0, NULL);
        struct footprint need = memory_need_of_artifact(get(assignments[i].tag), &run);
        struct fit fit = memory_fit(&box, &need);

        if (fit.kind != assignments[i].kind ||
            (assignments[i].share > 0 && fabs(fit.gpu_share - assignments[i].share) > 0.08))
            fail_msg("%s on %s %s: kind %d with %.2f on the GPU, expected %d with %.2f",
                     assignments[i].tag, assignments[i].cpu, assignments[i].gpu, fit.kind,
                     fit.gpu_share, assignments[i].kind, assignments[i].share);
    }
}

static void more_context_or_slots_never_need_less(void **state)
{
    const struct artifact *a = get("gpt-oss:120b");
    uint64_t last = 0;

    (void)state;
    for (uint64_t context = 512; context <= 131072; context += 512) {
        struct run one = {.context = context}, two = {.context = context, .slots = 2};
        struct footprint need = memory_need_of_artifact(a, &one);
        struct footprint more = memory_need_of_artifact(a, &two);

        assert_true(footprint_total(&need) >= last);
        assert_true(footprint_total(&more) > footprint_total(&need));
        last = footprint_total(&need);
    }
}

static void layers_with_a_window_stop_growing(void **state)
{
    const struct geometry *g = &get("gemma4:12b")->model->geometry;
    struct run short_run = {.context = 8192}, long_run = {.context = 131072};

    (void)state;
    /* 8 global layers with one head of 512 keep 16 KiB a token. */
    assert_int_equal(memory_kv_of_token(g, KV_f16), 16 << 10);
    assert_int_equal(memory_kv(g, &long_run) - memory_kv(g, &short_run),
                     (131072ull - 8192) * (16 << 10));
}

static void a_quantised_cache_is_smaller(void **state)
{
    const struct geometry *g = &get("qwen2.5:72b")->model->geometry;

    (void)state;
    assert_true(memory_kv_of_token(g, KV_q8_0) < memory_kv_of_token(g, KV_f16));
    assert_true(memory_kv_of_token(g, KV_q4_0) < memory_kv_of_token(g, KV_q8_0));
}

static void context_beyond_the_native_one_is_clamped(void **state)
{
    struct run native = {.context = 32768}, beyond = {.context = 131072};
    struct footprint a = memory_need_of_artifact(get("qwen2.5:72b"), &native);
    struct footprint b = memory_need_of_artifact(get("qwen2.5:72b"), &beyond);

    (void)state;
    assert_int_equal(footprint_total(&a), footprint_total(&b));
}

static void taking_until_nothing_fits_never_takes_more_than_there_is(void **state)
{
    struct box box = memory_box(catalog, STR("i9-12900K"), STR("RTX 5090"), 192ull << 30, 0, NULL);
    struct box whole = box;
    struct run run = {.context = 8192};
    uint64_t gpu = 0, ram = 0;

    (void)state;
    for (;;) {
        struct footprint need = memory_need_of_artifact(get("codestral:22b"), &run);
        struct fit fit = memory_fit(&box, &need);

        if (fit.kind == FIT_no)
            break;
        gpu += fit.gpu_bytes;
        ram += fit.ram_bytes;
        box = memory_take(&box, &fit);
    }
    assert_true(gpu <= whole.gpu_bytes);
    assert_true(ram <= whole.ram_bytes);
    assert_true(gpu > whole.gpu_bytes / 2);
}

static void ollama_gives_large_machines_far_too_much_context(void **state)
{
    (void)state;
    assert_int_equal(memory_ollama_context(110ull << 30, 131072), 131072);
    assert_int_equal(memory_ollama_context(32ull << 30, 131072), 32768);
    assert_int_equal(memory_ollama_context(8ull << 30, 131072), 4096);
    assert_int_equal(memory_ollama_context(8ull << 30, 2048), 2048);
}

static void unknown_hardware_is_named(void **state)
{
    struct str unknown;
    struct box box =
        memory_box(catalog, STR("i5-12400"), STR("Voodoo 2"), 32ull << 30, 0, &unknown);

    (void)state;
    assert_true(str_is(unknown, "Voodoo 2"));
    assert_int_equal(box.gpu_bytes, 0);
    memory_box(catalog, STR("i5-12400"), STR(""), 32ull << 30, 0, &unknown);
    assert_null(unknown.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_keeps_the_known_number_of_bytes),
        cmocka_unit_test(totals_meet_the_figures_reckoned_by_hand),
        cmocka_unit_test(the_documents_assignments_fit_or_not_as_known),
        cmocka_unit_test(more_context_or_slots_never_need_less),
        cmocka_unit_test(layers_with_a_window_stop_growing),
        cmocka_unit_test(a_quantised_cache_is_smaller),
        cmocka_unit_test(context_beyond_the_native_one_is_clamped),
        cmocka_unit_test(taking_until_nothing_fits_never_takes_more_than_there_is),
        cmocka_unit_test(ollama_gives_large_machines_far_too_much_context),
        cmocka_unit_test(unknown_hardware_is_named),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
