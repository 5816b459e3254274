/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the certificate: what is reckoned again of each copy. Nobody else includes it. */
#pragma once

#include "base/arena.h"
#include "fleet/view.h"
#include "plan/certificate.h"

enum {
    CERTIFICATE_FAULTS_MAX = 1000,
    PROOF_CONTEXT = 1024, /* a short conversation, as `check` judges speeds by */
};

/* What was found out about one copy of the plan. */
struct proof {
    struct copy as_copy; /* for parity, and for what a category needs */
    bool works;          /* its engine serves and loads it, and it fits */
    double decode_tps;   /* 0: does not apply */
};

struct judge {
    struct certificate certificate;
    const struct plan_wish *wish;
    struct view *view;    /* cloud models that still answer */
    struct proof *proofs; /* one for each copy */
    struct arena arena;
};

/* certificate_proof.c: fills the proofs, and says what does not hold. 0 or -ENOMEM. */
MUST_USE int proofs_make(struct judge *j);

/* Does that copy serve the category, floor aside? */
bool proof_qualifies(const struct judge *j, uint32_t copy, const struct category *category);

/* What the copy needs, as its engine runs it. */
struct footprint proof_need(const struct plan_copy *copy);

/* certificate_span.c: copies over several machines. What a machine has besides what it lends. */
struct box span_room(const struct judge *j, const struct machine *m);

/* The copy's own part, in so much room; FIT_no where that or what the others lend is too little. */
struct fit span_fit(const struct judge *j, const struct plan_copy *copy, const struct box *room);
double span_tps(const struct judge *j, const struct plan_copy *copy);

/* certificate_close.c: what machine would close a hole of that category; .data NULL: no memory. */
struct str closer_find(struct judge *j, const struct category *category);
