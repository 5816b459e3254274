/* SPDX-License-Identifier: Apache-2.0 */
/* What a name that can be asked for is like. */
#include "web/names.h"

uint32_t name_capabilities(const struct candidates *found)
{
    uint32_t capabilities = 0;

    for (uint32_t i = 0; i < found->count; i++)
        if (found->rows[i].copy->is_known)
            capabilities |= found->rows[i].copy->capabilities;
    return capabilities ? capabilities : 1u << CAPABILITY_completion;
}

uint64_t name_context(const struct candidates *found)
{
    const struct copy *first = found->rows[0].copy;

    return first->context || !first->artifact ? first->context : artifact_context(first->artifact);
}
