/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try on one copy: ask in the engine's dialect, read its answer, tell the exchange.
 *
 * attempt_start() asks; events raise flags in the exchange and nudge it. attempt_end() gives the
 * slot back and tells traffic and the counters how it went; it is called exactly once per start.
 */
#pragma once

#include "gateway/exchange.h"

/* FAILURE_none, or why nothing was sent. Either way attempt_end() is due. */
enum failure attempt_start(struct exchange *x);

/* caller_left: it ends through no fault of the engine. */
void attempt_end(struct exchange *x, bool caller_left);

void attempt_pause(struct exchange *x);
void attempt_resume(struct exchange *x);
