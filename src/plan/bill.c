/* SPDX-License-Identifier: Apache-2.0 */
/* The bill: when each step begins, how long it takes, and what all of it costs. */
#include <errno.h>
#include <math.h>

#include "plan/diff.h"

/* What a home gets where the file does not say; bits a second. */
static const uint64_t wan_usual_bits = 300000000, lan_usual_bits = 1000000000;

/* Until when each machine and the internet are taken, and what has arrived when. */
struct calendar {
    double wan;
    double *links;   /* by machine: its network */
    double *engines; /* by machine: loading, one model at a time */
    double *arrived; /* by machine: the last copy that it fetched */
};

static void fill_links(struct diff *d);
static void schedule(struct diff *d, struct calendar *c, struct change *change);
static double seconds_of(const struct diff *d, const struct change *change);
static double disk_bits(const struct machine *m);
static double source_ready(const struct diff *d, const struct change *change);

int bill_fill(struct diff *d)
{
    size_t machines = d->plan->fleet->machines_count + 1;
    double *times = arena_alloc(&d->arena, 3 * machines * sizeof *times);
    struct calendar c = {
        .links = times, .engines = times + machines, .arrived = times + 2 * machines};

    if (!times)
        return -ENOMEM;
    fill_links(d);
    for (uint32_t i = 0; i < d->plan->copies_count; i++)
        d->bill.disk_bytes += d->plan->copies[i].artifact->bytes;
    for (uint32_t i = 0; i < d->changes_count; i++) {
        struct change *change = &d->changes[i];

        schedule(d, &c, change);
        d->bill.wan_bytes += change->kind == CHANGE_pull ? change->bytes : 0;
        d->bill.lan_bytes += change->kind == CHANGE_seed ? change->bytes : 0;
        d->bill.evictions += change->kind == CHANGE_delete;
        d->bill.seconds = fmax(d->bill.seconds, change->starts_s + change->seconds);
    }
    return 0;
}

bool bill_disk_left(const struct plan *plan, const struct machine *m, double *ret_bytes)
{
    double left = (double)machine_disk(m);

    if (left <= 0)
        return false;
    for (uint32_t i = 0; i < plan->copies_count; i++)
        if (plan->copies[i].machine == m)
            left -= (double)plan->copies[i].artifact->bytes;
    *ret_bytes = left;
    return true;
}

static void fill_links(struct diff *d)
{
    const struct network *n = &d->plan->fleet->network;

    d->bill.wan_bits = n->wan_bits ? n->wan_bits : wan_usual_bits;
    d->bill.lan_bits = n->lan_bits ? n->lan_bits : lan_usual_bits;
    d->bill.is_assumed = !n->wan_bits || !n->lan_bits;
}

/* The internet is one road for all; each machine has one network and loads one model at a time. */
static void schedule(struct diff *d, struct calendar *c, struct change *change)
{
    size_t at = (size_t)(change->machine - d->plan->fleet->machines);
    double *link = &c->links[at], *engine = &c->engines[at], *source;

    if (change->kind == CHANGE_pull || change->kind == CHANGE_seed || change->kind == CHANGE_delete)
        change->bytes = change->artifact->bytes;
    change->seconds = seconds_of(d, change);
    switch (change->kind) {
    case CHANGE_pull:
        change->starts_s = fmax(c->wan, *link);
        c->wan = *link = c->arrived[at] = change->starts_s + change->seconds;
        break;
    case CHANGE_seed:
        source = &c->links[change->from - d->plan->fleet->machines];
        change->starts_s = fmax(fmax(*source, *link), source_ready(d, change));
        *source = *link = c->arrived[at] = change->starts_s + change->seconds;
        break;
    case CHANGE_load:
        change->starts_s = fmax(*engine, c->arrived[at]);
        *engine = change->starts_s + change->seconds;
        break;
    default:
        change->starts_s = c->arrived[at];
    }
}

static double seconds_of(const struct diff *d, const struct change *change)
{
    double bits = (double)change->bytes * 8, lan = (double)d->bill.lan_bits, rate;

    if (change->kind == CHANGE_load)
        return change->copy->load_s;
    if (change->kind != CHANGE_pull && change->kind != CHANGE_seed)
        return 0;
    rate = fmin(lan, disk_bits(change->machine));
    if (change->kind == CHANGE_pull)
        return bits / fmin(rate, (double)d->bill.wan_bits);
    return bits / fmin(rate, disk_bits(change->from));
}

static double disk_bits(const struct machine *m)
{
    return m->hardware.disk_rate_bits ? (double)m->hardware.disk_rate_bits : INFINITY;
}

/* When the machine it comes from has it. */
static double source_ready(const struct diff *d, const struct change *change)
{
    for (const struct change *at = change; at-- > d->changes;)
        if (at->machine == change->from && at->artifact == change->artifact &&
            (at->kind == CHANGE_pull || at->kind == CHANGE_seed))
            return at->starts_s + at->seconds;
    return 0;
}
