/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why: the record of a decision. Every candidate with its seconds, its money and, if it was not
 * taken, the reason.
 *
 *     why_begin(&why, id, now_ms);   why_add(&why, &option, …);   …   why_choose(&why, copy)
 *
 * Plain values of a fixed size: as many candidates as an errand may have. Pure; nothing is
 * allocated.
 */
#pragma once

#include "route/errand.h"
#include "route/rejection.h"

struct why_row {
    uint32_t copy;
    uint16_t parity, rejected; /* enum parity, enum rejection */
    bool starts_now;
    uint32_t victims; /* copies that would have to be unloaded */
    /* Seconds; see struct costs. */
    float wait_s, unload_s, load_s, prompt_s, decode_s, shared_s, others_s, evict_s, fail_s, hint_s,
        late_s, parity_s;
    float first_s, finish_s, total_s;
    float money_micro;
};

struct why {
    uint64_t id; /* 0: empty */
    uint64_t decided_ms;
    uint32_t decisions; /* how often it was decided anew: at every event while it waited */
    double prompt_tokens, answer_tokens; /* it was reckoned with these */
    uint32_t count;
    int chosen; /* row, or -1: none would do */
    struct why_row rows[ERRAND_OPTIONS_MAX];
};

/* Forgets the rows; another id begins a new record. */
void why_begin(struct why *w, uint64_t id, uint64_t now_ms);

void why_add(struct why *w, const struct errand_option *option, enum rejection rejected,
             const struct costs *costs);
void why_choose(struct why *w, uint32_t copy);
