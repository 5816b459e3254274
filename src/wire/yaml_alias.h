/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What anchors, aliases and the merge key << do to a tree of YAML.
 *
 *     named = yaml_anchor_find(anchors, name, open);      what *name stands for
 *     yaml_copy(to, named, &budget);                      its value, written out once more
 *     yaml_merge(map);                                    << is replaced by what it names
 *
 * A small text can name a large tree many times over: every copy is paid for from a budget.
 */
#pragma once

#include "wire/yaml.h"

struct yaml_anchor {
    struct yaml_anchor *next;
    struct str name;
    struct yaml *node;
};

/* What may still be copied. */
struct yaml_budget {
    struct arena *arena;
    size_t nodes;
    unsigned depth;
};

/* The youngest anchor of that name, and it is marked; NULL when there is none, or when it holds
 * `open`: nothing can hold itself. */
struct yaml *yaml_anchor_find(const struct yaml_anchor *anchors, struct str name,
                              const struct yaml *open);

/* The value of `from` in `to`, which keeps its key and places. -EMSGSIZE over the budget, -ENOMEM.
 */
MUST_USE int yaml_copy(struct yaml *to, const struct yaml *from, struct yaml_budget *budget);

/* The pairs of the maps that << names, where the map itself has no such key; of several the first.
 * -EINVAL: it names something else; -ENOMEM. A list is left as it is. */
MUST_USE int yaml_merge(struct yaml *map);
