/* SPDX-License-Identifier: Apache-2.0 */
/* What a bench found of one copy: as rows of a table, and as JSON that `plan --measured` takes. */
#pragma once

#include "apply/measure.h"
#include "cmd/table.h"
#include "wire/json_out.h"

struct bench_result {
    const struct plan_copy *copy;
    struct measured m;
    struct str wrong; /* why it could not be measured; else empty */
};

void bench_show_titles(struct table *t);

/* A row for each length of prompt. */
void bench_show_rows(struct table *t, const struct bench_result *b);
void bench_show_json(struct json_out *o, const struct bench_result *b);
