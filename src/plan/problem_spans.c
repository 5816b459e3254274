/* SPDX-License-Identifier: Apache-2.0 */
/* Models too large for each machine, over several of them by llama.cpp's RPC (`span: true`). They
 * are chosen before the search, which finds their memory taken. The fewest machines that hold it
 * together; of those that do, always the one with the fastest memory next. */
#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"
#include "fleet/engine_rules.h"
#include "plan/problem_inside.h"
#include "plan/running.h"

/* A machine that could lend memory to one model. */
struct lender {
    uint32_t room, stall;
    uint64_t fixed_bytes; /* buffers, whatever it lends */
    uint64_t most_bytes;  /* of weights and KV */
    double gbs;           /* of the memory that it lends, as it is reached */
    bool is_taken;
};

static int add_wanted(struct problem *p, const struct artifact *a, const struct machine *m,
                      double floor_tps, struct lender *lenders);
static bool is_spanned(const struct problem *p, uint32_t ware);
static double tps_of(const struct problem *p, const struct span *span);
static uint32_t ware_of(const struct problem *p, const struct artifact *a);
static struct run run_of(const struct problem *p, const struct artifact *a);
static uint32_t find_lenders(const struct problem *p, const struct span *span,
                             struct lender *lenders);
static uint32_t free_stall(const struct room *room, const struct problem *p,
                           const struct artifact *a);
static struct box free_box(const struct problem *p, const struct room *room,
                           const struct artifact *except);
static bool is_kept(const struct room *room, const struct fleet_model *line);
static int compare(const void *a, const void *b);
static uint32_t fewest(struct lender *lenders, uint32_t count, uint64_t bytes);
static struct lender *next(struct lender *lenders, uint32_t count, uint64_t bytes);
static int choose(struct problem *p, struct span *span, struct lender *lenders, uint32_t count,
                  const struct machine *first);
static void lend(struct problem *p, struct span *span, struct lender *l, uint64_t *left);
static void take(struct room *room, const struct fit *fit);

int problem_add_spans(struct problem *p)
{
    struct lender *lenders;
    int r = 0;

    if (!p->wish->fleet->span)
        return 0;
    p->spans = arena_alloc(&p->arena, (p->wares_count + 1) * sizeof *p->spans);
    lenders = calloc(p->rooms_count + 1, sizeof *lenders);
    if (!p->spans || !lenders)
        r = -ENOMEM;
    for (uint32_t i = 0; i < p->wares_count; i++)
        p->wares[i].is_too_large = !problem_fits_alone(p, i);
    for (uint32_t i = 0; i < p->lines_count && r == 0; i++)
        if (!p->lines[i].line->is_optional)
            r = add_wanted(p, p->lines[i].artifact, p->lines[i].machine, 0, lenders);
    for (uint32_t k = 0; k < p->wants_count && r == 0; k++)
        if (p->wants[k].only_count)
            r = add_wanted(p, p->wants[k].only[0], NULL, p->wants[k].category->floor_tps, lenders);
    free(lenders);
    return r;
}

/* Nothing where one machine holds it, where all of them together do not, or not fast enough. */
static int add_wanted(struct problem *p, const struct artifact *a, const struct machine *m,
                      double floor_tps, struct lender *lenders)
{
    struct span *span = &p->spans[p->spans_count];
    int r;

    *span = (struct span){.ware = ware_of(p, a)};
    if (span->ware == p->wares_count || !p->wares[span->ware].is_too_large ||
        !(a->model->engines & 1u << ENGINE_llama_server) ||
        !(a->model->capabilities & 1u << CAPABILITY_completion) || is_spanned(p, span->ware))
        return 0;
    span->run = run_of(p, a);
    span->need = memory_need_of_artifact(a, &span->run);
    r = choose(p, span, lenders, find_lenders(p, span, lenders), m);
    if (r < 0 || !span->count || tps_of(p, span) < floor_tps)
        return r;
    for (uint32_t i = 0; i < span->count; i++)
        take(&p->rooms[span->rooms[i]], &span->parts[i].fit);
    p->spans_count++;
    return 0;
}

static bool is_spanned(const struct problem *p, uint32_t ware)
{
    for (uint32_t i = 0; i < p->spans_count; i++)
        if (p->spans[i].ware == ware)
            return true;
    return false;
}

