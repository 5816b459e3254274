/* SPDX-License-Identifier: Apache-2.0 */
/* A rate: how much of something there was lately, of which the past counts less and less. Zeroed is
 * nothing. */
#pragma once

#include <stdint.h>

struct rate {
    double weight; /* of all that happened, as of at_ms */
    uint64_t at_ms;
};

/* So much more of it now. memory_s: after so long it counts for 1/e. */
void rate_add(struct rate *r, double amount, double memory_s, uint64_t now_ms);

/* All of it that still counts: about what there was in the last memory_s. */
double rate_sum(const struct rate *r, double memory_s, uint64_t now_ms);

/* That in a second. */
double rate_per_s(const struct rate *r, double memory_s, uint64_t now_ms);
