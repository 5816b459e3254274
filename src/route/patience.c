/* SPDX-License-Identifier: Apache-2.0 */
/* How long the first byte of an answer may take. */
#include "route/patience.h"

enum { BYTES_PER_TOKEN = 4, SLOWEST_TOKENS_PER_S = 30 };

uint32_t patience_first_byte_ms(uint64_t loaded_ms, uint64_t load_ms, bool is_resident,
                                uint64_t prompt_bytes)
{
    uint64_t prefill_ms = prompt_bytes / BYTES_PER_TOKEN * 1000 / SLOWEST_TOKENS_PER_S;
    uint64_t sum_ms = (is_resident ? loaded_ms : load_ms) + prefill_ms;

    return sum_ms < UINT32_MAX ? (uint32_t)sum_ms : UINT32_MAX;
}
