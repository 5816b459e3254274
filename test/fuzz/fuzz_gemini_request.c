/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request of a caller who speaks Gemini's dialect. */
#include "stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_request(DIALECT_gemini, data, size);
}
