/* SPDX-License-Identifier: Apache-2.0 */
/* Why an artifact is not on a machine: the first rule that keeps it away, with numbers. */
#include <errno.h>

#include "plan/conflict.h"
#include "plan/plan_inside.h"

static const double gib = 1 << 30;

static int say_room(struct buf *out, const struct plan *plan, const struct problem *p,
                    const struct artifact *a, const struct machine *m);
static const struct room *room_of(const struct problem *p, const struct machine *m);
static uint32_t seat_of(const struct problem *p, const struct machine *m, const struct artifact *a);
static int restore(struct placement *pl, const struct plan *plan);
static int say_seat(struct buf *out, struct placement *pl, uint32_t seat);
static int say_unwanted(struct buf *out, const struct problem *p, uint32_t seat);
static int say_crowded(struct buf *out, struct placement *pl, uint32_t seat, enum shortage what);
static uint32_t least_missed(struct placement *pl, uint32_t seat, double *ret_s);
static int say_dearer(struct buf *out, struct placement *pl, uint32_t seat, double cost_s);
static const struct offer *offer_of(const struct want *w, uint32_t seat, bool is_warm);

int plan_why_not(struct buf *out, const struct plan *plan, const struct plan_wish *wish,
                 const struct artifact *artifact, const struct machine *machine)
{
    AUTO(problem) p = NULL;
    int r;

    for (uint32_t i = 0; i < plan->copies_count; i++)
        if (plan->copies[i].machine == machine && plan->copies[i].artifact == artifact)
            return buf_printf(out, "It is there: %.*s.", STR_ARG(plan->copies[i].why));
    if (!machine_serves(machine))
        return buf_printf(out, "%.*s serves no models.", STR_ARG(machine->name));
    r = problem_new(&p, wish, NULL);
    return r < 0 ? r : say_room(out, plan, p, artifact, machine);
}

static int say_room(struct buf *out, const struct plan *plan, const struct problem *p,
                    const struct artifact *a, const struct machine *m)
{
    const struct room *room = room_of(p, m);
    uint32_t seat = seat_of(p, m, a);
    AUTO(placement) pl = NULL;
    int r;

    if (!room)
        return buf_printf(out, "%.*s is planned as lost.", STR_ARG(m->name));
    if (seat == UINT32_MAX) {
        size_t before = out->len + strlen("It cannot: ");

        r = buf_printf(out, "It cannot: ");
        if (r == 0)
            r = seat_say_impossible(out, p, room, a);
        if (r == 0 && out->len == before)
            r = buf_printf(out, "no category could use it there");
        return r < 0 ? r : buf_put_char(out, '.');
    }
    r = placement_new(&pl, p);
    if (r == 0)
        r = restore(pl, plan);
    return r < 0 ? r : say_seat(out, pl, seat);
}

static const struct room *room_of(const struct problem *p, const struct machine *m)
{
    for (uint32_t i = 0; i < p->rooms_count; i++)
        if (p->rooms[i].machine == m)
            return &p->rooms[i];
    return NULL;
}

static uint32_t seat_of(const struct problem *p, const struct machine *m, const struct artifact *a)
{
    for (uint32_t i = 0; i < p->seats_count; i++)
        if (p->rooms[p->seats[i].room].machine == m && p->wares[p->seats[i].ware].artifact == a)
            return i;
    return UINT32_MAX;
}

/* The plan as a placement. O(copies × seats); both are hundreds where people ask. */
static int restore(struct placement *pl, const struct plan *plan)
{
    const struct problem *p = pl->problem;

    for (uint32_t i = 0; i < plan->copies_count; i++)
        for (uint32_t j = 0; j < p->seats_count; j++) {
            const struct plan_copy *c = &plan->copies[i];
            const struct room *room = &p->rooms[p->seats[j].room];

            if (room->machine == c->machine &&
                room->stalls[p->seats[j].stall].engine == c->engine &&
                p->wares[p->seats[j].ware].artifact == c->artifact)
                placement_set(pl, j, c->keep_loaded ? LEVEL_kept : LEVEL_disk);
        }
    placement_reckon(pl);
    return 0;
}

/* On disk, or kept where that is cheaper; then what that would push out or cost. */
static int say_seat(struct buf *out, struct placement *pl, uint32_t seat)
{
    const struct problem *p = pl->problem;
    const struct seat *s = &p->seats[seat];
    double before_s = placement_seconds(pl), disk_s, kept_s;
    enum shortage what;

    if (p->touched_first[seat] == p->touched_first[seat + 1])
        return say_unwanted(out, p, seat);
    placement_set(pl, seat, LEVEL_kept);
    kept_s = placement_seconds(pl);
    what = placement_shortage(pl, s->room, NULL);
    if (what && !seat_is_process(p, s) && kept_s >= before_s) {
        placement_set(pl, seat, LEVEL_disk);
        disk_s = placement_seconds(pl);
        what = placement_shortage(pl, s->room, NULL);
        kept_s = disk_s;
    }
    if (what)
        return say_crowded(out, pl, seat, what);
    if (!seat_is_process(p, s)) {
        placement_set(pl, seat, LEVEL_disk);
        disk_s = placement_seconds(pl);
        kept_s = disk_s < kept_s ? disk_s : kept_s;
    }
    return say_dearer(out, pl, seat, kept_s - before_s);
}

