/* SPDX-License-Identifier: Apache-2.0 */
/* The settings, by their table. */
#include "config/settings.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "base/units.h"

enum kind {
    KIND_number,
    KIND_bytes,
    KIND_duration,
    KIND_flag,
    KIND_text,
};

struct row {
    enum kind kind;
    size_t offset;
    const char *key, *fallback;
    uint64_t min, max; /* max 0: no limit */
    const char *words, *help;
};

enum {
    NAME_MAX_LENGTH = SETTINGS_VARIABLE_MAX,
    NEAR = 2 /* edits that a suggestion may be away */
};

#define WHERE(where) (where) ? (where) : "", (where) ? ": " : ""

static int set_row(struct settings *s, const struct row *row, struct str value, const char *where,
                   struct err *err);
static int read_value(const struct row *row, uint64_t *ret, struct str value);
static int wrong_value(const struct row *row, struct str value, const char *where, struct err *err);
static int out_of_range(const struct row *row, struct str value, const char *where,
                        struct err *err);
static bool is_word(const char *words, struct str value);
static const struct row *find_row(struct str key);
static const struct row *find_near(struct str key);
static const struct row *find_spelled(struct str name, char dot, bool upper);
static void spell(char out[static NAME_MAX_LENGTH], const struct row *row, char dot, bool upper);
static int unknown_flag(struct str flag, struct err *err);
static int write_value(const struct settings *s, const struct row *row, struct buf *out);
static int write_limit(const struct row *row, uint64_t value, struct buf *out);
static void limit_text(char out[static 32], const struct row *row, uint64_t value);

static const struct row rows[] = {
#define SETTING(field, type, ...) \
    {.kind = KIND_##type, .offset = offsetof(struct settings, field), __VA_ARGS__},
#include "tables/settings.def"
};

static const char *const kind_words[] = {
    [KIND_number] = "a whole number",
    [KIND_bytes] = "bytes, as in 32 MiB",
    [KIND_duration] = "a time, as in 30s or 5m",
    [KIND_flag] = "true or false",
    [KIND_text] = "text",
};

void settings_init(struct settings *s)
{
    *s = (struct settings){0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int r = set_row(s, &rows[i], str_from(rows[i].fallback), "settings.def", NULL);

        assert(r == 0);
        (void)r;
    }
}

int settings_set(struct settings *s, struct str key, struct str value, const char *where,
                 struct err *err)
{
    const struct row *row = find_row(key), *near;

    if (row)
        return set_row(s, row, value, where, err);
    near = find_near(key);
    if (near)
        return err_set(err, -ENOENT,
                       "%s%sfound unknown setting '%.*s', expected one of `tampu help settings`; "
                       "did you mean '%s'?",
                       WHERE(where), STR_ARG(key), near->key);
    return err_set(err, -ENOENT,
                   "%s%sfound unknown setting '%.*s', expected one of `tampu help settings`",
                   WHERE(where), STR_ARG(key));
}

int settings_read_environment(struct settings *s, char *const *variables, struct err *err)
{
    for (; *variables; variables++) {
        struct str value, name = str_cut(str_from(*variables), '=', &value);
        const struct row *row = find_spelled(name, '_', true);
        char where[NAME_MAX_LENGTH + 16];
        int r;

        if (!row)
            continue;
        snprintf(where, sizeof where, "environment: %.*s", STR_ARG(name));
        if ((r = set_row(s, row, value, where, err)) < 0)
            return r;
    }
    return 0;
}

bool settings_is_stray(struct str variable, char nearest[static SETTINGS_VARIABLE_MAX])
{
    /* Read by the program itself, and by those that start it. */
    static const char *const others[] = {"TAMPU_KEY", "TAMPU_LOOPBACK_ONLY", "TAMPU_ALLOW_NET",
                                         "TAMPU_ALLOW_PROGRAM"};
    size_t least = NEAR + 1;

    nearest[0] = '\0';
    if (!str_starts(variable, STR("TAMPU_")) || find_spelled(variable, '_', true))
        return false;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (str_is(variable, others[i]))
            return false;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char name[NAME_MAX_LENGTH];

        spell(name, &rows[i], '_', true);
        if (str_distance(variable, str_from(name)) < least) {
            least = str_distance(variable, str_from(name));
            snprintf(nearest, NAME_MAX_LENGTH, "%s", name);
        }
    }
    return true;
}

