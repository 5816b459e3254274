/* SPDX-License-Identifier: Apache-2.0 */
/* What is loaded and unloaded unasked. */
#include "gateway/steward.h"

#include <stdlib.h>

#include "base/log.h"
#include "engine/tell.h"
#include "gateway/clearing.h"
#include "gateway/habits.h"
#include "net/clock.h"
#include "net/loop.h"

/* An order under way: first its victims, then the load. */
struct duty {
    struct steward *steward;
    struct copy_place *copy;
    int64_t keep_s;
    struct clearing *clearing;
    struct tell *tell;
    bool is_load; /* or it is only told how long to keep what is there */
    struct link link;
};

static void take_on(struct steward *s, const struct order *order);
static void load(void *ctx);
static void on_told(void *ctx, bool is_done);
static void finish(struct duty *d, bool is_done);

void steward_begin(struct steward *s, struct client *client, struct traffic *traffic,
                   const struct scene *scene, const struct settings *settings, const char *folder,
                   struct loop *loop)
{
    *s = (struct steward){client, traffic, scene, settings, folder, loop, {0}};
    link_init(&s->duties);
}

void steward_tick(struct steward *s)
{
    struct orders orders = {.wall_ms = clock_wall_us() / 1000,
                            .loads = str_is(s->settings->preload, "all"),
                            .keeps = !str_is(s->settings->preload, "none")};

    traffic_tick(s->traffic, loop_now_ms(s->loop), &orders);
    for (uint32_t i = 0; i < orders.count; i++)
        take_on(s, &orders.rows[i]);
    if (orders.is_new_hour)
        habits_keep(s->folder, s->scene, s->traffic);
}

/* Orders under way end as if they had failed: probes tell what came of them. */
void steward_end(struct steward *s)
{
    if (s->folder)
        habits_keep(s->folder, s->scene, s->traffic);
    while (!link_is_empty(&s->duties)) {
        struct duty *d = CONTAINER(s->duties.next, struct duty, link);

        clearing_cancel(d->clearing);
        tell_cancel(d->tell);
        d->clearing = NULL;
        d->tell = NULL;
        finish(d, false);
    }
}

static void take_on(struct steward *s, const struct order *order)
{
    struct duty *d = calloc(1, sizeof *d);

    if (!d) {
        if (order->is_load)
            traffic_ordered(s->traffic, order->copy, false, loop_now_ms(s->loop));
        return;
    }
    *d = (struct duty){.steward = s,
                       .copy = order->copy,
                       .keep_s = (int64_t)order->keep_alive_s,
                       .is_load = order->is_load};
    link_append(&s->duties, &d->link);
    if (!order->victims_count || clearing_start(&d->clearing, s->client, s->scene, order->victims,
                                                order->victims_count, load, d) < 0)
        load(d);
}

static void load(void *ctx)
{
    struct duty *d = ctx;
    struct steward *s = d->steward;
    int copy = scene_find(s->scene, d->copy);
    struct tell_what what;

    d->clearing = NULL;
    if (copy < 0) {
        finish(d, false);
        return;
    }
    what = scene_tell(s->scene, (uint32_t)copy, d->keep_s, (uint32_t)s->settings->load_timeout_ms);
    if (tell_start(&d->tell, s->client, &what, on_told, d) < 0)
        finish(d, false);
}

static void on_told(void *ctx, bool is_done)
{
    struct duty *d = ctx;

    d->tell = NULL;
    if (d->is_load)
        log_event(is_done ? EVENT_preloaded : EVENT_preload_failed, clock_wall_us(),
                  (struct log_field[]){LOG_STR("copy", d->copy->name), LOG_END});
    finish(d, is_done);
}

static void finish(struct duty *d, bool is_done)
{
    struct steward *s = d->steward;

    if (d->is_load)
        traffic_ordered(s->traffic, d->copy, is_done, loop_now_ms(s->loop));
    link_remove(&d->link);
    free(d);
}
