/* SPDX-License-Identifier: Apache-2.0 */
/* The program's flows: which offers serve the turns of each want.
 *
 * Turns of one weight share columns: the streams are one group, every spare is another. A column
 * says which part of an offer a group uses, its fallback how many turns go without. */
#include <math.h>

#include "plan/milp_inside.h"

static void add_want(struct milp *m, const struct problem *p, uint32_t index);
static uint32_t useful_offers(const struct problem *p, const struct want *w);
static void add_columns(struct milp *m, const struct want *w, uint32_t groups, uint32_t count);
static void add_turns(struct milp *m, const struct want *w, uint32_t groups, uint32_t count);
static void add_seat_rows(struct milp *m, const struct want *w, uint32_t groups, uint32_t count);
static void add_domain_rows(struct milp *m, const struct want *w, uint32_t groups, uint32_t count);
static uint32_t count_domain(const struct want *w, uint32_t count, uint32_t domain,
                             uint32_t *ret_seats);
static void add_groups(struct milp *m, uint32_t column, uint32_t groups, uint32_t count);

void milp_add_flows(struct milp *m, const struct problem *p)
{
    for (uint32_t k = 0; k < p->wants_count; k++)
        add_want(m, p, k);
}

static void add_want(struct milp *m, const struct problem *p, uint32_t index)
{
    const struct want *w = &p->wants[index];
    uint32_t groups = 1 + w->turns - w->streams, count = useful_offers(p, w);

    if (!w->turns)
        return;
    add_columns(m, w, groups, count);
    add_turns(m, w, groups, count);
    add_seat_rows(m, w, groups, count);
    add_domain_rows(m, w, groups, count);
}

/* Pins make some offers certain. Once they cover as many domains as there are turns, what costs
 * more is never used. */
static uint32_t useful_offers(const struct problem *p, const struct want *w)
{
    uint32_t domains[TURNS_MAX], known = 0;

    for (uint32_t i = 0; i < w->offers_count; i++) {
        const struct offer *o = &w->offers[i];
        uint32_t j = 0;

        if (p->seats[o->seat].least < (o->is_warm ? LEVEL_kept : LEVEL_disk))
            continue;
        while (j < known && domains[j] != o->domain)
            j++;
        if (j == known)
            domains[known++] = o->domain;
        if (known == w->turns)
            return i + 1;
    }
    return w->offers_count;
}

static void add_columns(struct milp *m, const struct want *w, uint32_t groups, uint32_t count)
{
    for (uint32_t g = 0; g < groups; g++) {
        uint32_t turn = g ? w->streams + g - 1 : 0;

        for (uint32_t j = 0; j < count; j++)
            program_column(&m->program, 0, 1, w->weight[turn] * w->offers[j].cost_s, false);
    }
    for (uint32_t g = 0; g < groups; g++) {
        uint32_t turn = g ? w->streams + g - 1 : 0;

        program_column(&m->program, 0, g ? 1 : w->streams, w->fallback_s[turn], false);
    }
}

static void add_turns(struct milp *m, const struct want *w, uint32_t groups, uint32_t count)
{
    uint32_t first = m->program.columns_count - groups * (count + 1);

    for (uint32_t g = 0; g < groups; g++) {
        double turns = g ? 1 : w->streams;

        program_row(&m->program, turns, turns);
        for (uint32_t j = 0; j < count; j++)
            program_term(&m->program, first + g * count + j, 1);
        program_term(&m->program, first + groups * count + g, 1);
    }
}

/* A seat serves while it is there, and as a warm one while it is kept. A seat's offers may be
 * apart: its cold one, where it has one, looks for its warm one. */
static void add_seat_rows(struct milp *m, const struct want *w, uint32_t groups, uint32_t count)
{
    uint32_t first = m->program.columns_count - groups * (count + 1);

    for (uint32_t j = 0; j < count; j++) {
        const struct offer *o = &w->offers[j];
        uint32_t cold = j + 1;

        if (!o->is_warm)
            continue;
        program_row(&m->program, -INFINITY, 0);
        add_groups(m, first + j, groups, count);
        program_term(&m->program, m->kept[o->seat], -1);
        while (cold < count && w->offers[cold].seat != o->seat)
            cold++;
        if (cold == count)
            continue;
        program_row(&m->program, -INFINITY, 0);
        add_groups(m, first + j, groups, count);
        add_groups(m, first + cold, groups, count);
        program_term(&m->program, m->disk[o->seat], -1);
    }
}

/* What fails together counts once. */
static void add_domain_rows(struct milp *m, const struct want *w, uint32_t groups, uint32_t count)
{
    uint32_t first = m->program.columns_count - groups * (count + 1), seats;

    for (uint32_t j = 0; j < count; j++) {
        if (count_domain(w, j, w->offers[j].domain, &seats))
            continue;
        count_domain(w, count, w->offers[j].domain, &seats);
        if (seats < 2)
            continue;
        program_row(&m->program, -INFINITY, 1);
        for (uint32_t i = j; i < count; i++)
            if (w->offers[i].domain == w->offers[j].domain)
                add_groups(m, first + i, groups, count);
    }
}

/* Among the first `count` offers; warm ones stand before cold ones, so they count the seats. */
static uint32_t count_domain(const struct want *w, uint32_t count, uint32_t domain,
                             uint32_t *ret_seats)
{
    uint32_t offers = 0;

    *ret_seats = 0;
    for (uint32_t i = 0; i < count; i++)
        if (w->offers[i].domain == domain) {
            offers++;
            *ret_seats += w->offers[i].is_warm;
        }
    return offers;
}

static void add_groups(struct milp *m, uint32_t column, uint32_t groups, uint32_t count)
{
    for (uint32_t g = 0; g < groups; g++)
        program_term(&m->program, column + g * count, 1);
}
