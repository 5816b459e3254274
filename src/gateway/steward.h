/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steward: once a second, what idle machines should load, keep and unload unasked.
 *
 *     steward_begin(&s, client, traffic, scene, &settings, folder, loop);
 *     steward_tick(&s, now_ms);
 *     steward_end(&s);               before another scene, and at the end
 *
 * What it is to do is decided in route/; it tells the engines, and traffic how that ended. On the
 * loop of the health probes.
 */
#pragma once

#include "config/settings.h"
#include "gateway/scene.h"

struct duty;

struct steward {
    struct client *client;
    struct traffic *traffic;
    const struct scene *scene;
    const struct settings *settings;
    const char *folder; /* where habits are kept; empty: nowhere */
    struct loop *loop;
    struct link duties; /* orders under way */
};

/* Borrows all of them until steward_end(). */
void steward_begin(struct steward *s, struct client *client, struct traffic *traffic,
                   const struct scene *scene, const struct settings *settings, const char *folder,
                   struct loop *loop);
void steward_tick(struct steward *s);
void steward_end(struct steward *s);
