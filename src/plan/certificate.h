/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate: who serves each category when a machine, a failure domain or a pair is lost.
 *
 *     r = certificate_make(&certificate, plan, &wish, &err);
 *     for (uint32_t i = 0; i < certificate->cases_count; i++)
 *         certificate->cases[i].rows[category] …
 *     certificate_free(certificate);
 *
 * It trusts nothing that the plan says of itself but the order of its rows: that a copy qualifies,
 * fits beside what else is kept loaded, and is fast enough is reckoned again from the fleet, the
 * catalog and the arithmetic of model/, by code that knows nothing of how plans are made.
 */
#pragma once

#include "fleet/parity.h"
#include "plan/plan.h"

enum { CERTIFICATE_BYTES_MAX = 256 << 20 };

enum lost_kind { LOST_nobody, LOST_machine, LOST_domain, LOST_pair };

/* One category in one case. */
struct certificate_row {
    const struct plan_copy *copy; /* who answers; NULL: a cloud model, or nobody */
    const struct copy *cloud;     /* NULL: none needed, or none left */
    enum parity parity;           /* to what answers while nobody is lost */
    double decode_tps;            /* 0: does not apply, or not known */
    bool covered;                 /* false with a copy: it answers below the floor */
};

struct certificate_case {
    enum lost_kind kind;
    struct str lost;                   /* a machine, a domain, "one + other"; .data NULL: nobody */
    const struct machine *machines[2]; /* of one machine or a pair; else NULL */
    struct certificate_row *rows;      /* one for each category of the fleet */
    uint32_t holes;                    /* rows that are not covered */
};

struct certificate {
    const struct plan *plan;
    struct certificate_case *cases; /* nobody first, then machines, domains, pairs */
    uint32_t cases_count, rows_count;
    uint32_t holes;      /* in all cases */
    struct str *closers; /* by category: what hardware would close its holes; .data NULL: none */
    struct str *faults;  /* what the plan claims and does not hold, a sentence each */
    uint32_t faults_count;
};

/* Of the wish: day, survive, lost, without_cloud. Borrows the plan. 0; -E2BIG: too many cases for
 * memory; -ENOMEM. */
MUST_USE int certificate_make(struct certificate **ret, const struct plan *plan,
                              const struct plan_wish *wish, struct err *err);

void certificate_free(struct certificate *c);
AUTO_FREE(certificate)

/* How well a row is served: the colour, and the letter for those who see none. */
enum cover { COVER_same, COVER_other, COVER_cloud, COVER_slow, COVER_none, COVER_COUNT };
enum cover certificate_cover(const struct certificate_row *row);
char cover_letter(enum cover cover);
const char *cover_words(enum cover cover);
