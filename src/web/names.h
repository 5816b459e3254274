/* SPDX-License-Identifier: Apache-2.0 */
/* What a name that can be asked for is like, for the lists of all dialects. */
#pragma once

#include "route/candidates.h"

/* Bits of what any known copy behind it can do: a request goes to one that can. */
uint32_t name_capabilities(const struct candidates *found);

/* Tokens that the first copy behind it can read; 0: nobody knows. */
uint64_t name_context(const struct candidates *found);
