/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that are over, on their way to a collector of traces.
 *
 *     spans_put(s, &row, traceparent);           at the end of an exchange; never waits for anybody
 *     count = spans_take(s, batch, most);        the oldest, out of the queue
 *     spans_lost(s)                              how many found no room
 *
 * A queue of a fixed size: what finds it full is counted and forgotten. Any thread; a put is one
 * mutex and one copy. There is none while nobody collects.
 */
#pragma once

#include "store/store.h"

struct spans;

enum { SPANS_ROOM = 2048, TRACE_ID_SIZE = 33, SPAN_ID_SIZE = 17 };

/* A copy of its own: nothing in it is borrowed but literals. */
struct span {
    char trace_id[TRACE_ID_SIZE], id[SPAN_ID_SIZE],
        parent_id[SPAN_ID_SIZE]; /* the last may be empty */
    char request[32], asked[96], machine[64], model[96];
    struct str endpoint, parity, failure; /* literals */
    int status;
    unsigned attempts;
    uint64_t prompt_tokens, completion_tokens, cached_tokens, money_micro;
    int64_t started_us, first_token_us, total_us; /* as in struct exchange_row */
};

/* NULL without memory. */
struct spans *spans_new(void);
void spans_free(struct spans *s);

/* traceparent: the caller's header, W3C trace context; what is none begins a trace of its own, made
 * of the request's id. The row's endpoint, parity and failure must be literals. */
void spans_put(struct spans *s, const struct exchange_row *row, struct str traceparent);

size_t spans_take(struct spans *s, struct span *ret, size_t most);
uint64_t spans_lost(struct spans *s);
