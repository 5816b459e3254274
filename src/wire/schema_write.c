/* SPDX-License-Identifier: Apache-2.0 */
/* Plain structs back to YAML. */
#include "wire/schema_write.h"

#include <stdio.h>

#include "wire/json.h"

static int write_row(struct buf *out, const struct schema_row *row, const char *from,
                     unsigned indent);
static bool is_said(const struct schema_row *row, const char *from);
static int write_value(struct buf *out, const struct schema_row *row, const void *field);
static int write_amount(struct buf *out, uint64_t value, unsigned decimals, const char *unit);
static int write_tokens(struct buf *out, uint64_t tokens);
static int write_text(struct buf *out, struct str text);
static int write_texts(struct buf *out, const struct str *texts, uint32_t count);
static int write_word(struct buf *out, const char *words);
static int write_set(struct buf *out, const struct schema_row *row, uint32_t bits);
static int write_list(struct buf *out, const struct schema_row *row, const char *items,
                      uint32_t count, unsigned indent);

int schema_write(struct buf *out, const struct schema_section *s, const void *from, unsigned indent)
{
    int r = 0;

    for (size_t i = 0; i < s->row_count && r == 0; i++)
        if (is_said(&s->rows[i], from))
            r = write_row(out, &s->rows[i], from, indent);
    return r;
}

/* The key of a map's entry stands in front of it, not in it. */
static bool is_said(const struct schema_row *row, const char *from)
{
    static const char nothing[sizeof(struct str)];
    const char *field = from + row->offset;

    switch (row->kind) {
    case SCHEMA_text:
    case SCHEMA_name:
    case SCHEMA_date:
        return ((const struct str *)(const void *)field)->len > 0 && strcmp(row->key, "NAME") != 0;
    case SCHEMA_flag:
        return *(const bool *)field;
    case SCHEMA_number:
    case SCHEMA_set:
        return *(const uint32_t *)(const void *)field > 0;
    case SCHEMA_choice:
        return true;
    case SCHEMA_money:
        return row->said ? from[row->said] : memcmp(field, nothing, sizeof(uint64_t)) != 0;
    case SCHEMA_texts:
    case SCHEMA_list:
        return *(const uint32_t *)(const void *)(from + row->count_offset) > 0;
    case SCHEMA_section:
        for (size_t i = 0; i < row->section->row_count; i++)
            if (row->section->rows[i].kind != SCHEMA_choice &&
                is_said(&row->section->rows[i], field))
                return true;
        return false;
    default:
        return memcmp(field, nothing, sizeof(uint64_t)) != 0;
    }
}

static int write_row(struct buf *out, const struct schema_row *row, const char *from,
                     unsigned indent)
{
    const char *field = from + row->offset;
    uint32_t count =
        row->count_offset ? *(const uint32_t *)(const void *)(from + row->count_offset) : 0;
    int r = buf_printf(out, "%*s%s:", (int)indent, "", row->key);

    if (r < 0)
        return r;
    if (row->kind == SCHEMA_list)
        return write_list(out, row, *(char *const *)(const void *)field, count, indent + 2);
    if (row->kind == SCHEMA_section) {
        r = buf_put_char(out, '\n');
        return r < 0 ? r : schema_write(out, row->section, field, indent + 2);
    }
    r = buf_put_char(out, ' ');
    if (r == 0 && row->kind == SCHEMA_texts)
        r = write_texts(out, *(struct str *const *)(const void *)field, count);
    else if (r == 0)
        r = write_value(out, row, field);
    return r < 0 ? r : buf_put_char(out, '\n');
}

