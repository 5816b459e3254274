/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: which copies live where, what is kept loaded, who serves each category when a machine
 * is lost, and how far from the best possible it is at most.
 *
 *     struct plan_wish wish = {.fleet = fleet, .catalog = catalog, .day = STR("2026-11-23"),
 *                              .survive = 1, .gap = 0.005, .time_limit_ms = 60000,
 *                              .now_ms = clock};
 *     r = plan_make(&plan, &wish, &err);       -ENOSPC: err says which pins and limits conflict
 *     for (uint32_t i = 0; i < plan->copies_count; i++) plan->copies[i] …
 *     plan_free(plan);
 *
 * The plan borrows the fleet and the catalog. Same wish, same plan: the search is seeded, and stops
 * by rounds, not by the clock, unless the limit is reached. The certificate (certificate.h) judges
 * a plan without any of the code that made it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "fleet/fleet.h"
#include "model/catalog.h"
#include "model/memory.h"

enum {
    PLAN_MACHINES_MAX = 256,
    PLAN_COPIES_MAX = 65536,
};

/* What is asked of a category: given in the file, measured, or the purpose's usual. */
struct demand {
    double per_hour;                       /* requests */
    uint32_t prompt_tokens, answer_tokens; /* of one of them */
};

/* A copy that is on a machine's disk today. */
struct holding {
    const struct machine *machine;
    const struct fleet_engine *engine;
    const struct artifact *artifact;
};

struct plan_wish {
    const struct fleet *fleet;
    const struct catalog *catalog;
    struct str day;              /* retired cloud models are judged by it */
    const struct demand *demand; /* one for each category; NULL: what the file and tables say */
    /* On disk today; unless they are known, the file's own lines count as held. */
    const struct holding *holdings;
    uint32_t holdings_count;
    bool has_holdings;                 /* holdings are known, even when there are none */
    const struct machine *const *lost; /* plan as if these did not exist */
    uint32_t lost_count;
    uint64_t context; /* tokens for every text model; 0: as the file and tables say */
    bool without_cloud;
    uint32_t survive; /* machines that may be lost at once: 0, 1 or 2 */
    uint64_t seed;
    uint32_t threads;       /* 0: one */
    double gap;             /* proven distance from the best at which it may stop */
    uint64_t time_limit_ms; /* for all of it; 0: only the local search, by rounds */
    uint64_t (*now_ms)(void);
};

/* One copy of the plan. */
struct plan_copy {
    const struct machine *machine;
    const struct fleet_engine *engine;
    const struct artifact *artifact;
    struct str name;                   /* deployment name */
    const struct fleet_model *line;    /* the declared line that it is; NULL: new */
    const struct machine *const *span; /* further machines that lend it memory; usually none */
    const uint64_t *span_bytes;        /* of memory, that each of them lends */
    uint32_t span_count;
    uint64_t disk_bytes, memory_bytes, gpu_bytes; /* of `machine` alone */
    uint64_t context;                             /* tokens of one slot; 0: does not apply */
    uint32_t slots;
    bool keep_loaded;
    bool is_pinned; /* the file insists */
    struct fit fit;
    double load_s, prefill_tps, decode_tps; /* expected; 0: does not apply */
    uint32_t *categories; /* indices in fleet->categories that it may serve, ascending */
    uint32_t categories_count;
    struct str why; /* one sentence with numbers */
};

/* Who serves a category, first choice first: indices in plan->copies. */
struct plan_row {
    uint32_t category; /* index in fleet->categories */
    uint32_t *copies;
    uint32_t copies_count;
    double per_hour;
    double cloud_per_hour; /* of it, expected to go to the cloud with all machines up */
};

struct plan {
    const struct fleet *fleet;
    const struct catalog *catalog;
    struct plan_copy *copies; /* by machine in the file's order, then as the plan adds them */
    uint32_t copies_count;
    struct plan_row *rows; /* one for each category, in the file's order */
    uint32_t rows_count;
    double objective, bound, gap; /* seconds of waiting and service an hour; gap: of the bound */
    bool is_proven;               /* gap is at most the wish's */
    const char *solver;           /* "search", "search+cbc", "search+highs" */
    double seconds;               /* that it took; 0 without a clock */
    uint64_t rounds;              /* of the local search */
};

/* 0; -ENOSPC when no plan keeps every pin and limit: err names the smallest set of them that
 * conflict; -EINVAL for a machine without memory or with hardware nobody knows; -E2BIG; -ENOMEM. */
MUST_USE int plan_make(struct plan **ret, const struct plan_wish *wish, struct err *err);

void plan_free(struct plan *p);
AUTO_FREE(plan)

/* Why is that artifact not on that machine? One or more sentences with numbers. 0 or -ENOMEM. */
MUST_USE int plan_why_not(struct buf *out, const struct plan *p, const struct plan_wish *wish,
                          const struct artifact *artifact, const struct machine *machine);
