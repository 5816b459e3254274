/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML text to a tree of maps, lists and texts, each with its place.
 *
 *     r = yaml_read(&root, &arena, text, "fleet.yaml", err);
 *     for (at = root->first; at; at = at->next)
 *         at->key, at->key_at, at->text …
 *
 * One document. Anchors, aliases and tags are refused, so that a tree is never larger than its
 * text; sizes are limited by the constants below. yaml_read_aliases() takes anchors, aliases and
 * the merge key << as other programs do, under the same limits: an alias becomes a copy of what it
 * stands for. Numbers are not read here: text stays as
 * written. The tree lives in the arena and borrows nothing from the text. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/place.h"
#include "base/str.h"

enum {
    YAML_BYTES_MAX = 4 << 20,
    YAML_DEPTH_MAX = 32,
    YAML_NODES_MAX = 200000,
};

enum yaml_kind {
    YAML_text,
    YAML_list,
    YAML_map,
};

struct yaml {
    enum yaml_kind kind;
    bool quoted;         /* a text that was written in quotes or as a block */
    bool is_aliased;     /* an alias elsewhere stands for it */
    struct str key;      /* in a map: the key; .data NULL elsewhere */
    struct place key_at; /* of the key, or of the value where there is none */
    struct place at;     /* of the value */
    size_t start, end;   /* bytes of a text in the input, quotes included */
    struct str text;     /* NUL-terminated */
    struct yaml *first, *last, *next;
    struct yaml *parent;
    size_t count; /* children */
};

/* 0; -EINVAL with file:line:column in err; -EMSGSIZE over a limit; -ENOMEM. An empty document is
 * an empty text. */
MUST_USE int yaml_read(struct yaml **ret, struct arena *a, struct str text, const char *name,
                       struct err *err);

/* The same with anchors. What was copied keeps the places where it was written; an alias has its
 * own. */
MUST_USE int yaml_read_aliases(struct yaml **ret, struct arena *a, struct str text,
                               const char *name, struct err *err);

/* The value under a key of a map, or NULL. */
struct yaml *yaml_find(const struct yaml *map, const char *key);

/* Puts a node behind the others of a map or list; it must not be in another one any more. */
void yaml_append(struct yaml *parent, struct yaml *child);

/* Nothing was written: empty, ~ or null, unquoted. */
bool yaml_is_null(const struct yaml *y);

/* "a list", "a map", "'text'": for messages. */
const char *yaml_kind_name(enum yaml_kind kind);
