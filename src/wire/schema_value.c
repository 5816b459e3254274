/* SPDX-License-Identifier: Apache-2.0 */
/* Single values of a schema. */
#include "wire/schema_value.h"

#include <errno.h>
#include <stdio.h>

static void read_quantity(struct schema_reader *rd, const struct schema_row *row,
                          const struct yaml *y, void *field);
static void read_text(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                      struct str *field);
static void read_flag(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                      bool *field);
static void read_number(struct schema_reader *rd, const struct schema_row *row,
                        const struct yaml *y, uint32_t *field);
static int read_word(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y);
static void read_choice(struct schema_reader *rd, const struct schema_row *row,
                        const struct yaml *y, uint32_t *field);
static void read_set(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                     uint32_t *field);
static void read_texts(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                       char *out);
static void read_pairs(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                       char *out);
static size_t count_leaves(const struct yaml *y);
static uint32_t flatten(struct schema_reader *rd, const struct yaml *y, struct str prefix,
                        struct pair *pairs, uint32_t count);
static void wrong(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y);
static bool is_good_text(enum schema_kind kind, struct str text);
static int read_millionths(uint64_t *ret, struct str text);

/* How the kinds that are one number, or two, are read and said. */
static const struct {
    units_read_fn *read;
    bool is_range;
    const char *words;
} kinds[] = {
    [SCHEMA_text] = {.words = "text"},
    [SCHEMA_name] = {.words = "a name without spaces"},
    [SCHEMA_flag] = {.words = "true or false"},
    [SCHEMA_not_flag] = {.words = "true or false"},
    [SCHEMA_number] = {.words = "a whole number"},
    [SCHEMA_count] = {units_read_count, false, "an amount, as in 3.8B or 137M"},
    [SCHEMA_tokens] = {units_read_tokens, false, "tokens, as in 32768 or 32K"},
    [SCHEMA_real] = {.words = "a number"},
    [SCHEMA_bytes] = {units_read_bytes, false, "bytes, as in 20 GB or 512 MiB"},
    [SCHEMA_memory] = {units_read_memory, false, "memory, as in 32 GB, or unknown"},
    [SCHEMA_duration] = {units_read_duration, false, "a time, as in 30s or 5m"},
    [SCHEMA_rate] = {units_read_rate, false, "a rate, as in 1 Gbit/s or 100 MB/s"},
    [SCHEMA_money] = {units_read_money, false, "an amount of at most six decimals, as in 2.50"},
    [SCHEMA_bytes_range] = {units_read_bytes, true, "bytes from-to, as in 2-3 TB"},
    [SCHEMA_memory_range] = {units_read_memory, true, "memory, as in 32 GB or 32-64 GB"},
    [SCHEMA_duration_range] = {units_read_duration, true, "a time from-to, as in 2-3 h"},
    [SCHEMA_count_range] = {units_read_count, true, "a band, as in 70B+, 20-40B or 11B"},
    [SCHEMA_real_range] = {read_millionths, true, "a number or two, as in 20-30"},
    [SCHEMA_secret] = {.words = "env:NAME or file:PATH"},
    [SCHEMA_date] = {.words = "a date, as in 2026-10-23"},
    [SCHEMA_choice] = {.words = "one of the words"},
    [SCHEMA_set] = {.words = "a list of the words"},
    [SCHEMA_texts] = {.words = "a list of texts"},
    [SCHEMA_pairs] = {.words = "a map of texts"},
    [SCHEMA_section] = {.words = "keys"},
    [SCHEMA_list] = {.words = "a list"},
    [SCHEMA_map] = {.words = "a map"},
    [SCHEMA_own] = {.words = ""},
};

void schema_read_value(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                       char *out)
{
    void *field = out + row->offset;

    if (row->kind == SCHEMA_texts)
        read_texts(rd, row, y, out);
    else if (row->kind == SCHEMA_pairs)
        read_pairs(rd, row, y, out);
    else if (row->kind == SCHEMA_set)
        read_set(rd, row, y, field);
    else if (y->kind != YAML_text)
        wrong(rd, row, y);
    else if (kinds[row->kind].read)
        read_quantity(rd, row, y, field);
    else if (row->kind == SCHEMA_flag || row->kind == SCHEMA_not_flag)
        read_flag(rd, row, y, field);
    else if (row->kind == SCHEMA_number)
        read_number(rd, row, y, field);
    else if (row->kind == SCHEMA_choice)
        read_choice(rd, row, y, field);
    else if (row->kind != SCHEMA_real)
        read_text(rd, row, y, field);
    else if (units_read_real(field, y->text) < 0)
        wrong(rd, row, y);
}

