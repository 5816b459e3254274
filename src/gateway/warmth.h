/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How warm the machines are: their node exporters, asked now and then.
 *
 *     warmth_begin(&w, client, scene, loop, &hook);    on the loop of the probes, each every 30 s
 *     warmth_end(&w);                                  what is under way is given up
 *
 * The fleet file's `exporter`, else port 9100 where an engine of the machine is reached. Never on
 * the path of a request; whoever does not answer has no temperature.
 */
#pragma once

#include "gateway/scene.h"
#include "net/loop.h"

struct warmth {
    struct warmth_entry *list;
    uint32_t count;
};

/* is_known false: nobody says any more. */
struct warmth_hook {
    void (*note)(void *ctx, struct str machine, bool is_known, double celsius);
    void *ctx;
};

/* The scene must live until warmth_end(). */
void warmth_begin(struct warmth *ret, struct client *client, const struct scene *scene,
                  struct loop *loop, const struct warmth_hook *hook);
void warmth_end(struct warmth *w);
