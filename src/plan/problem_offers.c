/* SPDX-License-Identifier: Apache-2.0 */
/* What seats offer to wants, at what cost; and how many of them a want is to have. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "plan/problem_inside.h"

/* Of a request that a model of no quality at all would answer. */
static const double quality_s = 30;

/* Of quality, from 0 to 1: what half the parameters take away, a model the file does not name, and
 * every step down the category's own list. */
static const double halving = 0.25, undeclared = 0.4, step_down = 0.05;

/* How much of `halving` counts where the category asks for no size. */
static const double no_band = 0.3;

/* Of a machine that the category does not name. */
static const double off_map_s = 2;

/* What a spare weighs against the one before it: how rare losses are. Smaller numbers of it are not
 * felt, larger ones slow everyday answers. */
static const double spare_share = 0.1, next_spare_share = 0.3;

/* A machine is asked for at most this share of its time by one category. */
static const double busy_share = 0.6;

/* An hour: a turn that nobody takes, one that only the cloud takes, a machine without what all must
 * have. Far above anything that service costs. */
static const double hole_s = 20000, cover_s = 2000, absent_s = 1000;

static int add_offers(struct problem *p, struct want *w, struct offer *scratch, uint8_t *strangers);
static uint32_t gather(const struct problem *p, struct want *w, struct offer *out);
static bool is_qualified(const struct problem *p, const struct want *w, const struct seat *s);
static uint64_t most_params(const struct problem *p, const struct want *w);
static double quality_of(const struct problem *p, const struct want *w, const struct ware *ware,
                         uint64_t most);
static double quant_loss(struct str quant);
static bool is_on_map(const struct category *cat, const struct machine *m);
static uint32_t thin_out(struct problem *p, struct offer *offers, uint32_t count,
                         uint8_t *strangers);
static int compare(const void *a, const void *b);
static uint32_t count_domains(const struct problem *p, const struct want *w);
static void set_turns(const struct problem *p, struct want *w);
static void set_absent(struct problem *p, const struct want *w, uint8_t *seen);

int problem_add_offers(struct problem *p)
{
    struct offer *scratch = calloc(p->seats_count + 1, sizeof *scratch);
    uint8_t *strangers = calloc(p->rooms_count + p->domains_count + 1, 1);
    int r = scratch && strangers ? 0 : -ENOMEM;

    for (uint32_t k = 0; k < p->wants_count && r == 0; k++)
        r = add_offers(p, &p->wants[k], scratch, strangers);
    free(scratch);
    free(strangers);
    return r;
}

static int add_offers(struct problem *p, struct want *w, struct offer *scratch, uint8_t *strangers)
{
    uint32_t count = gather(p, w, scratch), kept;

    qsort(scratch, count, sizeof *scratch, compare);
    kept = thin_out(p, scratch, count, strangers);
    w->offers = arena_alloc(&p->arena, (2 * (size_t)kept + 1) * sizeof *w->offers);
    if (!w->offers)
        return -ENOMEM;
    for (uint32_t i = 0; i < kept; i++) {
        const struct seat *s = &p->seats[scratch[i].seat];

        w->offers[w->offers_count++] = scratch[i];
        if (p->rooms[s->room].stalls[s->stall].is_process)
            continue;
        w->offers[w->offers_count] = scratch[i];
        w->offers[w->offers_count].is_warm = false;
        w->offers[w->offers_count++].cost_s += 2 * s->load_s / LOAD_BURST;
    }
    qsort(w->offers, w->offers_count, sizeof *w->offers, compare);
    w->domains = count_domains(p, w);
    set_turns(p, w);
    if (w->category->machines == MACHINES_all)
        set_absent(p, w, strangers);
    return 0;
}

static uint32_t gather(const struct problem *p, struct want *w, struct offer *out)
{
    uint64_t most = most_params(p, w);
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->seats_count; i++) {
        const struct seat *s = &p->seats[i];
        const struct room *room = &p->rooms[s->room];
        double service;

        if (!is_qualified(p, w, s))
            continue;
        service = want_service_seconds(p, w, s);
        out[count++] = (struct offer){
            .seat = i,
            .domain = room->domain,
            .is_warm = true,
            .service_s = service,
            .cost_s = service + quality_s * (1 - quality_of(p, w, &p->wares[s->ware], most)) +
                      (is_on_map(w->category, room->machine) ? 0 : off_map_s),
        };
    }
    return count;
}

static bool is_qualified(const struct problem *p, const struct want *w, const struct seat *s)
{
    double floor = w->category->floor_tps;

    return want_accepts(p, w, p->wares[s->ware].artifact, s->run.context) &&
           (s->decode_tps <= 0 || s->decode_tps >= floor);
}

static uint64_t most_params(const struct problem *p, const struct want *w)
{
    uint64_t most = 1;

    for (uint32_t i = 0; i < p->seats_count; i++) {
        uint64_t params = p->wares[p->seats[i].ware].artifact->model->params;

        if (params > most && is_qualified(p, w, &p->seats[i]))
            most = params;
    }
    return most;
}

