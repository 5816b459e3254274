/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deployment names, SIZE-WHERE-COST-name[-suffix], and the selectors that match them.
 *
 *     name_read(&name, STR("XL-LOC-FRE-qwen2.5-coder-32b"));
 *     selector_read(&selector, STR("M+-ANY-FRE-vision"));
 *     if (selector_matches(&selector, &name, purposes, capabilities)) …
 *
 * A selector has the same four parts. SIZE may be M+ (that or larger), M- (that or smaller;
 * "M--LOC-…" with the separator), * or ANY; WHERE and COST may be * or ANY. What follows matches
 * when it is a purpose or capability of the copy ("code", "vision"), when its whole text with *
 * and ? as wildcards is the name's tail, or when it stands in the tail between dashes. Every
 * deployment name is a selector that matches itself. Pure; the parts are borrowed from the text.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

enum { DEPLOYMENT_NAME_MAX = 200 };

enum size { SIZE_XS, SIZE_S, SIZE_M, SIZE_L, SIZE_XL, SIZE_COUNT };

enum where { WHERE_LOC, WHERE_CLD, WHERE_COUNT };

enum cost { COST_FRE, COST_PAY, COST_COUNT };

struct deployment_name {
    enum size size;
    enum where where;
    enum cost cost;
    struct str tail; /* "qwen2.5-coder-32b-q4-cpu" */
};

struct selector {
    uint32_t sizes, wheres, costs; /* bits of the enums above */
    struct str tail;               /* word or pattern */
};

extern const char *const size_names[SIZE_COUNT];
extern const char *const where_names[WHERE_COUNT];
extern const char *const cost_names[COST_COUNT];

/* 0, or -EINVAL: not of that form. Upper case; the tail is 1 to DEPLOYMENT_NAME_MAX visible
 * characters without wildcards. */
MUST_USE int name_read(struct deployment_name *ret, struct str text);
MUST_USE int name_write(const struct deployment_name *name, struct buf *out);

/* By size, then place, cost and tail: negative, 0, positive. */
int name_compare(const struct deployment_name *a, const struct deployment_name *b);

/* 0, or -EINVAL: not of that form. */
MUST_USE int selector_read(struct selector *ret, struct str text);

/* purposes and capabilities: bits of model/kinds.h, of the copy behind the name. */
bool selector_matches(const struct selector *s, const struct deployment_name *name,
                      uint32_t purposes, uint32_t capabilities);

/* Does it match one name only, by its parts? */
bool selector_is_name(const struct selector *s);
