/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An errand: one request as routing knows it: what it needs, what it is worth, where it may go.
 *
 * The asker fills in the first part, from candidates_find() and the request; the line keeps the
 * rest. It belongs to the asker, and must outlive its time in the line and its attempts.
 */
#pragma once

#include "base/list.h"
#include "route/cost.h"

enum { ERRAND_OPTIONS_MAX = 64, ERRAND_PIECES_MAX = 64 };

struct errand_option {
    uint32_t copy;
    enum parity parity;
    bool tried; /* and failed: it is not asked again */
};

struct why;
struct lane;

struct errand {
    uint64_t id;
    struct errand_option options[ERRAND_OPTIONS_MAX]; /* in order of preference */
    uint32_t options_count;
    struct prompt_piece pieces[ERRAND_PIECES_MAX + 1]; /* the line adds the answer */
    uint32_t pieces_count;
    uint32_t prompt_tokens;
    uint32_t output_max; /* as the caller said; 0: not said */
    struct str name;     /* what was asked for: each name has its lane and its usual lengths */
    uint64_t key;        /* fingerprint of who asks: keys share fairly */
    struct worth worth;
    bool cloud_closed; /* the caller's data or money stay here */
    void *owner;
    struct why *why; /* where its last decision is written; NULL: nowhere */

    /* The line's. */
    struct link link;
    struct lane *lane;
    double start_tag, finish_tag; /* in seconds of service */
    uint64_t asleep_ms;           /* nobody could serve it: it is looked at again then */
    uint32_t copy;                /* of the attempt under way */
    double output_tokens;         /* that answers of its lane usually have */
    uint32_t company; /* of its lane that wait, itself included: a load would serve them, too */
    uint32_t batch_begun;
    bool in_line, is_running, has_loaded, was_alone; /* alone: no other copy computed there */
};
