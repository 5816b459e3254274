/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML tree to plain structs, by a table of rows. */
#include "wire/schema.h"

#include <errno.h>
#include <stdio.h>

#include "wire/schema_value.h"

enum { PROBLEM_BYTES_MAX = 64 << 10 };

static void read_map(struct schema_reader *rd, const struct schema_section *s, const struct yaml *y,
                     char *out);
static void read_many(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                      char *out);
static const struct schema_row *find_row(const struct schema_section *s, struct str key);
static void unknown_key(struct schema_reader *rd, const struct schema_section *s,
                        const struct yaml *y);
static void missing_keys(struct schema_reader *rd, const struct schema_section *s,
                         const struct yaml *y);
static bool is_repeated(struct schema_reader *rd, const struct yaml *map, const struct yaml *y);

void schema_reader_init(struct schema_reader *rd, struct arena *a)
{
    *rd = (struct schema_reader){.arena = a};
    buf_init(&rd->problems, PROBLEM_BYTES_MAX);
}

void schema_reader_fini(struct schema_reader *rd)
{
    buf_fini(&rd->problems);
}

void schema_read(struct schema_reader *rd, const struct schema_section *s, const struct yaml *y,
                 void *out)
{
    if (s->place_offset != NO_PLACE)
        *(struct place *)(void *)((char *)out + s->place_offset) = y->key_at;
    if (y->kind == YAML_map)
        read_map(rd, s, y, out);
    else if (y->kind == YAML_text && s->is_short && !yaml_is_null(y))
        schema_read_row(rd, &s->rows[0], y, out);
    else if (yaml_is_null(y))
        missing_keys(rd, s, y);
    else
        schema_problem(rd, y->at, "found %s, expected the keys of a %s; write key: value lines",
                       yaml_kind_name(y->kind), s->name);
}

void schema_read_row(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                     void *out_struct)
{
    char *out = out_struct;

    if (row->said)
        *(bool *)(out + row->said) = true;
    if (row->place)
        *(struct place *)(void *)(out + row->place) = y->key_at;
    switch (row->kind) {
    case SCHEMA_section:
        schema_read(rd, row->section, y, out + row->offset);
        break;
    case SCHEMA_list:
    case SCHEMA_map:
        read_many(rd, row, y, out);
        break;
    case SCHEMA_own:
        row->read(rd, y, out + row->offset);
        break;
    default:
        schema_read_value(rd, row, y, out);
    }
}

void schema_problem(struct schema_reader *rd, struct place at, const char *format, ...)
{
    size_t before = rd->problems.len;
    va_list args;
    int r;

    if (++rd->count > SCHEMA_PROBLEMS_MAX)
        return;
    va_start(args, format);
    r = before ? buf_put_char(&rd->problems, '\n') : 0;
    if (r == 0)
        r = buf_printf(&rd->problems, PLACE, PLACE_ARG(at));
    if (r == 0)
        r = buf_vprintf(&rd->problems, format, args);
    va_end(args);
    if (r == -ENOMEM)
        rd->failed = r;
    if (r < 0)
        rd->problems.len = before;
}

int schema_finish(struct schema_reader *rd, struct err *err)
{
    struct str lines = buf_str(&rd->problems);
    size_t room = ERR_TEXT_MAX - 32, len = lines.len;
    unsigned shown = 1;

    if (rd->failed)
        return err_set(err, rd->failed, "no memory for the file's contents");
    if (!rd->count)
        return 0;
    if (len > room) {
        for (len = room; len > 0 && lines.data[len] != '\n'; len--)
            ;
        len = len ? len : room;
    }
    for (size_t i = 0; i < len; i++)
        shown += lines.data[i] == '\n';
    if (rd->count > shown)
        return err_set(err, -EINVAL, "%.*s\n(and %u more)", (int)len, lines.data,
                       rd->count - shown);
    return err_set(err, -EINVAL, "%.*s", (int)len, lines.data);
}

