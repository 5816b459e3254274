/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clearing: what has to go before a model is loaded, unloaded by name.
 *
 *     clearing_start(&c, client, scene, victims, count, on_cleared, ctx);
 *     clearing_cancel(c);          at once; no callback follows
 *
 * Ollama would choose its own victims, by how long each was to be kept. What cannot be unloaded in
 * time is left to it: on_cleared is called in any case, once, later.
 */
#pragma once

#include "gateway/scene.h"

struct clearing;

typedef void on_cleared_fn(void *ctx);

/* -ENOMEM, or -ENOENT when nothing can be told: then no callback follows. */
MUST_USE int clearing_start(struct clearing **ret, struct client *client, const struct scene *scene,
                            struct copy_place *const *victims, uint32_t count,
                            on_cleared_fn *on_cleared, void *ctx);
void clearing_cancel(struct clearing *c);
