/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out what a fleet file declares: look, say what it costs, do it, verify.
 *
 *     apply_open(&a, &options, err);          looks at every engine; changes nothing
 *     apply_sum(a).bill …                      what it would cost
 *     apply_start(a, err);                    machines side by side, each step after step
 *     while (!apply_look(a, on_step, ctx, …)) wait a little;
 *     apply_close(a);                         waits for what runs
 *
 * Every step may be done again: whoever kills it starts it again, and it looks first. What it has
 * put onto machines stands in a journal (installed.h); only that is ever removed.
 */
#pragma once

#include "apply/depot.h"
#include "apply/observe.h"
#include "apply/remote.h"

struct apply;
struct catalog;
struct manifest;
struct plan_copy;

enum work {
#define STEP(name, is_change, what) WORK_##name,
#include "tables/apply_steps.def"
    WORK_COUNT
};

enum step_state {
    STEP_IS_waiting,
    STEP_IS_running,
    STEP_IS_done,
    STEP_IS_failed,
    STEP_IS_skipped, /* what it builds upon failed */
    STEP_IS_left,    /* for a person to do: words say how */
    STEP_STATE_COUNT
};

enum { STEP_WORDS = 512, NAME_MAX_BYTES = 512 };

struct apply_step {
    enum work kind;
    enum step_state state;
    const struct machine *machine;
    const struct fleet_engine *engine; /* NULL: the machine itself */
    const struct plan_copy *copy;      /* or NULL */
    const struct manifest *manifest;   /* what the registry says of it; or NULL */
    struct str name;                   /* as the engine is asked for it */
    uint64_t bytes, bytes_done;        /* pull: of all its files */
    uint32_t tries;
    char words[STEP_WORDS]; /* why not; or how; or what a measurement found */
};

struct apply_cost {
    uint64_t wan_bytes, lan_bytes;
    double seconds;   /* transfers, and then measuring */
    double measure_s; /* of them, on the machine where it takes longest */
};

struct apply_sum {
    struct apply_cost bill, spent; /* before and after */
    uint32_t changes;              /* steps that change something */
    uint32_t states[STEP_STATE_COUNT];
};

/* How far it is, of all that travels to machines. */
struct apply_progress {
    uint64_t bytes, bytes_done;
    double seconds;     /* since it began; until it ended */
    double bytes_per_s; /* 0: nothing came yet */
    double left_s;      /* at that rate; 0: nobody knows, or nothing is left */
};

struct apply_options {
    const struct fleet *fleet;
    const struct catalog *catalog;
    struct str day;
    const struct settings *settings; /* gateway.registry.* */
    struct str store_url;
    const char *folder;   /* of the journal */
    const char *registry; /* one that runs, as machines reach it; NULL: it opens its own */
    const char *listen; /* its own one's; NULL: a free port, on loopback if all engines are there */
    struct remote_options remote;
    uint64_t patience_ms; /* until an engine is back with new settings */
    bool prune;           /* also remove what tampu did not put there */
    bool measures;        /* also how fast what came is, into the store */
};

/* Borrows the options' texts. 0; -EBUSY and the like with words. */
MUST_USE int apply_open(struct apply **ret, const struct apply_options *options, struct err *err);
void apply_close(struct apply *a);
static inline void apply_free(struct apply *a)
{
    apply_close(a);
}
AUTO_FREE(apply)

MUST_USE int apply_start(struct apply *a, struct err *err);

/* Every step in order, under a lock: fn must be quick. True when nothing runs or waits any more. */
typedef void apply_step_fn(void *ctx, uint32_t number, const struct apply_step *step);
bool apply_look(struct apply *a, apply_step_fn *fn, void *ctx);

struct apply_sum apply_sum(struct apply *a);
struct apply_progress apply_progress(struct apply *a);

/* What stays although nobody declares it: one line for each; empty when there is none. */
struct str apply_kept(const struct apply *a);

/* What a step runs over SSH, to be shown before. */
MUST_USE int apply_write_script(struct buf *out, const struct apply *a, const struct apply_step *s,
                                enum remote_do verb, struct err *err);

const char *step_name(enum work kind);
const char *step_what(enum work kind);
bool step_is_change(enum work kind);
bool step_brings(enum work kind); /* bytes, to the machine */
const char *step_state_name(enum step_state state);
