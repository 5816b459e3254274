/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer leaves behind to go on from, inside resume*.c only. */
#pragma once

#include "dialect/seam.h"
#include "gateway/resume.h"

enum {
    CUTS_MAX = 8, /* of one answer */
    FOUND_ROOM = 256,
};

/* An attempt that was cut: who, how many tokens of the answer it was given, and how many it added.
 */
struct cut {
    const struct copy *copy;
    uint32_t given, added;
};

struct going {
    struct cut cuts[CUTS_MAX];
    unsigned count;
    unsigned attempts; /* that were made up to the last cut */
    uint32_t given;    /* tokens of the answer that the present copy was given, */
    uint32_t before;   /* and all that were noted when it began */
    uint32_t max_tokens;
    uint32_t prompt_bytes;
    bool goes_on; /* the present copy was given a beginning: it does not think again */
    struct seam seam, thought_seam;
    enum failure why;
    char found[FOUND_ROOM];
};

struct resume {
    struct buf said, thought; /* what the caller has */
    uint32_t said_tokens, thought_tokens;
    uint64_t look_us; /* when it was last looked at whether it is slow; 0: not yet */
    uint32_t look_tokens;
    size_t charged;
    bool is_fragile; /* it has what a beginning cannot stand for */
    bool keeps_body, takes_trailers;
    struct going *going; /* NULL: nothing was cut yet */
};

/* The request, from what was kept of it; false: it cannot be read. */
bool resume_read_again(struct exchange *x);

/* A beginning can stand for what the caller has. */
bool resume_is_joinable(const struct exchange *x);

/* What began on one copy may go on on the other: as near as the caller asked, or its equal. */
bool resume_is_equal(const struct exchange *x, const struct copy *first, const struct copy *copy);