int settings_set_flag(struct settings *s, struct str flag, struct str value, struct err *err)
{
    const struct row *row = find_spelled(flag, '-', false);
    char where[NAME_MAX_LENGTH + 8];

    if (!row)
        return unknown_flag(flag, err);
    snprintf(where, sizeof where, "--%.*s", STR_ARG(flag));
    return set_row(s, row, value, where, err);
}

static int unknown_flag(struct str flag, struct err *err)
{
    char nearest[NAME_MAX_LENGTH] = "", name[NAME_MAX_LENGTH];
    size_t least = NEAR + 1;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        spell(name, &rows[i], '-', false);
        if (str_distance(flag, str_from(name)) >= least)
            continue;
        least = str_distance(flag, str_from(name));
        snprintf(nearest, sizeof nearest, "%s", name);
    }
    if (*nearest)
        return err_set(err, -ENOENT, "unknown option '--%.*s' (did you mean --%s?)", STR_ARG(flag),
                       nearest);
    return err_set(err, -ENOENT, "unknown option '--%.*s'", STR_ARG(flag));
}

int settings_write_reference(struct buf *out)
{
    int r = buf_put(out, STR("| setting | value | fallback | environment | meaning |\n"
                             "|---|---|---|---|---|\n"));

    for (size_t i = 0; i < COUNT_OF(rows) && r == 0; i++) {
        const struct row *row = &rows[i];
        char name[NAME_MAX_LENGTH];

        spell(name, row, '_', true);
        r = buf_printf(out, "| `%s` | %s", row->key, kind_words[row->kind]);
        for (struct str rest = str_from(row->words), word; r == 0 && rest.len;) {
            word = str_cut(rest, '|', &rest);
            r = buf_printf(out, " `%.*s`", STR_ARG(word));
        }
        if (r == 0 && row->max)
            r = write_limit(row, row->min, out);
        if (r == 0 && row->max)
            r = write_limit(row, row->max, out);
        if (r == 0)
            r = buf_printf(out, " | %s%s%s | `%s` | %s |\n", row->fallback[0] ? "`" : "",
                           row->fallback, row->fallback[0] ? "`" : "", name, row->help);
    }
    return r;
}

int settings_write(const struct settings *s, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(rows) && r == 0; i++) {
        r = buf_printf(out, "%s: ", rows[i].key);
        if (r == 0)
            r = write_value(s, &rows[i], out);
        if (r == 0)
            r = buf_put_char(out, '\n');
    }
    return r;
}

struct str settings_help(struct str key)
{
    const struct row *row = find_row(key);

    return row ? str_from(row->help) : STR("");
}

static int set_row(struct settings *s, const struct row *row, struct str value, const char *where,
                   struct err *err)
{
    void *field = (char *)s + row->offset;
    uint64_t number = 0;
    int r;

    if (row->kind == KIND_text) {
        if (row->words && !is_word(row->words, value))
            return wrong_value(row, value, where, err);
        *(setting_text *)field = value;
        return 0;
    }
    r = read_value(row, &number, str_trim(value));
    if (r == -EINVAL)
        return wrong_value(row, value, where, err);
    if (r < 0 || number < row->min || (row->max && number > row->max))
        return out_of_range(row, value, where, err);
    if (row->kind == KIND_flag)
        *(setting_flag *)field = number;
    else if (row->kind == KIND_number)
        *(setting_number *)field = (setting_number)number;
    else
        *(uint64_t *)field = number;
    return 0;
}