const char *schema_suggest(char out[static 96], struct str word, const char *const *words,
                           size_t count)
{
    size_t best = 1 + word.len / 3, found = count;

    for (size_t i = 0; i < count; i++) {
        struct str rest, first = str_cut(str_from(words[i]), '|', &rest);
        size_t far = str_distance(word, first);

        if (far <= best && far < first.len) {
            best = far - (far > 0);
            found = i;
        }
    }
    out[0] = '\0';
    if (found < count)
        snprintf(out, 96, "; did you mean '%.*s'?", (int)strcspn(words[found], "|"), words[found]);
    return out;
}

static void read_map(struct schema_reader *rd, const struct schema_section *s, const struct yaml *y,
                     char *out)
{
    for (const struct yaml *at = y->first; at; at = at->next) {
        const struct schema_row *row = find_row(s, at->key);

        if (is_repeated(rd, y, at))
            continue;
        if (!row)
            unknown_key(rd, s, at);
        else if (!yaml_is_null(at))
            schema_read_row(rd, row, at, out);
    }
    missing_keys(rd, s, y);
}

/* A list, or a map whose keys are the first row's values, to an array of structs. */
static void read_many(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                      char *out)
{
    const struct schema_section *s = row->section;
    enum yaml_kind want = row->kind == SCHEMA_map ? YAML_map : YAML_list;
    uint32_t count = 0;
    char *items;

    if (y->kind != want) {
        schema_problem(rd, y->at, "found %s under '%s', expected %s of %ss; %s",
                       yaml_kind_name(y->kind), row->key, yaml_kind_name(want), s->name,
                       want == YAML_map ? "write NAME: and its keys under it"
                                        : "begin each with '- '");
        return;
    }
    items = arena_alloc(rd->arena, (y->count ? y->count : 1) * s->size);
    if (!items) {
        rd->failed = -ENOMEM;
        return;
    }
    for (const struct yaml *at = y->first; at; at = at->next) {
        char *item = items + count * s->size;

        if (want == YAML_map) {
            struct yaml key = {.kind = YAML_text, .text = at->key, .at = at->key_at};

            if (is_repeated(rd, y, at))
                continue;
            schema_read_row(rd, &s->rows[0], &key, item);
        }
        schema_read(rd, s, at, item);
        count++;
    }
    *(void **)(void *)(out + row->offset) = items;
    *(uint32_t *)(void *)(out + row->count_offset) = count;
}

static const struct schema_row *find_row(const struct schema_section *s, struct str key)
{
    for (size_t i = 0; i < s->row_count; i++)
        if (str_is(key, s->rows[i].key))
            return &s->rows[i];
    return NULL;
}

static void unknown_key(struct schema_reader *rd, const struct schema_section *s,
                        const struct yaml *y)
{
    const char *words[64];
    char suggestion[96];
    size_t count = s->row_count < COUNT_OF(words) ? s->row_count : COUNT_OF(words);

    for (size_t i = 0; i < count; i++)
        words[i] = s->rows[i].key;
    schema_suggest(suggestion, y->key, words, count);
    schema_problem(rd, y->key_at, "found unknown key '%.*s', expected a key of a %s%s",
                   STR_ARG(y->key), s->name,
                   suggestion[0] ? suggestion : "; see `tampu help fleet` for the list");
}

/* In a map of sections the first row is the key and cannot be missing. */
static void missing_keys(struct schema_reader *rd, const struct schema_section *s,
                         const struct yaml *y)
{
    for (size_t i = 0; i < s->row_count; i++) {
        const struct yaml *found = yaml_find(y, s->rows[i].key);

        if (s->rows[i].required && (!found || yaml_is_null(found)))
            schema_problem(rd, y->key_at, "found no '%s' in this %s, expected one; add '%s: …'",
                           s->rows[i].key, s->name, s->rows[i].key);
    }
}

/* O(n²); n is the number of keys in one map. */
static bool is_repeated(struct schema_reader *rd, const struct yaml *map, const struct yaml *y)
{
    for (const struct yaml *at = map->first; at != y; at = at->next)
        if (str_equal(at->key, y->key)) {
            schema_problem(rd, y->key_at,
                           "found '%.*s' a second time (first in %s line %u), expected it once; "
                           "remove or rename one",
                           STR_ARG(y->key), at->key_at.file, at->key_at.line);
            return true;
        }
    return false;
}
