/* SPDX-License-Identifier: Apache-2.0 */
/* Where an engine is asked, when that is not where its dialect says. */
#pragma once

#include "base/buf.h"
#include "dialect/ask.h"
#include "fleet/machine.h"

/* Writes the path. *ret_extra: a form's field that it needs besides, "NAME=VALUE", or empty.
 * 0, -ENOENT: the dialect's own; -ENOMEM. engine may be NULL: a provider. */
MUST_USE int way_find(struct buf *out, struct str *ret_extra, const struct fleet_engine *engine,
                      enum task task);
