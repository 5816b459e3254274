/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate behind capabilities: what a copy can do, but not in that language or that large.
 *
 *     why = gate_refuses(&(struct gate){.language = STR("de")}, copy);
 *
 * Facts come from the catalog only: what it does not say of a model is no reason to refuse. Pure.
 */
#pragma once

#include "fleet/view.h"

struct gate {
    struct str language; /* "de", "de-CH", "german"; empty: any */
    uint64_t pixels;     /* of an image, or of a video's frame; 0: not said */
};

/* NULL: it may pass; else what it lacks: "language", "size". */
const char *gate_refuses(const struct gate *g, const struct copy *copy);
