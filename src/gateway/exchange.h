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
#include "dialect/dialect.h"
#include "gateway/gateway.h"
#include "gateway/scene.h"
#include "http/client.h"
#include "http/server.h"
#include "net/timer.h"
#include "route/candidates.h"
#include "route/traffic.h"

struct worker;
struct key_entry;
struct upload;

enum step {
#define STEP(name, what, next) STEP_##name,
#include "tables/exchange_steps.def"
    STEP_COUNT
};

enum { EXCHANGE_ID_SIZE = 27 };

/* What hangs on a stream: an exchange, or a page of tampu's own. The first member of both. */
enum visit { VISIT_call, VISIT_page };

/* One try on one copy or provider. */
struct attempt {
    const struct copy *copy;
    enum parity parity;
    const struct dialect *dialect;
    enum task task;      /* what the engine is asked for */
    struct str *dropped; /* fields that it is not told */
    size_t dropped_count;
    struct call *call; /* NULL when it is over */
    struct reader *reader;
    struct buf request; /* translated body, or the spliced name of the model */
    struct buf target;  /* of a dialect that names the model there */
    struct buf refusal; /* body of an answer with status >= 400 */
    struct str pieces[3];
    int status;
    uint64_t wait_ms; /* a provider's limit: how long it wants to be left alone */
    enum failure why;
    bool translated, ended, over; /* ended: the mark of it was read; over: so was the rest */
    bool has_events; /* of a task that is passed on: the answer is a stream of events, */
    bool is_remade;  /* ... it is kept until it is whole, and said in other words */
    bool is_page;    /* it calls itself a page of HTML */
    char type[128];  /* of this type, */
    int64_t length;  /* and so long; -1: not known */
    uint64_t started_us;
    size_t dimensions;       /* of the vectors that came */
    uint64_t fed, forwarded; /* bytes of the answer: read, and passed on whole */
};

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

    /* route; the rows and the copies that are asked for lie in the arena */
    struct candidate *candidates;
    uint32_t candidate_count;
    uint64_t tried; /* a bit per candidate */
    struct waiter waiter;
    struct timer patience; /* with the line; with an engine that has ended its answer */
    bool queued, granted, impatient, settled;
    bool resting; /* every copy that is left is loading: they are asked again in a moment */
    bool grant_on_its_way; /* free only when it has arrived */
    unsigned attempts;

    /* send, await, relay */
    struct attempt attempt;
    struct writer *writer;
    struct buf out;  /* for the caller, not sent yet */
    struct buf tail; /* pass-through: the beginning of a frame that is not whole yet */
    bool first_token, started;
    bool live; /* the answer goes to the caller as it comes */
    struct usage usage;
    struct engine_times times;
    enum finish finish;

    /* refuse, settle */
    enum failure why;
    struct str found; /* words for why, in the arena; may be empty */
    int status;
    uint64_t retry_ms;

    char id[EXCHANGE_ID_SIZE];
    char key_id[20];
    uint64_t arrived_us, first_token_us;
    int64_t created_us;
    struct link link; /* in the worker's list */
};

/* Takes over the stream: its callbacks go to the exchange from here on. NULL: no memory, and the
 * stream was answered. */
struct exchange *exchange_start(struct worker *w, struct stream *s, const struct request *r,
                                const struct dialect *dialect, enum task task,
                                enum endpoint_id endpoint, const char *key_id);

/* Part of the answer is with the caller: what only another try would need is given back. A stream
 * may last for minutes, and thousands of them side by side. */
void exchange_forget_request(struct exchange *x);

/* What the stream says. */
void exchange_on_body(struct exchange *x, struct str chunk);
void exchange_on_body_end(struct exchange *x);
void exchange_on_writable(struct exchange *x);
/* why: what the server has answered meanwhile; FAILURE_none: the caller left. */
void exchange_on_gone(struct exchange *x, enum failure why);

/* Something happened: take steps until there is nothing more to do. */
void exchange_run(struct exchange *x);

/* The failure that ends this exchange or this attempt; found may be empty. Only the first counts.
 */
void exchange_fail(struct exchange *x, enum failure why, struct str found);
