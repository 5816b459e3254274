/* SPDX-License-Identifier: Apache-2.0 */
/* Unloads by name. */
#include "gateway/clearing.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/tell.h"

enum { UNLOAD_MS = 10000 };

struct clearing;

struct unload {
    struct clearing *clearing;
    struct tell *tell;
};

struct clearing {
    struct unload unloads[BOARD_LOADED_MAX];
    uint32_t count, left;
    on_cleared_fn *on_cleared;
    void *ctx;
};

static void unload(struct clearing *c, struct client *client, const struct scene *scene,
                   uint32_t copy);
static void on_told(void *ctx, bool is_done);

int clearing_start(struct clearing **ret, struct client *client, const struct scene *scene,
                   struct copy_place *const *victims, uint32_t count, on_cleared_fn *on_cleared,
                   void *ctx)
{
    struct clearing *c = calloc(1, sizeof *c);

    if (!c)
        return -ENOMEM;
    c->on_cleared = on_cleared;
    c->ctx = ctx;
    for (uint32_t i = 0; i < count; i++) {
        int copy = scene_find(scene, victims[i]);

        if (copy >= 0)
            unload(c, client, scene, (uint32_t)copy);
    }
    if (!c->left) {
        free(c);
        return -ENOENT;
    }
    *ret = c;
    return 0;
}

void clearing_cancel(struct clearing *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->count; i++)
        tell_cancel(c->unloads[i].tell);
    free(c);
}

static void unload(struct clearing *c, struct client *client, const struct scene *scene,
                   uint32_t copy)
{
    struct unload *u = &c->unloads[c->count];
    struct tell_what what = scene_tell(scene, copy, 0, UNLOAD_MS);

    u->clearing = c;
    if (tell_start(&u->tell, client, &what, on_told, u) < 0)
        return;
    c->count++;
    c->left++;
}

static void on_told(void *ctx, bool is_done)
{
    struct unload *u = ctx;
    struct clearing *c = u->clearing;
    on_cleared_fn *on_cleared = c->on_cleared;
    void *cleared_ctx = c->ctx;

    (void)is_done;
    u->tell = NULL;
    if (--c->left)
        return;
    free(c);
    on_cleared(cleared_ctx);
}
