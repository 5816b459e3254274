/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try on one copy: ask in the engine's dialect, read its answer, tell the exchange.
 *
 * attempt_start() asks; events raise flags in the exchange and nudge it. attempt_end() gives the
 * slot back and tells traffic and the counters how it went; it is called exactly once per start.
 */
#pragma once

#include "base/buf.h"
#include "dialect/dialect.h"
#include "fleet/parity.h"
#include "http/client.h"

struct exchange;
struct waiter;

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
    int status, shown_status; /* of its answer, and of what it was asked first (turns.h) */
    uint64_t wait_ms;         /* a provider's limit: how long it wants to be left alone */
    enum failure why;
    bool is_paused;               /* its caller is slow */
    bool translated, ended, over; /* ended: the mark of it was read; over: so was the rest */
    bool has_events; /* of a task that is passed on: the answer is a stream of events, */
    bool is_remade;  /* ... it is kept until it is whole, and said in other words */
    bool is_page;    /* it calls itself a page of HTML */
    struct str type; /* of this type, in the arena until it has begun, */
    int64_t length;  /* and so long; -1: not known */
    uint64_t started_us;
    size_t dimensions;       /* of the vectors that came */
    uint64_t fed, forwarded; /* bytes of the answer: read, and passed on whole */
    double keep_alive_s;
    char keep_alive[STR_U64_ROOM]; /* what the engine is told of how long to keep the copy */
};

/* How it ended, as far as the engine is concerned. */
struct outcome {
    enum failure why; /* FAILURE_none: it answered */
    bool unknown;     /* it says nothing about the engine: the caller left */
};

/* Why a try ended that did not fail. */
enum parting {
    PARTING_none,
    PARTING_left,      /* the caller did */
    PARTING_overtaken, /* another copy was asked as well, and was sooner */
    PARTING_recalled,  /* it was taken back for somebody more urgent */
};

/* FAILURE_none, or why nothing was sent. Either way attempt_end() is due. */
enum failure attempt_start(struct exchange *x);

/* What is left of it when its engine was asked something else first; the same. */
enum failure attempt_send(struct exchange *x);

/* Whether the first byte of its answer has a limit, and how long it may take at most then. */
bool attempt_is_limited(const struct exchange *x);
uint32_t attempt_patience_ms(const struct exchange *x);

/* parting: it ends through no fault of the engine. */
void attempt_end(struct exchange *x, enum parting parting);

/* The parts of attempt_start(), for a second try beside the first (gateway/hedge.h): whom, what is
 * made ready for its answer, and the call. */
void attempt_choose(struct exchange *x, const struct waiter *granted);
enum failure attempt_listen(struct exchange *x);
enum failure attempt_call(struct exchange *x, size_t pieces, const struct call_events *events,
                          void *ctx);

/* What its call says, with the exchange as ctx. */
extern const struct call_events attempt_events;

/* Gives its memory back; its call is over. */
void attempt_forget(struct attempt *a);

void attempt_pause(struct exchange *x);
void attempt_resume(struct exchange *x);
