/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answered requests on their way to the store: taken on any thread, written by one of its own.
 *
 *     recorder_open(&r, STR("sqlite:…"), &(struct recorder_options){…}, err);
 *     recorder_put(r, &row);          copies; never waits for the disk
 *     recorder_close(r);              writes what is left
 *
 * Rows wait at most a second, so that many share one write to the disk; a crash loses at most
 * those. While the store cannot be written rows wait up to a ceiling, beyond which new ones are
 * dropped. Money is not kept here.
 */
#pragma once

#include "store/store.h"

struct recorder;

/* On the recorder's thread: err when writing began to fail, NULL when it works again. */
typedef void recorder_trouble_fn(void *ctx, const struct err *err);

struct recorder_options {
    uint32_t waiting_max;            /* rows that may wait; 0: 10000 */
    int64_t keep_us;                 /* older ones are removed; 0: kept for ever */
    uint64_t rows_max;               /* the oldest beyond it are removed; 0: no limit */
    recorder_trouble_fn *on_trouble; /* may be NULL */
    void *ctx;
};

struct recorder_sum {
    uint64_t written, dropped;
};

MUST_USE int recorder_open(struct recorder **ret, struct str url,
                           const struct recorder_options *options, struct err *err);

/* Writes what waits, if it can be written, and ends the thread. NULL is fine. */
void recorder_close(struct recorder *r);

/* False when it was dropped: too many wait, or no memory. */
bool recorder_put(struct recorder *r, const struct exchange_row *row);

/* Returns when everything put before has been written, or writing has failed. */
void recorder_flush(struct recorder *r);

struct recorder_sum recorder_sum(struct recorder *r);
