/* SPDX-License-Identifier: Apache-2.0 */
/* A schema's reference page: every key with its type, as Markdown. */
#include "wire/schema_value.h"

static int write_section(struct buf *out, const struct schema_section *s);
static int write_row(struct buf *out, const struct schema_row *row);
static int write_type(struct buf *out, const struct schema_row *row);
static int write_words(struct buf *out, const struct schema_row *row);

int schema_write_reference(struct buf *out, const struct schema_section *s)
{
    int r = write_section(out, s);

    for (size_t i = 0; i < s->row_count && r == 0; i++)
        if (s->rows[i].section)
            r = schema_write_reference(out, s->rows[i].section);
    return r;
}

static int write_section(struct buf *out, const struct schema_section *s)
{
    int r =
        buf_printf(out, "## %s\n\n%s%s%s\n\n| key | value | meaning |\n|---|---|---|\n", s->name,
                   s->help, s->is_short ? " A bare text stands for its first key: " : "",
                   s->is_short ? s->rows[0].key : "");

    for (size_t i = 0; i < s->row_count && r == 0; i++)
        r = write_row(out, &s->rows[i]);
    return r == 0 ? buf_put_char(out, '\n') : r;
}

static int write_row(struct buf *out, const struct schema_row *row)
{
    int r = buf_printf(out, "| `%s`%s | ", row->key, row->required ? " (required)" : "");

    if (r == 0)
        r = write_type(out, row);
    return r == 0 ? buf_printf(out, " | %s |\n", row->help ? row->help : "") : r;
}

static int write_type(struct buf *out, const struct schema_row *row)
{
    if (row->kind == SCHEMA_choice || row->kind == SCHEMA_set)
        return write_words(out, row);
    if (row->kind == SCHEMA_own)
        return buf_put(out, str_from(row->expects));
    if (row->section)
        return buf_printf(out, "%s: see *%s*", schema_kind_words(row->kind), row->section->name);
    if (row->kind == SCHEMA_number && row->max)
        return buf_printf(out, "%llu to %llu", (unsigned long long)row->min,
                          (unsigned long long)row->max);
    return buf_put(out, str_from(schema_kind_words(row->kind)));
}

static int write_words(struct buf *out, const struct schema_row *row)
{
    int r = row->kind == SCHEMA_set ? buf_put(out, STR("any of ")) : 0;

    for (size_t i = 0; i < row->word_count && r == 0; i++)
        r = buf_printf(out, "%s`%.*s`", i ? ", " : "", (int)strcspn(row->words[i], "|"),
                       row->words[i]);
    return r;
}
