/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request costs, from the reservation to the row: the ledger's side of an exchange.
 *
 *     why = booking_open(x);          once it is known what is asked: room in the key's allowance
 *     booking_hold(x)                 at each try, and now and then: the journal knows of it
 *     booking_is_kept(x)              … and what it knows outlives us: the caller may hear of it
 *     booking_count(x, delta);        as the answer comes
 *     booking_fail(x);                it was cut, and another try begins
 *     booking_settle(x, &row);        the end: what it came to, into the books
 *
 * Reserved is the most that it may cost on any candidate. Charged is what the engine or provider
 * says it used; where none says, or the answer was cut, what was counted. A provider's try that
 * failed before the caller had a word of it is charged the same way, if any of its answer came.
 */
#pragma once

#include "base/failure.h"
#include "base/list.h"
#include "dialect/delta.h"
#include "gateway/joint.h"
#include "ledger/allowance.h"
#include "store/recorder.h"

struct exchange;
struct key_entry;
struct keyring;
struct worker;

struct booking {
    struct keyring *ring;        /* as it was when the request came */
    const struct key_entry *key; /* the caller's in it; NULL: none was needed */
    struct hold hold;
    struct link waiting; /* in its worker's, until the journal has it */
    bool is_waiting;
    struct reservation reservation;
    enum joint_state joint; /* the same, with the other gateways */
    uint64_t held_us;       /* when it was held last */
    uint64_t counted;       /* tokens of this try's answer, as they came */
    struct usage failed;    /* what providers took for tries that failed, as far as is known, */
    uint64_t failed_micro;  /* ... and the money that was */
};

/* FAILURE_none, FAILURE_over_limit, FAILURE_over_budget, FAILURE_books_closed,
 * FAILURE_limits_late; words for it. */
enum failure booking_open(struct exchange *x, struct err *err);

/* False: the journal takes no more. */
MUST_USE bool booking_hold(struct exchange *x);

/* False: it is run again when that has changed. */
bool booking_is_kept(struct exchange *x);

void booking_count(struct exchange *x, const struct delta *delta);

/* Before another try begins: the last one has failed, and a provider takes money all the same. */
void booking_fail(struct exchange *x);

/* Fills what the row says of tokens, money and energy, as of now. */
void booking_fill(const struct exchange *x, struct exchange_row *row);

/* By the last try alone. */
struct usage booking_used(const struct exchange *x);

void booking_settle(struct exchange *x, struct exchange_row *row);

/* On the worker's loop: the journal has got further. */
void booking_on_kept(void *worker);
