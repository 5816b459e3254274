/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream that has become far slower than its copy is known to be: a GPU that fell back to the
 * processor, a disk that swaps, somebody else's game.
 *
 *     if (slow_is_due(step_s, tokens, seconds, other_step_s))
 *         let an idle copy go on with the answer
 *
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A look takes so long: a pause between two words says nothing. */
#define SLOW_LOOK_S 5.0

/* So many tokens came in so many seconds. step_s: what a token takes on that copy as learned;
 * other_step_s: what it would take on an idle one; 0: nobody knows, or there is none. */
bool slow_is_due(double step_s, uint32_t tokens, double seconds, double other_step_s);
