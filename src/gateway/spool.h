/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spool: bytes that come once and are read any number of times. The first are kept in memory,
 * more go to a file without a name, which is gone with the spool, or with the process.
 *
 *     spool_init(&s, &limits);
 *     spool_put(&s, chunk); …
 *     n = spool_read(&s, at, room, sizeof room);
 *     spool_fini(&s);
 *
 * Writing and reading go through the system's cache of the disk, without waiting for it.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

struct spool_limits {
    const char *folder;     /* where the file is made; outlives the spool */
    size_t memory_max;      /* bytes of one spool that are kept in memory */
    uint64_t bytes_max;     /* of one spool */
    uint64_t all_bytes_max; /* of all together, in files */
    uint64_t *all_bytes;    /* atomic: how many those are; shared by all */
};

struct spool {
    struct spool_limits limits;
    struct buf memory;
    int file; /* -1: all of it is in memory */
    uint64_t length, filed;
};

void spool_init(struct spool *s, const struct spool_limits *limits);
void spool_fini(struct spool *s);

/* 0; -EMSGSIZE: more than bytes_max; -ENOSPC: more than all_bytes_max, or the disk is full;
 * -ENOMEM, or why the file cannot be made or written. */
MUST_USE int spool_put(struct spool *s, struct str bytes);

/* How many bytes from `at` on were put into out, at least one; -EIO and the like. */
int64_t spool_read(const struct spool *s, uint64_t at, char *out, size_t room);
