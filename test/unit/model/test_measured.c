/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens a second as others measured them, held against the roofline: how far is it off? */
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fleet/box.h"
#include "model/speed.h"

/* GB of weights, and which share of them one token reads. */
static const struct measured {
    const char *what, *cpu, *gpu, *npu;
    unsigned ram_gib;
    double gb, active, tps;
} measured[] = {
    {"8B Q4_K_M", "i9-12900K", "RTX 5090", "", 64, 5.03, 1, 227},
    {"27B Q4_K_M", "i9-12900K", "RTX 5090", "", 64, 16.5, 1, 70},
    {"31B Q6_K", "i9-12900K", "RTX 5090", "", 64, 25.2, 1, 46.5},
    {"8B Q4_K_M", "i7-6700K", "RTX 2080", "", 32, 4.92, 1, 70.5},
    {"3B Q4_K_M", "i7-6700K", "RTX 2080", "", 32, 2.02, 1, 140},
    {"7B Q4_K_M", "AI Max+ 395", "", "", 128, 4.37, 1, 45.6},
    {"8B Q4_K_M", "AI Max+ 395", "", "", 128, 4.92, 1, 41.5},
    {"24B Q4_K_M", "AI Max+ 395", "", "", 128, 14.3, 1, 14},
    {"27B Q4_K_M", "AI Max+ 395", "", "", 128, 16.5, 1, 11.8},
    {"31B Q4_K_M", "AI Max+ 395", "", "", 128, 19.0, 1, 10},
    {"120B-A5B MXFP4", "AI Max+ 395", "", "", 128, 65.3, 0.05, 49.5},
    {"122B-A10B Q4_K_M", "AI Max+ 395", "", "", 128, 74.0, 0.083, 23},
    {"70B Q4_K_M", "GB10", "", "", 128, 42.5, 1, 4.57},
    {"3B Q4_K_M", "M4 Pro", "", "", 24, 2.02, 1, 95},
    {"3.8B Q4_0", "M4 Pro", "", "", 24, 2.18, 1, 79},
    {"7B Q4_K_M", "M4 Pro", "", "", 24, 4.37, 1, 50},
    {"14B Q4_K_M", "M4 Pro", "", "", 24, 8.99, 1, 25.7},
    {"22B Q4_K_M", "M4 Pro", "", "", 24, 13.3, 1, 16.5},
    {"24B Q4_K_M", "M4 Pro", "", "", 24, 14.3, 1, 16.5},
    {"8B Q4_K_M on the CPU", "Ryzen AI 9 HX 370", "", "", 32, 4.92, 1, 10.3},
    {"9B Q4_K_XL on the iGPU", "Ryzen AI 9 HX 370", "Radeon 890M", "", 32, 5.8, 1, 14},
    {"8B on the iGPU", "Ryzen AI 9 HX 370", "Radeon 890M", "", 32, 4.92, 1, 11.3},
    {"1B on the NPU", "Ryzen AI 9 HX 370", "", "AMD XDNA 2", 32, 0.98, 1, 36.7},
    {"3B on the NPU", "Ryzen AI 9 HX 370", "", "AMD XDNA 2", 32, 2.3, 1, 16.1},
    {"8B on the NPU", "Ryzen AI 9 HX 370", "", "AMD XDNA 2", 32, 5.0, 1, 7.6},
    {"4B on the NPU", "Ryzen AI 9 HX 370", "", "AMD XDNA 2", 32, 2.6, 1, 15},
    {"9B on the NPU", "Ryzen AI 9 HX 370", "", "AMD XDNA 2", 32, 5.6, 1, 9.3},
    {"8B INT4 on the NPU", "Ultra 9 185H", "", "Intel Meteor Lake", 32, 4.5, 1, 6.1},
    {"9B Q4_K_M", "Ultra 9 185H", "", "", 32, 5.6, 1, 8.5},
    {"4B Q4_K_M", "Ultra 9 185H", "", "", 32, 2.5, 1, 14.6},
    {"8B Q4_K_M", "Ryzen 7840HS", "", "", 32, 4.92, 1, 12.3},
    {"27B Q4_K_M", "Ryzen 7840HS", "", "", 32, 16.5, 1, 3.5},
};

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

