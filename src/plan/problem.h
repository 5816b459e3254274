/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the planner decides about, as numbers: rooms (machines) with seats (an artifact on an
 * engine), and wants (categories) with the offers that seats make them.
 *
 *     r = problem_new(&problem, &wish, &err);
 *     problem->seats[i], problem->wants[k].offers[j] …
 *     problem_free(problem);
 *
 * A placement gives every seat a level. Costs are seconds an hour: people wait, machines work, and
 * moving is spread over MOVE_HOURS. Borrows fleet and catalog. Pure. See docs/internals/plan.md.
 */
#pragma once

#include "base/arena.h"
#include "plan/plan.h"
#include "plan/room.h"

enum {
    PROBLEM_BYTES_MAX = 256 << 20,
    SPARES_MAX = 2,
    STREAMS_MAX = 8,
    TURNS_MAX = STREAMS_MAX + SPARES_MAX,
    OFFERS_MAX = 128,   /* seats that one want weighs, cheapest first */
    UNDECLARED_MAX = 2, /* artifacts the file does not name, for one want on one machine */
    MOVE_HOURS = 168,   /* what moving costs is spread over a week */
    LOAD_BURST = 2,     /* requests that share one load */
    KEPT_USUAL = 3,     /* models that Ollama keeps when nobody says */
    DISK_PERCENT = 90,  /* of a disk that a plan fills at most */
    RULE_PERCENT = 80,  /* of free GPU memory into which Ollama loads beside others */
};

enum level {
    LEVEL_none,
    LEVEL_disk, /* there, loaded when asked for */
    LEVEL_kept, /* stays in memory */
};

/* A line of the file, and what it pulls. */
struct known_line {
    const struct machine *machine;
    const struct fleet_model *line;
    const struct artifact *artifact; /* NULL: the catalog does not know it */
};

/* An artifact somewhere in the fleet. */
struct ware {
    const struct artifact *artifact;
    bool is_declared, is_held;
    bool is_too_large; /* for each machine alone; looked for where models may span several */
    double first_s;    /* once over the WAN, where nobody has it */
    double none_s;     /* when the last copy of what is held goes */
};

/* An artifact on an engine of a machine, where it fits. */
struct seat {
    uint32_t room, stall, ware;
    const struct fleet_model *line; /* the declared line that it is; NULL: none */
    const struct span *span;        /* it is the first of several machines; NULL: alone */
    struct run run;
    struct footprint need;
    struct fit fit;
    uint64_t gpu_bytes, ram_bytes; /* of the room when kept; unified memory counts in both */
    uint64_t rule_bytes;           /* free GPU memory that Ollama wants to see; 0: no rule */
    double load_s, prefill_tps, decode_tps;
    bool is_held, is_pinned;
    bool is_wanted;                 /* makes an offer, or is a line of the file */
    enum level least;               /* pins */
    double level_s[LEVEL_kept + 1]; /* moving, keeping, and being absent where all must have one */
};

/* A seat serves a want at that cost for each request. */
struct offer {
    uint32_t seat, domain;
    bool is_warm; /* only while kept */
    double cost_s;
    double service_s; /* of it, the machine's own time */
};

/* A category. Its first `streams` turns share its requests; those behind are spares. No two turns
 * are of one domain. */
struct want {
    const struct category *category;
    struct demand demand;
    const struct artifact **only; /* those that the file allows, first choice first */
    uint32_t only_count;
    const struct model *space; /* the one model of an embedding category; NULL: any */
    const struct cloud_model *cloud;
    double cloud_s;       /* of one request */
    struct offer *offers; /* cheapest first */
    uint32_t offers_count;
    uint32_t domains; /* that could serve it */
    uint32_t streams, turns;
    double weight[TURNS_MAX];     /* requests an hour, never rising */
    double fallback_s[TURNS_MAX]; /* an hour, when no copy takes that turn */
};

struct problem {
    const struct plan_wish *wish;
    struct arena arena;
    struct known_line *lines; /* in the order of the file */
    uint32_t lines_count;
    struct room *rooms;
    uint32_t rooms_count, domains_count;
    struct ware *wares;
    uint32_t wares_count;
    struct span *spans; /* with `span: true` */
    uint32_t spans_count;
    struct seat *seats; /* by room */
    uint32_t seats_count;
    struct want *wants; /* as fleet->categories */
    uint32_t wants_count;
    uint32_t *touched,
        *touched_first; /* wants of seat i: touched[first[i]] to touched[first[i+1]] */
};

/* 0; -EINVAL: a machine without memory, or hardware nobody knows; -E2BIG; -ENOMEM. */
MUST_USE int problem_new(struct problem **ret, const struct plan_wish *wish, struct err *err);

void problem_free(struct problem *p);
AUTO_FREE(problem)

/* Does that model, run with so much context, meet what the want asks for? Speed aside. */
bool want_accepts(const struct problem *p, const struct want *w, const struct artifact *a,
                  uint64_t context);

/* Does the machine's keep_loaded name that line? */
bool problem_keeps_by_name(const struct fleet_model *line, const struct machine *m);

/* Seconds of one request on that seat while it is loaded. */
double want_service_seconds(const struct problem *p, const struct want *w, const struct seat *s);
