/* SPDX-License-Identifier: Apache-2.0 */
/* A rate: how often something happens, of which the past counts less and less. Zeroed is never. */
#pragma once

#include <stdint.h>

struct rate {
    double weight; /* of all that happened, as of at_ms */
    uint64_t at_ms;
};

/* It happened now. memory_s: after so long it counts for 1/e. */
void rate_add(struct rate *r, double memory_s, uint64_t now_ms);

/* Times a second. */
double rate_per_s(const struct rate *r, double memory_s, uint64_t now_ms);
