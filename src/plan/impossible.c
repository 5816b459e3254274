/* SPDX-License-Identifier: Apache-2.0 */
/* Why no engine of a machine can run an artifact. */
#include "fleet/engine_rules.h"
#include "plan/check_inside.h"
#include "plan/conflict.h"
#include "plan/running.h"

static const double gib = 1 << 30;

static const struct stall *stall_that(const struct room *room, const struct artifact *a,
                                      bool must_load);
static int say_short(struct buf *out, const struct problem *p, const struct room *room,
                     const struct stall *stall, const struct artifact *a);
static const struct fleet_model *line_for(const struct problem *p, const struct room *room,
                                          const struct artifact *a);

int seat_say_impossible(struct buf *out, const struct problem *p, const struct room *room,
                        const struct artifact *a)
{
    const struct stall *stall = stall_that(room, a, true);
    const struct model *m = a->model;

    for (uint32_t i = room->seats_first; i < room->seats_first + room->seats_count; i++)
        if (p->wares[p->seats[i].ware].artifact == a)
            return 0;
    if (stall)
        return say_short(out, p, room, stall, a);
    stall = stall_that(room, a, false);
    if (stall)
        return buf_printf(out, "%.*s does not load it since version %.*s",
                          STR_ARG(stall->engine->name), STR_ARG(m->refused_since));
    return buf_printf(out, "no engine of %.*s serves such a model", STR_ARG(room->machine->name));
}

static const struct stall *stall_that(const struct room *room, const struct artifact *a,
                                      bool must_load)
{
    for (uint32_t i = 0; i < room->stalls_count; i++) {
        const struct fleet_engine *e = room->stalls[i].engine;

        if (a->model->engines & 1u << e->kind && !(must_load && engine_refuses(e, a->model)))
            return &room->stalls[i];
    }
    return NULL;
}

/* At the context that was asked for, else at the least that is of use. */
static int say_short(struct buf *out, const struct problem *p, const struct room *room,
                     const struct stall *stall, const struct artifact *a)
{
    const struct fleet_model *line = line_for(p, room, a);
    struct run run = running_of(stall->engine, line, a, &stall->box);
    struct footprint need;
    struct fit fit;

    if (p->wish->context)
        run.context = p->wish->context;
    else if ((!line || !line->context) && run.context > RUNNING_CONTEXT_LEAST)
        run.context = RUNNING_CONTEXT_LEAST;
    need = memory_need_of_artifact(a, &run);
    fit = memory_fit(&stall->box, &need);
    if (fit.kind != FIT_no)
        return buf_printf(out,
                          "%.*s serves what it was set up for, and the file does not say that "
                          "this is it",
                          STR_ARG(stall->engine->name));
    return buf_printf(out,
                      "it needs %.1f GiB with %u × %llu tokens of context, %.1f GiB more than %.*s "
                      "has for %.*s",
                      (double)footprint_total(&need) / gib, run.slots ? run.slots : 1,
                      (unsigned long long)run.context, (double)fit.short_bytes / gib,
                      STR_ARG(room->machine->name), STR_ARG(stall->engine->name));
}

static const struct fleet_model *line_for(const struct problem *p, const struct room *room,
                                          const struct artifact *a)
{
    for (uint32_t i = 0; i < p->lines_count; i++)
        if (p->lines[i].machine == room->machine && p->lines[i].artifact == a)
            return p->lines[i].line;
    return NULL;
}
