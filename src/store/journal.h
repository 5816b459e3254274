/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not be lost, written before it is believed: an append-only journal in the state folder.
 *
 *     journal_open(&j, "/var/lib/tampu/journal", &options, &found, err);    hands out what is there
 *     number = journal_append(j, record);          any thread; never waits for the disk
 *     journal_push(j);                              now they go to the disk, if is_pushed
 *     …                                             options.on_durable: all up to a number are safe
 *     journal_forget(j, number);                   the store has them: their files may go
 *     journal_close(j);                            writes what is left
 *
 * A record is written before it is durable: from then on it outlives the process, though not the
 * machine's power. One program has a journal at a time.
 *
 * A record on disk is a mark, its length, its number, a sum of both and of its bytes, and the
 * bytes. One thread writes, another one syncs: what was written within 10 ms, or while the disk was
 * busy, is synced together. A tail torn by a crash was never durable and is passed over; damage
 * before it is counted, and what stands behind it is still found. Numbers grow by one, across
 * restarts too.
 */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct journal;

enum {
    JOURNAL_RECORD_MAX = 64 << 10,
    JOURNAL_WAITING_MAX = 16 << 20, /* bytes that may wait for the disk */
    JOURNAL_SEGMENT = 8 << 20,      /* bytes after which a new file begins */
};

/* Negative stops the replay and is what journal_open() returns. */
typedef int journal_record_fn(void *ctx, uint64_t number, struct str record);

/* On the journal's thread. */
typedef void journal_durable_fn(void *ctx, uint64_t number);
typedef void journal_trouble_fn(void *ctx, const struct err *err); /* NULL: it works again */

struct journal_options {
    journal_record_fn *on_record; /* each that is there at opening, in order, with record_ctx */
    void *record_ctx;
    journal_durable_fn *on_written; /* may be NULL; all up to a number outlive the process */
    journal_durable_fn *on_durable; /* may be NULL */
    journal_trouble_fn *on_trouble; /* may be NULL; once when writing begins to fail */
    void *ctx;
    uint64_t segment_bytes; /* 0: JOURNAL_SEGMENT */
    bool is_pushed;         /* records lie until journal_push(), so that many are one write */
};

/* What opening found. */
struct journal_found {
    uint64_t records;
    uint64_t damages;    /* places where durable records are gone: somebody must be told */
    uint64_t torn_bytes; /* at the end: never durable */
};

/* The folder is made (0700). ret_found may be NULL. -EBUSY: another program has it. */
MUST_USE int journal_open(struct journal **ret, const char *folder,
                          const struct journal_options *options, struct journal_found *ret_found,
                          struct err *err);
void journal_close(struct journal *j);

/* The record's number, or 0: too large, or too many wait for a disk that does not take them. */
MUST_USE uint64_t journal_append(struct journal *j, struct str record);

/* What was appended goes to the disk; any thread. Without is_pushed it does so by itself. */
void journal_push(struct journal *j);

/* All that was appended up to this number is durable: 0, or -EIO while writing fails. */
MUST_USE int journal_wait(struct journal *j, uint64_t number);

/* Up to this number all outlive the process; any thread. */
uint64_t journal_written(const struct journal *j);

/* Records up to this number are kept elsewhere now. */
void journal_forget(struct journal *j, uint64_t number);
