/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The performance ledger's words: what a copy takes over what it should take is learned on the
 * board (route/line, route/drift); here it is told, with the likely reason.
 */
#pragma once

#include "gateway/exchange.h"
#include "gateway/health.h"

/* The copy of its attempt has just become slow, or is well again. */
void measured_tell(const struct exchange *x, bool is_slow);

/* Why a copy is probably slow; a constant. */
const char *measured_reason(const struct scene_copy *copy, const struct sighting *seen);
