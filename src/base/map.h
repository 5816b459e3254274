/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to pointers, open addressing; grows, never shrinks.
 *
 *     struct map m = {0};
 *     if (map_put(&m, name, thing) < 0)
 *         -EEXIST: the name is taken; -ENOMEM
 *     thing = map_find(&m, name);
 *     map_fini(&m);
 *
 * Keys are borrowed: they must live as long as the map. Reading is thread-safe
 * while nobody writes.
 */
#pragma once

#include "base/attr.h"
#include "base/str.h"

struct map {
    struct map_slot *slots;
    size_t count, room;
};

void map_fini(struct map *m);
MUST_USE int map_put(struct map *m, struct str key, void *value);

/* Every value, in no order. */
void map_each(const struct map *m, void (*fn)(void *value));
void *map_find(const struct map *m, struct str key);