static double reckoned_tps(const struct measured *m)
{
    struct fleet_engine engine = {.compute = m->npu[0] ? COMPUTE_npu : COMPUTE_any};
    struct machine machine = {.hardware = {.cpu = str_from(m->cpu),
                                           .gpu = str_from(m->gpu),
                                           .npu = str_from(m->npu),
                                           .ram_bytes = (uint64_t)m->ram_gib << 30}};
    struct footprint need = {.weights = (uint64_t)(m->gb * 1e9), .layers = 32};
    struct load load = {
        .weights_bytes = need.weights,
        .active_params = (uint64_t)(m->gb * m->active / 0.6 * 1e9),
        .kv_of_token = 128 << 10,
        .routed_share = m->active < 1 ? 1 : 0,
        .expert_share = m->active,
        .layers = 32,
        .hidden = 4096,
    };
    struct box box;
    struct fit fit;

    assert_true(machine_box(&box, catalog, &machine, &engine));
    fit = memory_fit(&box, &need);
    return speed_decode_tps(&box, &load, &fit, 256, 1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void the_roofline_is_near_what_was_measured(void **state)
{
    double errors[COUNT_OF(measured)], median;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(measured); i++) {
        const struct measured *m = &measured[i];
        double tps = reckoned_tps(m);

        errors[i] = fabs(tps / m->tps - 1);
        print_message("%-24s %-18s %-12s %6.1f tok/s, measured %6.1f: %+4.0f %%\n", m->what, m->cpu,
                      m->gpu[0] ? m->gpu : m->npu, tps, m->tps, 100 * (tps / m->tps - 1));
    }
    qsort(errors, COUNT_OF(errors), sizeof errors[0], by_value);
    median = errors[COUNT_OF(errors) / 2];
    print_message(
        "decode, %zu measurements: median error %.1f %%, nine tenths within %.1f %%, worst "
        "%.1f %%\n",
        COUNT_OF(errors), 100 * median, 100 * errors[COUNT_OF(errors) * 9 / 10],
        100 * errors[COUNT_OF(errors) - 1]);
    assert_true(median <= 0.25);
    assert_true(errors[COUNT_OF(errors) - 1] < 0.6);
}

/* A model that spills over from an RTX 2080 into the RAM of a host with four channels: the CPU's
 * part decides. */
static void a_model_that_is_split_is_near_what_was_measured(void **state)
{
    static const struct {
        const char *what;
        double gb, tps;
    } rows[] = {{"22B", 13.3, 5.1}, {"24B", 14.3, 5.2}, {"27B", 16.5, 3.9}};
    double sum = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct box box = memory_box(catalog, STR(""), STR("RTX 2080"), 64ull << 30, 0, NULL);
        struct footprint need = {.weights = (uint64_t)(rows[i].gb * 1e9),
                                 .compute = 700 << 20,
                                 .kv = 1 << 30,
                                 .layers = 48};
        struct load load = {.weights_bytes = need.weights,
                            .active_params = need.weights * 5 / 3,
                            .kv_of_token = 128 << 10,
                            .expert_share = 1};
        struct fit fit;
        double tps;

        box.cpu_gbs = 94; /* DDR4-2933, four channels */
        box.cpu_efficiency = 0.6;
        box.cpu_tflops = 1;
        fit = memory_fit(&box, &need);
        assert_int_equal(fit.kind, FIT_split);
        tps = speed_decode_tps(&box, &load, &fit, 256, 1);
        sum += fabs(tps / rows[i].tps - 1);
        print_message("%s, %.0f %% on the GPU: %.1f tok/s, measured %.1f\n", rows[i].what,
                      100 * fit.gpu_share, tps, rows[i].tps);
    }
    assert_true(sum / COUNT_OF(rows) <= 0.35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_roofline_is_near_what_was_measured),
        cmocka_unit_test(a_model_that_is_split_is_near_what_was_measured),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
