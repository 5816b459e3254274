/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of the local search: serve a want from there, change a seat, move a copy elsewhere. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "plan/search_inside.h"

enum {
    CHANGES_MAX = 16, /* seats that one step changes */
    PUSHES_MAX = 8,   /* of them, to make room */
    OFFERS_NEAR = 16, /* of a want, that are worth a try */
    GUESSES = 4,
};

struct mover {
    struct placement *pl;
    uint64_t dice;
    uint32_t *active; /* seats that may change */
    uint32_t active_count;
    uint32_t *same, *same_first; /* seats of one ware */
    struct {
        uint32_t seat;
        enum level was;
    } changes[CHANGES_MAX];
    uint32_t changes_count;
};

static uint32_t roll(struct mover *m, uint32_t sides);
static double roll_unit(struct mover *m);
static bool change(struct mover *m, uint32_t seat, enum level level);
static bool serve(struct mover *m);
static bool alter(struct mover *m);
static bool carry(struct mover *m);
static bool make_room(struct mover *m, uint32_t room);
static uint32_t pick_push(struct mover *m, uint32_t room);
static enum level below(const struct mover *m, uint32_t seat);
static bool is_raised(const struct mover *m, uint32_t seat);
static bool is_open(const struct mover *m, uint32_t seat, enum level level);

int mover_new(struct mover **ret, struct placement *pl, uint64_t seed)
{
    const struct problem *p = pl->problem;
    AUTO(mover) m = calloc(1, sizeof *m);

    if (!m)
        return -ENOMEM;
    m->pl = pl;
    m->dice = seed * 0x9e3779b97f4a7c15u;
    m->active = calloc(p->seats_count + 1, sizeof *m->active);
    m->same = calloc(p->seats_count + 1, sizeof *m->same);
    m->same_first = calloc(p->wares_count + 2, sizeof *m->same_first);
    if (!m->active || !m->same || !m->same_first)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->seats_count; i++)
        if (p->seats[i].is_wanted) {
            m->active[m->active_count++] = i;
            m->same_first[p->seats[i].ware + 1]++;
        }
    for (uint32_t i = 0; i < p->wares_count; i++)
        m->same_first[i + 1] += m->same_first[i];
    for (uint32_t i = m->active_count; i-- > 0;)
        m->same[--m->same_first[p->seats[m->active[i]].ware + 1]] = m->active[i];
    *ret = TAKE(m);
    return 0;
}

void mover_free(struct mover *m)
{
    if (!m)
        return;
    free(m->active);
    free(m->same);
    free(m->same_first);
    free(m);
}

bool mover_step(struct mover *m, double heat)
{
    double before = placement_seconds(m->pl), rise;
    uint32_t kind = roll(m, 8);
    bool is_done;

    m->changes_count = 0;
    is_done = m->active_count && (kind < 4 ? serve(m) : kind < 7 ? alter(m) : carry(m));
    rise = placement_seconds(m->pl) - before;
    if (is_done && (rise <= 0 || roll_unit(m) < exp(-rise / heat)))
        return true;
    while (m->changes_count > 0) {
        m->changes_count--;
        placement_set(m->pl, m->changes[m->changes_count].seat, m->changes[m->changes_count].was);
    }
    return false;
}

/* splitmix64 */
static uint32_t roll(struct mover *m, uint32_t sides)
{
    uint64_t z = m->dice += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (uint32_t)((z >> 32) * sides >> 32);
}

static double roll_unit(struct mover *m)
{
    return (roll(m, UINT32_MAX) + 0.5) / UINT32_MAX;
}

/* False when the step has changed enough already. */
static bool change(struct mover *m, uint32_t seat, enum level level)
{
    if (m->changes_count == CHANGES_MAX)
        return false;
    m->changes[m->changes_count].seat = seat;
    m->changes[m->changes_count++].was = m->pl->levels[seat];
    placement_set(m->pl, seat, level);
    return true;
}

