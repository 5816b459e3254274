/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns of text for people, as wide as what stands in them.
 *
 *     table_init(&t, 3);
 *     table_add(&t, PAINT_none, STR("MACHINE"));   row by row, cell by cell
 *     table_addf(&t, PAINT_bad, "%s", "down");
 *     table_write(&t, &out, width, colors);
 *     table_fini(&t);
 *
 * Cells are copied. The last column is wrapped to the width, if there is one (0: never).
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 16 };

enum paint { PAINT_none, PAINT_good, PAINT_bad, PAINT_faint };

struct table {
    size_t columns, count, room;
    struct table_cell *cells;
    struct arena texts;
    int error;
};

void table_init(struct table *t, size_t columns);
void table_fini(struct table *t);

/* The next cell. Without memory the table fails when it is written. */
void table_add(struct table *t, enum paint paint, struct str text);
void table_addf(struct table *t, enum paint paint, const char *format, ...) PRINTF(3, 4);

/* 0, -ENOMEM, -EMSGSIZE. */
MUST_USE int table_write(const struct table *t, struct buf *out, size_t width, bool colors);
