/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hearsay: which machines fail, as gateways that share Valkey tell each other.
 *
 *     hearsay_exchange(&h, shared, deadline_us);      every now and then, on a thread that may wait
 *
 * What is told is what this gateway has seen itself. What is heard is a hint (route/hint.h): the
 * engine is probed soon, others are preferred meanwhile, and nobody becomes unreachable by it.
 */
#pragma once

#include "route/traffic.h"
#include "stats/stats.h"
#include "store/shared.h"

struct hearsay {
    struct traffic *traffic;
    struct stats *stats;
};

/* Nothing is said or heard where Valkey does not answer: what was heard is forgotten by itself. */
void hearsay_exchange(const struct hearsay *h, struct shared *s, uint64_t deadline_us);