const char *schema_kind_words(enum schema_kind kind)
{
    return kinds[kind].words;
}

int schema_find_word(const char *const *words, size_t count, struct str word)
{
    for (size_t i = 0; i < count; i++)
        for (struct str rest = str_from(words[i]), one; rest.len;) {
            one = str_cut(rest, '|', &rest);
            if (str_equal_nocase(one, word))
                return (int)i;
        }
    return -1;
}

static void read_quantity(struct schema_reader *rd, const struct schema_row *row,
                          const struct yaml *y, void *field)
{
    units_read_fn *read = kinds[row->kind].read;
    int r;

    if ((row->kind == SCHEMA_memory || row->kind == SCHEMA_bytes) && str_is(y->text, "unknown"))
        return;
    r = kinds[row->kind].is_range ? units_read_range(field, y->text, read) : read(field, y->text);
    if (r == -ERANGE)
        schema_problem(rd, y->at, "found '%.*s' under '%s', expected less; it does not fit 64 bits",
                       STR_ARG(y->text), row->key);
    else if (r < 0)
        wrong(rd, row, y);
    else if (row->kind == SCHEMA_memory && *(uint64_t *)field == 0)
        schema_problem(rd, y->at, "found '%.*s' under '%s', expected some memory, or unknown",
                       STR_ARG(y->text), row->key);
}

static void read_text(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                      struct str *field)
{
    if (row->kind == SCHEMA_secret && !is_good_text(SCHEMA_secret, y->text))
        schema_problem(rd, y->at,
                       "found a secret under '%s', expected where to find it: env:NAME or "
                       "file:PATH; move the secret out of this file, and change it if the file "
                       "was shared",
                       row->key);
    else if (!is_good_text(row->kind, y->text))
        wrong(rd, row, y);
    else
        *field = y->text;
}

static void read_flag(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                      bool *field)
{
    bool yes = str_is(y->text, "true");

    if (!yes && !str_is(y->text, "false"))
        wrong(rd, row, y);
    else
        *field = row->kind == SCHEMA_flag ? yes : !yes;
}

static void read_number(struct schema_reader *rd, const struct schema_row *row,
                        const struct yaml *y, uint32_t *field)
{
    uint64_t max = row->max ? row->max : UINT32_MAX, value = 0;
    int r = str_to_u64(&value, y->text);

    if (r == -EINVAL)
        wrong(rd, row, y);
    else if (r < 0 || value < row->min || value > max)
        schema_problem(rd, y->at, "found %.*s under '%s', expected %llu to %llu", STR_ARG(y->text),
                       row->key, (unsigned long long)row->min, (unsigned long long)max);
    else
        *field = (uint32_t)value;
}

static int read_word(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y)
{
    int found = y->kind == YAML_text ? schema_find_word(row->words, row->word_count, y->text) : -1;
    char suggestion[96], all[512];
    size_t len = 0;

    if (found >= 0)
        return found;
    if (y->kind != YAML_text) {
        wrong(rd, row, y);
        return -1;
    }
    all[0] = '\0';
    for (size_t i = 0; i < row->word_count && len + 40 < sizeof all; i++)
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%.*s", i ? ", " : "",
                                (int)strcspn(row->words[i], "|"), row->words[i]);
    schema_problem(rd, y->at, "found '%.*s' under '%s', expected one of %s%s", STR_ARG(y->text),
                   row->key, all, schema_suggest(suggestion, y->text, row->words, row->word_count));
    return -1;
}

static void read_choice(struct schema_reader *rd, const struct schema_row *row,
                        const struct yaml *y, uint32_t *field)
{
    int word = read_word(rd, row, y);

    if (word >= 0)
        *field = (uint32_t)word;
}

static void read_set(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                     uint32_t *field)
{
    const struct yaml *at = y->kind == YAML_list ? y->first : y;

    for (; at; at = at == y ? NULL : at->next) {
        int word = read_word(rd, row, at);

        if (word >= 0)
            *field |= 1u << word;
    }
}