static double tps_of(const struct problem *p, const struct span *span)
{
    struct load load = speed_load_of(p->wares[span->ware].artifact);

    return 1 / speed_span_step_seconds(span->parts, span->count, &load, span->run.context,
                                       p->wish->fleet->network.lan_bits);
}

static uint32_t ware_of(const struct problem *p, const struct artifact *a)
{
    uint32_t i = 0;

    while (i < p->wares_count && p->wares[i].artifact != a)
        i++;
    return i;
}

static struct run run_of(const struct problem *p, const struct artifact *a)
{
    uint64_t native = artifact_context(a), asked = p->wish->context;

    if (!asked)
        asked = problem_context(p, a);
    return (struct run){.context = native && asked > native ? native : asked, .slots = 1};
}

/* Fastest memory first. */
static uint32_t find_lenders(const struct problem *p, const struct span *span,
                             struct lender *lenders)
{
    const struct artifact *a = p->wares[span->ware].artifact;
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->rooms_count; i++) {
        const struct room *room = &p->rooms[i];
        struct lender l = {.room = i, .stall = free_stall(room, p, a)};
        struct box box;
        uint64_t bytes;

        if (l.stall == room->stalls_count)
            continue;
        box = free_box(p, room, a);
        bytes = box.gpu_bytes ? box.gpu_bytes : box.ram_bytes;
        if (box.is_unified && box.ram_bytes < bytes)
            bytes = box.ram_bytes;
        l.gbs = box.gpu_bytes ? box.gpu_gbs * box.gpu_efficiency : box.cpu_gbs * box.cpu_efficiency;
        l.fixed_bytes = span->need.compute + (box.gpu_bytes ? box.base_bytes : 0);
        if (bytes <= l.fixed_bytes)
            continue;
        l.most_bytes = bytes - l.fixed_bytes;
        lenders[count++] = l;
    }
    qsort(lenders, count, sizeof *lenders, compare);
    return count;
}

/* Of a machine in the LAN, a llama-server on which no line wants another model; else
 * stalls_count. One that is reached over a tailnet alone is not in the LAN. */
static uint32_t free_stall(const struct room *room, const struct problem *p,
                           const struct artifact *a)
{
    const struct machine *m = room->machine;
    uint32_t i = 0;

    if (m->addresses.tailscale.len && !m->addresses.lan.len)
        return room->stalls_count;
    for (; i < room->stalls_count; i++) {
        const struct fleet_engine *e = room->stalls[i].engine;
        bool is_free = e->kind == ENGINE_llama_server && !engine_refuses(e, a->model) &&
                       (e->compute == COMPUTE_any || e->compute == COMPUTE_gpu);

        for (uint32_t j = 0; j < m->models_count && is_free; j++)
            is_free = m->models[j].engine != e ||
                      catalog_artifact(p->wish->catalog, m->models[j].pull) == a;
        for (uint32_t j = 0; j < p->spans_count && is_free; j++)
            is_free = &p->rooms[p->spans[j].rooms[0]] != room || p->spans[j].stall != i;
        if (is_free)
            return i;
    }
    return i;
}

/* What the engine's stall has, less what lines keep loaded there. */
static struct box free_box(const struct problem *p, const struct room *room,
                           const struct artifact *except)
{
    struct box left = room->stalls[free_stall(room, p, except)].box;

    for (uint32_t i = 0; i < p->lines_count; i++) {
        const struct fleet_model *line = p->lines[i].line;
        const struct artifact *a = p->lines[i].artifact;
        struct footprint need;
        struct run run;
        struct fit fit;

        if (p->lines[i].machine != room->machine || !a || a == except || !is_kept(room, line))
            continue;
        run = running_of(line->engine, line, a, &left);
        need = memory_need_of_artifact(a, &run);
        fit = memory_fit(&left, &need);
        if (fit.kind == FIT_no) /* pinned full */
            return (struct box){0};
        left = memory_take(&left, &fit);
    }
    return left;
}

static bool is_kept(const struct room *room, const struct fleet_model *line)
{
    const struct engine_kind_row *kind = engine_kind_row((enum engine_kind)line->engine->kind);

    return !line->is_optional &&
           (line->is_pinned || kind->stays || problem_keeps_by_name(line, room->machine));
}