/* Larger is better within the band, finer quantisation too, and what the file names before what it
 * does not. */
static double quality_of(const struct problem *p, const struct want *w, const struct ware *ware,
                         uint64_t most)
{
    const struct model *m = ware->artifact->model;
    double q = 1 - quant_loss(ware->artifact->quant) - (ware->is_declared ? 0 : undeclared);

    (void)p;
    if (m->params)
        q -= halving * (w->category->needs.params.high ? 1 : no_band) *
             log2((double)most / (double)m->params);
    for (uint32_t i = 0; i < w->only_count && w->only[i] != ware->artifact; i++)
        q -= step_down;
    return fmin(1, fmax(0, q));
}

/* By bits of a weight, as the name says: Q4_K_M, MXFP4, F16. */
static double quant_loss(struct str quant)
{
    static const double losses[] = {0.5, 0.5, 0.3, 0.12, 0.04, 0.02, 0.01, 0.005, 0};
    size_t i = 0;

    while (i < quant.len && (quant.data[i] < '0' || quant.data[i] > '9'))
        i++;
    if (i == quant.len || quant.data[i] == '9' ||
        (i + 1 < quant.len && quant.data[i + 1] >= '0' && quant.data[i + 1] <= '9'))
        return 0;
    return losses[quant.data[i] - '0'];
}

static bool is_on_map(const struct category *cat, const struct machine *m)
{
    bool is_named = cat->machines != MACHINES_listed || str_equal(cat->primary, m->name);

    for (uint32_t i = 0; i < cat->backups_count && !is_named; i++)
        is_named = str_equal(cat->backups[i], m->name);
    return is_named;
}

/* Cheapest first: what is declared or there stays, of the rest a few on each machine. */
static uint32_t thin_out(struct problem *p, struct offer *offers, uint32_t count,
                         uint8_t *strangers)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < p->rooms_count; i++)
        strangers[i] = 0;
    for (uint32_t i = 0; i < count && kept < OFFERS_MAX; i++) {
        struct seat *s = &p->seats[offers[i].seat];

        if (!p->wares[s->ware].is_declared && !s->is_held) {
            if (strangers[s->room] == UNDECLARED_MAX)
                continue;
            strangers[s->room]++;
        }
        s->is_wanted = true;
        offers[kept++] = offers[i];
    }
    return kept;
}

static int compare(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;

    if (x->cost_s != y->cost_s)
        return x->cost_s < y->cost_s ? -1 : 1;
    if (x->seat != y->seat)
        return x->seat < y->seat ? -1 : 1;
    return (int)y->is_warm - (int)x->is_warm;
}

/* O(offers²); offers are OFFERS_MAX at most. */
static uint32_t count_domains(const struct problem *p, const struct want *w)
{
    uint32_t count = 0;

    (void)p;
    for (uint32_t i = 0; i < w->offers_count; i++) {
        bool is_new = true;

        for (uint32_t j = 0; j < i && is_new; j++)
            is_new = w->offers[j].domain != w->offers[i].domain;
        count += is_new;
    }
    return count;
}

/* As many machines as its requests keep busy, and spares behind them; no more than could serve it:
 * a hole that nothing here can close is not the search's to weigh. */
static void set_turns(const struct problem *p, struct want *w)
{
    uint32_t survive = p->wish->survive < SPARES_MAX ? p->wish->survive : SPARES_MAX;
    double share, most;

    if (!w->domains)
        return;
    share = w->demand.per_hour * w->offers[0].service_s / 3600 / busy_share;
    w->streams = share > STREAMS_MAX ? STREAMS_MAX : share > 1 ? (uint32_t)ceil(share) : 1;
    if (w->streams > w->domains)
        w->streams = w->domains;
    w->turns = w->streams + survive < w->domains ? w->streams + survive : w->domains;
    most = w->offers[w->offers_count - 1].cost_s;
    for (uint32_t i = 0; i < w->turns; i++) {
        double weight = w->demand.per_hour / w->streams;

        if (i >= w->streams)
            weight = fmin(weight,
                          w->demand.per_hour * spare_share * pow(next_spare_share, i - w->streams));
        w->weight[i] = weight;
        w->fallback_s[i] = hole_s + 2 * weight * most;
        if (w->cloud)
            w->fallback_s[i] =
                weight * w->cloud_s + (i < w->streams ? 0 : cover_s + 2 * weight * most);
    }
}

/* Where all machines must have one, the cheapest seat of each is missed when it is empty. */
static void set_absent(struct problem *p, const struct want *w, uint8_t *seen)
{
    for (uint32_t i = 0; i < p->rooms_count; i++)
        seen[i] = 0;
    for (uint32_t i = 0; i < w->offers_count; i++) {
        struct seat *s = &p->seats[w->offers[i].seat];

        if (!seen[s->room])
            s->level_s[LEVEL_none] += absent_s;
        seen[s->room] = 1;
    }
}
