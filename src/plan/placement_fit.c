/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what a placement puts into a room fits there together. */
#include "plan/placement.h"

/* What the seats of a room take. */
struct load_of {
    uint64_t disk, gpu, ram;       /* of what is kept */
    uint64_t fixed_gpu, fixed_ram; /* of it, processes' */
    uint32_t kept;                 /* by engines that choose */
};

static struct load_of weigh(const struct placement *pl, uint32_t room);
static enum shortage check_counts(const struct placement *pl, uint32_t room, uint32_t *ret_seat);
static bool keeps_rule(const struct placement *pl, const struct room *room, const struct seat *s);
static bool fits_beside(const struct room *room, const struct seat *s, const struct load_of *load);
static enum shortage show(enum shortage what, uint32_t seat, uint32_t *ret_seat);

bool placement_fits(const struct placement *pl, uint32_t room)
{
    return placement_shortage(pl, room, NULL) == SHORTAGE_none;
}

enum shortage placement_shortage(const struct placement *pl, uint32_t room, uint32_t *ret_seat)
{
    const struct problem *p = pl->problem;
    const struct room *r = &p->rooms[room];
    const uint32_t *list = pl->present + r->seats_first;
    struct load_of load = weigh(pl, room);

    if (!pl->present_count[room])
        return SHORTAGE_none;
    if (load.disk > r->disk_bytes)
        return show(SHORTAGE_disk, list[0], ret_seat);
    if (load.gpu > r->gpu_bytes)
        return show(SHORTAGE_gpu, list[0], ret_seat);
    if (load.ram > r->ram_bytes)
        return show(SHORTAGE_ram, list[0], ret_seat);
    if (load.kept > r->kept_max)
        return show(SHORTAGE_kept, list[0], ret_seat);
    for (uint32_t i = 0; i < pl->present_count[room]; i++) {
        const struct seat *s = &p->seats[list[i]];

        if (pl->levels[list[i]] == LEVEL_kept && !keeps_rule(pl, r, s))
            return show(SHORTAGE_rule, list[i], ret_seat);
        if (pl->levels[list[i]] == LEVEL_disk && !fits_beside(r, s, &load))
            return show(SHORTAGE_beside, list[i], ret_seat);
    }
    return check_counts(pl, room, ret_seat);
}

bool seat_is_process(const struct problem *p, const struct seat *s)
{
    return p->rooms[s->room].stalls[s->stall].is_process;
}

bool seat_is_before(const struct problem *p, const struct seat *other, const struct seat *s)
{
    if (other == s)
        return false;
    if (seat_is_process(p, other) || seat_is_process(p, s))
        return seat_is_process(p, other);
    return other->gpu_bytes > s->gpu_bytes || (other->gpu_bytes == s->gpu_bytes && other < s);
}

static struct load_of weigh(const struct placement *pl, uint32_t room)
{
    const struct problem *p = pl->problem;
    const uint32_t *list = pl->present + p->rooms[room].seats_first;
    struct load_of load = {0};

    for (uint32_t i = 0; i < pl->present_count[room]; i++) {
        const struct seat *s = &p->seats[list[i]];

        load.disk += p->wares[s->ware].artifact->bytes;
        if (pl->levels[list[i]] != LEVEL_kept)
            continue;
        load.gpu += s->gpu_bytes;
        load.ram += s->ram_bytes;
        if (seat_is_process(p, s)) {
            load.fixed_gpu += s->gpu_bytes;
            load.fixed_ram += s->ram_bytes;
        } else {
            load.kept++;
        }
    }
    return load;
}

static enum shortage check_counts(const struct placement *pl, uint32_t room, uint32_t *ret_seat)
{
    const struct problem *p = pl->problem;
    const struct room *r = &p->rooms[room];
    const uint32_t *list = pl->present + r->seats_first;

    for (uint32_t j = 0; j < r->stalls_count; j++) {
        uint32_t kept = 0, last = 0;

        for (uint32_t i = 0; i < pl->present_count[room]; i++)
            if (p->seats[list[i]].stall == j && pl->levels[list[i]] == LEVEL_kept) {
                kept++;
                last = list[i];
            }
        if (kept > r->stalls[j].kept_max)
            return show(r->stalls[j].is_process ? SHORTAGE_process : SHORTAGE_kept, last, ret_seat);
    }
    return SHORTAGE_none;
}

/* Ollama loads a model beside others only into RULE_PERCENT of what they leave free. */
static bool keeps_rule(const struct placement *pl, const struct room *room, const struct seat *s)
{
    const struct problem *p = pl->problem;
    const uint32_t *list = pl->present + room->seats_first;
    uint64_t taken = s->rule_bytes, most = room->gpu_bytes;

    if (!s->rule_bytes || s->rule_bytes > most)
        most = s->rule_bytes;
    for (uint32_t i = 0; s->rule_bytes && i < pl->present_count[s->room]; i++)
        if (pl->levels[list[i]] == LEVEL_kept && seat_is_before(p, &p->seats[list[i]], s))
            taken += p->seats[list[i]].gpu_bytes;
    return taken <= most;
}

/* What an engine loads when asked pushes its own models out, but not other processes. A split model
 * takes less of a GPU that is partly taken, and more RAM. */
static bool fits_beside(const struct room *room, const struct seat *s, const struct load_of *load)
{
    if (s->fit.kind == FIT_split)
        return s->gpu_bytes + s->ram_bytes + load->fixed_gpu + load->fixed_ram <=
               room->gpu_bytes + room->ram_bytes;
    return s->gpu_bytes + load->fixed_gpu <= room->gpu_bytes &&
           s->ram_bytes + load->fixed_ram <= room->ram_bytes;
}

static enum shortage show(enum shortage what, uint32_t seat, uint32_t *ret_seat)
{
    if (ret_seat)
        *ret_seat = seat;
    return what;
}
