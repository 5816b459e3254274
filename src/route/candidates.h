/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Candidates: which copies a name stands for, in the order of the fleet file.
 *
 *     candidates_find(&c, view, STR("xl-code"), capabilities, err);
 *     c.rows[0] is asked first; the others stand in for it
 *
 * A name is, in this order: an alias, a deployment name, an artifact, a category, a selector; or
 * one of them with ":latest" behind it. A deployment name or artifact means its own copies, then
 * other copies of the same artifact. A category means what qualifies on its primary, then on each
 * backup, then its cloud models. Copies that cannot do what the request needs are ruled out; so is
 * what is incompatible with the first one. Of a request for vectors that is every other artifact,
 * known or not (route/space.h).
 */
#pragma once

#include "fleet/parity.h"
#include "route/rejection.h"

enum { CANDIDATES_MAX = 64 };

struct candidate {
    const struct copy *copy;
    enum parity parity;
    uint8_t sizes; /* of another model: so many sizes larger or smaller than what was asked for */
    bool is_last;  /* after all others: its context has probably no room (route/room.h) */
};

/* A copy that has the name, and is out of the question for this request. */
struct ruled_out {
    const struct copy *copy;
    enum rejection why;
    const char *what; /* what it lacks, say; NULL: the rejection says all. It outlives the scene */
};

struct candidates {
    struct candidate rows[CANDIDATES_MAX];
    uint32_t count;
    struct ruled_out ruled_out[CANDIDATES_MAX]; /* of more than that, the first */
    uint32_t ruled_out_count;
    /* Could do it as well, but in another space than the others, or than the caller wants. */
    const struct copy *fenced[CANDIDATES_MAX];
    uint32_t fenced_count;
    struct str line; /* which waiting line: the name, or "selector"; lives as long as the view */
};

/* capabilities: bits of enum capability, all of them needed.
 * 0; -ENOENT: nothing has that name (err suggests one); -ENOTSUP: no copy behind it can do
 * what is needed (err names it). */
MUST_USE int candidates_find(struct candidates *ret, const struct view *view, struct str name,
                             uint32_t capabilities, struct err *err);

/* The same, of vectors, for a caller who wants them in one space ("nomic-embed-text/768"; empty:
 * the first copy's). Besides: -EXDEV: there are copies, all of another space. */
MUST_USE int candidates_find_space(struct candidates *ret, const struct view *view, struct str name,
                                   uint32_t capabilities, struct str space, struct err *err);

/* What may stand in for a copy that was asked for by its own name, when nobody who has that name
 * can answer: its equals, then what else is of the first category of the fleet file that it is of
 * and that has another. Never what lacks a capability, nor vectors of another model. */
void candidates_step_down(struct candidates *ret, const struct view *view, const struct copy *asked,
                          uint32_t capabilities);

/* Whoever takes a candidate away says so. */
void candidates_rule_out(struct candidates *c, const struct copy *copy, enum rejection why,
                         const char *what);

/* Everything that can be asked for by name, in order: categories, deployment names, aliases. */
typedef int name_fn(void *ctx, struct str name, const char *what);
MUST_USE int candidates_each_name(const struct view *view, name_fn *fn, void *ctx);
