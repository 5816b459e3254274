/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine's own list says is loaded. */
#include "route/traffic_inside.h"

bool traffic_is_calm(struct traffic *t, const struct engine_place *engine, uint64_t since_ms)
{
    const struct board *b;
    bool is_calm = false;

    traffic_enter(t, since_ms);
    b = t->board;
    if (engine->index != BOARD_NONE && b->engines[engine->index].facts->machine)
        is_calm = loads_are_calm(b, &b->machines[b->engines[engine->index].facts->machine_index],
                                 since_ms);
    pthread_mutex_unlock(&t->lock);
    return is_calm;
}

/* Ollama lists a copy that it still loads as well. */
void traffic_resident(struct traffic *t, const struct copy_place *copy, bool resident,
                      uint64_t now_ms)
{
    const struct board_copy *c;

    now_ms = traffic_enter(t, now_ms);
    if (copy->index != BOARD_NONE) {
        c = &t->board->copies[copy->index];
        if (!c->run_count && !c->aside_count && c->state != COPY_loading)
            line_loaded(t->line, (uint32_t)copy->index, resident, now_ms);
    }
    pthread_mutex_unlock(&t->lock);
}
