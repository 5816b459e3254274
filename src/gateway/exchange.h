/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client request, from bytes in to the last counter: a walk through tables/exchange_steps.def.
 *
 *     receive ─► decode ─► route ─► send ─► await ─► relay ─► settle
 *                            ▲───────┴────────┘ another candidate, while nothing was sent
 *
 * The steps are in exchange.c, one try on one copy in attempt.c, the caller's side of the answer in
 * relay.c. Everything lives on the worker's loop and in the exchange's arena.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/fingerprint.h"
#include "dialect/dialect.h"
#include "gateway/attempt.h"
#include "gateway/booking.h"
#include "gateway/gateway.h"
#include "gateway/scene.h"
#include "http/client.h"
#include "http/server.h"
#include "ledger/priority.h"
#include "net/timer.h"
#include "route/candidates.h"
#include "route/traffic.h"

struct worker;
struct decision;
struct hedge;
struct key_entry;
struct reuse;
struct resume;
struct upload;

enum step {
#define STEP(name, what, next) STEP_##name,
#include "tables/exchange_steps.def"
    STEP_COUNT
};

enum { EXCHANGE_ID_SIZE = 27 };

/* What hangs on a stream: an exchange, a page of tampu's own, or what was handed over to a module.
 * The first member of each. */
enum visit { VISIT_call, VISIT_page, VISIT_stream };

struct exchange {
    enum visit visit; /* VISIT_call; first, so that endpoints.c can tell */
    struct worker *worker;
    struct scene *scene;
    struct stream *stream;         /* NULL when the caller is gone or answered */
    const struct request *request; /* while there is a stream */
    const struct dialect *dialect;
    enum task task;
    enum endpoint_id endpoint;

    enum step step;
    bool running, nudged, refused; /* refused: by the server, which has counted it */

    /* receive, decode */
    struct arena arena;
    struct buf body;
    struct upload *upload; /* NULL: the body is JSON */
    char *asked;           /* the bytes of ask.model */
    bool body_complete, caller_gone;
    struct ask ask;
    struct chat *chat; /* NULL until it had to be read whole */
    size_t drops;      /* of the fields in chat->dropped: those that reading could not carry */

    /* route */
    struct candidate *candidates; /* beside the options of the errand; one block with them */
    struct str dead; /* of a drill: the machines that count as dead; .data NULL: no drill */
    uint32_t candidate_count;
    const struct copy *named; /* was asked for by its own name, and others may stand in; or NULL */
    enum parity least;        /* that the caller takes; incompatible: it has not said */
    enum priority priority;   /* its key's, or its own word */
    double deadline_s;        /* for the first token, as the caller said; 0: the usual one */
    struct waiter waiter;
    struct decision *decision; /* why it goes where it goes; NULL: nobody knows */
    struct timer patience;     /* with the line; with an engine that has ended its answer */
    struct clearing *clearing; /* what is unloaded for it; NULL: nothing, or no more */
    bool queued, granted, impatient, settled;
    bool resting; /* every copy that is left is loading: they are asked again in a moment */
    bool grant_on_its_way;         /* free only when it has arrived */
    bool recall_heard, recalled;   /* of the present try: it is to be taken back; and it shall be */
    unsigned recalls_on_their_way; /* for tries that have ended: the same as for a grant */
    unsigned attempts;

    /* send, await, relay */
    struct attempt attempt;
    struct hedge *hedge; /* NULL: nobody else was asked */
    struct writer *writer;
    struct buf out;  /* for the caller, not sent yet */
    struct buf tail; /* pass-through: the beginning of a frame that is not whole yet */
    bool first_token, started;
    bool live; /* the answer goes to the caller as it comes */
    struct usage usage;
    struct engine_times times;
    struct fingerprint answer; /* of its text */
    enum finish finish;
    struct resume *resume; /* NULL: what is cut does not go on */
    struct reuse *reuse;   /* NULL: its answer is not kept */

    /* refuse, settle */
    enum failure why;
    struct str found; /* words for why, in the arena; may be empty */
    int status;
    uint64_t retry_ms;

    uint64_t recent; /* its ticket among recent requests; 0: none yet */
    char id[EXCHANGE_ID_SIZE];
    char key_id[20];
    struct booking booking;
    uint64_t arrived_us, first_token_us;
    int64_t created_us;
    struct link link; /* in the worker's list */
};

/* Takes over the stream: its callbacks go to the exchange from here on. NULL: no memory, and the
 * stream was answered. */
struct exchange *exchange_start(struct worker *w, struct stream *s, const struct request *r,
                                const struct dialect *dialect, enum task task,
                                enum endpoint_id endpoint, const struct key_entry *key);

/* The caller has a part of the answer: what only a try from its beginning needs is given back. */
void exchange_forget_request(struct exchange *x);

/* What the stream says. */
void exchange_on_body(struct exchange *x, struct str chunk);
void exchange_on_body_end(struct exchange *x);
void exchange_on_writable(struct exchange *x);
/* why: what the server has answered meanwhile; FAILURE_none: the caller left. */
void exchange_on_gone(struct exchange *x, enum failure why);

/* A slot was granted to it. */
void exchange_on_grant(void *ctx);

/* Its try is to be taken back, for somebody more urgent. */
void exchange_on_recall(void *ctx);

/* Something happened: take steps until there is nothing more to do. */
void exchange_run(struct exchange *x);

/* What ends this exchange or this attempt; found may be empty. Only the first counts. */
void exchange_fail(struct exchange *x, enum failure why, struct str found);
