/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The diff: what has to change so that machines are as the plan wants, step by step, and the bill.
 *
 *     struct presence presence = {.holdings = holdings, .count = n, .loaded = loaded};
 *     r = diff_make(&diff, plan, &presence, &err);      presence NULL: what the file declares is
 * there for (uint32_t i = 0; i < diff->changes_count; i++) diff->changes[i] … diff_free(diff);
 *
 * Each artifact crosses the internet once and is seeded from there. A step may be carried out when
 * those before it are done: what it copies is there, and the disk has room. The last copy of an
 * artifact that the plan wants elsewhere is deleted after it was copied; only where full machines
 * block each other in a circle it goes first, and is pulled again. Optional lines stay as they are.
 */
#pragma once

#include "base/arena.h"
#include "plan/plan.h"

enum { DIFF_BYTES_MAX = 64 << 20 };

enum change_kind {
#define CHANGE(name, what) CHANGE_##name,
#include "tables/changes.def"
    CHANGE_COUNT
};

struct change {
    enum change_kind kind;
    const struct machine *machine;
    const struct fleet_engine *engine;
    const struct artifact *artifact;
    const struct plan_copy *copy; /* NULL: it goes */
    const struct machine *from;   /* seed: who has it */
    uint64_t bytes;               /* that travel; delete: that are freed */
    double starts_s, seconds;     /* from the beginning; how long */
};

/* What machines hold now. */
struct presence {
    const struct holding *holdings;
    const bool *loaded; /* one for each; NULL: nobody knows */
    uint32_t count;
};

/* What it costs. */
struct bill {
    uint64_t wan_bytes, lan_bytes;
    uint64_t disk_bytes;         /* of all copies of the plan */
    uint64_t wan_bits, lan_bits; /* a second, that it was reckoned with */
    bool is_assumed;             /* the file does not say how fast these are */
    double seconds;              /* until the last step is done; machines work side by side */
    uint32_t evictions;          /* copies that are deleted */
};

struct diff {
    const struct plan *plan;
    struct change *changes;
    uint32_t changes_count;
    struct bill bill;
    struct arena arena;
};

/* Of the wish: lost machines, which have nothing and give nothing. Borrows the plan and what the
 * presence points to. 0 or -ENOMEM. */
MUST_USE int diff_make(struct diff **ret, const struct plan *plan, const struct plan_wish *wish,
                       const struct presence *presence, struct err *err);

void diff_free(struct diff *d);
AUTO_FREE(diff)

/* "pull"; and what that is. */
const char *change_name(enum change_kind kind);
const char *change_words(enum change_kind kind);

/* bill.c: when each step begins and how long it takes, and the sums. */
MUST_USE int bill_fill(struct diff *d);

/* Room that the plan leaves on a machine's disk; negative: more than there is; false: its size is
 * not known. */
bool bill_disk_left(const struct plan *plan, const struct machine *m, double *ret_bytes);
