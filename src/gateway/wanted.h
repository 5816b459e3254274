/* SPDX-License-Identifier: Apache-2.0 */
/* What a request needs, in the catalog's words. */
#pragma once

#include "dialect/chat.h"

/* Bits of enum capability that a copy must have. */
uint32_t wanted_capabilities(const struct ask *ask);
