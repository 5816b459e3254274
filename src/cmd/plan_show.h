/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as people and programs read it: text, JSON, one page of HTML. */
#pragma once

#include <stdbool.h>

#include "plan/certificate.h"
#include "plan/diff.h"
#include "plan/explain.h"

/* Everything that is shown. */
struct plan_shown {
    const struct plan *plan;
    const struct certificate *certificate;
    const struct diff *diff;
    const struct plan_wish *wish;
    const struct plan *before; /* the plan without --what-if; NULL: nothing was asked */
    const struct certificate *before_certificate;
    bool is_there_known; /* the diff is against what machines report, not against the file */
};

/* The artifact by the tag that its line writes, else by its short one. copy may be NULL. */
struct str shown_tag(const struct plan_copy *copy, const struct artifact *artifact);

/* What takes a machine's memory, for its bar: that of its GPU, else RAM. */
struct memory_use {
    bool is_gpu;
    uint64_t all, kept; /* bytes that engines may use; that stay taken */
    uint64_t on_demand; /* of the largest of the others */
};
void memory_use_of(struct memory_use *ret, const struct plan *plan, const struct machine *m);

/* "add", "remove" or "change". */
const char *difference_name(const struct difference *d);

/* Is it known how far from the best it is? */
bool plan_has_bound(const struct plan *plan);

/* 0, -ENOMEM, -EMSGSIZE. width: of the terminal, 0 for none. */
MUST_USE int plan_write_text(struct buf *out, const struct plan_shown *s, size_t width,
                             bool colors);
MUST_USE int plan_write_json(struct buf *out, const struct plan_shown *s);
MUST_USE int plan_write_html(struct buf *out, const struct plan_shown *s);
