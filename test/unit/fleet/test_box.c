/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine has for models: known parts, parts described by numbers, and what an engine uses.
 */
#include "testing.h"

#include "fleet/box.h"

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

static struct machine machine_of(const char *cpu, const char *gpu, unsigned ram_gib)
{
    return (struct machine){.hardware = {.cpu = str_from(cpu),
                                         .gpu = str_from(gpu),
                                         .ram_bytes = (uint64_t)ram_gib << 30}};
}

static void an_unknown_gpu_is_known_by_its_numbers(void **state)
{
    struct machine m = machine_of("i5-12400", "Voodoo 2", 32);
    struct box box;

    (void)state;
    assert_false(machine_box(&box, catalog, &m, NULL));
    assert_int_equal(box.gpu_bytes, 0);
    m.hardware.gpu_memory_bytes = 8ull << 30;
    assert_false(machine_box(&box, catalog, &m, NULL));
    m.hardware.gpu_gbs = 400;
    assert_true(machine_box(&box, catalog, &m, NULL));
    assert_int_equal(box.gpu_bytes, 8ull << 30);
    assert_false(box.is_unified);
    assert_true(box.gpu_gbs > 399 && box.gpu_efficiency > 0 && box.gpu_tflops > 0);
}

static void numbers_of_a_known_gpu_are_the_catalogs(void **state)
{
    struct machine m = machine_of("i5-12400", "RTX 5090", 32);
    struct box plain, told;

    (void)state;
    assert_true(machine_box(&plain, catalog, &m, NULL));
    m.hardware.gpu_gbs = 1;
    assert_true(machine_box(&told, catalog, &m, NULL));
    assert_true(told.gpu_gbs > 1000);
    assert_int_equal(told.gpu_bytes, plain.gpu_bytes);
}

static void an_engine_on_the_npu_has_its_bandwidth_and_no_gpu(void **state)
{
    struct machine m = machine_of("Ryzen AI 9 HX 370", "Radeon 890M", 32);
    struct fleet_engine npu = {.compute = COMPUTE_npu}, cpu = {.compute = COMPUTE_cpu};
    struct box any, on_npu, on_cpu;

    (void)state;
    m.hardware.npu = STR("AMD XDNA 2");
    assert_true(machine_box(&any, catalog, &m, NULL));
    assert_true(machine_box(&on_npu, catalog, &m, &npu));
    assert_true(machine_box(&on_cpu, catalog, &m, &cpu));
    assert_true(any.gpu_bytes > 0);
    assert_int_equal(on_npu.gpu_bytes, 0);
    assert_int_equal(on_cpu.gpu_bytes, 0);
    assert_true(on_npu.cpu_gbs < on_cpu.cpu_gbs);
    assert_true(on_npu.cpu_tflops > on_cpu.cpu_tflops);
}

/* macOS lets a GPU have two thirds. */
static void a_mac_keeps_a_third_of_its_memory(void **state)
{
    struct machine m = machine_of("M4 Pro 12-core", "", 24);
    struct box box;

    (void)state;
    assert_true(machine_box(&box, catalog, &m, NULL));
    assert_true(box.is_unified);
    assert_in_range(box.gpu_bytes, 15ull << 30, 17ull << 30);
}

static void a_machine_without_memory_is_not_known(void **state)
{
    struct machine m = machine_of("i5-12400", "", 0);
    struct box box;

    (void)state;
    assert_false(machine_box(&box, catalog, &m, NULL));
    m.hardware.assume_ram = (struct units_range){32ull << 30, 64ull << 30};
    assert_true(machine_box(&box, catalog, &m, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_gpu_is_known_by_its_numbers),
        cmocka_unit_test(numbers_of_a_known_gpu_are_the_catalogs),
        cmocka_unit_test(an_engine_on_the_npu_has_its_bandwidth_and_no_gpu),
        cmocka_unit_test(a_mac_keeps_a_third_of_its_memory),
        cmocka_unit_test(a_machine_without_memory_is_not_known),
    };

    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
