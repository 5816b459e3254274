/* SPDX-License-Identifier: Apache-2.0 */
/* The program's rooms: what fits into them together. The rows are those of placement_shortage(). */
#include <math.h>

#include "plan/milp_inside.h"

/* GB, so that coefficients stay near to 1. */
static const double giga = 1e9;

/* What a seat takes of something, 0: nothing. */
typedef double weigh_fn(const struct problem *p, const struct seat *s);

static weigh_fn weigh_disk, weigh_gpu, weigh_ram, weigh_kept;
static void add_sum(struct milp *m, const struct problem *p, const struct room *room,
                    weigh_fn *weigh, const uint32_t *columns, double most);
static void add_stall(struct milp *m, const struct problem *p, const struct room *room,
                      uint32_t stall);
static void add_rule(struct milp *m, const struct problem *p, const struct room *room,
                     uint32_t seat);
static void add_beside(struct milp *m, const struct problem *p, const struct room *room,
                       uint32_t seat);
static void add_beside_row(struct milp *m, const struct problem *p, const struct room *room,
                           uint32_t seat, bool has_gpu, bool has_ram);
static double both(const struct seat *s, bool has_gpu, bool has_ram);

void milp_add_rooms(struct milp *m, const struct problem *p)
{
    for (uint32_t i = 0; i < p->rooms_count; i++) {
        const struct room *room = &p->rooms[i];

        if (room->disk_bytes != UINT64_MAX)
            add_sum(m, p, room, weigh_disk, m->disk, (double)room->disk_bytes / giga);
        add_sum(m, p, room, weigh_gpu, m->kept, (double)room->gpu_bytes / giga);
        add_sum(m, p, room, weigh_ram, m->kept, (double)room->ram_bytes / giga);
        if (room->kept_max != UINT32_MAX)
            add_sum(m, p, room, weigh_kept, m->kept, room->kept_max);
        for (uint32_t j = 0; j < room->stalls_count; j++)
            add_stall(m, p, room, j);
        for (uint32_t j = 0; j < room->seats_count; j++) {
            add_rule(m, p, room, room->seats_first + j);
            add_beside(m, p, room, room->seats_first + j);
        }
    }
}

static double weigh_disk(const struct problem *p, const struct seat *s)
{
    return (double)p->wares[s->ware].artifact->bytes / giga;
}

static double weigh_gpu(const struct problem *p, const struct seat *s)
{
    (void)p;
    return (double)s->gpu_bytes / giga;
}

static double weigh_ram(const struct problem *p, const struct seat *s)
{
    (void)p;
    return (double)s->ram_bytes / giga;
}

static double weigh_kept(const struct problem *p, const struct seat *s)
{
    return !seat_is_process(p, s);
}

/* Left out when even all of them together fit. */
static void add_sum(struct milp *m, const struct problem *p, const struct room *room,
                    weigh_fn *weigh, const uint32_t *columns, double most)
{
    double sum = 0;

    for (uint32_t i = room->seats_first; i < room->seats_first + room->seats_count; i++)
        if (columns[i] != UINT32_MAX)
            sum += weigh(p, &p->seats[i]);
    if (sum <= most)
        return;
    program_row(&m->program, -INFINITY, most);
    for (uint32_t i = room->seats_first; i < room->seats_first + room->seats_count; i++)
        if (columns[i] != UINT32_MAX && weigh(p, &p->seats[i]) > 0)
            program_term(&m->program, columns[i], weigh(p, &p->seats[i]));
}

static void add_stall(struct milp *m, const struct problem *p, const struct room *room,
                      uint32_t stall)
{
    uint32_t count = 0;

    for (uint32_t i = room->seats_first; i < room->seats_first + room->seats_count; i++)
        count += p->seats[i].stall == stall && milp_has_seat(m, i);
    if (count <= room->stalls[stall].kept_max)
        return;
    program_row(&m->program, -INFINITY, room->stalls[stall].kept_max);
    for (uint32_t i = room->seats_first; i < room->seats_first + room->seats_count; i++)
        if (p->seats[i].stall == stall && milp_has_seat(m, i))
            program_term(&m->program, m->kept[i], 1);
}

static void add_rule(struct milp *m, const struct problem *p, const struct room *room,
                     uint32_t seat)
{
    const struct seat *s = &p->seats[seat];
    double most, sum = 0;

    if (!milp_has_seat(m, seat) || !s->rule_bytes)
        return;
    most = (double)(s->rule_bytes > room->gpu_bytes ? s->rule_bytes : room->gpu_bytes) / giga;
    for (uint32_t i = room->seats_first; i < room->seats_first + room->seats_count; i++)
        if (milp_has_seat(m, i) && seat_is_before(p, &p->seats[i], s))
            sum += weigh_gpu(p, &p->seats[i]);
    if (sum + (double)s->rule_bytes / giga <= most)
        return;
    program_row(&m->program, -INFINITY, most);
    program_term(&m->program, m->kept[seat], (double)s->rule_bytes / giga);
    for (uint32_t i = room->seats_first; i < room->seats_first + room->seats_count; i++)
        if (milp_has_seat(m, i) && seat_is_before(p, &p->seats[i], s) && p->seats[i].gpu_bytes)
            program_term(&m->program, m->kept[i], weigh_gpu(p, &p->seats[i]));
}

/* A split model is weighed against GPU and RAM together. */
static void add_beside(struct milp *m, const struct problem *p, const struct room *room,
                       uint32_t seat)
{
    const struct seat *s = &p->seats[seat];

    if (!milp_has_seat(m, seat) || seat_is_process(p, s))
        return;
    if (s->fit.kind == FIT_split) {
        add_beside_row(m, p, room, seat, true, true);
        return;
    }
    add_beside_row(m, p, room, seat, true, false);
    add_beside_row(m, p, room, seat, false, true);
}

static void add_beside_row(struct milp *m, const struct problem *p, const struct room *room,
                           uint32_t seat, bool has_gpu, bool has_ram)
{
    double most = (has_gpu ? (double)room->gpu_bytes / giga : 0) +
                  (has_ram ? (double)room->ram_bytes / giga : 0);
    double own = both(&p->seats[seat], has_gpu, has_ram), sum = 0;

    for (uint32_t i = room->seats_first; i < room->seats_first + room->seats_count; i++)
        if (milp_has_seat(m, i) && seat_is_process(p, &p->seats[i]))
            sum += both(&p->seats[i], has_gpu, has_ram);
    if (own + sum <= most)
        return;
    program_row(&m->program, -INFINITY, most);
    program_term(&m->program, m->disk[seat], own);
    for (uint32_t i = room->seats_first; i < room->seats_first + room->seats_count; i++)
        if (milp_has_seat(m, i) && seat_is_process(p, &p->seats[i]))
            program_term(&m->program, m->kept[i], both(&p->seats[i], has_gpu, has_ram));
}

static double both(const struct seat *s, bool has_gpu, bool has_ram)
{
    return ((has_gpu ? (double)s->gpu_bytes : 0) + (has_ram ? (double)s->ram_bytes : 0)) / giga;
}
