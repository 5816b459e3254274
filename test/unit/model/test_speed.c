/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a model runs on a machine: against published figures, and monotone where it must be. */
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/speed.h"

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

/* Tokens a second of one short request, alone on the machine. */
static double tps_of(const char *tag, const char *cpu, const char *gpu, unsigned ram_gib)
{
    const struct artifact *a = catalog_artifact(catalog, str_from(tag));
    struct box box =
        memory_box(catalog, str_from(cpu), str_from(gpu), (uint64_t)ram_gib << 30, 0, NULL);
    struct run run = {.context = 8192};

    assert_non_null(a);
    struct footprint need = memory_need_of_artifact(a, &run);
    struct load load = speed_load_of(a);
    struct fit fit = memory_fit(&box, &need);
    return speed_decode_tps(&box, &load, &fit, 256, 1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Measured by others: a machine, a model, tokens a second. */
static const struct {
    const char *tag, *cpu, *gpu;
    unsigned ram_gib;
    double measured;
} measured[] = {
    {"deepseek-r1:8b", "i9-12900K", "RTX 5090", 192, 227},
    {"deepseek-r1:8b", "i7-6700K", "RTX 2080", 32, 70.5},
    {"llama3.2:3b", "i7-6700K", "RTX 2080", 32, 140},
    {"mistral:7b", "AI Max+ 395", "", 128, 45.6},
    {"deepseek-r1:8b", "AI Max+ 395", "", 128, 41.5},
    {"gpt-oss:120b", "AI Max+ 395", "", 128, 49.5},
    {"llama3.1:70b", "GB10", "", 128, 4.57},
    {"llama3.2:3b", "M4 Pro", "", 24, 95},
    {"phi3.5:3.8b", "M4 Pro", "", 24, 79},
    {"mistral:7b", "M4 Pro", "", 24, 50},
    {"qwen2.5:14b", "M4 Pro", "", 24, 25.7},
    {"codestral:22b", "M4 Pro", "", 24, 16.5},
    {"deepseek-r1:8b", "Ryzen AI 9 HX 370", "", 32, 10.3},
    {"deepseek-r1:8b", "Ryzen 7840HS", "", 32, 12.3},
};

static void published_measurements_are_met(void **state)
{
    double errors[COUNT_OF(measured)], sum = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(measured); i++) {
        double tps = tps_of(measured[i].tag, measured[i].cpu, measured[i].gpu, measured[i].ram_gib);

        errors[i] = fabs(tps / measured[i].measured - 1);
        sum += errors[i];
        if (errors[i] > 0.35)
            fail_msg("%s on %s %s: %.1f tokens/s, measured %.1f", measured[i].tag, measured[i].cpu,
                     measured[i].gpu, tps, measured[i].measured);
    }
    qsort(errors, COUNT_OF(errors), sizeof errors[0], by_value);
    print_message("decode, %zu measurements: median error %.1f %%, mean %.1f %%, worst %.1f %%\n",
                  COUNT_OF(errors), 100 * errors[COUNT_OF(errors) / 2],
                  100 * sum / COUNT_OF(errors), 100 * errors[COUNT_OF(errors) - 1]);
    assert_true(errors[COUNT_OF(errors) / 2] < 0.12);
}

/* The bands that the strategy document's claims are judged by. */
static const struct {
    const char *tag, *cpu, *gpu;
    unsigned ram_gib;
    double low, high;
} bands[] = {
    {"qwen2.5:72b", "i9-12900K", "RTX 5090", 192, 1.7, 2.7},
    {"llama3.1:70b-instruct-q2_K", "i9-12900K", "RTX 5090", 192, 35, 50},
    {"qwen2.5-coder:32b", "i9-12900K", "RTX 5090", 192, 50, 65},
    {"qwen2.5-coder:32b", "i7-6700K", "RTX 2080 Super", 32, 1.2, 2.2},
    {"qwen2.5:72b", "AI Max+ 395", "", 128, 3.6, 4.6},
    {"llama3.1:70b", "AI Max+ 395", "", 128, 4.0, 5.0},
    {"mixtral:8x22b", "AI Max+ 395", "", 128, 6, 8},
    {"qwen2.5:14b", "i9-12900H", "", 32, 4.4, 5.4},
    {"qwen2.5:7b", "i5-12400", "", 32, 9, 10.5},
    {"tinyllama:1.1b", "Ryzen 3 3200U", "", 16, 26, 36},
};

static void the_documents_claims_are_judged_by_the_known_figures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bands); i++) {
        double tps = tps_of(bands[i].tag, bands[i].cpu, bands[i].gpu, bands[i].ram_gib);

        if (tps < bands[i].low || tps > bands[i].high)
            fail_msg("%s on %s %s: %.2f tokens/s, expected %.1f to %.1f", bands[i].tag,
                     bands[i].cpu, bands[i].gpu, tps, bands[i].low, bands[i].high);
    }
}

