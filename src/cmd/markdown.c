/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown to plain text. */
#include "cmd/markdown.h"

#include "cmd/table.h"

static struct str take_line(struct str *rest);
static int write_line(struct buf *out, struct str line, size_t width, bool colors);
static int write_table(struct buf *out, struct str *page, size_t width, bool colors);
static void add_row(struct table *t, struct str line, bool is_head);
static struct str take_cell(struct str *line);
static size_t count_cells(struct str line);
static void add_plain(struct table *t, enum paint paint, struct str text);

int markdown_write_plain(struct buf *out, struct str page, size_t width, bool colors)
{
    int r = 0;

    while (page.len && r == 0) {
        if (page.data[0] == '|')
            r = write_table(out, &page, width, colors);
        else
            r = write_line(out, take_line(&page), width, colors);
    }
    return r;
}

static struct str take_line(struct str *rest)
{
    return str_cut(*rest, '\n', rest);
}

/* One line is a table of one cell: so it is wrapped, and its marks are taken off. */
static int write_line(struct buf *out, struct str line, size_t width, bool colors)
{
    struct table t;
    int r;

    if (!line.len || line.data[0] == ' ')
        return buf_printf(out, "%.*s\n", STR_ARG(line));
    table_init(&t, 1);
    while (str_starts(line, STR("#")))
        line = str_slice(line.data + 1, line.len - 1);
    add_plain(&t, PAINT_none, str_trim(line));
    r = table_write(&t, out, width, colors);
    table_fini(&t);
    return r;
}

static int write_table(struct buf *out, struct str *page, size_t width, bool colors)
{
    struct table t;
    int r;

    table_init(&t, count_cells(str_slice(page->data, str_index(*page, '\n'))));
    for (size_t row = 0; page->len && page->data[0] == '|'; row++) {
        struct str line = take_line(page);

        if (row != 1) /* |---|---| */
            add_row(&t, line, row == 0);
    }
    r = table_write(&t, out, width, colors);
    table_fini(&t);
    return r;
}

/* Exactly as many cells as the table has columns. */
static void add_row(struct table *t, struct str line, bool is_head)
{
    take_cell(&line); /* what stands in front of the first | */
    for (size_t i = 0; i < t->columns; i++)
        add_plain(t, is_head ? PAINT_faint : PAINT_none, str_trim(take_cell(&line)));
}

/* Up to the next | that has no \ in front. */
static struct str take_cell(struct str *line)
{
    size_t end = 0;

    while (end < line->len && (line->data[end] != '|' || (end && line->data[end - 1] == '\\')))
        end++;

    struct str cell = str_slice(line->data, end);

    end += end < line->len;
    *line = str_slice(line->data + end, line->len - end);
    return cell;
}

static size_t count_cells(struct str line)
{
    size_t count = 0;

    take_cell(&line);
    while (line.len && count < TABLE_COLUMNS_MAX) {
        take_cell(&line);
        count++;
    }
    return count ? count : 1;
}

/* Without ` and without the \ in front of |. */
static void add_plain(struct table *t, enum paint paint, struct str text)
{
    struct buf plain;

    buf_init(&plain, text.len + 1);
    for (size_t i = 0; i < text.len && t->error == 0; i++) {
        bool is_mark = text.data[i] == '`' ||
                       (text.data[i] == '\\' && i + 1 < text.len && text.data[i + 1] == '|');

        if (!is_mark)
            t->error = buf_put_char(&plain, text.data[i]);
    }
    table_add(t, paint, plain.len ? buf_str(&plain) : STR(""));
    buf_fini(&plain);
}
