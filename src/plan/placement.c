/* SPDX-License-Identifier: Apache-2.0 */
/* A placement and its cost, kept up to date seat by seat. */
#include "plan/placement.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static double want_seconds(const struct placement *pl, const struct want *w);
static bool is_available(const struct placement *pl, const struct offer *o);
static bool is_taken(const struct offer *const *taken, uint32_t count, uint32_t domain);
static double ware_seconds(const struct ware *w, uint32_t count);
static void note_present(struct placement *pl, uint32_t seat, bool is_present);

int placement_new(struct placement **ret, const struct problem *p)
{
    AUTO(placement) pl = calloc(1, sizeof *pl);

    if (!pl)
        return -ENOMEM;
    pl->problem = p;
    pl->levels = calloc(p->seats_count + 1, sizeof *pl->levels);
    pl->present = calloc(p->seats_count + 1, sizeof *pl->present);
    pl->present_at = calloc(p->seats_count + 1, sizeof *pl->present_at);
    pl->present_count = calloc(p->rooms_count + 1, sizeof *pl->present_count);
    pl->ware_count = calloc(p->wares_count + 1, sizeof *pl->ware_count);
    pl->want_s = calloc(p->wants_count + 1, sizeof *pl->want_s);
    if (!pl->levels || !pl->present || !pl->present_at || !pl->present_count || !pl->ware_count ||
        !pl->want_s)
        return -ENOMEM;
    placement_reckon(pl);
    *ret = TAKE(pl);
    return 0;
}

void placement_free(struct placement *pl)
{
    if (!pl)
        return;
    free(pl->levels);
    free(pl->present);
    free(pl->present_at);
    free(pl->present_count);
    free(pl->ware_count);
    free(pl->want_s);
    free(pl);
}

void placement_copy(struct placement *to, const struct placement *from)
{
    const struct problem *p = from->problem;

    memcpy(to->levels, from->levels, p->seats_count * sizeof *to->levels);
    memcpy(to->present, from->present, p->seats_count * sizeof *to->present);
    memcpy(to->present_at, from->present_at, p->seats_count * sizeof *to->present_at);
    memcpy(to->present_count, from->present_count, p->rooms_count * sizeof *to->present_count);
    memcpy(to->ware_count, from->ware_count, p->wares_count * sizeof *to->ware_count);
    memcpy(to->want_s, from->want_s, p->wants_count * sizeof *to->want_s);
    to->fixed_s = from->fixed_s;
    to->service_s = from->service_s;
}

void placement_set(struct placement *pl, uint32_t seat, enum level level)
{
    const struct problem *p = pl->problem;
    const struct seat *s = &p->seats[seat];
    const struct ware *ware = &p->wares[s->ware];
    enum level was = pl->levels[seat];
    uint32_t *count = &pl->ware_count[s->ware];

    if (was == level)
        return;
    pl->levels[seat] = level;
    pl->fixed_s += s->level_s[level] - s->level_s[was];
    if (!was || !level) {
        pl->fixed_s -= ware_seconds(ware, *count);
        *count += was ? UINT32_MAX : 1;
        pl->fixed_s += ware_seconds(ware, *count);
        note_present(pl, seat, level != LEVEL_none);
    }
    for (uint32_t i = p->touched_first[seat]; i < p->touched_first[seat + 1]; i++) {
        uint32_t k = p->touched[i];
        double now = want_seconds(pl, &p->wants[k]);

        pl->service_s += now - pl->want_s[k];
        pl->want_s[k] = now;
    }
}

double placement_seconds(const struct placement *pl)
{
    return pl->fixed_s + pl->service_s;
}

double placement_reckon(struct placement *pl)
{
    const struct problem *p = pl->problem;

    pl->fixed_s = pl->service_s = 0;
    for (uint32_t i = 0; i < p->seats_count; i++)
        pl->fixed_s += p->seats[i].level_s[pl->levels[i]];
    for (uint32_t i = 0; i < p->wares_count; i++)
        pl->fixed_s += ware_seconds(&p->wares[i], pl->ware_count[i]);
    for (uint32_t k = 0; k < p->wants_count; k++) {
        pl->want_s[k] = want_seconds(pl, &p->wants[k]);
        pl->service_s += pl->want_s[k];
    }
    return placement_seconds(pl);
}

/* Offers are sorted, so the first of each domain is its best. */
uint32_t placement_turns(const struct placement *pl, const struct want *w,
                         const struct offer *ret[TURNS_MAX])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < w->offers_count && count < w->turns; i++)
        if (is_available(pl, &w->offers[i]) && !is_taken(ret, count, w->offers[i].domain))
            ret[count++] = &w->offers[i];
    return count;
}

/* The cheapest way to give every turn a copy or its fallback. Weights never rise, so copies stand
 * in order of cost, and all that is left to choose is which turns go without: best[j] is the
 * cheapest so far with j copies used. */
static double want_seconds(const struct placement *pl, const struct want *w)
{
    const struct offer *offers[TURNS_MAX];
    uint32_t count = placement_turns(pl, w, offers);
    double best[TURNS_MAX + 1] = {0}, least;

    for (uint32_t j = 1; j <= count; j++)
        best[j] = INFINITY;
    for (uint32_t turn = 0; turn < w->turns; turn++) {
        for (uint32_t j = count; j > 0; j--)
            best[j] = fmin(best[j] + w->fallback_s[turn],
                           best[j - 1] + w->weight[turn] * offers[j - 1]->cost_s);
        best[0] += w->fallback_s[turn];
    }
    least = best[0];
    for (uint32_t j = 1; j <= count; j++)
        least = fmin(least, best[j]);
    return least;
}

static bool is_available(const struct placement *pl, const struct offer *o)
{
    return pl->levels[o->seat] >= (o->is_warm ? LEVEL_kept : LEVEL_disk);
}

static bool is_taken(const struct offer *const *taken, uint32_t count, uint32_t domain)
{
    for (uint32_t i = 0; i < count; i++)
        if (taken[i]->domain == domain)
            return true;
    return false;
}

static double ware_seconds(const struct ware *w, uint32_t count)
{
    return count ? w->first_s : w->none_s;
}

/* The room's list stays dense: the last one takes the place of the one that goes. */
static void note_present(struct placement *pl, uint32_t seat, bool is_present)
{
    uint32_t room = pl->problem->seats[seat].room;
    uint32_t *list = pl->present + pl->problem->rooms[room].seats_first;

    if (is_present) {
        pl->present_at[seat] = pl->present_count[room];
        list[pl->present_count[room]++] = seat;
        return;
    }
    list[pl->present_at[seat]] = list[--pl->present_count[room]];
    pl->present_at[list[pl->present_at[seat]]] = pl->present_at[seat];
}
