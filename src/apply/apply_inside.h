/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of an apply share. Nobody else includes it. */
#pragma once

#include <pthread.h>

#include "apply/apply.h"
#include "apply/gpu_memory.h"
#include "apply/installed.h"
#include "apply/manifest.h"
#include "base/arena.h"
#include "base/map.h"
#include "plan/declared.h"
#include "plan/diff.h"
#include "store/store.h"

enum { APPLY_BYTES_MAX = 64 << 20, KEPT_MAX = 1 << 20, SCRIPT_MAX = 256 << 10 };

/* A manifest that was asked for; ours: by the name in the fleet file. */
struct known_manifest {
    struct manifest manifest;
    int r; /* negative: it is not known, and words say why */
    char words[SEEN_WORDS];
};

/* One machine's thread: carries out its steps, one after the other. */
struct hand {
    struct apply *apply;
    const struct machine *machine;
    struct seen *seen; /* its engines, in the apply's; nobody else looks there while it observes */
    struct asker asker;
    pthread_t thread;
    bool has_thread;
    bool is_gone; /* it does not answer any more: the rest is skipped */
    struct gpu_memory gpu_memory;
    double measure_s; /* measuring took; under the apply's mutex */
};

/* An artifact that machines are asked to push: all at once, a part each; then one by one. */
struct lending {
    struct link link;
    struct str name;
    uint32_t next;  /* in apply->seen: nobody from here on was asked alone yet */
    bool is_busy;   /* somebody is asked now */
    bool was_asked; /* of all at once */
};

struct apply {
    struct apply_options options;
    struct depot *depot;      /* NULL: options.registry is there */
    struct endpoint upstream; /* where manifests are asked for */
    struct installed *installed;
    struct declared *declared;
    struct plan_wish wish;
    struct diff *diff;
    struct seen *seen; /* one for each engine of a machine that serves */
    uint32_t seen_count;
    struct map manifests; /* known_manifest by name */
    struct hand *hands;
    uint32_t hands_count;
    struct apply_step *steps;
    uint32_t steps_count, steps_room;
    struct apply_cost bill;
    struct buf kept;
    struct arena arena;
    pthread_mutex_t mutex; /* guards the steps' states, bytes and words */
    pthread_cond_t changed;
    struct link lendings;
    pthread_mutex_t store_mutex; /* guards the store: a handle is used by one at a time */
    struct store *store;         /* of measurements; NULL: nothing was measured yet */
    uint64_t started_us, ended_us;
};

/* looking.c: what is there, and what registries say. */
MUST_USE int apply_look_around(struct apply *a, struct err *err);
const struct known_manifest *apply_manifest(const struct apply *a, struct str name);
struct seen *apply_seen(const struct apply *a, const struct fleet_engine *engine);

/* Where the registry counts what it gives that engine's machine for it. */
unsigned apply_place(const struct apply *a, const struct seen *seen);

/* Has that engine what the registry means by that name: that digest, where both say one? */
const struct seen_model *apply_has(const struct apply *a, const struct fleet_engine *engine,
                                   struct str name);

/* work.c: the steps and the bill. */
MUST_USE int apply_make_steps(struct apply *a, struct err *err);

/* hand.c: a machine's thread. */
void *hand_run(void *hand);

/* hand_steps.c: each kind of step. 0, or negative with words; -ECONNREFUSED, -ETIMEDOUT, -EPIPE,
 * -EAGAIN: worth another try. */
typedef int hand_step_fn(struct hand *h, struct apply_step *s, struct err *err);
extern hand_step_fn *const hand_steps[WORK_COUNT];

/* hand_lend.c: sees to it that what a machine has comes from there: once, for all; what does not
 * comes over the WAN. */
void hand_lend(struct hand *h, struct apply_step *s);

/* Another engine that has it, under the registry's digest; NULL. */
const struct seen *apply_holder(const struct apply *a, const struct fleet_engine *wants,
                                struct str name);

/* "192.0.2.7:4000/library/qwen2.5:14b", as that engine's machine reaches the registry; space: what
 * stands between, "library" or NULL for the name's own. */
MUST_USE int hand_long_name(struct hand *h, const struct fleet_engine *engine, const char *space,
                            struct str name, char out[NAME_MAX_BYTES], struct err *err);

/* Loads a copy to stay, or unloads it. */
MUST_USE int hand_keep_alive(struct hand *h, struct apply_step *s, bool keep, struct err *err);

/* hand_verify.c, hand_remote.c, hand_measure.c, gpu_memory.c */
hand_step_fn hand_verify, hand_install, hand_fetch, hand_configure, hand_measure, hand_limit;

/* hand_ask.c: a member of what is asked: text, or JSON as it is. MEMBERS(…) ends their list. */
struct member {
    const char *key;
    struct str text;
    const char *raw; /* NULL: text */
};
#define MEMBERS(...) \
    (const struct member[]) \
    { \
        __VA_ARGS__, \
        { \
            0 \
        } \
    }

/* What becomes of the answer: its lines, or all of it. NULL in both: nobody reads it. */
struct reading {
    ndjson_line_fn *on_line;
    void *ctx;
    struct buf *answer;
};

/* Asks an engine with a JSON object; the answer must be a 200, words say what it was instead.
 * reading may be NULL. -ENOENT: 404; -EAGAIN: 429 and 5xx. */
MUST_USE int ask_model(struct hand *h, const struct apply_step *s, enum method method,
                       const char *target, const struct member *members,
                       const struct reading *reading, struct err *err);

/* The same with any bytes; type empty: they are JSON. */
struct sending {
    struct str bytes, type;
};
MUST_USE int ask_bytes(struct hand *h, const struct apply_step *s, enum method method,
                       const char *target, const struct sending *sending,
                       const struct reading *reading, struct err *err);
