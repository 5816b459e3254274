/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local search for a good placement: seeded, in rounds, on several threads.
 *
 *     r = search_start(placement);        what the file insists on, then what is there today
 *     r = search_improve(placement, &limits, &rounds);
 *
 * The result depends on the problem, the seed and the number of rounds alone: threads share the
 * runs out among themselves, and only a deadline that is met cuts one short.
 */
#pragma once

#include "plan/placement.h"

enum { SEARCH_RUNS = 4 };

struct search_limits {
    uint64_t seed;
    uint32_t threads;     /* 0 counts as 1 */
    uint64_t rounds;      /* of each run; 0: by the size of the problem */
    uint64_t deadline_ms; /* of now_ms; 0: none */
    uint64_t (*now_ms)(void);
};

/* Into an empty placement. 0, or -ENOSPC when the pins alone do not fit. */
MUST_USE int search_start(struct placement *pl);

/* Never worse than it was. *ret_rounds is added to. 0 or -ENOMEM. */
MUST_USE int search_improve(struct placement *pl, const struct search_limits *limits,
                            uint64_t *ret_rounds);

/* What is pinned and what is held, nothing else, into an empty placement; what is kept loaded is
 * chosen as in `like` and then better. False when not all of it fits. */
bool search_stay(struct placement *pl, const struct placement *like);

/* Takes what lowers the cost seat by seat until nothing does. */
void search_descend(struct placement *pl);