static int read_value(const struct row *row, uint64_t *ret, struct str value)
{
    int r;

    switch (row->kind) {
    case KIND_flag:
        *ret = str_is(value, "true");
        return *ret || str_is(value, "false") ? 0 : -EINVAL;
    case KIND_bytes:
        return units_read_bytes(ret, value);
    case KIND_duration:
        return units_read_duration(ret, value);
    default:
        r = str_to_u64(ret, value);
        return r == 0 && *ret > UINT32_MAX ? -ERANGE : r;
    }
}

static int wrong_value(const struct row *row, struct str value, const char *where, struct err *err)
{
    if (row->words)
        return err_set(err, -EINVAL, "%s%sfound '%.*s' for %s, expected one of %s", WHERE(where),
                       STR_ARG(value), row->key, row->words);
    return err_set(err, -EINVAL, "%s%sfound '%.*s' for %s, expected %s", WHERE(where),
                   STR_ARG(value), row->key, kind_words[row->kind]);
}

static int out_of_range(const struct row *row, struct str value, const char *where, struct err *err)
{
    char low[32], high[32];

    limit_text(low, row, row->min);
    limit_text(high, row, row->max ? row->max : UINT64_MAX);
    return err_set(err, -ERANGE, "%s%sfound %.*s for %s, expected %s to %s", WHERE(where),
                   STR_ARG(value), row->key, low, high);
}

static bool is_word(const char *words, struct str value)
{
    for (struct str rest = str_from(words), word; rest.len;) {
        word = str_cut(rest, '|', &rest);
        if (str_equal(word, value))
            return true;
    }
    return false;
}

static const struct row *find_row(struct str key)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (str_is(key, rows[i].key))
            return &rows[i];
    return NULL;
}

static const struct row *find_near(struct str key)
{
    const struct row *found = NULL;
    size_t best = 4;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t far = str_distance(key, str_from(rows[i].key));

        if (far < best) {
            best = far;
            found = &rows[i];
        }
    }
    return found;
}

static const struct row *find_spelled(struct str name, char dot, bool upper)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char spelled[NAME_MAX_LENGTH];

        spell(spelled, &rows[i], dot, upper);
        if (str_is(name, spelled))
            return &rows[i];
    }
    return NULL;
}

/* gateway.tls.key is TAMPU_TLS_KEY in the environment and tls-key as a flag. */
static void spell(char out[static NAME_MAX_LENGTH], const struct row *row, char dot, bool upper)
{
    const char *key = strchr(row->key, '.') + 1;
    int len = snprintf(out, NAME_MAX_LENGTH, "%s%s", upper ? "TAMPU_" : "", key);

    assert(len > 0 && len < NAME_MAX_LENGTH);
    for (char *c = out; *c; c++) {
        if (*c == '.' || *c == '_')
            *c = dot;
        else if (upper && *c >= 'a' && *c <= 'z')
            *c -= 'a' - 'A';
    }
}

static int write_value(const struct settings *s, const struct row *row, struct buf *out)
{
    const void *field = (const char *)s + row->offset;

    switch (row->kind) {
    case KIND_text:
        return buf_put(out, *(const setting_text *)field);
    case KIND_flag:
        return buf_put(out, *(const setting_flag *)field ? STR("true") : STR("false"));
    case KIND_number:
        return buf_put_u64(out, *(const setting_number *)field);
    case KIND_duration:
        return units_write_duration(out, *(const setting_duration *)field);
    default:
        return buf_put_u64(out, *(const setting_bytes *)field);
    }
}

static int write_limit(const struct row *row, uint64_t value, struct buf *out)
{
    char text[32];

    limit_text(text, row, value);
    return buf_printf(out, "%s%s", value == row->min ? ", " : " to ", text);
}

static void limit_text(char out[static 32], const struct row *row, uint64_t value)
{
    if (row->kind == KIND_duration && value % 1000 == 0)
        snprintf(out, 32, "%llus", (unsigned long long)value / 1000);
    else
        snprintf(out, 32, "%llu%s", (unsigned long long)value,
                 row->kind == KIND_duration ? "ms" : "");
}
