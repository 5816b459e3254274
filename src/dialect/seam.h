/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam of an answer that another copy goes on with: what the caller has is not said again.
 *
 *     seam_begin(&seam, said, given);              the engine was given the first `given` bytes
 *     while (text comes)
 *         if (seam_take(&seam, text, &new) < 0)
 *             it began anew: give it up
 *         else
 *             pass on new.held, then new.text
 *
 * What the caller has and the engine was not given is left out where it is said again, and what
 * differs from it is passed on. An engine that was given something and begins with the beginning of
 * the whole answer has not gone on: that is seen before a byte of it is passed on, but for short or
 * repetitive answers. Pure; cutting the text anywhere changes nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/str.h"

struct seam {
    struct str said;  /* borrowed: what the caller has */
    size_t repeated;  /* so much of it is not expected again */
    size_t anew;      /* so many bytes are those that the whole answer begins with */
    bool may_be_anew; /* still; they are held back meanwhile */
    bool may_repeat;  /* still: what the engine was not given */
};

/* Both may be empty. */
struct seam_new {
    struct str held, text;
};

void seam_begin(struct seam *s, struct str said, size_t given);

/* 0, or -EBADMSG: the answer begins anew. held lives as long as `said`, text as the caller's. */
MUST_USE int seam_take(struct seam *s, struct str text, struct seam_new *ret);

/* The answer is over: what was held back is no beginning anew. */
struct str seam_end(struct seam *s);
