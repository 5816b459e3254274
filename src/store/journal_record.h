/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record of a journal as bytes, and finding records in bytes that may be damaged.
 *
 *     record_write(&out, number, bytes);
 *     while (record_find(file, &at, &found))      found.number, found.bytes; at: behind it
 *         if (found.skipped) …                    damage: so many bytes were no record
 *
 * Pure. Little-endian on every machine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct record {
    uint64_t number;
    struct str bytes;
    size_t skipped; /* bytes before it that are no record */
};

/* 0, -EMSGSIZE or -ENOMEM as buf_put(). */
MUST_USE int record_write(struct buf *out, uint64_t number, struct str bytes);

/* The next whole record from *at on, wherever it begins; *at moves behind it. */
bool record_find(struct str file, size_t *at, struct record *ret);
