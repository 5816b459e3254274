/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of short texts that can be sorted, filtered and shown piece by piece: what `top` draws.
 *
 *     grid_init(&g, titles, COUNT_OF(titles));
 *     row = grid_add(&g);                        row->cells[i] = grid_text(&g, "%u", n)
 *     grid_sort(&g, 2, true); grid_filter(&g, "gtr9");
 *     grid_widths(&g, widths, 80);
 *     grid_fini(&g);
 *
 * Numbers sort as numbers. Without memory rows are left out, never half written.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"

enum { GRID_COLUMNS_MAX = 10, GRID_ROWS_MAX = 4096, GRID_BYTES_MAX = 8 << 20, GRID_GAP = 2 };

enum grid_mood { MOOD_usual, MOOD_good, MOOD_bad, MOOD_faint };

struct grid_row {
    const char *cells[GRID_COLUMNS_MAX]; /* NULL: empty */
    enum grid_mood mood;
};

struct grid {
    const char *const *titles;
    unsigned columns;
    struct grid_row *rows;
    unsigned count;
    struct arena arena;
};

void grid_init(struct grid *g, const char *const *titles, unsigned columns);
void grid_fini(struct grid *g);

/* An empty row; when there is no room, one that will not be shown. */
struct grid_row *grid_add(struct grid *g);

/* NULL: no memory. */
const char *grid_text(struct grid *g, const char *format, ...) PRINTF(2, 3);

/* By that column; rows that are equal stay in their order. */
void grid_sort(struct grid *g, unsigned column, bool is_falling);

/* Leaves the rows that hold these words somewhere, ignoring case. */
void grid_filter(struct grid *g, const char *words);

/* How wide each column is shown: as its widest text, and what does not fit into `width` is taken
 * from the last, then from the widest. */
void grid_widths(const struct grid *g, unsigned widths[GRID_COLUMNS_MAX], unsigned width);
