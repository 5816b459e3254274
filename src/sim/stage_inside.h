/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the stage share; nobody else includes this. */
#pragma once

#include "sim/policy.h"

/* A cloud model: the first token, and each after it. Assumed. */
#define CLOUD_FIRST_S 0.8
#define CLOUD_STEP_S  0.015

struct stage_machine {
    struct stage *stage;
    struct world *world; /* NULL: it serves no models */
    struct engine_rules rules[BOARD_LOADED_MAX];
    double next_s; /* when something happens there by itself; negative: to be asked */
    bool is_dead;
};

struct stage_copy {
    struct world_artifact artifact;
    uint32_t copy;
    unsigned engine; /* in its world */
    uint32_t num_ctx;
    double compute_factor, memory_factor, disk_factor; /* true rates over expected ones */
};

struct stage {
    const struct view *view;
    struct stage_options options;
    struct board *facts;
    struct stage_machine *machines;
    struct stage_copy *copies;
    struct stage_options_of options_of[DEMANDS];
    int lost_machine; /* that will be lost; -1: none, or it has been */

    /* Of the play. */
    const struct trace *trace;
    const struct policy *policy;
    void *of_policy;
    struct tally *tally;
    struct asker *askers;
    struct asker *events, **events_end, *in_cloud;
    struct visit *visits; /* free ones, by their ctx */
    double now_s, tick_s;
    uint32_t arrived, open_count;
    bool plays_relaxed;
};

/* stage_fleet.c: machines out of the view, anew for each play. */
void stage_raise(struct stage *s);
void stage_raze(struct stage *s);
double stage_ideal_s(const struct stage *s, const struct trace_row *row);

/* stage.c */
void stage_on_visit(void *ctx, struct visit *v, enum visit_event what);
