/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A placement: a level for every seat of a problem, and what it costs.
 *
 *     placement_new(&placement, problem);             every seat empty
 *     placement_set(placement, seat, LEVEL_kept);     the cost follows
 *     if (placement_fits(placement, problem->seats[seat].room)) …
 *     placement_seconds(placement)
 *     placement_free(placement);
 *
 * Setting one seat looks again only at the wants that it offers to. The cost is the objective, the
 * same number that the mixed-integer program minimises.
 */
#pragma once

#include "plan/problem.h"

struct placement {
    const struct problem *problem;
    uint8_t *levels;           /* enum level, of every seat */
    uint32_t *present;         /* seats that are not empty, room by room from its seats_first on */
    uint32_t *present_at;      /* of every seat, its index there */
    uint32_t *present_count;   /* of every room */
    uint32_t *ware_count;      /* copies of every ware */
    double *want_s;            /* seconds an hour of every want */
    double fixed_s, service_s; /* of seats and wares; of wants */
};

/* 0 or -ENOMEM. */
MUST_USE int placement_new(struct placement **ret, const struct problem *p);
void placement_free(struct placement *pl);
AUTO_FREE(placement)

/* Both of the same problem. */
void placement_copy(struct placement *to, const struct placement *from);

void placement_set(struct placement *pl, uint32_t seat, enum level level);

/* Seconds an hour. */
double placement_seconds(const struct placement *pl);

/* The same, reckoned from the levels alone: sums that were kept up to date drift a little. */
double placement_reckon(struct placement *pl);

/* What a room has too little of. */
enum shortage {
    SHORTAGE_none,
    SHORTAGE_disk,
    SHORTAGE_gpu,
    SHORTAGE_ram,
    SHORTAGE_kept,    /* more models than the engine or the file keeps loaded */
    SHORTAGE_process, /* an engine that serves one model has two */
    SHORTAGE_rule,    /* Ollama would unload one to load the other */
    SHORTAGE_beside,  /* one that is loaded when asked for has no room beside what never goes */
};

/* What does not fit there; ret_seat (may be NULL) is where it showed. */
enum shortage placement_shortage(const struct placement *pl, uint32_t room, uint32_t *ret_seat);
bool placement_fits(const struct placement *pl, uint32_t room);

/* Does `other` stand before `s` when Ollama loads largest first? Processes are there before all. */
bool seat_is_before(const struct problem *p, const struct seat *other, const struct seat *s);

/* Is it loaded once and never unloaded by an engine? */
bool seat_is_process(const struct problem *p, const struct seat *s);

/* The offers that serve a want, first turn first, each of another domain; how many. */
uint32_t placement_turns(const struct placement *pl, const struct want *w,
                         const struct offer *ret[TURNS_MAX]);
