/* SPDX-License-Identifier: Apache-2.0 */
/* Start-up allocations. */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

void *memory_need(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);

    if (!p) {
        fprintf(stderr, "tampu: out of memory\n");
        abort();
    }
    return p;
}
