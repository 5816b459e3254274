/* SPDX-License-Identifier: Apache-2.0 */
/* The program's seats and wares: what is on disk, what is kept, what it costs to bring. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/auto.h"
#include "plan/milp_inside.h"

static void add_seat(struct milp *m, const struct problem *p, uint32_t seat);
static void add_constant(struct milp *m, const struct problem *p);
static void add_ware(struct milp *m, const struct problem *p, uint32_t ware);

bool milp_has_seat(const struct milp *m, uint32_t seat)
{
    return m->disk[seat] != UINT32_MAX;
}

void milp_add_seats(struct milp *m, const struct problem *p)
{
    for (uint32_t i = 0; i < p->seats_count; i++)
        add_seat(m, p, i);
    add_constant(m, p);
}

void milp_add_wares(struct milp *m, const struct problem *p)
{
    for (uint32_t i = 0; i < p->wares_count; i++)
        add_ware(m, p, i);
}

int milp_values(const struct milp *m, const struct placement *pl, double **ret)
{
    double *values = calloc((size_t)m->program.columns_count + 1, sizeof *values);

    if (!values)
        return -ENOMEM;
    for (uint32_t i = 0; i < pl->problem->seats_count; i++) {
        if (!milp_has_seat(m, i))
            continue;
        values[m->disk[i]] = pl->levels[i] >= LEVEL_disk;
        values[m->kept[i]] = pl->levels[i] == LEVEL_kept;
    }
    *ret = values;
    return 0;
}

static void add_seat(struct milp *m, const struct problem *p, uint32_t seat)
{
    const struct seat *s = &p->seats[seat];
    bool is_process = seat_is_process(p, s);
    double to_disk = s->level_s[LEVEL_disk] - s->level_s[LEVEL_none];
    double to_kept = s->level_s[LEVEL_kept] - s->level_s[LEVEL_disk];

    m->disk[seat] = m->kept[seat] = UINT32_MAX;
    if (!s->is_wanted)
        return;
    m->disk[seat] = program_column(&m->program, s->least >= LEVEL_disk, 1,
                                   is_process ? to_disk + to_kept : to_disk, true);
    if (is_process) {
        m->kept[seat] = m->disk[seat];
        return;
    }
    m->kept[seat] = program_column(&m->program, s->least == LEVEL_kept, 1, to_kept, true);
    program_row(&m->program, -INFINITY, 0);
    program_term(&m->program, m->kept[seat], 1);
    program_term(&m->program, m->disk[seat], -1);
}

/* A column that is always 1: with it the program's cost is the placement's, and so is the gap. */
static void add_constant(struct milp *m, const struct problem *p)
{
    double constant = 0;

    for (uint32_t i = 0; i < p->seats_count; i++)
        constant += p->seats[i].level_s[LEVEL_none];
    for (uint32_t i = 0; i < p->wares_count; i++)
        constant += p->wares[i].none_s;
    program_column(&m->program, 1, 1, constant, false);
}

/* Is there any copy of it? Where that costs, every copy says so; where it saves, one is needed. */
static void add_ware(struct milp *m, const struct problem *p, uint32_t ware)
{
    const struct ware *w = &p->wares[ware];
    uint32_t any;

    if (w->first_s <= 0 && w->none_s <= 0)
        return;
    any = program_column(&m->program, 0, 1, w->first_s - w->none_s, false);
    if (w->none_s > 0) {
        program_row(&m->program, 0, INFINITY);
        program_term(&m->program, any, -1);
    }
    for (uint32_t i = 0; i < p->seats_count; i++) {
        if (p->seats[i].ware != ware || !milp_has_seat(m, i))
            continue;
        if (w->first_s > 0) {
            program_row(&m->program, -INFINITY, 0);
            program_term(&m->program, any, -1);
        }
        program_term(&m->program, m->disk[i], 1);
    }
}
