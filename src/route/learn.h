/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer teaches about the speed of its copy.
 *
 *     learn_speeds(board, errand, &how);      after its run has ended
 *
 * Durations are believed only when no other copy computed on the machine. Pure.
 */
#pragma once

#include "route/line.h"

void learn_speeds(struct board *b, const struct errand *e, const struct errand_end *how);

/* No other copy computes on its machine. */
bool learn_is_alone(const struct board *b, uint32_t copy);