static const struct load dense = {
    .weights_bytes = 20ull << 30,
    .active_params = 32000000000,
    .kv_of_token = 256 << 10,
    .expert_share = 1,
    .layers = 64,
    .hidden = 5120,
};
static const struct box plain_box = {
    .gpu_bytes = 64ull << 30,
    .ram_bytes = 64ull << 30,
    .gpu_gbs = 800,
    .cpu_gbs = 60,
    .gpu_efficiency = 0.7,
    .cpu_efficiency = 0.6,
    .gpu_tflops = 40,
    .cpu_tflops = 1,
};
static const struct fit on_gpu = {.kind = FIT_gpu, .gpu_share = 1};

static void more_context_is_never_faster(void **state)
{
    double last = INFINITY;

    (void)state;
    for (uint64_t context = 0; context < 200000; context += 1000) {
        double tps = speed_decode_tps(&plain_box, &dense, &on_gpu, context, 1);

        assert_true(tps <= last);
        last = tps;
    }
}

static void a_larger_batch_is_slower_for_each_and_faster_for_all(void **state)
{
    double each = INFINITY, all = 0;

    (void)state;
    for (unsigned batch = 1; batch <= 64; batch++) {
        double tps = speed_decode_tps(&plain_box, &dense, &on_gpu, 1000, batch);

        assert_true(tps <= each);
        assert_true(tps * batch >= all * 0.999);
        each = tps;
        all = tps * batch;
    }
}

static void more_bandwidth_is_never_slower(void **state)
{
    double last = 0;

    (void)state;
    for (unsigned gbs = 20; gbs < 4000; gbs += 20) {
        struct box box = plain_box;

        box.gpu_gbs = gbs;
        double tps = speed_decode_tps(&box, &dense, &on_gpu, 1000, 1);
        assert_true(tps >= last);
        last = tps;
    }
}

static void a_larger_share_on_the_gpu_is_never_slower(void **state)
{
    double last = 0;

    (void)state;
    for (int percent = 0; percent <= 100; percent++) {
        struct fit fit = {.kind = FIT_split, .gpu_share = percent / 100.0};
        double tps = speed_decode_tps(&plain_box, &dense, &fit, 1000, 1);

        assert_true(tps >= last);
        last = tps;
    }
}

static void experts_read_their_share_and_in_the_end_everything(void **state)
{
    const struct artifact *a = catalog_artifact(catalog, STR("mixtral:8x22b"));
    struct load load = speed_load_of(a);

    (void)state;
    assert_true(fabs(speed_active_bytes(&load, 1) / 22.2e9 - 1) < 0.02);
    assert_true(fabs(speed_active_bytes(&load, 1000) / (double)a->bytes - 1) < 0.001);
    for (unsigned batch = 1; batch < 100; batch++)
        assert_true(speed_active_bytes(&load, batch + 1) >= speed_active_bytes(&load, batch));
}

static void reading_a_prompt_takes_longer_the_longer_it_is(void **state)
{
    double last = 0;

    (void)state;
    for (uint64_t tokens = 0; tokens < 100000; tokens += 500) {
        double seconds = speed_prefill_seconds(&plain_box, &dense, &on_gpu, tokens, 0);

        assert_true(seconds >= last);
        assert_true(speed_prefill_seconds(&plain_box, &dense, &on_gpu, tokens, 1000) >= seconds);
        last = seconds;
    }
    /* 8B on a 7840HS reads at about 81 tokens/s. */
    const struct artifact *a = catalog_artifact(catalog, STR("deepseek-r1:8b"));
    struct box box = memory_box(catalog, STR("7840HS"), STR(""), 32ull << 30, 0, NULL);
    struct load load = speed_load_of(a);
    struct fit fit = {.kind = FIT_ram};
    double tps = speed_prefill_tps(&box, &load, &fit, 512);
    assert_true(tps > 65 && tps < 95);
}

static void what_does_not_fit_never_answers(void **state)
{
    struct fit no = {.kind = FIT_no};

    (void)state;
    assert_true(speed_decode_tps(&plain_box, &dense, &no, 0, 1) == 0);
    assert_true(isinf(speed_prefill_seconds(&plain_box, &dense, &no, 1, 0)));
}

static void loading_from_the_page_cache_is_faster(void **state)
{
    struct box box = plain_box;
    double cold, warm;

    (void)state;
    box.disk_gbs = 0.2;
    cold = speed_load_seconds(&box, &dense, false);
    warm = speed_load_seconds(&box, &dense, true);
    assert_true(cold > 100 && cold < 120);
    assert_true(warm < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_measurements_are_met),
        cmocka_unit_test(the_documents_claims_are_judged_by_the_known_figures),
        cmocka_unit_test(more_context_is_never_faster),
        cmocka_unit_test(a_larger_batch_is_slower_for_each_and_faster_for_all),
        cmocka_unit_test(more_bandwidth_is_never_slower),
        cmocka_unit_test(a_larger_share_on_the_gpu_is_never_slower),
        cmocka_unit_test(experts_read_their_share_and_in_the_end_everything),
        cmocka_unit_test(reading_a_prompt_takes_longer_the_longer_it_is),
        cmocka_unit_test(what_does_not_fit_never_answers),
        cmocka_unit_test(loading_from_the_page_cache_is_faster),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
