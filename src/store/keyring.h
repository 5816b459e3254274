/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All keys in memory, immutable: what admission asks instead of the store.
 *
 *     keyring_load(&ring, store, err);              on a worker thread
 *     entry = keyring_find(ring, presented, now_us)      on any thread, constant-time compare
 *     keyring_unref(ring);                              swapped for a new one when the store
 * changed
 */
#pragma once

#include "ledger/rules.h"
#include "store/store.h"

struct keyring;

struct key_entry {
    struct key_row row;
    struct rules rules;
    bool is_unread; /* its rules are not understood: it is good for nothing */
};

enum key_verdict { KEY_ok, KEY_unknown, KEY_expired, KEY_revoked, KEY_unread };

MUST_USE int keyring_load(struct keyring **ret, struct store *s, struct err *err);
struct keyring *keyring_ref(struct keyring *k);
void keyring_unref(struct keyring *k);

size_t keyring_count(const struct keyring *k); /* keys that are not revoked */

/* *entry is set for KEY_ok only and lives as long as the ring. */
enum key_verdict keyring_find(const struct keyring *k, struct str presented, int64_t now_us,
                              const struct key_entry **entry);

/* Key by key, whatever became of it: NULL behind the last. */
const struct key_entry *keyring_at(const struct keyring *k, size_t index);

enum { KEY_TEXT_MAX = 64 };

/* The same for the key of that id. */
enum key_verdict keyring_take(const struct keyring *k, struct str id, int64_t now_us,
                              const struct key_entry **entry);

/* The key of that id, whatever became of it; NULL. */
const struct key_entry *keyring_by_id(const struct keyring *k, struct str id);

/* A new key's text ("tampu-" and 32 random letters and digits) and its row, hashed under the
 * pepper. */
MUST_USE int key_make(char text[KEY_TEXT_MAX], struct key_row *row, const unsigned char pepper[32],
                      struct err *err);
