/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lint of a plan: what a person wrote against real tags, engines, memory, settings and names.
 *
 *     r = check_fleet(&findings, fleet, catalog, STR("2026-11-23"));
 *     for (size_t i = 0; i < findings.count; i++) findings.items[i] …
 *     findings_fini(&findings);
 *
 * Findings stand in the order of the file. Everything they say comes from the fleet file, the
 * catalog and the tables; nothing is asked of any machine. Pure.
 */
#pragma once

#include "base/arena.h"
#include "fleet/fleet.h"
#include "model/catalog.h"

enum { FINDINGS_MAX = 10000, FINDINGS_BYTES_MAX = 32 << 20 };

enum finding_code {
#define FINDING(id, ...) FINDING_##id,
#include "tables/findings.def"
    FINDING_COUNT
};

enum severity {
    SEVERITY_usual, /* in a new finding: what its row says */
    SEVERITY_error,
    SEVERITY_warning,
    SEVERITY_note,
    SEVERITY_COUNT
};

struct finding_row {
    const char *code;
    enum severity severity;
    const char *words;
};

struct finding {
    enum finding_code code;
    enum severity severity;
    struct place where;          /* file: borrowed from the fleet */
    struct str machine, subject; /* borrowed from the fleet; may be empty */
    const char *message, *fix;   /* never NULL */
};

struct findings {
    struct finding *items;
    size_t count;
    size_t left_out;               /* found, but beyond FINDINGS_MAX */
    size_t counts[SEVERITY_COUNT]; /* all of them, left out or not */
    struct arena arena;
};

const struct finding_row *finding_row(enum finding_code code);
const char *severity_name(enum severity severity);

/* 0 or -ENOMEM. day: "2026-11-23"; retirements are judged by it, or by the catalog's own day if
 * that is later. The findings borrow the fleet and the catalog. */
MUST_USE int check_fleet(struct findings *ret, const struct fleet *fleet,
                         const struct catalog *catalog, struct str day);
void findings_fini(struct findings *f);
