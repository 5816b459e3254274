/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fingerprint of bytes that come in pieces: the same however they are cut.
 *
 *     struct fingerprint f = {0};
 *     fingerprint_put(&f, piece); …
 *     key = fingerprint_get(&f);
 *
 * Eight bytes at a time. Not for secrets, nor against somebody who wants two to be the same.
 */
#pragma once

#include "base/str.h"

struct fingerprint {
    uint64_t hash, word; /* word: the bytes that do not make eight yet */
    uint64_t bytes;
};

void fingerprint_put(struct fingerprint *f, struct str piece);

/* Never 0. More may be put after it. */
uint64_t fingerprint_get(const struct fingerprint *f);

uint64_t fingerprint_of(struct str text);

/* Of two, in that order. Never 0. */
uint64_t fingerprint_join(uint64_t first, uint64_t second);