/* One of the cheaper offers of some want, that is not there yet. */
static bool serve(struct mover *m)
{
    const struct problem *p = m->pl->problem;
    const struct want *w;
    const struct offer *o;

    if (!p->wants_count)
        return false;
    w = &p->wants[roll(m, p->wants_count)];
    if (!w->offers_count)
        return false;
    o = &w->offers[roll(m, w->offers_count < OFFERS_NEAR ? w->offers_count : OFFERS_NEAR)];
    if (!is_open(m, o->seat, o->is_warm ? LEVEL_kept : LEVEL_disk))
        return false;
    return change(m, o->seat, o->is_warm ? LEVEL_kept : LEVEL_disk) &&
           make_room(m, p->seats[o->seat].room);
}

static bool alter(struct mover *m)
{
    uint32_t seat = m->active[roll(m, m->active_count)];
    enum level level = (enum level)roll(m, LEVEL_kept + 1);

    return is_open(m, seat, level) && change(m, seat, level) &&
           make_room(m, m->pl->problem->seats[seat].room);
}

/* A copy to another machine, at the level that it has. */
static bool carry(struct mover *m)
{
    const struct problem *p = m->pl->problem;
    uint32_t from = m->active[roll(m, m->active_count)];
    enum level level = m->pl->levels[from];
    uint32_t ware = p->seats[from].ware, to;
    uint32_t first = m->same_first[ware + 1];
    uint32_t end = ware + 1 < p->wares_count ? m->same_first[ware + 2] : m->active_count;

    if (level == LEVEL_none || p->seats[from].least > LEVEL_none)
        return false;
    to = m->same[first + roll(m, end - first)];
    if (to == from || !is_open(m, to, level))
        return false;
    return change(m, from, LEVEL_none) && change(m, to, level) && make_room(m, p->seats[to].room);
}

/* Lowers others in that room until all fits. */
static bool make_room(struct mover *m, uint32_t room)
{
    for (int i = 0; i < PUSHES_MAX && !placement_fits(m->pl, room); i++) {
        uint32_t seat = pick_push(m, room);

        if (seat == UINT32_MAX || !change(m, seat, below(m, seat)))
            return false;
    }
    return placement_fits(m->pl, room);
}

/* Of a few guesses the one that is missed least; UINT32_MAX: none was good. */
static uint32_t pick_push(struct mover *m, uint32_t room)
{
    const struct problem *p = m->pl->problem;
    const uint32_t *list = m->pl->present + p->rooms[room].seats_first;
    uint32_t best = UINT32_MAX;
    double best_s = INFINITY;

    for (int i = 0; i < GUESSES; i++) {
        uint32_t seat = list[roll(m, m->pl->present_count[room])];
        enum level was = m->pl->levels[seat], to = below(m, seat);

        if (to == was || is_raised(m, seat))
            continue;
        placement_set(m->pl, seat, to);
        if (placement_seconds(m->pl) < best_s) {
            best_s = placement_seconds(m->pl);
            best = seat;
        }
        placement_set(m->pl, seat, was);
    }
    return best;
}

/* The next level down that it may have; its own when there is none. */
static enum level below(const struct mover *m, uint32_t seat)
{
    const struct seat *s = &m->pl->problem->seats[seat];
    enum level was = m->pl->levels[seat], to = was == LEVEL_none ? was : was - 1;

    if (to == LEVEL_disk && seat_is_process(m->pl->problem, s))
        to = LEVEL_none;
    return to < s->least ? was : to;
}

/* By this step: that is what room is made for. */
static bool is_raised(const struct mover *m, uint32_t seat)
{
    for (uint32_t i = 0; i < m->changes_count; i++)
        if (m->changes[i].seat == seat && m->changes[i].was < m->pl->levels[seat])
            return true;
    return false;
}

/* May that seat have that level, and has it not yet? */
static bool is_open(const struct mover *m, uint32_t seat, enum level level)
{
    const struct seat *s = &m->pl->problem->seats[seat];

    return m->pl->levels[seat] != level && level >= s->least &&
           !(level == LEVEL_disk && seat_is_process(m->pl->problem, s));
}
