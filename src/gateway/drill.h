/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drills: every machine of the redundancy map answers alone, once in a while, and what is proven
 * is remembered.
 *
 *     drill_open(&d, &parts, scene, err);
 *     drill_begin(d, category, machine, err);      empty names: all of them
 *     drill_write(d, &json);                       the report: /admin/v1/drills
 *     drill_close(d);
 *
 * A thread and a loop of its own. Machines are drilled side by side, each of them one question at a
 * time, and only while nothing real runs or waits there; when something comes, the question is
 * taken back. What was proven outlives the process: it is kept beside the state.
 */
#pragma once

#include "base/err.h"
#include "config/settings.h"
#include "stats/stats.h"
#include "wire/json_out.h"

struct drill;
struct scene;
struct traffic;

struct drill_parts {
    const struct settings *settings;
    struct stats *stats;
    struct traffic *traffic;
    const char *address; /* of the listener that takes drills */
    const char *token;   /* with which it knows them; both outlive the drill */
    const char *folder;  /* where what is proven is kept; empty: nowhere */
};

MUST_USE int drill_open(struct drill **ret, const struct drill_parts *parts, struct scene *scene,
                        struct err *err);
void drill_close(struct drill *d);

/* From any thread: another fleet file. A drill under way ends. */
void drill_show(struct drill *d, struct scene *scene);

/* From any thread. 0; -EALREADY: one is under way; -ENOENT: nothing has such a name. */
MUST_USE int drill_begin(struct drill *d, struct str category, struct str machine, struct err *err);

/* From any thread: every row that somebody could answer and that was not proven since then, nor
 * could have been, as this process is younger; proven_us 0: never. fn must not call back. */
typedef void drill_stale_fn(void *ctx, struct str category, struct str machine, int64_t proven_us);
void drill_each_stale(struct drill *d, int64_t since_us, drill_stale_fn *fn, void *ctx);

/* From any thread: what is proven, what is not, since when. */
void drill_write(struct drill *d, struct json_out *o);
