/* SPDX-License-Identifier: Apache-2.0 */
/* What the line is made of, inside line*.c only. */
#pragma once

#include "base/map.h"
#include "route/hedge.h"
#include "route/line.h"

enum {
    KEYS = 1024,  /* fingerprints share a place: fairness between those is lost, memory is not */
    OUTPUTS = 32, /* the last answers of a lane whose mean is expected of the next */
    PLANNED_MAX = 512, /* copies that work is planned on at one event; nobody behind is looked at */
};

/* One for each name that is asked for. */
struct lane {
    struct str name;
    uint32_t outputs[OUTPUTS];
    uint32_t count, next;
    double output_tokens;
    uint32_t waiting;
    uint32_t looked; /* at this event */
};

struct line {
    struct board *board;
    struct line_hooks hooks;
    struct breaker_rules rules;
    struct link waiting; /* by finish_tag */
    uint32_t waiting_count;
    struct map lanes;
    uint32_t planned[PLANNED_MAX]; /* copies with work that was planned at this event */
    uint32_t planned_count;
    double key_tags[KEYS];
    double clock; /* virtual: the service that a key which always waits has had */
    struct budget hedges;
    struct link yielding; /* those under way that may be taken back */
    bool settling;
};

/* It is sent to that copy now; out of the line, if it stood there. */
void line_start(struct line *l, struct errand *e, const struct choice *c, uint64_t now_ms);

/* Takes a batch request back, if that spares e, who would wait for its cheapest copy, more than it
 * costs. */
void line_recall(struct line *l, struct errand *e, const struct choice *c, uint64_t now_ms);

/* What has to go before a load counts as away. */
void line_unload(struct board *b, const struct load_plan *plan, uint64_t now_ms);

/* Whom nobody could serve may find somebody now. */
void line_wake(struct line *l);
