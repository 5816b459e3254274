/* SPDX-License-Identifier: Apache-2.0 */
/* Parity: how a stand-in relates to what was asked for. */
#pragma once

#include "fleet/view.h"

enum parity {
    PARITY_identical,    /* same artifact, template and context */
    PARITY_equivalent,   /* same model, other quantisation, engine or context */
    PARITY_degraded,     /* smaller or other model of the same category */
    PARITY_incompatible, /* never used */
    PARITY_COUNT
};

/* asked: the copy that the name means first. */
enum parity parity_of(const struct copy *asked, const struct copy *stand_in);

/* "identical" */
const char *parity_name(enum parity p);
