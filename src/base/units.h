/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantities as people write them, to whole numbers and back.
 *
 *     units_read_bytes(&n, STR("32 GB"))        32000000000
 *     units_read_duration(&ms, STR("1h30m"))    5400000
 *     units_read_money(&micro, STR("0.075"))    75000
 *
 * Exact: no floating point on the way. Space between number and unit is free, letter case of
 * units is not looked at except where it means something. Every reader returns 0, -EINVAL
 * (not such a quantity) or -ERANGE (does not fit), and writes *ret only on success.
 */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/* From low to high, both inclusive; an open end is UINT64_MAX. */
struct units_range {
    uint64_t low, high;
};

/* B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB; a bare number is bytes. */
MUST_USE int units_read_bytes(uint64_t *ret, struct str text);

/* The same for RAM and VRAM, which are sold in powers of two: 32 GB is 32 GiB. */
MUST_USE int units_read_memory(uint64_t *ret, struct str text);

/* ms, s, m, h, d, also run together: "1h30m". Milliseconds. A bare 0 is good, other bare numbers
 * are not. */
MUST_USE int units_read_duration(uint64_t *ret_ms, struct str text);

/* bit/s, kbit/s, Mbit/s, Gbit/s or B/s, MB/s, GB/s. Bits a second. */
MUST_USE int units_read_rate(uint64_t *ret_bits, struct str text);

/* Parameters or plain amounts: 137M, 3.8B, 1T, 4096, 128K (×1000). */
MUST_USE int units_read_count(uint64_t *ret, struct str text);

/* Tokens of context: 32768, 32K (×1024: 32K is 32768), 1M. */
MUST_USE int units_read_tokens(uint64_t *ret, struct str text);

/* A decimal amount in millionths: "2.50" is 2500000. More than six decimals are -EINVAL. */
MUST_USE int units_read_money(uint64_t *ret_micro, struct str text);

/* A decimal number without sign: "0.65". */
MUST_USE int units_read_real(double *ret, struct str text);

/* "20-40B", "70B+", "11B", "2-3 TB": a unit that stands only at the end holds for both numbers. */
typedef int units_read_fn(uint64_t *ret, struct str text);
MUST_USE int units_read_range(struct units_range *ret, struct str text, units_read_fn *read);

/* "20.4 GB", "512 B": at most one decimal, powers of 1000. */
MUST_USE int units_write_bytes(struct buf *out, uint64_t bytes);

/* "30s", "1h30m", "250ms": what units_read_duration() reads back. */
MUST_USE int units_write_duration(struct buf *out, uint64_t ms);

/* UTC, of the wall clock: "2026-11-23T10:21:07Z". */
MUST_USE int units_write_time(struct buf *out, int64_t wall_us);

/* "70B", "3.8B", "137M". */
MUST_USE int units_write_count(struct buf *out, uint64_t count);
