/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request at an imagined engine, as sim/world.h moves it: what it asks, and what became of it.
 *
 * The caller zeroes it, fills the first part in, and owns it. From world_start() on it is in the
 * world, until an event says that it has left or world_leave() takes it out.
 */
#pragma once

#include "base/list.h"
#include "base/str.h"

enum { VISIT_PIECES_MAX = 64 };

/* What can be loaded. Owned by the caller, must outlive the world. */
struct world_artifact {
    struct str name; /* breaks ties when one must be evicted, as the path does in Ollama */
    uint64_t bytes;  /* the file: what the page cache holds */
    bool one_slot;   /* embedding models and some families never run in parallel */
    void *ctx;       /* the caller's */
};

/* The part of a prompt that a message makes: what stands before and in it, and its tokens. */
struct piece {
    uint64_t chain;  /* fingerprint of everything up to its end */
    uint32_t tokens; /* from the beginning up to its end */
};

enum visit_state {
    VISIT_new,
    VISIT_pending, /* waits for its copy to be loaded */
    VISIT_loading, /* its copy is being loaded for it */
    VISIT_waiting, /* for a slot */
    VISIT_prefill,
    VISIT_decode,
    VISIT_over,
};

/* In VISIT_EVENT_done, failed and cut the visit has left the world and may be freed. */
enum visit_event {
    VISIT_EVENT_token,  /* one more token: tokens_done says which */
    VISIT_EVENT_done,   /* the last token, or nothing but the load or the prompt was asked for */
    VISIT_EVENT_failed, /* see fail */
    VISIT_EVENT_cut,    /* the machine broke off */
};

enum visit_fail {
    VISIT_FAIL_none,
    VISIT_FAIL_memory, /* it does not fit, even alone */
    VISIT_FAIL_busy,   /* too many wait for a load */
};

struct visit {
    const struct world_artifact *artifact;
    uint32_t num_ctx; /* 0: left to the engine */
    uint64_t options; /* fingerprint of the other options that make a runner reload */
    bool keep_alive_given;
    double keep_alive_ms; /* negative: for ever */
    bool load_only;
    struct piece pieces[VISIT_PIECES_MAX];
    unsigned piece_count;
    uint64_t answer_chain;  /* of pieces and answer, for the next prompt; 0: not known */
    uint32_t answer_tokens; /* to decode; 0: none, as for embeddings */
    double fixed_ms;        /* above 0: this long at full speed, no prompt and no tokens */
    void *ctx;

    enum visit_state state;
    enum visit_fail fail;
    uint32_t tokens_done;
    uint32_t prompt_tokens, cached_tokens, prompt_done;
    uint32_t context; /* of the runner */
    unsigned slot;
    double start_ms, ready_ms, slot_ms, first_ms, end_ms; /* when: came, copy loaded, slot got, … */
    bool retried;         /* after an out of memory, everything else was evicted once */
    uint32_t lowered_ctx; /* and the engine's own choice of context lowered to this */
    unsigned engine;
    struct runner *runner;
    struct link link;
};
