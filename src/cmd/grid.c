/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of short texts. */
#include "cmd/grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_ROOM = 512, WIDTH_LEAST = 4 };

static int compare(const char *a, const char *b);
static bool row_holds(const struct grid *g, const struct grid_row *row, const char *words);

void grid_init(struct grid *g, const char *const *titles, unsigned columns)
{
    *g = (struct grid){.titles = titles, .columns = columns};
    arena_init(&g->arena, GRID_BYTES_MAX);
}

void grid_fini(struct grid *g)
{
    free(g->rows);
    arena_fini(&g->arena);
}

struct grid_row *grid_add(struct grid *g)
{
    static struct grid_row nowhere;

    if (g->count == GRID_ROWS_MAX)
        return &nowhere;
    if (!(g->count & (g->count - 1))) { /* as many as there are: twice that */
        struct grid_row *more = reallocarray(g->rows, g->count ? 2 * g->count : 1, sizeof *more);

        if (!more)
            return &nowhere;
        g->rows = more;
    }
    g->rows[g->count] = (struct grid_row){0};
    return &g->rows[g->count++];
}

const char *grid_text(struct grid *g, const char *format, ...)
{
    char text[TEXT_ROOM];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return arena_str(&g->arena, str_from(text)).data;
}

/* By insertion: some hundreds of rows that are nearly in order, and equal ones must not move. */
void grid_sort(struct grid *g, unsigned column, bool is_falling)
{
    for (unsigned i = 1; i < g->count; i++) {
        struct grid_row row = g->rows[i];
        unsigned at = i;

        while (at > 0) {
            int order = compare(g->rows[at - 1].cells[column], row.cells[column]);

            if (is_falling ? order >= 0 : order <= 0)
                break;
            g->rows[at] = g->rows[at - 1];
            at--;
        }
        g->rows[at] = row;
    }
}

void grid_filter(struct grid *g, const char *words)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < g->count; i++)
        if (row_holds(g, &g->rows[i], words))
            g->rows[kept++] = g->rows[i];
    g->count = kept;
}

void grid_widths(const struct grid *g, unsigned widths[GRID_COLUMNS_MAX], unsigned width)
{
    unsigned sum = g->columns ? (g->columns - 1) * GRID_GAP : 0;

    for (unsigned c = 0; c < g->columns; c++) {
        widths[c] = (unsigned)strlen(g->titles[c]);
        for (unsigned i = 0; i < g->count; i++) {
            size_t length = g->rows[i].cells[c] ? strlen(g->rows[i].cells[c]) : 0;

            if (length > widths[c])
                widths[c] = (unsigned)length;
        }
        sum += widths[c];
    }
    for (unsigned last = g->columns; sum > width; sum--) {
        unsigned widest = last - 1;

        for (unsigned c = 0; widths[widest] <= WIDTH_LEAST && c < g->columns; c++)
            widest = widths[c] > widths[widest] ? c : widest;
        if (widths[widest] <= WIDTH_LEAST)
            break;
        widths[widest]--;
    }
}

static int compare(const char *a, const char *b)
{
    char *end_a, *end_b;
    double number_a, number_b;

    a = a ? a : "";
    b = b ? b : "";
    number_a = strtod(a, &end_a);
    number_b = strtod(b, &end_b);
    if (end_a != a && end_b != b && number_a != number_b)
        return number_a < number_b ? -1 : 1;
    return strcmp(a, b);
}

static bool row_holds(const struct grid *g, const struct grid_row *row, const char *words)
{
    for (unsigned c = 0; c < g->columns; c++)
        if (row->cells[c] && strcasestr(row->cells[c], words))
            return true;
    return !*words;
}
