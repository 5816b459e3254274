/* SPDX-License-Identifier: Apache-2.0 */
/* Machines' temperatures, asked of their node exporters. */
#include "gateway/warmth.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/thermometer.h"
#include "net/timer.h"

enum { FIRST_MS = 500, EVERY_MS = 30000, TIMEOUT_MS = 5000, EXPORTER_PORT = 9100 };

struct warmth_entry {
    const struct machine *machine;
    struct client *client;
    struct loop *loop;
    struct warmth_hook hook;
    struct endpoint endpoint;
    struct thermometer *thermometer;
    struct timer timer;
};

static bool find_exporter(struct endpoint *ret, const struct scene *scene, const struct machine *m);
static void on_due(void *ctx);
static void on_read(void *ctx, bool is_known, double celsius);

void warmth_begin(struct warmth *ret, struct client *client, const struct scene *scene,
                  struct loop *loop, const struct warmth_hook *hook)
{
    const struct fleet *f = scene->fleet;

    *ret = (struct warmth){.list = calloc(f->machines_count + 1, sizeof *ret->list)};
    for (uint32_t i = 0; ret->list && i < f->machines_count; i++) {
        struct warmth_entry *e = &ret->list[ret->count];

        if (!find_exporter(&e->endpoint, scene, &f->machines[i]))
            continue;
        e->machine = &f->machines[i];
        e->client = client;
        e->loop = loop;
        e->hook = *hook;
        timer_start(&e->timer, loop, FIRST_MS + ret->count++, on_due, e);
    }
}

void warmth_end(struct warmth *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        timer_stop(&w->list[i].timer);
        thermometer_cancel(w->list[i].thermometer);
    }
    free(w->list);
    *w = (struct warmth){0};
}

/* A machine that serves nothing, or is not reached, is not asked. */
static bool find_exporter(struct endpoint *ret, const struct scene *scene, const struct machine *m)
{
    for (uint32_t i = 0; i < scene->view->engines_count; i++) {
        if (scene->view->engines[i].machine != m || !scene->engines[i].is_reachable)
            continue;
        if (m->exporter.len)
            return endpoint_parse(ret, m->exporter, NULL) == 0;
        *ret = scene->engines[i].endpoint;
        ret->port = EXPORTER_PORT;
        ret->tls = false;
        *ret->base = '\0';
        return true;
    }
    return false;
}

static void on_due(void *ctx)
{
    struct warmth_entry *e = ctx;

    if (thermometer_start(&e->thermometer, e->client, &e->endpoint, TIMEOUT_MS, on_read, e) < 0)
        on_read(e, false, 0);
}

static void on_read(void *ctx, bool is_known, double celsius)
{
    struct warmth_entry *e = ctx;

    e->thermometer = NULL;
    e->hook.note(e->hook.ctx, e->machine->name, is_known, celsius);
    timer_start(&e->timer, e->loop, EVERY_MS, on_due, e);
}
