/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An errand: one request as routing knows it: what it needs, what it is worth, where it may go.
 *
 * The asker fills in the first part, from candidates_find() and the request; the line keeps the
 * rest. It belongs to the asker, as do its options and pieces, and must outlive its time in the
 * line and its attempts.
 */
#pragma once

#include "base/list.h"
#include "route/cost.h"

enum { ERRAND_OPTIONS_MAX = 64, ERRAND_PIECES_MAX = 64 };

#define ERRAND_GONE UINT32_MAX

/* Who of a later tier is asked only when nobody of the earlier ones can answer. */
enum tier {
    TIER_first,
    TIER_cloud,    /* also when the first ones cannot answer before the deadline */
    TIER_last,     /* its context has probably no room for prompt and answer, say */
    TIER_doubtful, /* nothing says that it fits into the machine's memory */
};

struct errand_option {
    uint32_t copy;   /* ERRAND_GONE: the fleet file names it no more */
    uint16_t parity; /* enum parity */
    uint8_t tier;    /* enum tier */
    uint8_t sizes;   /* apart from what was asked for */
    bool tried;      /* and failed: it is not asked again */
};

struct why;
struct lane;

struct errand {
    uint64_t id;
    struct errand_option *options; /* in order of preference */
    struct prompt_piece *pieces;   /* if any, with room for one more: the line adds the answer */
    uint32_t options_count, pieces_count;
    uint32_t prompt_tokens;
    uint32_t prompt_least; /* it surely has so many; 0: nobody has counted */
    uint32_t output_max;   /* as the caller said; 0: not said */
    struct str name;       /* what was asked for: each name has its lane and its usual lengths */
    uint64_t key;          /* fingerprint of who asks: keys share fairly */
    struct worth worth;
    bool cloud_closed; /* the caller's data or money stay here */
    bool is_opaque;    /* nobody counts tokens in it: each copy's time for such work is learned */
    bool is_aside;     /* a drill: takes no slot, so that nobody waits or goes elsewhere for it */
    bool tries_all;    /* what does not fit, as far as is known, is better than nothing */
    bool yields;       /* sent, it may be taken back for who is more urgent: a batch request */
    bool shows_tokens; /* when it yields: its first token is seen; else it is guessed */
    void *owner;
    struct why *why; /* where its last decision is written; NULL: nowhere */

    /* The line's. */
    struct link link;
    struct lane *lane;
    double start_tag, finish_tag; /* in seconds of service */
    uint64_t entered_ms;
    uint64_t asleep_ms;   /* nobody could serve it: it is looked at again then */
    uint32_t copy;        /* of the attempt under way */
    double output_tokens; /* that answers of its lane usually have */
    uint32_t company;     /* of its lane that wait, itself included: a load would serve them, too */
    uint32_t batch_begun, at_work_begun; /* runs of its copy, copies of its machine, then */
    uint32_t cached_tokens;              /* of the prompt, probably in the copy's prompt cache */
    uint32_t decisions;
    double late_s;               /* after so long its first token is late; INFINITY: nobody knows */
    double first_s;              /* until the first token, as it was expected when it was sent, */
    uint64_t sent_ms;            /* then */
    uint8_t recalls;             /* how often it was taken back */
    bool has_begun, is_recalled; /* of the present run: a token came; it is being taken back */
    bool has_recalled;           /* somebody was taken back for it */
    bool gave_way;               /* because it had waited so long; once */
    bool in_line, is_running, has_loaded;
    bool is_trial_of_copy, is_trial_of_engine; /* the one try that a breaker lets through */
};
