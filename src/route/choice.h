/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice: of all the ways to answer one errand, the one that costs least.
 *
 *     if (choice_make(&choice, board, errand, now_ms))
 *         choice.starts_now ? send it : keep it in line, there is nothing better to do with it
 *
 * Tiers come first (route/errand.h); ties go to whoever comes first in the errand's order. Pure;
 * allocates nothing.
 */
#pragma once

#include "route/why.h"

struct choice {
    uint32_t copy;
    struct costs costs;
    uint32_t cached_tokens;
    double saved_s;  /* by its being loaded: the next best would have cost so much more */
    int missed;      /* a copy that is away, and would have been better; BOARD_NONE */
    double missed_s; /* by so much */
};

/* Written to e->why, if there is one. False: no candidate will do now. */
bool choice_make(struct choice *ret, const struct board *b, const struct errand *e,
                 uint64_t now_ms);

/* It is benched, and one request finds out now whether it is well. */
bool choice_is_on_trial(const struct board *b, uint32_t copy);

/* What rules a candidate out; REJECTION_none: nothing. */
enum rejection choice_rejects(const struct board *b, const struct errand *e, uint32_t option,
                              uint64_t now_ms);
