/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When two requests are the same: the text that both come to, and a hash of it.
 *
 *     same_text(&text, root, &traits)         members in order, numbers alike, no spaces
 *     same_key(&key, scope, count, buf_str(&text))
 *
 * Left out is what changes how an answer is sent, and not what it says. Read on the way: whether
 * the same would be answered again, and what a kept answer could not stand for.
 */
#pragma once

#include "wire/json.h"

struct cache_key {
    unsigned char bytes[32];
};

enum trait {
    TRAIT_steady = 1 << 0,  /* temperature 0: asked again, it says the same */
    TRAIT_effects = 1 << 1, /* tools are offered, or results of theirs are told */
    TRAIT_apart = 1 << 2, /* several choices, probabilities, or what was said in another request */
};

/* -ENOTSUP: nested too deep to be looked at; -EMSGSIZE, -ENOMEM. */
MUST_USE int same_text(struct buf *out, yyjson_val *root, unsigned *ret_traits);

/* The scope keeps apart what the text alone would not: a path, a header, whose it is. -ENOMEM. */
MUST_USE int same_key(struct cache_key *ret, const struct str *scope, size_t count,
                      struct str text);
