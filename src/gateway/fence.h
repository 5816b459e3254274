/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fence around embeddings: vectors come of one space, and the answer says of which.
 *
 * A caller insists on one with the header `x-tampu-vector-space`. What route/space.h can tell
 * beforehand keeps copies from being asked; how long the vectors are is counted when they come.
 */
#pragma once

#include "gateway/exchange.h"
#include "route/space.h"

#define FENCE_HEADER "x-tampu-vector-space"

/* The space that the caller insists on; empty: none. */
struct str fence_wanted(const struct exchange *x);

/* Nobody answers, because of why: or is it that those who could are behind the fence?
 * other_space and words, or why. */
enum failure fence_judge(const struct exchange *x, enum failure why, struct err *err);

/* A vector has come. 0, or -ECANCELED: it is none that the caller wants, and the exchange failed.
 */
MUST_USE int fence_count(struct exchange *x, const struct delta *delta);

/* False: the answer has no vectors. */
bool fence_write(char text[static SPACE_SIZE], const struct exchange *x);
