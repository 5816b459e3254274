/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drills: what there is to prove about a fleet, and what each proof asks.
 *
 *     count = drill_list(view, rows, DRILL_ROWS_MAX);
 *     rows[i].copy ? ask golden_of(rows[i].category) there : it is a hole, rows[i].hole says why
 *
 * A row is a machine that the redundancy map names for a category. It is proven when it answers
 * alone: every other machine counts as dead for that request, and for that request only.
 * Cloud models are never drilled, since that costs money. Pure.
 */
#pragma once

#include "fleet/view.h"

enum { DRILL_ROWS_MAX = 4096, DRILL_HEADER_MAX = 16 << 10 };

enum drill_role { DRILL_primary, DRILL_backup, DRILL_any };

struct drill_row {
    const struct category *category;
    const struct machine *machine; /* NULL: nobody holds a model for it */
    enum drill_role role;
    const struct copy *copy; /* what should answer; NULL: nothing there qualifies */
    const char *hole;        /* why not */
};

struct golden {
    const char *path, *pointer, *text;
    bool is_form;
};

/* What a category is asked. */
const struct golden *golden_of(const struct category *category);

/* Rows in the order of the file, each category's first choice first. Returns their number. */
uint32_t drill_list(const struct view *view, struct drill_row *rows, uint32_t max);

/* "primary" */
const char *drill_role_name(enum drill_role role);

/* The header's value of a drill that leaves only one machine alive. -EMSGSIZE, -ENOMEM. */
MUST_USE int drill_write_dead(struct buf *out, const struct view *view,
                              const struct machine *survivor);

/* Does a copy count as dead? dead: the header's value, machines with commas between. A provider
 * always does. */
bool drill_is_dead(struct str dead, const struct copy *copy);
