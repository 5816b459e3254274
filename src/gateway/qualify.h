/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the copies that have a name qualify for one request: by its language, its size and its
 * length.
 *
 *     why = qualify(&candidates, &ask, err);      FAILURE_none: some are left, in a new order
 */
#pragma once

#include "base/failure.h"
#include "dialect/ask.h"
#include "route/candidates.h"

/* FAILURE_unsupported or FAILURE_too_long: none qualifies; err says why. */
enum failure qualify(struct candidates *found, const struct ask *ask, struct err *err);