static int write_value(struct buf *out, const struct schema_row *row, const void *field)
{
    switch (row->kind) {
    case SCHEMA_flag:
        return buf_put(out, STR("true"));
    case SCHEMA_number:
        return buf_put_u64(out, *(const uint32_t *)field);
    case SCHEMA_choice:
        return write_word(out, row->words[*(const uint32_t *)field]);
    case SCHEMA_set:
        return write_set(out, row, *(const uint32_t *)field);
    case SCHEMA_count:
        return *(const uint64_t *)field < 1000000000
                   ? write_amount(out, *(const uint64_t *)field, 6, "M")
                   : write_amount(out, *(const uint64_t *)field, 9, "B");
    case SCHEMA_bytes:
        return write_amount(out, *(const uint64_t *)field, 9, " GB");
    case SCHEMA_money:
        return write_amount(out, *(const uint64_t *)field, 6, "");
    case SCHEMA_memory:
        return buf_put_u64(out, *(const uint64_t *)field);
    case SCHEMA_tokens:
        return write_tokens(out, *(const uint64_t *)field);
    case SCHEMA_real:
        return json_put_double(out, *(const double *)field);
    default:
        return write_text(out, *(const struct str *)field);
    }
}

/* With as many decimals as it takes: "32.76B", "0.137B". */
static int write_amount(struct buf *out, uint64_t value, unsigned decimals, const char *unit)
{
    uint64_t scale = 1, rest;
    char digits[16];
    int r;

    for (unsigned i = 0; i < decimals; i++)
        scale *= 10;
    rest = value % scale;
    r = buf_put_u64(out, value / scale);
    if (r == 0 && rest) {
        int len =
            snprintf(digits, sizeof digits, ".%0*llu", (int)decimals, (unsigned long long)rest);

        while (digits[len - 1] == '0')
            len--;
        r = buf_put(out, str_slice(digits, (size_t)len));
    }
    return r < 0 ? r : buf_put(out, str_from(unit));
}

static int write_tokens(struct buf *out, uint64_t tokens)
{
    bool is_round = tokens % 4096 == 0 && tokens > 4096;

    return buf_printf(out, "%llu%s", (unsigned long long)(is_round ? tokens / 1024 : tokens),
                      is_round ? "K" : "");
}

/* Quotes where YAML might read something else; a JSON string is one of YAML's. */
static int write_text(struct buf *out, struct str text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-/";
    bool is_plain = text.len > 0 && strchr("0123456789._+-/", text.data[0]) == NULL &&
                    !str_equal_nocase(text, STR("null"));

    for (size_t i = 0; i < text.len && is_plain; i++)
        is_plain = text.data[i] && strchr(plain, text.data[i]);
    return is_plain ? buf_put(out, text) : json_put_string(out, text);
}

static int write_texts(struct buf *out, const struct str *texts, uint32_t count)
{
    int r = buf_put_char(out, '[');

    for (uint32_t i = 0; i < count && r == 0; i++) {
        if (i)
            r = buf_put(out, STR(", "));
        if (r == 0)
            r = write_text(out, texts[i]);
    }
    return r < 0 ? r : buf_put_char(out, ']');
}

/* The first of its spellings. */
static int write_word(struct buf *out, const char *words)
{
    return buf_put(out, str_slice(words, strcspn(words, "|")));
}

static int write_set(struct buf *out, const struct schema_row *row, uint32_t bits)
{
    int r = buf_put_char(out, '[');
    bool is_first = true;

    for (uint32_t i = 0; i < row->word_count && r == 0; i++) {
        if (!(bits & 1u << i))
            continue;
        if (!is_first)
            r = buf_put(out, STR(", "));
        if (r == 0)
            r = write_word(out, row->words[i]);
        is_first = false;
    }
    return r < 0 ? r : buf_put_char(out, ']');
}

/* Each item begins where its dash stands: the first key's spaces become the dash. */
static int write_list(struct buf *out, const struct schema_row *row, const char *items,
                      uint32_t count, unsigned indent)
{
    int r = buf_put_char(out, '\n');

    for (uint32_t i = 0; i < count && r == 0; i++) {
        size_t start = buf_str(out).len;

        r = schema_write(out, row->section, items + i * row->section->size, indent + 2);
        if (r == 0 && buf_str(out).len > start + indent)
            out->data[start + indent] = '-';
    }
    return r;
}