/* No category takes it: the nearest reason is a floor. */
static int say_unwanted(struct buf *out, const struct problem *p, uint32_t seat)
{
    const struct seat *s = &p->seats[seat];
    const struct artifact *a = p->wares[s->ware].artifact;

    for (uint32_t k = 0; k < p->wants_count; k++) {
        const struct want *w = &p->wants[k];

        if (want_accepts(p, w, a, s->run.context) && s->decode_tps > 0 &&
            s->decode_tps < w->category->floor_tps)
            return buf_printf(out,
                              "It would answer %.*s with %.1f tokens/s, and its floor is %.1f.",
                              STR_ARG(w->category->name), s->decode_tps, w->category->floor_tps);
    }
    for (uint32_t k = 0; k < p->wants_count; k++)
        if (want_accepts(p, &p->wants[k], a, s->run.context))
            return buf_printf(out,
                              "The file does not name it, and others that it does not name serve "
                              "%.*s cheaper there.",
                              STR_ARG(p->wants[k].category->name));
    return buf_printf(out, "No category asks for what it does.");
}

static int say_crowded(struct buf *out, struct placement *pl, uint32_t seat, enum shortage what)
{
    static const char *const of[] = {
        [SHORTAGE_disk] = "disk",
        [SHORTAGE_gpu] = "GPU memory",
        [SHORTAGE_ram] = "RAM",
        [SHORTAGE_kept] = "places among the models kept loaded",
        [SHORTAGE_process] = "room on its engine, which serves a single model",
        [SHORTAGE_rule] = "GPU memory by Ollama's rule for loading beside others",
        [SHORTAGE_beside] = "memory beside what other engines never unload",
    };
    const struct problem *p = pl->problem;
    const struct seat *s = &p->seats[seat];
    double cost_s = 0;
    uint32_t out_seat = least_missed(pl, seat, &cost_s);

    if (out_seat == UINT32_MAX)
        return buf_printf(
            out, "It needs %.1f GiB, and beside what is pinned there is not enough %s.",
            (double)(s->gpu_bytes > s->ram_bytes ? s->gpu_bytes : s->ram_bytes) / gib, of[what]);
    return buf_printf(out,
                      "It needs %.1f GiB, there is not enough %s, and it would push out '%.*s', at "
                      "%+.1f seconds an hour.",
                      (double)(s->fit.gpu_bytes + s->fit.ram_bytes) / gib, of[what],
                      STR_ARG(p->wares[p->seats[out_seat].ware].artifact->tag), cost_s);
}

/* Which single one of the room makes place for it at the least cost; UINT32_MAX: none alone. */
static uint32_t least_missed(struct placement *pl, uint32_t seat, double *ret_s)
{
    const struct problem *p = pl->problem;
    const struct room *r = &p->rooms[p->seats[seat].room];
    enum level own = pl->levels[seat];
    uint32_t best = UINT32_MAX;
    double before_s;

    placement_set(pl, seat, LEVEL_none);
    before_s = placement_seconds(pl);
    placement_set(pl, seat, own);
    for (uint32_t i = r->seats_first; i < r->seats_first + r->seats_count; i++) {
        enum level was = pl->levels[i];

        if (i == seat || !was || p->seats[i].least)
            continue;
        placement_set(pl, i, LEVEL_none);
        if (placement_fits(pl, p->seats[seat].room) &&
            (best == UINT32_MAX || placement_seconds(pl) - before_s < *ret_s)) {
            best = i;
            *ret_s = placement_seconds(pl) - before_s;
        }
        placement_set(pl, i, was);
    }
    return best;
}

/* There is room: others do it cheaper. */
static int say_dearer(struct buf *out, struct placement *pl, uint32_t seat, double cost_s)
{
    const struct problem *p = pl->problem;
    int r = 0;

    placement_set(pl, seat, LEVEL_none);
    for (uint32_t k = 0; k < p->wants_count && r == 0; k++) {
        const struct want *w = &p->wants[k];
        const struct offer *o = offer_of(w, seat, true), *turns[TURNS_MAX];
        const struct machine *m;

        if (!o || !placement_turns(pl, w, turns))
            continue;
        m = p->rooms[p->seats[turns[0]->seat].room].machine;
        r = buf_printf(out, "%.*s: %.1f s a request here even when kept loaded, %.1f s on %.*s. ",
                       STR_ARG(w->category->name), o->cost_s, turns[0]->cost_s, STR_ARG(m->name));
    }
    return r < 0 ? r
                 : buf_printf(out, "One more copy would come to %+.1f seconds an hour.", cost_s);
}

static const struct offer *offer_of(const struct want *w, uint32_t seat, bool is_warm)
{
    for (uint32_t i = 0; i < w->offers_count; i++)
        if (w->offers[i].seat == seat && w->offers[i].is_warm == is_warm)
            return &w->offers[i];
    return NULL;
}
