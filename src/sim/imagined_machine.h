/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the imagined fleet: its machines, their engines and disks.
 *
 * Everything here lives on the imagined fleet's own loop and is touched by its thread only.
 */
#pragma once

#include <uv.h>

#include "base/list.h"
#include "fleet/engine_rules.h"
#include "http/server.h"
#include "net/loop.h"
#include "sim/asked.h"
#include "sim/imagined.h"
#include "wire/json_out.h"

enum { DISK_ENTRIES_MAX = 256, FILMS_MAX = 16, NAME_ROOM = 256 };

/* What POST /imagine does to a machine; the order of the verbs in imagined_command.c. */
enum machine_state {
    MACHINE_well,
    MACHINE_dead,
    MACHINE_hung,
    MACHINE_slow,
    MACHINE_wedged,
    MACHINE_garbage,
    MACHINE_error,
    MACHINE_cut,
    MACHINE_STATE_COUNT
};

/* A catalog's artifact as a world loads it, and what hangs on its name. */
struct imagined_artifact {
    struct world_artifact world;
    const struct artifact *facts;
    char digest[65];
    char blob[65]; /* of its largest layer */
};

/* A name in an Ollama's store. */
struct disk_entry {
    char name[NAME_ROOM]; /* with its tag */
    struct imagined_artifact *artifact;
    int64_t modified_us;
};

/* A download; kept after it was broken off, so that the next one goes on there. */
struct pull {
    struct link link;
    struct link guests;
    struct imagined_artifact *artifact;
    struct imagined_engine *engine;
    double bytes_done;
    bool from_lan;
    bool is_running;
};

/* What an sd-server is asked to film, until it forgets. */
struct film {
    char id[64];
    int64_t began_us;
    double until_ms;
    uint32_t frames;
};

struct imagined_engine {
    struct imagined_machine *machine;
    unsigned number; /* in the machine's world */
    const struct fleet_engine *facts;
    const struct face *face;
    struct server *server;
    int holder; /* a socket bound to the port, so that nobody else gets it */
    char address[64];
    struct disk_entry disk[DISK_ENTRIES_MAX];
    unsigned disk_count;
    struct link pulls;
    struct imagined_artifact *serves; /* an engine that does not load on demand */
    uint32_t serves_context;
    struct engine_rules rules;
    uint64_t requests, changes, answers, garbage;
    struct film films[FILMS_MAX];
    uint64_t film_count;
};

struct imagined_machine {
    struct imagined *im;
    const struct machine *facts;
    struct world *world;
    struct box box;
    enum machine_state state;
    double factor;
    uint32_t after_tokens;
    struct imagined_engine *engines;
    struct link guests;
};

struct imagined {
    struct loop *loop;
    uv_thread_t thread;
    bool is_running;
    uv_timer_t timer;
    const struct fleet *fleet;
    const struct catalog *catalog;
    struct imagined_options options;
    uint64_t start_us;
    double pulled_ms; /* until when downloads have been played */
    struct imagined_machine *machines;
    struct imagined_artifact *artifacts;
    size_t artifact_count;
    uint64_t drawn; /* of ids */
};

/* imagined.c: time and threads. */
double imagined_now_ms(const struct imagined *im);
void imagined_rearm(struct imagined *im);

/* imagined_machine.c: machines and engines out of the fleet. */
MUST_USE int imagined_build(struct imagined *im, struct err *err);
void imagined_unbuild(struct imagined *im);
MUST_USE int imagined_listen(struct imagined_engine *e, struct err *err);
void imagined_refuse(struct imagined_engine *e);
struct imagined_artifact *imagined_find(struct imagined *im, struct str tag);
void imagined_pace(void *ctx, const struct pace_asked *asked, struct pace *ret);

/* imagined_command.c: what is done to machines, and what they look like. */
void imagined_write(const struct imagined_machine *m, struct json_out *o);
MUST_USE int imagined_do(struct imagined_machine *m, enum machine_state to, double factor,
                         uint32_t after_tokens, struct err *err);
int imagine_run(struct imagined *im, struct str json, struct buf *reply);
int imagine_list(struct imagined *im, struct buf *reply);

/* imagined_store.c: an Ollama's disk. */
struct disk_entry *disk_find(struct imagined_engine *e, struct str name);
int disk_put(struct imagined_engine *e, struct str name, struct imagined_artifact *artifact);
void disk_remove(struct imagined_engine *e, struct disk_entry *entry);
void pulls_play(struct imagined *im, double now_ms);
double pulls_next_ms(const struct imagined *im);
