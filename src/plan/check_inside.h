/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the subjects of `check` share: the lines of the file as judged so far, and saying something.
 *
 * Nobody outside this folder includes it. Order matters: check_pulls() fills the lines, check_fit()
 * their fits, and the map is judged by what is left working.
 */
#pragma once

#include "fleet/name.h"
#include "fleet/view.h"
#include "model/speed.h"
#include "plan/check.h"

/* A model line of a machine, and what is known of it. */
struct judged {
    const struct machine *machine;
    const struct fleet_model *model;
    const struct artifact *artifact; /* what it is or what was meant; NULL: nobody knows */
    struct run run;
    struct footprint need;
    struct fit fit;
    bool is_fit_known; /* the machine's memory is known: need and fit hold */
    bool works;        /* the engine serves and loads it, and it fits */
    double tps;        /* of one request alone; 0: does not apply, or is not known */
    bool is_named_well;
    struct str usual_name; /* of that artifact, by those who name it well; empty: none does */
};

struct check {
    const struct fleet *fleet;
    const struct catalog *catalog;
    struct str day;
    struct findings *findings;
    struct arena scratch;
    struct judged *lines; /* in the order of the file; machines that serve nothing have none */
    size_t lines_count;
    int error;
};

/* Fills the lines as check_pulls() and check_fit() do, for who wants them and not the findings.
 * fleet, catalog, day and findings are set; findings and scratch are the caller's to free, also
 * after a failure. 0 or -ENOMEM. */
MUST_USE int check_judge(struct check *c);

/* Adds a finding with a message; fix must be the scratch arena's or a literal. */
void check_say(struct check *c, struct finding finding, const char *format, ...) PRINTF(3, 4);

/* Text that lives as long as the findings; "" when there is no memory. */
const char *check_text(struct check *c, const char *format, ...) PRINTF(2, 3);

/* The first place that is there: a key's own, or that of what it belongs to. */
struct place check_place(struct place key, struct place around);

/* Milder by one where the line is optional. */
enum severity check_severity(const struct fleet_model *model, enum finding_code code);

/* check_hardware.c: what the machines have, as far as anybody knows. */
void check_hardware(struct check *c);

/* check_pulls.c: tags, engines, what an engine refuses, what a model is meant for. */
void check_pulls(struct check *c);

/* check_settings.c: environment variables. */
void check_settings(struct check *c);

/* The value of an engine's setting, also under a name that people write for it; empty: not there.
 */
struct str check_setting(const struct fleet_engine *e, const char *name);

/* check_fit.c: memory, context, disk. */
void check_fit(struct check *c);

/* The fix for a line that is too large for a box: the same model smaller, or another one. */
const char *check_smaller(struct check *c, const struct judged *line, const struct box *box);

/* check_room.c: what is loaded at the same time, by one engine or several. */
void check_room(struct check *c, const struct machine *m);

/* check_choice.c: what would do instead. */
struct choice {
    const struct artifact *artifact; /* NULL: nothing would do */
    const struct fleet_engine *engine;
    double tps;
};

/* The fastest artifact of the catalog that meets the needs on that machine. slack: how far its size
 * may be outside the band, 0 to 1. */
struct choice check_choose(const struct check *c, const struct machine *m,
                           const struct needs *needs, double slack);

/* "- {pull: "gpt-oss:120b", name: XL-LOC-FRE-gpt-oss-120b}" */
const char *check_line(struct check *c, const struct machine *m, const struct choice *choice);

/* The size that the tables give so many parameters. */
enum size check_size(uint64_t params);

/* check_map.c: the redundancy map. */
void check_map(struct check *c);

/* Does this line serve that category, as far as anybody can know? */
bool check_qualifies(const struct judged *line, const struct category *category);

/* check_vectors.c: embeddings. */
void check_vectors(struct check *c, const struct category *category);

/* check_names.c: deployment names. */
void check_names(struct check *c);

/* check_cloud.c: models of providers. */
void check_cloud(struct check *c);

/* check_claims.c: speeds, sizes and times that somebody reckoned. */
void check_claims(struct check *c);
