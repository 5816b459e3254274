/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside drills: the rows and what is known of each; shared by drill.c, which asks, and
 * drill_report.c, which tells and remembers.
 */
#pragma once

#include <pthread.h>

#include "gateway/drill.h"
#include "gateway/drill_call.h"
#include "gateway/scene.h"
#include "net/timer.h"

enum drill_state {
    DRILL_never, /* not since this fleet file was read */
    DRILL_waits,
    DRILL_runs,
    DRILL_proven,
    DRILL_failed,
    DRILL_busy, /* something real ran there all the time */
    DRILL_hole, /* nothing there qualifies: nobody is asked */
    DRILL_STATE_COUNT
};

struct drill_entry {
    struct drill *drill;
    struct drill_row row;
    enum drill_state state;
    int64_t proven_us, tried_us; /* wall clock; 0: never */
    uint64_t began_ms, took_ms;
    uint64_t not_before_ms;     /* it gave way: something real is there */
    struct drill_answer answer; /* the last one */
    struct drill_call *call;
    struct series *proven, *last_proven;
};

struct drill {
    struct drill_parts parts;
    struct endpoint gateway;
    struct scene *scene;
    struct loop *loop;
    struct client *client;
    struct timer tick;
    pthread_t thread;
    bool started;
    char path[4200]; /* of what is kept; empty: nothing is */
    int64_t opened_us;

    pthread_mutex_t lock; /* all below; written on the drill's thread, or by drill_begin() */
    struct drill_entry *entries;
    uint32_t count;
    bool is_running;
    int64_t began_us, ended_us;
    uint64_t began_ms;
};

/* "proven" */
const char *drill_state_name(enum drill_state state);

/* Under the lock. */
void drill_report(const struct drill *d, struct json_out *o);

/* What an earlier process has proven, into the entries; nothing when there is no such file. */
void drill_recall(struct drill *d);
void drill_keep(struct drill *d);
