/* SPDX-License-Identifier: Apache-2.0 */
/* Names to pointers. */
#include "base/map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { FIRST_ROOM = 16 };

struct map_slot {
    struct str key;
    uint64_t hash;
    void *value;
};

static struct map_slot *find_slot(const struct map *m, struct str key, uint64_t hash);
static int grow(struct map *m);

void map_fini(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}

int map_put(struct map *m, struct str key, void *value)
{
    uint64_t hash = str_hash(key);
    struct map_slot *slot;
    int r;

    assert(value);
    if (m->count * 4 >= m->room * 3 && (r = grow(m)) < 0)
        return r;
    slot = find_slot(m, key, hash);
    if (slot->value)
        return -EEXIST;
    *slot = (struct map_slot){key, hash, value};
    m->count++;
    return 0;
}

void map_each(const struct map *m, void (*fn)(void *value))
{
    for (size_t i = 0; i < m->room; i++)
        if (m->slots[i].value)
            fn(m->slots[i].value);
}

void *map_find(const struct map *m, struct str key)
{
    return m->count ? find_slot(m, key, str_hash(key))->value : NULL;
}

/* The slot that holds the key, or the free one where it belongs. */
static struct map_slot *find_slot(const struct map *m, struct str key, uint64_t hash)
{
    for (size_t i = hash & (m->room - 1);; i = (i + 1) & (m->room - 1)) {
        struct map_slot *slot = &m->slots[i];

        if (!slot->value || (slot->hash == hash && str_equal(slot->key, key)))
            return slot;
    }
}

static int grow(struct map *m)
{
    struct map bigger = {.room = m->room ? m->room * 2 : FIRST_ROOM, .count = m->count};

    bigger.slots = calloc(bigger.room, sizeof *bigger.slots);
    if (!bigger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < m->room; i++)
        if (m->slots[i].value)
            *find_slot(&bigger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
    free(m->slots);
    *m = bigger;
    return 0;
}
