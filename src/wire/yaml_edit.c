/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a YAML text by splices. */
#include "wire/yaml_edit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* Bytes from `from` to `to` give way to a text. */
struct yaml_splice {
    size_t from, to;
    struct str with;
    size_t order; /* of being asked for */
};

static void splice(struct yaml_edit *e, size_t from, size_t to, struct str with);
static void splicef(struct yaml_edit *e, size_t from, size_t to, const char *format, ...)
    PRINTF(4, 5);
static size_t offset_of(const struct yaml_edit *e, struct place at);
static size_t start_of(const struct yaml_edit *e, const struct yaml *y);
static size_t end_of(const struct yaml_edit *e, const struct yaml *y);
static bool is_flow(const struct yaml_edit *e, const struct yaml *y);
static size_t line_start(const struct yaml_edit *e, size_t at);
static size_t line_end(const struct yaml_edit *e, size_t at);
static size_t past_brackets(const struct yaml_edit *e, size_t at);
static void add_key(struct yaml_edit *e, const struct yaml *map, const char *key, struct str value);
static bool is_removed(const struct yaml_edit *e, const struct yaml *item);
static void write_items(struct yaml_edit *e, const struct yaml *map, const char *key,
                        const struct str *items, size_t count);
static bool is_plain(struct str text);
static int compare(const void *a, const void *b);

void yaml_edit_init(struct yaml_edit *e, struct str text, struct arena *arena)
{
    *e = (struct yaml_edit){.text = text, .arena = arena};
    e->splices = arena_alloc(arena, YAML_SPLICES_MAX * sizeof *e->splices);
    if (!e->splices)
        e->error = -ENOMEM;
}

void yaml_edit_set(struct yaml_edit *e, const struct yaml *map, const char *key, struct str value)
{
    const struct yaml *old = yaml_find(map, key);

    if (!old)
        add_key(e, map, key, value);
    else if (old->kind != YAML_text || old->end > old->start)
        yaml_edit_replace(e, old, value);
    else
        splicef(e, offset_of(e, old->key_at) + strlen(key) + 1,
                offset_of(e, old->key_at) + strlen(key) + 1, " %.*s", STR_ARG(value));
}

void yaml_edit_replace(struct yaml_edit *e, const struct yaml *old, struct str with)
{
    splice(e, start_of(e, old), end_of(e, old), with);
}

void yaml_edit_remove(struct yaml_edit *e, const struct yaml *list, const struct yaml *item)
{
    size_t from = start_of(e, item), to = end_of(e, item);

    if (!is_flow(e, list)) {
        splice(e, line_start(e, from), line_end(e, to), STR(""));
        return;
    }
    if (item->next) {
        splice(e, from, start_of(e, item->next), STR(""));
        return;
    }
    for (const struct yaml *at = list->first; at->next; at = at->next)
        if (at->next == item)
            from = end_of(e, at);
    splice(e, from, to, STR(""));
}

void yaml_edit_append(struct yaml_edit *e, const struct yaml *list, struct str item)
{
    const struct yaml *last = list->last;
    size_t dash, end;

    if (is_flow(e, list) && (!last || is_removed(e, last))) {
        splicef(e, start_of(e, list) + 1, start_of(e, list) + 1, "%.*s%s", STR_ARG(item),
                last ? ", " : "");
        return;
    }
    if (is_flow(e, list)) {
        splicef(e, end_of(e, last), end_of(e, last), ", %.*s", STR_ARG(item));
        return;
    }
    dash = start_of(e, last);
    while (dash > 0 && e->text.data[dash] != '-')
        dash--;
    end = line_end(e, end_of(e, last));
    splicef(e, end, end, "%s%*s- %.*s\n", end && e->text.data[end - 1] != '\n' ? "\n" : "",
            (int)(dash - line_start(e, dash)), "", STR_ARG(item));
}

void yaml_edit_set_texts(struct yaml_edit *e, const struct yaml *map, const char *key,
                         const struct str *items, size_t count)
{
    const struct yaml *list = yaml_find(map, key), *at;
    size_t i = 0;

    if (!list || list->kind != YAML_list || !list->first || !count) {
        write_items(e, map, key, items, count);
        return;
    }
    for (at = list->first; at; at = at->next, i++) {
        if (i >= count)
            yaml_edit_remove(e, list, at);
        else if (at->kind != YAML_text || !str_equal(at->text, items[i]))
            yaml_edit_replace(e, at, yaml_quote(e->arena, items[i]));
    }
    for (; i < count; i++)
        yaml_edit_append(e, list, yaml_quote(e->arena, items[i]));
}

struct str yaml_quote(struct arena *a, struct str text)
{
    static const char hex[] = "0123456789abcdef";
    char *quoted, *to;

    if (is_plain(text))
        return arena_str(a, text);
    quoted = to = arena_alloc(a, 4 * text.len + 3);
    if (!quoted)
        return (struct str){0};
    *to++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < ' ' || c == 0x7f) {
            memcpy(to, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
            to += 4;
            continue;
        }
        if (c == '"' || c == '\\')
            *to++ = '\\';
        *to++ = text.data[i];
    }
    *to++ = '"';
    return str_slice(quoted, (size_t)(to - quoted));
}

/* In the order of the text; what is deleted twice goes once. */
int yaml_edit_finish(struct yaml_edit *e, struct buf *out)
{
    size_t at = 0;
    int r = e->error;

    if (r == 0)
        qsort(e->splices, e->count, sizeof *e->splices, compare);
    for (size_t i = 0; i < e->count && r == 0; i++) {
        const struct yaml_splice *s = &e->splices[i];

        if (s->from < at && s->with.len && s->to > s->from)
            return -EINVAL;
        if (s->from > at)
            r = buf_put(out, str_slice(e->text.data + at, s->from - at));
        if (r == 0)
            r = buf_put(out, s->with);
        at = s->to > at ? s->to : at;
    }
    return r < 0 ? r : buf_put(out, str_slice(e->text.data + at, e->text.len - at));
}