static void read_texts(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                       char *out)
{
    const struct yaml *at = y->kind == YAML_list ? y->first : y;
    size_t room = y->kind == YAML_list ? y->count : 1;
    struct str *items = arena_alloc(rd->arena, (room ? room : 1) * sizeof *items);
    struct place *places = arena_alloc(rd->arena, (room ? room : 1) * sizeof *places);
    uint32_t count = 0;

    if (!items || !places) {
        rd->failed = -ENOMEM;
        return;
    }
    for (; at; at = at == y ? NULL : at->next) {
        if (at->kind == YAML_text)
            places[count] = at->at;
        if (at->kind != YAML_text || !at->text.len)
            wrong(rd, row, at);
        else
            items[count++] = at->text;
    }
    *(struct str **)(void *)(out + row->offset) = items;
    if (row->places)
        *(struct place **)(void *)(out + row->places) = places;
    *(uint32_t *)(void *)(out + row->count_offset) = count;
}

static void read_pairs(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                       char *out)
{
    size_t room = count_leaves(y);
    struct pair *pairs;
    uint32_t count;

    if (y->kind != YAML_map) {
        wrong(rd, row, y);
        return;
    }
    pairs = arena_alloc(rd->arena, (room ? room : 1) * sizeof *pairs);
    if (!pairs) {
        rd->failed = -ENOMEM;
        return;
    }
    count = flatten(rd, y, (struct str){0}, pairs, 0);
    *(struct pair **)(void *)(out + row->offset) = pairs;
    *(uint32_t *)(void *)(out + row->count_offset) = count;
}

static size_t count_leaves(const struct yaml *y)
{
    size_t count = 0;

    if (y->kind != YAML_map)
        return 1;
    for (const struct yaml *at = y->first; at; at = at->next)
        count += count_leaves(at);
    return count;
}

/* tls: {key: x} becomes tls.key. Recursion is as deep as the tree: YAML_DEPTH_MAX. */
static uint32_t flatten(struct schema_reader *rd, const struct yaml *y, struct str prefix,
                        struct pair *pairs, uint32_t count)
{
    for (const struct yaml *at = y->first; at; at = at->next) {
        struct str key = at->key;

        if (prefix.len)
            key = str_from(arena_printf(rd->arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(at->key)));
        if (!key.data)
            rd->failed = -ENOMEM;
        else if (at->kind == YAML_map)
            count = flatten(rd, at, key, pairs, count);
        else if (at->kind == YAML_list)
            schema_problem(rd, at->at, "found a list under '%.*s', expected a text", STR_ARG(key));
        else
            pairs[count++] = (struct pair){key, at->text, at->key_at};
        for (uint32_t i = 0; key.data && at->kind == YAML_text && i + 1 < count; i++)
            if (str_equal(pairs[i].key, key))
                schema_problem(rd, at->key_at,
                               "found '%.*s' a second time (first in line %u), expected it once",
                               STR_ARG(key), pairs[i].at.line);
    }
    return count;
}

static void wrong(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y)
{
    struct str shown = y->text;

    if (shown.len > 60)
        shown.len = 60;
    if (y->kind == YAML_text)
        schema_problem(rd, y->at, "found '%.*s' under '%s', expected %s", STR_ARG(shown), row->key,
                       kinds[row->kind].words);
    else
        schema_problem(rd, y->at, "found %s under '%s', expected %s", yaml_kind_name(y->kind),
                       row->key, kinds[row->kind].words);
}

static bool is_good_text(enum schema_kind kind, struct str text)
{
    static const char digits[] = "0123456789";

    switch (kind) {
    case SCHEMA_name:
        for (size_t i = 0; i < text.len; i++)
            if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
                return false;
        return text.len > 0;
    case SCHEMA_secret:
        return (str_starts(text, STR("env:")) && text.len > 4) ||
               (str_starts(text, STR("file:")) && text.len > 5);
    case SCHEMA_date:
        return text.len == 10 && text.data[4] == '-' && text.data[7] == '-' &&
               strspn(text.data, digits) == 4 && strspn(text.data + 5, digits) == 2 &&
               strspn(text.data + 8, digits) == 2;
    default:
        return true;
    }
}

/* Millionths, for ranges of plain numbers. */
static int read_millionths(uint64_t *ret, struct str text)
{
    return units_read_money(ret, text);
}
