/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hedging: a request whose first token is late is asked of a second copy as well; who begins to
 * answer first goes on, the other one is cancelled.
 *
 *     hedge_look(x, now_us);        ten times a second
 *     hedge_promote(x)              the first try has ended: the second goes on in its place
 *     hedge_drop(x, PARTING_…);     the first one has begun, or nobody waits any more
 *
 * When it is late and who may be asked is decided in route/hedge. Only streams that somebody waits
 * for are hedged, between machines of the fleet, before a byte of the answer; never what makes or
 * does something beside its answer, and never batch.
 */
#pragma once

#include "gateway/exchange.h"

struct hedge;

void hedge_look(struct exchange *x, uint64_t now_us);

/* False: there is no second try that still runs. */
bool hedge_promote(struct exchange *x);

/* The second try, if one runs, has ended so. */
void hedge_drop(struct exchange *x, enum parting parting);

/* The machine that was asked as well; empty: none was. */
struct str hedge_machine(const struct exchange *x);

/* NULL is fine. */
void hedge_free(struct hedge *h);
