/* SPDX-License-Identifier: Apache-2.0 */
/* How a stand-in relates to what was asked for. */
#include "fleet/parity.h"

enum parity parity_of(const struct copy *asked, const struct copy *stand_in)
{
    bool same = copy_is_same_artifact(asked, stand_in);

    if (same && asked->context == stand_in->context)
        return PARITY_identical;
    if (same)
        return PARITY_equivalent;
    /* Vectors of two models are never interchangeable. */
    if ((asked->is_known && asked->dimensions) || (stand_in->is_known && stand_in->dimensions))
        return PARITY_incompatible;
    if (asked->artifact && stand_in->artifact &&
        asked->artifact->model == stand_in->artifact->model)
        return PARITY_equivalent;
    return PARITY_degraded;
}

const char *parity_name(enum parity p)
{
    static const char *const names[PARITY_COUNT] = {
        [PARITY_identical] = "identical",
        [PARITY_equivalent] = "equivalent",
        [PARITY_degraded] = "degraded",
        [PARITY_incompatible] = "incompatible",
    };

    return names[p];
}
