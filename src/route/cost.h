/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What answering one request on one copy would cost, in seconds and in money.
 *
 *     costs_reckon(&cost, board, copy, &asked, now_ms);
 *     cost.first_s, cost.finish_s       what the caller would see
 *     cost.total_s                      what it costs everybody: the least of these is taken
 *
 * Every term is seconds or millionths of a dollar; what turns one into the other, and every other
 * number that is a choice and not a measurement, stands in struct worth. Pure; allocates nothing.
 */
#pragma once

#include "fleet/parity.h"
#include "route/board.h"
#include "route/loads.h"

/* What the caller and the operator think things are worth. */
struct worth {
    double weight;                 /* of this caller's seconds against the others' */
    double second_micro;           /* what a second is worth, in millionths of a dollar */
    double deadline_s;             /* by when the first token should be there; 0: no matter */
    double late_s;                 /* what it costs to miss that, or the pace */
    double give_way_s;             /* after so long in line it lets others go first */
    double pace_s;                 /* how long each token after it may take; 0: no matter */
    double parity_s[PARITY_COUNT]; /* what a lesser stand-in is worth waiting for, */
    double size_s;                 /* and for each size that it is larger or smaller */
    double hint_s;                 /* and what another gateway says has failed, to avoid */
};

/* A cloud model that was never measured: its first token, and a token after that. */
extern const double cloud_first_s, cloud_step_s;

/* Work without tokens, an image or a transcript, on a copy that was never measured. */
extern const double opaque_s;

/* weight 1; 500 (a dollar saves 2,000 s); a deadline of 30 s, 100 s if it is missed, and 30 s in
 * line; identical 0, equivalent 1, degraded 15 and 15 for each size; a hint 10: nobody is stepped
 * down by it. */
extern const struct worth worth_usual;

struct cost_asked {
    const struct worth *worth;
    double prompt_tokens, output_tokens, cached_tokens; /* cached: in that copy's prompt cache */
    double waited_s; /* since it came: of its deadline, so much is over */
    double company;  /* requests that would share what a load costs others; at least 1 */
    enum parity parity;
    unsigned sizes;
    bool is_opaque;  /* work without tokens */
    bool is_curious; /* what a slow copy takes counts nothing: somebody must see if it is well */
    bool anyway;     /* although nothing says that it fits there: as if it were loaded */
};

struct costs {
    double wake_s, wait_s, load_s; /* until the copy turns to it */
    double prompt_s, decode_s;     /* its own work, with the copy's present batch */
    double shared_s;               /* and how much others on the machine slow it down */
    double others_s;               /* how much it slows them down */
    double evict_s;                /* what it evicts and somebody will load again */
    double fail_s;                 /* the machine may fail under it */
    double hint_s;                 /* another gateway says that it does */
    double late_s;                 /* the deadline may pass, or the pace be missed */
    double parity_s;               /* it is not quite what was asked for */
    double money_micro;
    double first_s, finish_s, total_s;
    bool starts_now;       /* a slot is free, or its load may begin */
    bool is_doubtful;      /* it was reckoned anyway */
    struct load_plan load; /* when it is away */
};

/* False: it cannot be loaded there. */
bool costs_reckon(struct costs *ret, const struct board *b, uint32_t copy,
                  const struct cost_asked *asked, uint64_t now_ms);
