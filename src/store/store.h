/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State that outlives the process, behind one interface; each store is a row and a file.
 *
 *     store_open(&s, STR("sqlite:/var/lib/tampu/tampu.db"), err);     makes and migrates it
 *     store_key_put(s, &row, err);
 *     store_close(s);
 *
 * Calls block: they belong on a worker thread or the command line, never on a loop. A store handle
 * is used by one thread at a time. All text is UTF-8; all times are UTC microseconds since 1970.
 * What every store answers when it cannot: -EBUSY another program keeps it locked, -ENOSPC no room,
 * -EROFS not writable, -EUCLEAN damaged, -EIO the rest; in words in err.
 */
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "store/rows.h"

struct store;

/* "sqlite:PATH" or "postgresql://USER@HOST/DATABASE"; of the latter the schema `tampu`. Makes what
 * is missing: folders (0700), the file (0600), its tables. A damaged file is moved aside, never
 * written to: -EUCLEAN, and the next store_open() starts an empty one. A file that is no store of
 * ours (-EINVAL) or one of a newer program (-ENOTSUP) is left alone. */
MUST_USE int store_open(struct store **ret, struct str url, struct err *err);
void store_close(struct store *s);
/* What opening it found and somebody should be told; empty: nothing. */
const char *store_note(const struct store *s);

/* A folder on this machine for what must not outlive the process: beside the store's file, or
 * the system's for temporary files. */
void store_folder(char *out, size_t room, struct str url);
static inline void store_free(struct store *s)
{
    store_close(s);
}
AUTO_FREE(store)

/* The newest schema that this program knows. */
unsigned store_schema_newest(void);

/* -EEXIST when the id or hash is there; -EDQUOT: STORE_KEYS_MAX are there that are not revoked. */
MUST_USE int store_key_put(struct store *s, const struct key_row *row, struct err *err);
/* By id, prefix or name. -ENOENT when none fits, -EEXIST when several do that are not revoked yet.
 * Revoking again by id changes nothing and is no error. */
MUST_USE int store_key_revoke(struct store *s, struct str which, int64_t now_us, struct err *err);
/* A new hash, prefix and last4 from `fresh` for a key that is not revoked, named as above; the
 * present hash stays good until old_until_us (0: no longer). Everything else stays, its use too. */
MUST_USE int store_key_rotate(struct store *s, struct str which, const struct key_row *fresh,
                              int64_t old_until_us, struct err *err);
/* In the order they were made. fn's negative result stops and is returned. */
MUST_USE int store_key_each(struct store *s, key_fn *fn, void *ctx, struct err *err);

/* All or none, in one transaction; ids that are there already stay as they are, so that a batch may
 * be put again. */
MUST_USE int store_exchange_put(struct store *s, const struct exchange_row *rows, size_t count,
                                struct err *err);
/* -ENOENT, or what fn returned; the row dies when fn returns. */
MUST_USE int store_exchange_find(struct store *s, struct str id, exchange_fn *fn, void *ctx,
                                 struct err *err);
/* The newest `most`, the oldest of them first. fn's negative result stops and is returned. */
MUST_USE int store_exchange_last(struct store *s, unsigned most, exchange_fn *fn, void *ctx,
                                 struct err *err);
/* In the order of writing. What goes is added to the sums of its day in the same transaction, so
 * that usage stays the same. *removed (rows; may be NULL). */
MUST_USE int store_exchange_trim(struct store *s, const struct retention *keep, uint64_t *removed,
                                 struct err *err);
/* Sums over rows and days, ordered by day, key, owner, model, machine. fn's negative result stops
 * and is returned. */
MUST_USE int store_usage(struct store *s, const struct usage_query *query, usage_fn *fn, void *ctx,
                         struct err *err);

/* All or none; what is there of the same copy and moment stays as it is. Beyond MEASUREMENTS_KEPT
 * of a copy the oldest go. */
MUST_USE int store_measurement_put(struct store *s, const struct measurement_row *rows,
                                   size_t count, struct err *err);
/* The newest `most` of each copy, the oldest of them first; ordered by machine, engine, artifact.
 * fn's negative result stops and is returned. */
MUST_USE int store_measurement_last(struct store *s, unsigned most, measurement_fn *fn, void *ctx,
                                    struct err *err);

/* The whole store as a file that is not there yet (-EEXIST), while others write; -ENOTSUP, with the
 * words what to use instead, where the store has its own way. */
MUST_USE int store_backup(struct store *s, const char *path, struct err *err);
/* Everything becomes as it is in the backup, in one transaction, while others may read and write.
 * -EINVAL: no backup of ours. */
MUST_USE int store_restore(struct store *s, const char *path, struct err *err);

/* 32 random bytes, made once with the store, that key hashes are keyed with. */
MUST_USE int store_pepper(struct store *s, unsigned char pepper[32], struct err *err);

/* Changes whenever another handle has changed keys, and perhaps more often: to be asked every
 * store_look_every_ms(). -ESTALE: the store is another one by now (a damaged file was moved aside):
 * open it anew. */
MUST_USE int store_version(struct store *s, uint64_t *ret, struct err *err);
unsigned store_look_every_ms(const struct store *s);
