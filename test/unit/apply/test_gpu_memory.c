/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine says of its GPU's memory, and whether that suffices. */
#include "apply/gpu_memory.h"
#include "testing.h"

#define GIB (UINT64_C(1) << 30)

static void what_a_machine_says_is_read_or_not_known(void **state)
{
    static const struct {
        const char *said;
        bool is_known;
        uint64_t now_bytes, written_bytes;
    } cases[] = {
        {"gpu-memory: now=63488 written=0\n", true, 62 * GIB, 0},
        {"gpu-memory: now=63488 written=112640", true, 62 * GIB, 110 * GIB},
        {"gpu-memory: now=0 written=0\nmore", true, 0, 0},
        {"gpu-memory: none\n", false, 0, 0},
        {"gpu-memory: now=1\n", false, 0, 0},
        {"gpu-memory: now=x written=1\n", false, 0, 0},
        {"gpu-memory: now=18446744073709551615 written=1\n", false, 0, 0},
        {"sh: no such command", false, 0, 0},
        {"", false, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gpu_memory found;

        gpu_memory_read(&found, str_from(cases[i].said));
        assert_int_equal(found.is_known, cases[i].is_known);
        assert_int_equal(found.now_bytes, cases[i].now_bytes);
        assert_int_equal(found.written_bytes, cases[i].written_bytes);
    }
}

static void a_percent_less_suffices_and_so_does_what_is_not_known(void **state)
{
    const struct machine m = {.hardware.gpu_memory_bytes = 100 * GIB};

    (void)state;
    assert_true(gpu_memory_suffices(&(struct gpu_memory){true, 100 * GIB, 0}, &m));
    assert_true(gpu_memory_suffices(&(struct gpu_memory){true, 99 * GIB, 0}, &m));
    assert_false(gpu_memory_suffices(&(struct gpu_memory){true, 98 * GIB, 100 * GIB}, &m));
    assert_true(gpu_memory_suffices(&(struct gpu_memory){false, 0, 0}, &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_machine_says_is_read_or_not_known),
        cmocka_unit_test(a_percent_less_suffices_and_so_does_what_is_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
