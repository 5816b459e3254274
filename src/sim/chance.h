/* SPDX-License-Identifier: Apache-2.0 */
/* Chance that can be repeated: draws from a seed, for traces and imagined hardware. Pure. */
#pragma once

#include <stdint.h>

struct chance {
    uint64_t state;
};

/* The same seed and purpose give the same draws; another purpose gives unrelated ones. */
struct chance chance_of(uint64_t seed, const char *purpose);

/* From 0 to below 1. */
double chance_draw(struct chance *c);

/* From 0 to count - 1. */
uint32_t chance_pick(struct chance *c, uint32_t count);

/* Exponential, of that mean. */
double chance_wait(struct chance *c, double mean);

/* Log-normal, of that median; sigma 0 is the median itself. */
double chance_size(struct chance *c, double median, double sigma);

/* One number out of two, as unlike them as can be: for fingerprints. */
uint64_t chance_mix(uint64_t a, uint64_t b);
