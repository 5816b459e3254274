/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State that outlives the process, behind one interface; each store is a row and a file.
 *
 *     store_open(&s, STR("sqlite:/var/lib/tampu/tampu.db"), err);     makes and migrates it
 *     store_key_put(s, &row, err);
 *     store_close(s);
 *
 * Calls block: they belong on a worker thread or the command line, never on a loop. A store handle is
 * used by one thread at a time. All text is UTF-8; all times are UTC microseconds since 1970.
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
    char id[KEY_ID_SIZE + 1];            /* random, names the key in commands: "k3f9…" */
    unsigned char hash[KEY_HASH_SIZE];   /* HMAC-SHA-256 of the key under the store's pepper */
    struct str prefix, last4;            /* "tampu-3fa9", "x7Qd": shown in lists */
    struct str name, owner;
    enum key_role role;
    int64_t created_us, expires_us, revoked_us; /* 0: never */
};

typedef int key_fn(void *ctx, const struct key_row *row);

MUST_USE int store_open(struct store **ret, struct str url, struct err *err);
void store_close(struct store *s);
static inline void store_free(struct store *s) { store_close(s); }
AUTO_FREE(store)

/* The newest schema that this program knows, and the one the store had before store_open(). */
unsigned store_schema_newest(void);

/* -EEXIST when the id or hash is there. */
MUST_USE int store_key_put(struct store *s, const struct key_row *row, struct err *err);
/* -ENOENT when there is none with that id, prefix or name, -EEXIST when several fit. */
MUST_USE int store_key_revoke(struct store *s, struct str which, int64_t now_us, struct err *err);
/* fn's negative result stops and is returned. */
MUST_USE int store_key_each(struct store *s, key_fn *fn, void *ctx, struct err *err);

/* 32 random bytes, made once with the store, that key hashes are keyed with. */
MUST_USE int store_pepper(struct store *s, unsigned char pepper[32], struct err *err);

/* Changes whenever another connection has written: cheap to poll. */
MUST_USE int store_version(struct store *s, uint64_t *ret, struct err *err);
