/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A doubly linked ring: the link lives inside the thing.
 *
 *     struct link waiting;  link_init(&waiting);
 *     link_append(&waiting, &thing->link);
 *     LINK_EACH(&waiting, at) { struct thing *t = CONTAINER(at, struct thing, link); … }
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct link {
    struct link *prev, *next;
};

#define LINK_EACH(head, at) for (struct link *at = (head)->next; at != (head); at = at->next)

static inline void link_init(struct link *l)
{
    l->prev = l->next = l;
}

static inline bool link_is_empty(const struct link *head)
{
    return head->next == head;
}

static inline void link_append(struct link *head, struct link *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

/* Safe to call again: a removed link is a ring of its own. */
static inline void link_remove(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    link_init(l);
}
