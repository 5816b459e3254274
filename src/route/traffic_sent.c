/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a request between its being sent and its end. */
#include "route/traffic_inside.h"

/* It is taken back no more; and a copy that was loaded for it is loaded now, or, benched before,
 * answers again: others who wait for it may begin. */
void traffic_began(struct traffic *t, struct waiter *w, uint64_t now_ms)
{
    struct errand *e = &w->errand;
    bool was_awaited = e->has_loaded || e->is_trial_of_copy || e->is_trial_of_engine;

    if (!e->is_running || (!was_awaited && !e->yields))
        return;
    now_ms = traffic_enter(t, now_ms);
    line_began(t->line, e);
    if (e->copy != ERRAND_GONE && t->board->copies[e->copy].state == COPY_loading)
        line_loaded(t->line, e->copy, true, now_ms);
    if (was_awaited)
        line_settle(t->line, now_ms);
    pthread_mutex_unlock(&t->lock);
}

bool traffic_hedge(struct traffic *t, const struct waiter *late, struct waiter *second,
                   uint64_t waited_ms, uint64_t now_ms)
{
    struct errand *e = &second->errand;
    struct errand_option *options = e->options;

    now_ms = traffic_enter(t, now_ms);
    *second = (struct waiter){.errand = late->errand, .copies = second->copies};
    e->options = options;
    e->id = ++t->ids;
    e->why = NULL;
    e->is_running = false;
    t->asking = second;
    if (late->errand.copy != ERRAND_GONE &&
        line_hedge(t->line, &late->errand, e, (double)waited_ms / 1e3, now_ms))
        traffic_know(t, second);
    t->asking = NULL;
    for (uint32_t i = 0; i < e->options_count && second->is_known; i++)
        second->copies[i] = t->places[e->options[i].copy];
    pthread_mutex_unlock(&t->lock);
    return second->is_known;
}

void traffic_take_over(struct traffic *t, struct waiter *w, struct waiter *second, uint64_t now_ms)
{
    traffic_enter(t, now_ms);
    line_take_over(&w->errand, &second->errand);
    w->taken = second->taken;
    w->victims_count = 0;
    w->keep_alive_s = second->keep_alive_s;
    traffic_know(t, w);
    traffic_forget(second);
    pthread_mutex_unlock(&t->lock);
}
