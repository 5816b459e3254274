/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes of the system. */
#include "base/rand.h"

#include <stdlib.h>
#include <sys/random.h>

uint64_t rand_u64(void)
{
    uint64_t value;

    if (getrandom(&value, sizeof value, 0) != sizeof value)
        abort();
    return value;
}
