/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an answer of a provider that has the Responses API. */
#include "stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_answer(DIALECT_responses, data, size);
}
