/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as HTTP/1 requests. */
#include "http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_http1(HTTP1_request, str_slice((const char *)data, size));
    return 0;
}
