/* SPDX-License-Identifier: Apache-2.0 */
/* What machines load and unload unasked. */
#include "route/line_inside.h"

static void tell(struct line *l, uint32_t copy, uint64_t now_ms);
static bool has_room(const struct line *l);

void line_preload(struct line *l, bool keeps_only, uint64_t now_ms)
{
    struct board *b = l->board;

    for (uint32_t i = 0; i < b->copies_count && l->hooks.load; i++)
        tell(l, i, now_ms);
    for (uint32_t i = 0; i < b->machines_count && l->hooks.load; i++) {
        int copy = loads_idle(b, i, keeps_only, now_ms);
        struct load_plan plan;

        if (copy == BOARD_NONE || !board_is_open(b, (uint32_t)copy, now_ms) || !has_room(l))
            continue;
        loads_reckon(&plan, b, (uint32_t)copy, now_ms);
        line_unload(b, &plan, now_ms);
        board_set(b, (uint32_t)copy, COPY_loading, now_ms);
        b->copies[copy].is_told = true;
        l->hooks.load(l->hooks.ctx, (uint32_t)copy, &plan,
                      loads_keep_alive_s(b, (uint32_t)copy, now_ms));
    }
}

void line_empty(struct line *l, uint64_t now_ms)
{
    struct board *b = l->board;

    for (uint32_t i = 0; i < b->copies_count && l->hooks.load && has_room(l); i++) {
        const struct board_copy *c = &b->copies[i];

        if (c->machine == BOARD_NONE || !b->machines[c->machine].is_emptied ||
            !c->rules.takes_orders || c->state != COPY_loaded || c->run_count || c->aside_count)
            continue;
        board_set(b, i, COPY_away, now_ms);
        l->hooks.load(l->hooks.ctx, i, &(struct load_plan){0}, 0);
    }
}

static bool has_room(const struct line *l)
{
    return !l->hooks.has_room || l->hooks.has_room(l->hooks.ctx);
}

/* What the plan keeps and others have loaded stays only when its engine is told so. */
static void tell(struct line *l, uint32_t copy, uint64_t now_ms)
{
    struct board_copy *c = &l->board->copies[copy];

    if (!c->wanted || !c->rules.takes_orders || c->is_told || c->state != COPY_loaded ||
        !board_is_open(l->board, copy, now_ms) || !has_room(l))
        return;
    c->is_told = true;
    l->hooks.load(l->hooks.ctx, copy, &(struct load_plan){0},
                  loads_keep_alive_s(l->board, copy, now_ms));
}

void line_unload(struct board *b, const struct load_plan *plan, uint64_t now_ms)
{
    for (uint32_t i = 0; i < plan->victims_count; i++)
        board_set(b, plan->victims[i], COPY_away, now_ms);
}
