/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bench and each answer teach about the speed of a copy.
 *
 *     learn_bench(copy, &speeds);             what is known before anybody has asked
 *     learn_speeds(board, errand, &how);      after its run has ended
 *
 * Durations are believed only when no other copy computed on the machine. Pure.
 */
#pragma once

#include "route/line.h"

void learn_speeds(struct board *b, const struct errand *e, const struct errand_end *how);

/* The copy's estimates start from there. */
void learn_bench(struct board_copy *c, const struct bench_speeds *s);

/* No other copy computes on its machine. */
bool learn_is_alone(const struct board *b, uint32_t copy);
