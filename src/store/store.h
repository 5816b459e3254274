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

#include <stdbool.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"

struct store;

enum { KEY_HASH_SIZE = 32, KEY_ID_SIZE = 16 };

enum key_role { KEY_caller, KEY_operator };

/* A key as it is kept: never the key itself. Slices are borrowed. */
struct key_row {
    char id[KEY_ID_SIZE + 1];          /* random, names the key in commands: "k3f9…" */
    unsigned char hash[KEY_HASH_SIZE]; /* HMAC-SHA-256 of the key under the store's pepper */
    struct str prefix, last4;          /* "tampu-3fa9", "x7Qd": shown in lists */
    struct str name, owner;
    enum key_role role;
    int64_t created_us, expires_us, revoked_us; /* 0: never */
};

typedef int key_fn(void *ctx, const struct key_row *row);

/* One answered request, as `why` reads it. Slices are borrowed; texts beyond 256 bytes are cut. */
struct exchange_row {
    struct str id; /* the request id that the caller was told */
    int64_t started_us;
    struct str asked, machine, model, parity, key_id;
    struct str failure; /* a name of tables/failures.def, "none" when there was none */
    int status;
    unsigned attempts;
    uint64_t prompt_tokens, completion_tokens;
    int64_t first_token_us, total_us; /* durations; -1: it never came */
};

typedef int exchange_fn(void *ctx, const struct exchange_row *row);

/* "sqlite:PATH". Makes what is missing: folders (0700), the file (0600), its tables. A damaged file
 * is moved aside, never written to: -EUCLEAN, and the next store_open() starts an empty one. A file
 * that is no store of ours (-EINVAL) or one of a newer program (-ENOTSUP) is left alone. */
MUST_USE int store_open(struct store **ret, struct str url, struct err *err);
void store_close(struct store *s);

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

/* -EEXIST when the id or hash is there. */
MUST_USE int store_key_put(struct store *s, const struct key_row *row, struct err *err);
/* By id, prefix or name. -ENOENT when none fits, -EEXIST when several do that are not revoked yet.
 * Revoking again by id changes nothing and is no error. */
MUST_USE int store_key_revoke(struct store *s, struct str which, int64_t now_us, struct err *err);
/* In the order they were made. fn's negative result stops and is returned. */
MUST_USE int store_key_each(struct store *s, key_fn *fn, void *ctx, struct err *err);

/* All or none, in one transaction; ids that are there already stay as they are, so that a batch may
 * be put again. */
MUST_USE int store_exchange_put(struct store *s, const struct exchange_row *rows, size_t count,
                                struct err *err);
/* -ENOENT, or what fn returned; the row dies when fn returns. */
MUST_USE int store_exchange_find(struct store *s, struct str id, exchange_fn *fn, void *ctx,
                                 struct err *err);
/* Retention, in the order of writing: removes what comes before the first row that began at
 * `before_us` or later, then the oldest beyond `rows_max`.
 * *removed may be NULL. */
MUST_USE int store_exchange_trim(struct store *s, int64_t before_us, uint64_t rows_max,
                                 uint64_t *removed, struct err *err);

/* 32 random bytes, made once with the store, that key hashes are keyed with. */
MUST_USE int store_pepper(struct store *s, unsigned char pepper[32], struct err *err);

/* Changes whenever another connection has written: cheap to poll. */
MUST_USE int store_version(struct store *s, uint64_t *ret, struct err *err);
