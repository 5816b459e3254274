/* SPDX-License-Identifier: Apache-2.0 */
/* Aliases, written out. */
#include "wire/yaml_alias.h"

#include <errno.h>

#include "base/map.h"

static void unlink_child(struct yaml *map, const struct yaml *child);
static int take_pairs(struct yaml *map, struct yaml *from, struct map *keys);

struct yaml *yaml_anchor_find(const struct yaml_anchor *anchors, struct str name,
                              const struct yaml *open)
{
    while (anchors && !str_equal(anchors->name, name))
        anchors = anchors->next;
    if (!anchors)
        return NULL;
    for (; open; open = open->parent)
        if (open == anchors->node)
            return NULL;
    anchors->node->is_aliased = true;
    return anchors->node;
}

/* As deep as the budget, which is tens. */
int yaml_copy(struct yaml *to, const struct yaml *from, struct yaml_budget *budget)
{
    to->kind = from->kind;
    to->quoted = from->quoted;
    to->text = from->text;
    if (from->kind == YAML_text)
        return 0;
    if (!budget->depth)
        return -EMSGSIZE;
    budget->depth--;
    for (const struct yaml *at = from->first; at; at = at->next) {
        struct yaml *child;
        int r;

        if (!budget->nodes)
            return -EMSGSIZE;
        budget->nodes--;
        child = arena_alloc(budget->arena, sizeof *child);
        if (!child)
            return -ENOMEM;
        *child = (struct yaml){
            .key = at->key, .key_at = at->key_at, .at = at->at, .start = at->start, .end = at->end};
        yaml_append(to, child);
        if ((r = yaml_copy(child, at, budget)) < 0)
            return r;
    }
    budget->depth++;
    return 0;
}

int yaml_merge(struct yaml *map)
{
    struct yaml *merge = yaml_find(map, "<<");
    struct map keys = {0};
    int r = 0;

    if (!merge)
        return 0;
    if (merge->kind == YAML_text)
        return -EINVAL;
    for (const struct yaml *at = merge->kind == YAML_list ? merge->first : NULL; at; at = at->next)
        if (at->kind != YAML_map)
            return -EINVAL;
    unlink_child(map, merge);
    for (struct yaml *at = map->first; at && r != -ENOMEM; at = at->next)
        r = map_put(&keys, at->key, at); /* -EEXIST: whoever reads the map says so */
    if (merge->kind == YAML_map && r != -ENOMEM)
        r = take_pairs(map, merge, &keys);
    for (struct yaml *at = merge->first; at && r != -ENOMEM; at = at->next)
        r = take_pairs(map, at, &keys);
    map_fini(&keys);
    return r == -ENOMEM ? r : 0;
}

static void unlink_child(struct yaml *map, const struct yaml *child)
{
    struct yaml *before = NULL, *at = map->first;

    while (at != child) {
        before = at;
        at = at->next;
    }
    if (before)
        before->next = child->next;
    else
        map->first = child->next;
    if (map->last == child)
        map->last = before;
    map->count--;
}

/* They are copies, or written in this place: nobody else has them. */
static int take_pairs(struct yaml *map, struct yaml *from, struct map *keys)
{
    struct yaml *at = from->first, *next;
    int r = 0;

    for (; at && r == 0; at = next) {
        next = at->next;
        if (map_find(keys, at->key))
            continue;
        r = map_put(keys, at->key, at);
        yaml_append(map, at);
    }
    from->first = from->last = NULL;
    from->count = 0;
    return r;
}
