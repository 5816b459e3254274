/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why: the record of a decision. Every candidate with its seconds, its money and, if it was not
 * taken, the reason.
 *
 *     why_begin(&why, id, now_ms);   why_add(&why, &row);   …   why_words(&out, &why, &row, view)
 *     why_ring_put(ring, &why);      found = why_ring_find(ring, id)
 *
 * Plain values of a fixed size: as many candidates as an errand may have. The ring keeps the last
 * ones. Pure; nothing is allocated after why_ring_new().
 */
#pragma once

#include "base/auto.h"
#include "base/buf.h"
#include "route/errand.h"

enum rejection {
#define REJECTION(name, words) REJECTION_##name,
#include "tables/rejections.def"
    REJECTION_COUNT
};

struct why_row {
    uint32_t copy;
    uint16_t parity, rejected; /* enum parity, enum rejection */
    bool starts_now;
    uint32_t victims; /* copies that would have to be unloaded */
    /* Seconds; see struct costs. */
    float wait_s, load_s, prompt_s, decode_s, shared_s, others_s, evict_s, fail_s, late_s, parity_s;
    float first_s, finish_s, total_s;
    float money_micro;
};

struct why {
    uint64_t id; /* 0: empty */
    uint64_t decided_ms;
    uint32_t decisions; /* how often it was decided anew: at every event while it waited */
    uint32_t count;
    int chosen; /* row, or -1: none would do */
    struct why_row rows[ERRAND_OPTIONS_MAX];
};

struct why_ring;

/* "dearer", "it would have cost more" */
const char *rejection_name(enum rejection r);
const char *rejection_words(enum rejection r);

/* Forgets the rows; another id begins a new record. */
void why_begin(struct why *w, uint64_t id, uint64_t now_ms);

void why_add(struct why *w, uint32_t copy, enum parity parity, enum rejection rejected,
             const struct costs *costs);
void why_choose(struct why *w, uint32_t copy);

/* One line for a person about one row: "gtr9-pro/… 12.3 s: loads 9.1 s, …: it would have cost
 * more".
 */
MUST_USE int why_words(struct buf *out, const struct why *w, uint32_t row, const struct view *view);

/* Keeps the last `room` records. NULL without memory. */
struct why_ring *why_ring_new(uint32_t room);
void why_ring_free(struct why_ring *r);
void why_ring_put(struct why_ring *r, const struct why *w);

/* NULL: too long ago, or never. Borrowed until the next put. */
const struct why *why_ring_find(const struct why_ring *r, uint64_t id);
