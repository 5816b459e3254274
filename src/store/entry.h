/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's row as bytes: what the journal holds of it, and what waits for the store.
 *
 *     entry_write(&out, ENTRY_open, &row);          while it runs: what it is, should all end now
 *     entry_write(&out, ENTRY_end, &row);           what it came to
 *     entry_read(&entry, bytes);                    texts point into the bytes
 *
 * Pure. Little-endian on every machine. Texts beyond ENTRY_TEXT_MAX are cut.
 */
#pragma once

#include "base/buf.h"
#include "store/rows.h"

enum { ENTRY_TEXT_MAX = 256 };

enum entry_kind { ENTRY_open = 1, ENTRY_end = 2 };

struct entry {
    enum entry_kind kind;
    struct exchange_row row;
};

/* 0, -EMSGSIZE or -ENOMEM as buf_put(); nothing is added then. */
MUST_USE int entry_write(struct buf *out, enum entry_kind kind, const struct exchange_row *row);

/* 0; -EBADMSG: these bytes are no entry of this program's. */
MUST_USE int entry_read(struct entry *ret, struct str bytes);
