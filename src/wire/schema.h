/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML tree to plain structs, by a table of rows; the same rows write the reference page.
 *
 *     static const struct schema_row rows[] = {
 *         {"port", SCHEMA_number, AT(struct engine, port), .max = 65535, .help = "…"},
 *     };
 *     schema_read(&rd, &section, yaml, &engine);
 *
 * Unknown keys, keys that stand twice, missing ones and values of the wrong kind are reported
 * with their place and a suggestion; reading goes on, so that one run names many mistakes.
 * Structs must be zeroed; what the file does not say stays zero. All memory is the arena's.
 * Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/place.h"
#include "base/units.h"
#include "wire/yaml.h"

enum { SCHEMA_PROBLEMS_MAX = 20 };

/* What a value is, and the C type that it is read into. */
enum schema_kind {
    SCHEMA_text,           /* struct str */
    SCHEMA_name,           /* struct str: letters, digits and - _ . : / @ +, no spaces */
    SCHEMA_flag,           /* bool: true or false */
    SCHEMA_not_flag,       /* bool, turned over: "inference: false" sets what was zero */
    SCHEMA_number,         /* uint32_t in min..max (max 0: any) */
    SCHEMA_count,          /* uint64_t: 3.8B */
    SCHEMA_tokens,         /* uint64_t: 32768, 32K */
    SCHEMA_real,           /* double */
    SCHEMA_bytes,          /* uint64_t; "unknown" leaves 0 */
    SCHEMA_memory,         /* uint64_t bytes, 32 GB = 32 GiB; "unknown" leaves 0 */
    SCHEMA_duration,       /* uint64_t milliseconds */
    SCHEMA_rate,           /* uint64_t bits a second */
    SCHEMA_money,          /* uint64_t millionths */
    SCHEMA_bytes_range,    /* struct units_range */
    SCHEMA_memory_range,   /* struct units_range */
    SCHEMA_duration_range, /* struct units_range, milliseconds */
    SCHEMA_count_range,    /* struct units_range: 70B+, 20-40B */
    SCHEMA_real_range,     /* struct units_range, millionths: 2-5 */
    SCHEMA_secret,         /* struct str: env:NAME or file:PATH, never the secret itself */
    SCHEMA_date,           /* struct str: YYYY-MM-DD */
    SCHEMA_choice,         /* uint32_t: index in words */
    SCHEMA_set,            /* uint32_t: bits, one for each of words */
    SCHEMA_texts,          /* struct str *, uint32_t count; one text is a list of one */
    SCHEMA_pairs,          /* struct pair *, uint32_t count: a map of texts, flat or nested a.b */
    SCHEMA_section,        /* a struct inside */
    SCHEMA_list,           /* struct *, uint32_t count: a list of sections */
    SCHEMA_map, /* struct *, uint32_t count: a map of sections; the key is the first field */
    SCHEMA_own, /* whatever the row's read function makes of it */
};

/* A key and its text, as in env: or gateway:. */
struct pair {
    struct str key, value;
    struct place at;
};

struct schema_reader {
    struct arena *arena;
    struct buf problems; /* lines, SCHEMA_PROBLEMS_MAX at most */
    unsigned count;      /* of problems, also those not kept */
    int failed;          /* -ENOMEM, or 0 */
};

struct schema_section;

typedef void schema_read_fn(struct schema_reader *rd, const struct yaml *y, void *field);

struct schema_row {
    const char *key;
    enum schema_kind kind;
    size_t offset, count_offset;
    size_t said;   /* offset of a bool that becomes true when the key is there; 0: none */
    size_t place;  /* offset of a struct place that becomes the key's own; 0: none */
    size_t places; /* texts: offset of a struct place *, one for each of them; 0: none */
    bool required;
    const struct schema_section *section; /* section, list, map */
    const char *const *words;             /* choice, set: names, each with others after '|' */
    uint32_t word_count;
    uint64_t min, max;    /* number */
    schema_read_fn *read; /* own */
    const char *expects;  /* own: in words */
    const char *help;
};

struct schema_section {
    const char *name; /* for the reference: "machine" */
    const char *help;
    size_t size;
    size_t place_offset; /* of a struct place; NO_PLACE if it has none */
    bool is_short;       /* a bare text stands for the first row's key */
    const struct schema_row *rows;
    size_t row_count;
};

#define NO_PLACE         ((size_t)-1)
#define AT(type, member) .offset = offsetof(type, member)
#define AT_COUNTED(type, member) \
    .offset = offsetof(type, member), .count_offset = offsetof(type, member##_count)

void schema_reader_init(struct schema_reader *rd, struct arena *a);
void schema_reader_fini(struct schema_reader *rd);

void schema_read(struct schema_reader *rd, const struct schema_section *s, const struct yaml *y,
                 void *out);

/* One key's value into the struct at out, for rows' own read functions. */
void schema_read_row(struct schema_reader *rd, const struct schema_row *row, const struct yaml *y,
                     void *out);

/* One line more for the problems. */
void schema_problem(struct schema_reader *rd, struct place at, const char *format, ...)
    PRINTF(3, 4);

/* 0, or -EINVAL / -ENOMEM with as many problem lines in err as it holds. */
int schema_finish(struct schema_reader *rd, struct err *err);

/* "; did you mean 'slots'?" in out, or "" when nothing is near. */
const char *schema_suggest(char out[static 96], struct str word, const char *const *words,
                           size_t count);

/* The index of a word, or -1. */
int schema_find_word(const char *const *words, size_t count, struct str word);

/* The section's keys, and those of the sections under it, as Markdown. */
MUST_USE int schema_write_reference(struct buf *out, const struct schema_section *s);
