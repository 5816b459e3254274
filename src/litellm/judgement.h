/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a file, line by line: exact, approximate or unsupported, in words.
 *
 *     judgement_init(&j, &arena);
 *     judgement_say(&j, node, VERDICT_approximate, "…");      what a reader found out by the value
 *     judgement_rest(&j, root, text);                         the rest, by tables/litellm_keys.def
 *     j.items[0 … j.count]                                    in the order of the file
 *
 * No line that holds anything is left without a verdict. Values are never repeated in words where
 * they may be secrets. Pure; everything lives in the arena.
 */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "wire/yaml.h"

enum verdict { VERDICT_exact, VERDICT_approximate, VERDICT_unsupported, VERDICT_COUNT };

/* How a value becomes a setting's. */
enum litellm_reading {
    READING_none,
    READING_seconds,
    READING_plus_one,
    READING_mebibytes,
    READING_inverted,
};

struct litellm_key_row {
    const char *path;
    enum verdict verdict;
    const char *setting; /* NULL: none */
    enum litellm_reading reading;
    const char *words;
};

/* All rows of tables/litellm_keys.def; the last one fits everything. */
extern const struct litellm_key_row litellm_key_rows[];
extern const size_t litellm_key_count;

struct judged_line {
    const struct yaml *node; /* NULL: a line that goes on with the one before */
    struct place at;
    const char *path; /* "model_list[].litellm_params.rpm" */
    enum verdict verdict;
    const char *words;
};

struct judgement {
    struct arena *arena;
    struct judged_line *items;
    size_t count, room;
    struct map by_node;
    size_t counts[VERDICT_COUNT]; /* filled by judgement_rest() */
    int error;                    /* -ENOMEM; nothing more is added then */
};

void judgement_init(struct judgement *j, struct arena *arena);
void judgement_fini(struct judgement *j);

/* Of two verdicts on one node the worse one stays; of two alike the first. */
void judgement_say(struct judgement *j, const struct yaml *node, enum verdict verdict,
                   const char *format, ...) PRINTF(4, 5);

/* A node and everything beneath it is unsupported; the words are the node's. */
void judgement_leave_out(struct judgement *j, const struct yaml *node, const char *words);

/* Everything under root that nobody spoke of, and every line of the text that holds none of it. */
MUST_USE int judgement_rest(struct judgement *j, const struct yaml *root, struct str text);

/* The row for a node, by its path; NULL without memory. */
const struct litellm_key_row *judgement_row(struct judgement *j, const struct yaml *node);

/* "approximate" */
const char *verdict_name(enum verdict v);
