/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities as people write them. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "base/units.h"

static const struct {
    units_read_fn *read;
    const char *text;
    int code;
    uint64_t value;
} rows[] = {
    {units_read_bytes, "512", 0, 512},
    {units_read_bytes, "32 GB", 0, 32000000000},
    {units_read_bytes, "32GiB", 0, 32ull << 30},
    {units_read_bytes, "1.5 tb", 0, 1500000000000},
    {units_read_bytes, "0.063 GB", 0, 63000000},
    {units_read_bytes, "0.1 B", 0, 0},
    {units_read_bytes, "", -EINVAL, 0},
    {units_read_bytes, "GB", -EINVAL, 0},
    {units_read_bytes, "-1 GB", -EINVAL, 0},
    {units_read_bytes, "1 GB x", -EINVAL, 0},
    {units_read_bytes, "1. GB", -EINVAL, 0},
    {units_read_bytes, ".5 GB", -EINVAL, 0},
    {units_read_bytes, "1.2.3 GB", -EINVAL, 0},
    {units_read_bytes, "1 Gbit", -EINVAL, 0},
    {units_read_bytes, "20000000 TB", -ERANGE, 0},
    {units_read_bytes, "99999999999999999999", -ERANGE, 0},
    {units_read_memory, "32 GB", 0, 32ull << 30},
    {units_read_memory, "192GB", 0, 192ull << 30},
    {units_read_memory, "1 TB", 0, 1ull << 40},
    {units_read_duration, "30s", 0, 30000},
    {units_read_duration, "1h30m", 0, 5400000},
    {units_read_duration, "2 hours", 0, 7200000},
    {units_read_duration, "250ms", 0, 250},
    {units_read_duration, "0.5s", 0, 500},
    {units_read_duration, "0", 0, 0},
    {units_read_duration, "30", -EINVAL, 0},
    {units_read_duration, "s", -EINVAL, 0},
    {units_read_duration, "1h 30", -EINVAL, 0},
    {units_read_duration, "999999999999999999d", -ERANGE, 0},
    {units_read_rate, "1 Gbit/s", 0, 1000000000},
    {units_read_rate, "300 Mbit/s", 0, 300000000},
    {units_read_rate, "100 MB/s", 0, 800000000},
    {units_read_rate, "1 Gb/s", 0, 1000000000},
    {units_read_rate, "1 GB/s", 0, 8000000000},
    {units_read_rate, "100", -EINVAL, 0},
    {units_read_rate, "100 MB", -EINVAL, 0},
    {units_read_count, "3.8B", 0, 3800000000},
    {units_read_count, "137M", 0, 137000000},
    {units_read_count, "4096", 0, 4096},
    {units_read_count, "1 T", 0, 1000000000000},
    {units_read_count, "7X", -EINVAL, 0},
    {units_read_tokens, "32K", 0, 32768},
    {units_read_tokens, "131072", 0, 131072},
    {units_read_tokens, "1M", 0, 1 << 20},
    {units_read_money, "2.50", 0, 2500000},
    {units_read_money, "0.075", 0, 75000},
    {units_read_money, "0.000001", 0, 1},
    {units_read_money, "15", 0, 15000000},
    {units_read_money, "0.0000001", -EINVAL, 0},
    {units_read_money, "$5", -EINVAL, 0},
};

static void quantities_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t value = 0;
        int r = rows[i].read(&value, str_from(rows[i].text));

        if (r != rows[i].code || value != rows[i].value)
            fail_msg("row %zu, '%s': %d %llu, expected %d %llu", i, rows[i].text, r,
                     (unsigned long long)value, rows[i].code, (unsigned long long)rows[i].value);
    }
}

static const struct {
    units_read_fn *read;
    const char *text;
    int code;
    uint64_t low, high;
} ranges[] = {
    {units_read_count, "70B+", 0, 70000000000, UINT64_MAX},
    {units_read_count, "20-40B", 0, 20000000000, 40000000000},
    {units_read_count, "500M-1B", 0, 500000000, 1000000000},
    {units_read_count, "11B", 0, 11000000000, 11000000000},
    {units_read_count, "40-20B", -EINVAL, 0, 0},
    {units_read_count, "-", -EINVAL, 0, 0},
    {units_read_count, "+", -EINVAL, 0, 0},
    {units_read_count, "1-2-3B", -EINVAL, 0, 0},
    {units_read_bytes, "2-3TB", 0, 2000000000000, 3000000000000},
    {units_read_bytes, "2 - 3 TB", 0, 2000000000000, 3000000000000},
    {units_read_duration, "2-3 hours", 0, 7200000, 10800000},
    {units_read_money, "20-30", 0, 20000000, 30000000},
    {units_read_memory, "32-64GB", 0, 32ull << 30, 64ull << 30},
};

static void ranges_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        struct units_range range = {0};
        int r = units_read_range(&range, str_from(ranges[i].text), ranges[i].read);

        if (r != ranges[i].code || range.low != ranges[i].low || range.high != ranges[i].high)
            fail_msg("'%s': %d %llu to %llu", ranges[i].text, r, (unsigned long long)range.low,
                     (unsigned long long)range.high);
    }
}

static void durations_are_written_as_they_are_read(void **state)
{
    uint64_t ms = 1;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct buf out;
        uint64_t again = 0;

        ms = (ms * 6364136223846793005ull + 1442695040888963407ull) % 100000000000ull;
        buf_init(&out, 100);
        assert_int_equal(units_write_duration(&out, i ? ms : 0), 0);
        assert_int_equal(units_read_duration(&again, buf_str(&out)), 0);
        assert_int_equal(again, i ? ms : 0);
        buf_fini(&out);
    }
}

static void amounts_are_written_short(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 200);
    assert_int_equal(units_write_bytes(&out, 47416000000), 0);
    assert_int_equal(buf_put_char(&out, ' '), 0);
    assert_int_equal(units_write_bytes(&out, 512), 0);
    assert_int_equal(buf_put_char(&out, ' '), 0);
    assert_int_equal(units_write_count(&out, 3800000000), 0);
    assert_int_equal(buf_put_char(&out, ' '), 0);
    assert_int_equal(units_write_count(&out, 137000000), 0);
    assert_int_equal(buf_put_char(&out, ' '), 0);
    assert_int_equal(units_write_count(&out, 70000000000), 0);
    assert_true(str_is(buf_str(&out), "47.4 GB 512 B 3.8B 137M 70B"));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_read),
        cmocka_unit_test(ranges_are_read),
        cmocka_unit_test(durations_are_written_as_they_are_read),
        cmocka_unit_test(amounts_are_written_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
