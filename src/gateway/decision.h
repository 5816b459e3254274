/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why one exchange went where it went, or nowhere: its candidates with their seconds and money, who
 * was ruled out before, and what was tried.
 *
 *     decision_begin(x, &found);           its candidates are known
 *     decision_took(x, &end);              its answer was measured
 *     decision_note(x, why, parting);      an attempt has ended so
 *     decision_end(x);                     the record goes to gateway/decisions
 *     decision_write(d, &json);            there, when it is wanted
 *
 * Every exchange ends with one, also who was refused before anybody was looked for. Routing writes
 * the costs into it at every event while the exchange waits; what it keeps of candidates and
 * attempts are numbers of the exchange's own scene.
 */
#pragma once

#include "gateway/exchange.h"

struct decision;
struct json_out;

/* found: whom it rules out, from now on; NULL: nobody. What an earlier one ruled out stays so. */
void decision_begin(struct exchange *x, const struct candidates *found);
void decision_took(struct exchange *x, const struct errand_end *end);
void decision_note(struct exchange *x, enum failure why, enum parting parting);
void decision_end(struct exchange *x);

/* NULL is fine. */
void decision_drop(struct decision *d);

/* The request's. */
struct str decision_id(const struct decision *d);
void decision_write(const struct decision *d, struct json_out *o);
