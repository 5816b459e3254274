/* SPDX-License-Identifier: Apache-2.0 */
/* What a bench found of one copy, as rows of a table. */
#pragma once

#include "apply/measure.h"
#include "cmd/table.h"

void bench_show_titles(struct table *t);

/* A row for each length of prompt. */
void bench_show_rows(struct table *t, const struct measure_result *b);
