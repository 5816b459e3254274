/* SPDX-License-Identifier: Apache-2.0 */
/* What `tampu export` writes: one row in tables/exports.def and one function each. */
#pragma once

#include "cmd/option.h"

/* operands[0] is its own name, operands[1] the fleet file. Returns an exit status. */
typedef int export_fn(const struct options *o);

#define EXPORT(name, what) export_fn export_##name;
#include "tables/exports.def"
