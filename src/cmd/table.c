/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of text. */
#include "cmd/table.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TEXTS_MAX = 16 << 20,
    CELL_MAX = 4096,
    GAP = 2,
    NARROWEST = 24, /* a last column narrower than this is not wrapped */
};

struct table_cell {
    struct str text;
    size_t width;
    enum paint paint;
};

static int write_row(const struct table *t, size_t first, const size_t *widths, size_t width,
                     bool colors, struct buf *out);
static int write_cell(const struct table_cell *cell, bool colors, struct buf *out);
static int write_wrapped(const struct table_cell *cell, size_t indent, size_t width, bool colors,
                         struct buf *out);
static struct str take_line(struct str *text, size_t width);
static int put_spaces(struct buf *out, size_t count);
static size_t width_of(struct str text);

static const char *const paints[] = {[PAINT_none] = "",
                                     [PAINT_good] = "\033[32m",
                                     [PAINT_bad] = "\033[31m",
                                     [PAINT_faint] = "\033[2m"};

void table_init(struct table *t, size_t columns)
{
    assert(columns && columns <= TABLE_COLUMNS_MAX);
    *t = (struct table){.columns = columns};
    arena_init(&t->texts, TEXTS_MAX);
}

void table_fini(struct table *t)
{
    arena_fini(&t->texts);
    free(t->cells);
    t->cells = NULL;
}

void table_add(struct table *t, enum paint paint, struct str text)
{
    struct table_cell *cells = t->cells;

    if (t->count == t->room) {
        cells = reallocarray(t->cells, t->room ? t->room * 2 : 64, sizeof *cells);
        if (cells) {
            t->cells = cells;
            t->room = t->room ? t->room * 2 : 64;
        }
    }
    text = arena_str(&t->texts, text);
    if (!cells || !text.data) {
        t->error = -ENOMEM;
        return;
    }
    t->cells[t->count++] =
        (struct table_cell){.text = text, .width = width_of(text), .paint = paint};
}

void table_addf(struct table *t, enum paint paint, const char *format, ...)
{
    char text[CELL_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    table_add(t, paint, str_from(text));
}

int table_write(const struct table *t, struct buf *out, size_t width, bool colors)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    int r = t->error;

    for (size_t i = 0; i < t->count; i++)
        if (widths[i % t->columns] < t->cells[i].width)
            widths[i % t->columns] = t->cells[i].width;
    for (size_t i = 0; i + t->columns <= t->count && r == 0; i += t->columns)
        r = write_row(t, i, widths, width, colors, out);
    return r;
}

static int write_row(const struct table *t, size_t first, const size_t *widths, size_t width,
                     bool colors, struct buf *out)
{
    size_t indent = 0, last = t->columns - 1;
    int r = 0;

    while (last && !t->cells[first + last].width) /* no spaces at the end of a line */
        last--;
    for (size_t column = 0; column < last && r == 0; column++) {
        const struct table_cell *cell = &t->cells[first + column];

        r = write_cell(cell, colors, out);
        if (r == 0)
            r = put_spaces(out, widths[column] - cell->width + GAP);
        indent += widths[column] + GAP;
    }
    if (r == 0 && last == t->columns - 1 && width >= indent + NARROWEST)
        r = write_wrapped(&t->cells[first + last], indent, width - indent, colors, out);
    else if (r == 0)
        r = write_cell(&t->cells[first + last], colors, out);
    return r == 0 ? buf_put_char(out, '\n') : r;
}

static int write_cell(const struct table_cell *cell, bool colors, struct buf *out)
{
    bool painted = colors && cell->paint != PAINT_none;

    return buf_printf(out, "%s%.*s%s", painted ? paints[cell->paint] : "", STR_ARG(cell->text),
                      painted ? "\033[0m" : "");
}

static int write_wrapped(const struct table_cell *cell, size_t indent, size_t width, bool colors,
                         struct buf *out)
{
    struct table_cell part = *cell;
    struct str rest = cell->text;
    int r = 0;

    do {
        part.text = take_line(&rest, width);
        r = write_cell(&part, colors, out);
        if (r == 0 && rest.len && (r = buf_put_char(out, '\n')) == 0)
            r = put_spaces(out, indent);
    } while (r == 0 && rest.len);
    return r;
}

/* Whole words that fit, at least one. */
static struct str take_line(struct str *text, size_t width)
{
    struct str line = *text;
    size_t used = 0, end = 0;

    if (width_of(line) <= width) {
        *text = str_slice(line.data + line.len, 0);
        return line;
    }
    for (size_t i = 0; i < line.len && (used <= width || !end); i++) {
        if (line.data[i] == ' ')
            end = i;
        used += (line.data[i] & 0xc0) != 0x80;
    }
    if (!end)
        end = line.len;
    *text = str_trim(str_slice(line.data + end, line.len - end));
    return str_slice(line.data, end);
}

static int put_spaces(struct buf *out, size_t count)
{
    return buf_printf(out, "%*s", (int)count, "");
}

/* Characters, one column each: names of machines and models are plain. */
static size_t width_of(struct str text)
{
    size_t width = 0;

    for (size_t i = 0; i < text.len; i++)
        width += (text.data[i] & 0xc0) != 0x80;
    return width;
}
