/* SPDX-License-Identifier: Apache-2.0 */
/* What benches found, kept beside the state: the newest of each copy. */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* found: {"copies":[…]}, as `tampu bench --json` prints it. Goes into FOLDER/bench.json, before
 * what earlier benches found of other copies. 0, or negative with words. */
MUST_USE int bench_keep(const char *folder, struct str found, struct err *err);
