/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a YAML text here and there, with comments and layout kept.
 *
 *     yaml_edit_init(&e, text, &arena);           root was read from this text
 *     yaml_edit_set(&e, machine, "context", STR("16K"));
 *     yaml_edit_remove(&e, models, item);
 *     yaml_edit_append(&e, models, STR("{pull: x}"));
 *     r = yaml_edit_finish(&e, &out);
 *
 * Every change is a splice of bytes in the text as it was read; the tree is not changed. Maps and
 * lists may stand in lines or in brackets. Whoever writes the result should read it again first.
 * Pure.
 */
#pragma once

#include "base/buf.h"
#include "wire/yaml.h"

enum { YAML_SPLICES_MAX = 20000 };

struct yaml_edit {
    struct str text;
    struct arena *arena;
    struct yaml_splice *splices;
    size_t count;
    int error; /* the first; the others do nothing then */
};

/* The text and what was read from it are borrowed until the end; the arena keeps the splices. */
void yaml_edit_init(struct yaml_edit *e, struct str text, struct arena *arena);

/* A map's value, one line of YAML: replaced where it is, else added behind the others. */
void yaml_edit_set(struct yaml_edit *e, const struct yaml *map, const char *key, struct str value);

/* A value or item gives way to one line of YAML. */
void yaml_edit_replace(struct yaml_edit *e, const struct yaml *old, struct str with);

/* An item of a list, with the rest of its line. Not all of them: set the list to [] instead. */
void yaml_edit_remove(struct yaml_edit *e, const struct yaml *list, const struct yaml *item);

/* A further item, one line of YAML, behind the others. The list is not empty. */
void yaml_edit_append(struct yaml_edit *e, const struct yaml *list, struct str item);

/* A list of texts: items are replaced one by one, then dropped or added. Not there: added. */
void yaml_edit_set_texts(struct yaml_edit *e, const struct yaml *map, const char *key,
                         const struct str *items, size_t count);

/* As a value that reads back as that text: in quotes where it must be. .data NULL: no memory. */
struct str yaml_quote(struct arena *a, struct str text);

/* 0; -ENOMEM; -EMSGSIZE; -EINVAL: changes that overlap. */
MUST_USE int yaml_edit_finish(struct yaml_edit *e, struct buf *out);
