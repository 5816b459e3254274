/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call to a machine, inside src/http only.
 *
 *     start → lookup → connect → send → await → body → over
 *
 * with a pooled connection start → send, and send or await → start when that one was stale.
 */
#pragma once

#include "http/pool.h"

enum call_state {
    CALL_start,
    CALL_lookup,  /* the host's name */
    CALL_connect, /* and, with TLS, the handshake */
    CALL_send,
    CALL_await, /* the answer's head */
    CALL_body,
    CALL_over, /* freed at the end of the turn */
    CALL_COUNT
};

enum { CALL_PIECES = 4, CALL_INTERIM_MAX = 8, CALL_SLICE = 64 << 10 };

struct call {
    struct client *client;
    struct link link; /* in client->calls */
    struct host *host;
    struct upstream *upstream;
    struct call_events events;
    void *ctx;
    struct dns_lookup *lookup;
    union address *addresses; /* still to be tried, while connecting */
    size_t address_count, address_at;
    struct buf head; /* kept until the answer begins, for a second try */
    struct str pieces[CALL_PIECES], *body;
    size_t body_count;
    size_t sent_pieces, sent_bytes; /* of the head and the body's pieces; of the piece under way */
    struct call_source source;      /* what follows the pieces; length 0: nothing */
    uint64_t source_at;
    struct timer timer, total;
    uint32_t connect_timeout_ms, first_byte_timeout_ms, idle_timeout_ms;
    enum failure late_failure; /* found in call_start(), told from the loop */
    const char *late_words;
    uint8_t state, method, interim;
    bool is_retried, is_paused, is_sent, is_bulk;
};

struct client {
    struct loop *loop;
    struct client_options options;
    struct pool pool;
    struct dns *dns;
    char *slice; /* CALL_SLICE bytes that sources are read into; NULL until one is */
    struct link calls;
};

/* The only place a call changes state. */
void call_go(struct call *call, enum call_state to);

/* Picks a connection and goes on from there. 0 or -ENOMEM: failures of the machine come later. */
MUST_USE int call_begin(struct call *call);

/* Sends what the connection takes. */
void call_send(struct call *call);

/* Stops reading while the caller is slow: that is not the machine's time. */
void call_hold(struct call *call);

/* And goes on with what came meanwhile; a loop_fn. */
void call_wake(void *call);

/* Tells on_fail, drops the connection. */
void call_fail(struct call *call, enum failure why, const char *words);

/* Nothing is told any more; the memory goes at the end of the turn. */
void call_finish(struct call *call);
