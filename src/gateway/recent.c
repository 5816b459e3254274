/* SPDX-License-Identifier: Apache-2.0 */
/* Requests under way and those that ended last. */
#include "gateway/recent.h"

#include <pthread.h>
#include <stdlib.h>

enum { TEXTS_ROOM = 320 };

struct place {
    struct recent_row shown;
    uint64_t ticket;
    size_t used;
    char texts[TEXTS_ROOM];
};

struct recent {
    pthread_mutex_t lock;
    uint64_t tickets, changes;
    struct place places[RECENT_ROOM];
};

static struct str keep(struct place *p, struct str text, size_t most);

struct recent *recent_new(void)
{
    struct recent *r = calloc(1, sizeof *r);

    if (r)
        pthread_mutex_init(&r->lock, NULL);
    return r;
}

void recent_free(struct recent *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void recent_put(struct recent *r, uint64_t *ticket, const struct exchange_row *row,
                const char *step, const char *endpoint)
{
    struct place *p;

    pthread_mutex_lock(&r->lock);
    if (!*ticket)
        *ticket = ++r->tickets;
    p = &r->places[*ticket % RECENT_ROOM];
    if (p->ticket <= *ticket) {
        p->ticket = *ticket;
        p->used = 0;
        p->shown = (struct recent_row){*row, step, endpoint, ++r->changes};
        p->shown.row.id = keep(p, row->id, 32);
        p->shown.row.key_id = keep(p, row->key_id, KEY_ID_SIZE);
        p->shown.row.machine = keep(p, row->machine, 64);
        p->shown.row.model = keep(p, row->model, 96);
        p->shown.row.asked = keep(p, row->asked, 96);
        p->shown.row.parity = keep(p, row->parity, 16);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Names of failures are literals: they need no keeping. */
static struct str keep(struct place *p, struct str text, size_t most)
{
    size_t left = TEXTS_ROOM - p->used;
    char *at = p->texts + p->used;

    most = most < left ? most : left;
    text.len = text.len < most ? text.len : most;
    if (text.len)
        memcpy(at, text.data, text.len);
    p->used += text.len;
    return str_slice(at, text.len);
}

uint64_t recent_since(struct recent *r, uint64_t change, recent_fn *fn, void *ctx)
{
    uint64_t newest;

    pthread_mutex_lock(&r->lock);
    newest = r->changes;
    for (uint64_t i = 0; i < RECENT_ROOM && change < newest; i++) {
        const struct place *p = &r->places[(r->tickets + 1 + i) % RECENT_ROOM];

        if (p->shown.change > change)
            fn(ctx, &p->shown);
    }
    pthread_mutex_unlock(&r->lock);
    return newest;
}
