/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shelf: blobs on their way to machines, each read by many while it still arrives.
 *
 *     shelf_open(&s, "/var/lib/tampu/blobs", &options, err);
 *     shelf_take(&blob, s, digest, size, err);         finds it or makes room and begins it
 *     if (blob_claim(blob)) … blob_put(blob, at, bytes)      one who brings it, from blob_have() on
 *     n = blob_get(blob, at, out, room);               0: not there yet → blob_wait()
 *     blob_give_back(&blob);
 *
 * A blob is a file named by its digest; "sha256-….part" until all of it is there and its digest is
 * right. What has arrived outlives the program: the next one goes on behind it. Whole blobs that
 * nobody holds make room for others, the longest unused first. Where several bring parts of one,
 * its file remembers how much of the beginning is there; what lies behind a hole dies with the
 * program. Any thread may call; a thread of its own checks digests, so that no loop waits for that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apply/digest.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "net/loop.h"

struct shelf;
struct blob;

enum { SHELF_WAKE_BYTES = 256 << 10 }; /* how much a reader usually waits for */

enum blob_state {
    BLOB_arriving,
    BLOB_checking, /* all there, its digest not looked at yet: may be read */
    BLOB_whole,
    BLOB_broken, /* it was not what its digest says: gone, to be taken anew */
};

struct shelf_options {
    uint64_t bytes_max; /* of all blobs; 0: no ceiling */
    uint64_t free_min;  /* bytes that the disk must keep free */
};

/* Makes the folder (0700), finds what is there. -EBUSY: another process has it open. */
MUST_USE int shelf_open(struct shelf **ret, const char *folder, const struct shelf_options *options,
                        struct err *err);

/* No blob may be held any more. NULL is fine. */
void shelf_close(struct shelf *s);
static inline void shelf_free(struct shelf *s)
{
    shelf_close(s);
}
AUTO_FREE(shelf)

/* Bytes of all blobs, those promised to blobs that still arrive included. */
uint64_t shelf_bytes(struct shelf *s);

/* How many of a blob's bytes are there; 0 for one that nobody began. */
uint64_t shelf_has(struct shelf *s, struct str digest);

/* A reference. -EINVAL: no digest, or another size than before; -ENOSPC: no room even without what
 * nobody holds, in words; -ENOMEM, -EIO. */
MUST_USE int shelf_take(struct blob **ret, struct shelf *s, struct str digest, uint64_t size,
                        struct err *err);
void blob_give_back(struct blob **blob);

enum blob_state blob_state(struct blob *b);
uint64_t blob_size(const struct blob *b);

/* So many bytes from its beginning are there. */
uint64_t blob_have(struct blob *b);

/* Only one brings it at a time: true when that is the caller now. */
bool blob_claim(struct blob *b);
void blob_unclaim(struct blob *b);
bool blob_is_claimed(struct blob *b);

/* Several bring it at once, a part each, instead of one who claims it: false when somebody has. */
bool blob_join(struct blob *b);
void blob_leave(struct blob *b);

struct blob_part {
    struct link link;
    uint64_t from, at, end; /* at: the next byte that is wanted */
};

/* For who has joined. 0: the part is the caller's, from part->at on; -EALREADY: it is here, or
 * somebody brings it; -EINVAL: there is no such part; -E2BIG: too many lie apart; -ENOTSUP: the
 * disk cannot remember that there are holes. */
MUST_USE int blob_begin_part(struct blob *b, struct blob_part *part, uint64_t from, uint64_t end);

/* The bytes from part->at on; as blob_put(). */
MUST_USE int blob_put_part(struct blob *b, struct blob_part *part, struct str bytes);

/* What it brought stays. */
void blob_end_part(struct blob *b, struct blob_part *part);

/* Where what is missing at blob_have() ends: at a part that is there already, or at its end. */
uint64_t blob_gap_end(struct blob *b);

/* The bytes from `at` on, which must be blob_have(). 0, -EINVAL (not there, or too many), or what
 * the disk says: then nothing was added. */
MUST_USE int blob_put(struct blob *b, uint64_t at, struct str bytes);

/* How many of the bytes from `at` on were put out, at most room; 0: not there yet, or the end;
 * -EBADMSG: broken; -EIO and the like. */
int64_t blob_get(struct blob *b, uint64_t at, char *out, size_t room);

/* Its file, as long as it is held: bytes below blob_have() are there to be read. */
int blob_file(const struct blob *b);

/* Calls fn(ctx) once on that loop when `until` bytes are there, or it is whole or broken; more
 * bytes than it has: only then. */
struct blob_waiter {
    struct link link;
    struct loop *loop;
    loop_fn *fn;
    void *ctx;
    uint64_t until;
    bool is_waiting;
};

/* False when there is nothing to wait for: look again now. */
bool blob_wait(struct blob *b, struct blob_waiter *w);

/* False: fn is on its way already, and the waiter must live until it has come. */
bool blob_unwait(struct blob *b, struct blob_waiter *w);
