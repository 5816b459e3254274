/* SPDX-License-Identifier: Apache-2.0 */
/* Why a copy is there, why another is not, and what differs between two plans: plain words. */
#pragma once

#include "plan/certificate.h"

/* Every copy of that name: a deployment name, an artifact, or MACHINE/ either of them. 0; -ENOENT
 * with words; -ENOMEM, -EMSGSIZE. */
MUST_USE int explain_copy(struct buf *out, const struct certificate *certificate, struct str name,
                          struct err *err);

/* Why is a model, by artifact or model name, not on a machine? Where it is, that is said. */
MUST_USE int explain_why_not(struct buf *out, const struct certificate *certificate,
                             const struct plan_wish *wish, struct str model, struct str machine,
                             struct err *err);

/* A copy that only one of two plans has, or that is run otherwise in the second. */
struct difference {
    const struct plan_copy *before, *after; /* one of them may be NULL */
};

/* Copies are the same by the names of machine, engine and artifact: the two may be of different
 * fleets. Otherwise means other context or slots, or another answer to whether it stays loaded. Up
 * to max are written; returns how many there are. */
size_t explain_difference(struct difference *ret, size_t max, const struct plan *before,
                          const struct plan *after);
