/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests on their way to the store, each exactly once, whatever dies meanwhile.
 *
 *     recorder_open(&r, STR("sqlite:…"), "/var/lib/tampu/journal", &options, &found, err);
 *     recorder_hold(r, &hold, &row);      before it is sent: what it will be if all ends now
 *     recorder_push(r);                   once for all that was held or put since the last time
 *     recorder_is_kept(r, &hold)          that outlives the process: the caller may be answered
 *     recorder_hold(r, &hold, &row);      now and then, while it runs
 *     recorder_put(r, &hold, &row);       what it came to; never waits for the disk
 *     recorder_close(r);                  writes what is left
 *
 * Rows go to the journal (store/journal.h) and from there, by a thread of the recorder's, to the
 * store in batches. What a process that died had left in its journal is put there by the next
 * recorder_open(): rows as they ended, and the held ones as they were held last. The store takes a
 * request's id once, so a batch may come twice. Thread-safe.
 */
#pragma once

#include "base/list.h"
#include "store/store.h"

struct recorder;

/* A request that runs; zeroed before its first use. Lives until recorder_put(). */
struct hold {
    struct link link; /* this and what follows is the recorder's */
    uint64_t first, last;
};

/* err when writing began to fail, NULL when it works again; on a thread of the recorder's. */
typedef void recorder_trouble_fn(void *ctx, const struct err *err);

/* What was appended up to now outlives the process; on the journal's thread, must not block. */
typedef void recorder_kept_fn(void *ctx);

/* A row that a process that died had left, on its way to the store; within recorder_open(). */
typedef void recorder_found_fn(void *ctx, const struct exchange_row *row);

struct recorder_options {
    uint32_t waiting_max; /* rows that may wait for the store; 0: 100000 */
    int64_t keep_us;      /* older ones become sums; 0: kept for ever */
    uint64_t rows_max;    /* the oldest beyond it too; 0: no limit */
    bool is_pushed;       /* rows lie until recorder_push(), so that many are one write */
    recorder_trouble_fn *on_trouble; /* may be NULL; of the store */
    recorder_trouble_fn *on_journal; /* may be NULL; of the journal */
    recorder_kept_fn *on_kept;       /* may be NULL */
    recorder_found_fn *on_found;     /* may be NULL */
    void *ctx;
};

/* What a process that died had left. */
struct recorder_found {
    uint64_t ended, held; /* rows that were put into the store: as they ended; as they were held */
    uint64_t damages;     /* places in the journal where rows are gone */
};

struct recorder_sum {
    uint64_t written; /* rows that the store has taken */
    uint64_t waiting; /* not yet */
    uint64_t held;    /* running */
    bool journal_fails, store_fails;
};

MUST_USE int recorder_open(struct recorder **ret, struct str url, const char *folder,
                           const struct recorder_options *options, struct recorder_found *ret_found,
                           struct err *err);

/* Writes what waits, if it can be written, and ends the thread. NULL is fine. */
void recorder_close(struct recorder *r);

/* False: nothing more is taken, as nothing can be written and memory is full. A hold that was taken
 * before stays as it was. */
MUST_USE bool recorder_hold(struct recorder *r, struct hold *hold, const struct exchange_row *row);

/* What was held and put goes to the journal; without is_pushed it does so by itself. */
void recorder_push(struct recorder *r);

/* True also when the journal cannot be written: that is known, and must not stop what runs. */
bool recorder_is_kept(const struct recorder *r, const struct hold *hold);

/* The journal cannot be written just now. */
bool recorder_is_failing(const struct recorder *r);

/* The end of a request; hold: what held it, or never did. Rows that were held always find room;
 * false: another one did not. */
bool recorder_put(struct recorder *r, struct hold *hold, const struct exchange_row *row);

/* Returns when everything put before has been written, or writing has failed. */
void recorder_flush(struct recorder *r);

struct recorder_sum recorder_sum(struct recorder *r);