static void splice(struct yaml_edit *e, size_t from, size_t to, struct str with)
{
    with = arena_str(e->arena, with);
    if (e->error == 0 && !with.data)
        e->error = -ENOMEM;
    else if (e->error == 0 && e->count == YAML_SPLICES_MAX)
        e->error = -EMSGSIZE;
    if (e->error == 0) {
        e->splices[e->count] = (struct yaml_splice){from, to, with, e->count};
        e->count++;
    }
}

static void splicef(struct yaml_edit *e, size_t from, size_t to, const char *format, ...)
{
    struct buf text;
    va_list args;

    buf_init(&text, YAML_BYTES_MAX);
    va_start(args, format);
    if (buf_vprintf(&text, format, args) < 0 && e->error == 0)
        e->error = -ENOMEM;
    va_end(args);
    splice(e, from, to, buf_str(&text));
    buf_fini(&text);
}

/* Columns count characters. */
static size_t offset_of(const struct yaml_edit *e, struct place at)
{
    size_t offset = 0;
    uint32_t column = 1;

    for (uint32_t line = 1; line < at.line && offset < e->text.len; offset++)
        line += e->text.data[offset] == '\n';
    for (; column < at.column && offset < e->text.len; column++)
        do
            offset++;
        while (offset < e->text.len && (e->text.data[offset] & 0xc0) == 0x80);
    return offset;
}

static size_t start_of(const struct yaml_edit *e, const struct yaml *y)
{
    return y->kind == YAML_text && y->end > y->start ? y->start : offset_of(e, y->at);
}

/* Behind its last byte: a closing bracket, or the end of what it ends with. */
static size_t end_of(const struct yaml_edit *e, const struct yaml *y)
{
    size_t end;

    if (y->kind == YAML_text)
        return y->end > y->start ? y->end : start_of(e, y);
    end = y->last ? end_of(e, y->last) : start_of(e, y) + 1;
    return is_flow(e, y) ? past_brackets(e, end) : end;
}

static bool is_flow(const struct yaml_edit *e, const struct yaml *y)
{
    size_t start = start_of(e, y);

    return start < e->text.len && (e->text.data[start] == '[' || e->text.data[start] == '{');
}

static size_t line_start(const struct yaml_edit *e, size_t at)
{
    while (at > 0 && e->text.data[at - 1] != '\n')
        at--;
    return at;
}

/* Behind the line's end, if it has one. */
static size_t line_end(const struct yaml_edit *e, size_t at)
{
    while (at < e->text.len && e->text.data[at] != '\n')
        at++;
    return at < e->text.len ? at + 1 : at;
}

/* From behind the last item to behind the bracket that closes it: spaces, commas and comments. */
static size_t past_brackets(const struct yaml_edit *e, size_t at)
{
    while (at < e->text.len && e->text.data[at] != ']' && e->text.data[at] != '}') {
        if (e->text.data[at] == '#')
            at = line_end(e, at) - 1;
        at++;
    }
    return at < e->text.len ? at + 1 : at;
}

static void add_key(struct yaml_edit *e, const struct yaml *map, const char *key, struct str value)
{
    struct str quoted = yaml_quote(e->arena, str_from(key));
    size_t end;

    if (!map->first && is_flow(e, map)) {
        end = start_of(e, map) + 1;
        splicef(e, end, end, "%.*s: %.*s", STR_ARG(quoted), STR_ARG(value));
    } else if (is_flow(e, map)) {
        end = end_of(e, map->last);
        splicef(e, end, end, ", %.*s: %.*s", STR_ARG(quoted), STR_ARG(value));
    } else if (map->first) { /* one without braces has a key */
        size_t first = offset_of(e, map->first->key_at);

        end = line_end(e, end_of(e, map->last));
        splicef(e, end, end, "%s%*s%.*s: %.*s\n", end && e->text.data[end - 1] != '\n' ? "\n" : "",
                (int)(first - line_start(e, first)), "", STR_ARG(quoted), STR_ARG(value));
    }
}

static bool is_removed(const struct yaml_edit *e, const struct yaml *item)
{
    size_t end = end_of(e, item);

    for (size_t i = 0; i < e->count; i++)
        if (!e->splices[i].with.len && e->splices[i].from < end && e->splices[i].to >= end)
            return true;
    return false;
}

/* "[a, b]" for all of it. */
static void write_items(struct yaml_edit *e, const struct yaml *map, const char *key,
                        const struct str *items, size_t count)
{
    struct buf text;
    int r;

    buf_init(&text, YAML_BYTES_MAX);
    r = buf_put_char(&text, '[');
    for (size_t i = 0; i < count && r == 0; i++) {
        r = buf_put(&text, i ? STR(", ") : STR(""));
        if (r == 0)
            r = buf_put(&text, yaml_quote(e->arena, items[i]));
    }
    if (r == 0)
        r = buf_put_char(&text, ']');
    if (r < 0 && e->error == 0)
        e->error = r;
    yaml_edit_set(e, map, key, buf_str(&text));
    buf_fini(&text);
}

/* Letters first, nothing that YAML gives a meaning. */
static bool is_plain(struct str text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off"};

    if (!text.len || !isalpha((unsigned char)text.data[0]))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.data[i]) && !memchr("._-/", text.data[i], 4))
            return false;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_equal_nocase(text, str_from(words[i])))
            return false;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct yaml_splice *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}
