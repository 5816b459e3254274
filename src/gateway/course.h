/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The course of an exchange: where it may go, its errand in line, and what is learned when a try
 * has ended.
 *
 *     why = course_find(x, &err);              candidates, prompt and worth, as routing wants them
 *     asked = course_ask(x);                   a slot of the best one, or a place in line
 *     course_began(x);                         its first token is there
 *     change = course_done(x, &outcome);       the slot is given back
 *     course_leave(x);                         out of the line, or the slot before anything was
 * sent
 *
 * What decides is in route/; this only carries it to and fro.
 */
#pragma once

#include "gateway/exchange.h"

/* In which a caller says how urgent a request is, and hears what was granted. */
#define PRIORITY_HEADER "x-tampu-priority"

/* FAILURE_none, or why nobody is asked. */
enum failure course_find(struct exchange *x, struct err *err);

/* One copy and no other, in a line of that name: for what only it can answer. */
enum failure course_set(struct exchange *x, uint32_t copy, struct str line);

/* These candidates of those that were found, and no others. */
void course_narrow(struct exchange *x, const struct candidate *rows, uint32_t count);

/* What it has had in memory to its end is given back. */
void course_fini(struct exchange *x);

enum asked course_ask(struct exchange *x);

/* Whether a candidate is left that was not tried. Of a model that was asked for by its own name,
 * whoever may stand in for it is one when nobody of that name is left. */
bool course_has_more(struct exchange *x);

/* Those for what the caller does not have yet; without what was taken back, which is none's fault.
 */
unsigned course_attempts(const struct exchange *x);

/* Asking a copy that loads was no attempt: all may be asked again. */
void course_forgive(struct exchange *x);

/* The candidate at that place. */
uint32_t course_index(const struct exchange *x, const struct copy_place *place);

void course_began(struct exchange *x);
struct verdict_change course_done(struct exchange *x, const struct outcome *outcome);
void course_leave(struct exchange *x);

/* Patience in line goes on while what is waited for is being loaded. */
bool course_is_worth_waiting(const struct exchange *x);

/* When to come back, as far as can be said. */
uint64_t course_estimate_ms(struct exchange *x);
