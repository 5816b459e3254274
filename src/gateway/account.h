/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange leaves behind: counters, log lines, its row in the store. */
#pragma once

#include "gateway/exchange.h"

/* Before each step. */
void account_step(struct exchange *x, enum step to);
void account_waiting(const struct exchange *x, int by);

/* An attempt begins; it has ended so. */
void account_attempt(struct exchange *x);
/* An answer was cut in its middle on that machine: it goes on "elsewhere", or is "whole" but for
 * its end, or "lost". */
void account_cut(const struct exchange *x, const char *result);

/* What a copy has used, for who counts tokens by copy. */
void account_tokens(const struct scene_copy *copy, const struct usage *usage);

/* A batch request was taken back from that machine. */
void account_recall(const struct exchange *x);

/* A provider is left alone from here on. */
void account_held(const struct exchange *x);

void account_attempt_end(const struct exchange *x, struct outcome outcome,
                         struct verdict_change change);

/* A request that nobody answers; a call that never became an exchange. */
void account_refusal(struct worker *w, enum failure why);
void account_refused_call(struct worker *w, enum endpoint_id endpoint, enum failure why);

/* Its row, as it would be if it ended now. */
struct exchange_row account_row(const struct exchange *x);

/* The end of the exchange. */
void account_answered(struct exchange *x);
