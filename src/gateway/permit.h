/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a key's rules leave of the copies that have a name.
 *
 *     why = permit(&candidates, &key->rules, asked, err);      FAILURE_none: some are left
 */
#pragma once

#include "base/failure.h"
#include "ledger/rules.h"
#include "route/candidates.h"

/* FAILURE_forbidden: none is left; err says which rule it was. */
enum failure permit(struct candidates *found, const struct rules *rules, struct str asked,
                    struct err *err);
