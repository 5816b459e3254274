/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange leaves behind: counters, log lines, its row in the store. */
#pragma once

#include "gateway/exchange.h"

void account_step(const struct exchange *x, const char *from, const char *to);
void account_waiting(const struct exchange *x, int by);

/* An attempt begins; it has ended so. */
void account_attempt(const struct exchange *x);
/* A provider is left alone from here on. */
void account_held(const struct exchange *x);

void account_attempt_end(const struct exchange *x, struct outcome outcome,
                         struct verdict_change change);

/* A request that nobody answers; a call that never became an exchange. */
void account_refusal(struct worker *w, enum failure why);
void account_refused_call(struct worker *w, enum endpoint_id endpoint, enum failure why);

/* The end of the exchange. */
void account_answered(const struct exchange *x);