static int compare(const void *a, const void *b)
{
    const struct lender *x = a, *y = b;

    if (x->gbs != y->gbs)
        return x->gbs > y->gbs ? -1 : 1;
    return x->room < y->room ? -1 : 1;
}

/* How many of those that are left hold so much together; UINT32_MAX: not all of them. */
static uint32_t fewest(struct lender *lenders, uint32_t count, uint64_t bytes)
{
    struct lender *largest = NULL;
    uint32_t more = 0;

    if (!bytes)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (!lenders[i].is_taken && (!largest || lenders[i].most_bytes > largest->most_bytes))
            largest = &lenders[i];
    if (!largest)
        return UINT32_MAX;
    largest->is_taken = true;
    more = fewest(lenders, count, bytes > largest->most_bytes ? bytes - largest->most_bytes : 0);
    largest->is_taken = false;
    return more == UINT32_MAX ? more : more + 1;
}

/* The fastest with which it needs no more machines than at least. NULL: they do not hold it. */
static struct lender *next(struct lender *lenders, uint32_t count, uint64_t bytes)
{
    uint32_t least = fewest(lenders, count, bytes);

    for (uint32_t i = 0; i < count && least != UINT32_MAX; i++) {
        struct lender *l = &lenders[i];
        uint32_t more;

        if (l->is_taken)
            continue;
        l->is_taken = true;
        more = fewest(lenders, count, bytes > l->most_bytes ? bytes - l->most_bytes : 0);
        l->is_taken = false;
        if (more < least)
            return l;
    }
    return NULL;
}

/* The machine of its line leads, if there is one; each lends all it has until it is enough. */
static int choose(struct problem *p, struct span *span, struct lender *lenders, uint32_t count,
                  const struct machine *first)
{
    uint64_t left = span->need.weights + span->need.kv;
    struct lender *l = NULL;

    for (uint32_t i = 0; i < count; i++)
        if (p->rooms[lenders[i].room].machine == first)
            l = &lenders[i];
    if (!l)
        l = next(lenders, count, left);
    if (!l || p->rooms[l->room].disk_bytes < p->wares[span->ware].artifact->bytes)
        return 0;
    span->rooms = arena_alloc(&p->arena, count * sizeof *span->rooms);
    span->parts = arena_alloc(&p->arena, count * sizeof *span->parts);
    if (!span->rooms || !span->parts)
        return -ENOMEM;
    span->stall = l->stall;
    for (; l && left; l = left ? next(lenders, count, left) : NULL)
        lend(p, span, l, &left);
    if (left)
        span->count = 0;
    return 0;
}

static void lend(struct problem *p, struct span *span, struct lender *l, uint64_t *left)
{
    const struct box *box = &p->rooms[l->room].stalls[l->stall].box;
    uint64_t part = l->most_bytes < *left ? l->most_bytes : *left;
    uint64_t bytes = part + l->fixed_bytes;

    l->is_taken = true;
    *left -= part;
    span->rooms[span->count] = l->room;
    span->parts[span->count++] = (struct speed_part){
        .box = *box,
        .fit = box->gpu_bytes ? (struct fit){.kind = FIT_gpu, .gpu_share = 1, .gpu_bytes = bytes}
                              : (struct fit){.kind = FIT_ram, .ram_bytes = bytes},
        .share = (double)part / (double)(span->need.weights + span->need.kv),
    };
}

/* Off the room's limits and off what each of its engines has. */
static void take(struct room *room, const struct fit *fit)
{
    uint64_t ram = fit->ram_bytes + (room->is_unified ? fit->gpu_bytes : 0);

    room->lent.gpu_bytes += fit->gpu_bytes;
    room->lent.ram_bytes += fit->ram_bytes;
    room->gpu_bytes -= fit->gpu_bytes;
    room->ram_bytes -= ram;
    for (uint32_t i = 0; i < room->stalls_count; i++) {
        struct fit seen = *fit;

        if (!room->stalls[i].box.is_unified)
            seen.ram_bytes = ram;
        room->stalls[i].box = memory_take(&room->stalls[i].box, &seen);
    }
}
