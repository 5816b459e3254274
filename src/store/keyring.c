/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in memory: sorted by their hashes, immutable, counted references. */
#include "store/keyring.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"

enum {
    KEYS_MAX = 100000,
    TEXTS_MAX = 64 << 20, /* bytes of all names and owners */
    SECRET_LENGTH = 32,
    PREFIX_LENGTH = 10, /* "tampu-3fa9" */
};

struct keyring {
    atomic_uint references;
    unsigned char pepper[32];
    struct key_entry *entries;
    size_t count, room, live;
    struct arena texts;
};

static void keyring_free(struct keyring *k);
AUTO_FREE(keyring)

static int add_key(void *ctx, const struct key_row *row);
static int grow(struct keyring *k);
static int by_hash(const void *a, const void *b);
static size_t first_of_run(const struct keyring *k, uint64_t front);
static uint64_t front_of(const unsigned char hash[KEY_HASH_SIZE]);
static int hash_key(unsigned char hash[KEY_HASH_SIZE], const unsigned char pepper[32],
                    struct str text);
static int random_text(char *out, size_t len, const char *letters);

int keyring_load(struct keyring **ret, struct store *s, struct err *err)
{
    AUTO(keyring) k = calloc(1, sizeof *k);
    int r;

    if (!k)
        return err_set(err, -ENOMEM, "out of memory");
    k->references = 1;
    arena_init(&k->texts, TEXTS_MAX);
    if ((r = store_pepper(s, k->pepper, err)) < 0)
        return r;
    r = store_key_each(s, add_key, k, err);
    if (r == -ENOMEM)
        return err_set(err, r, "no room for the keys: at most %d are held", KEYS_MAX);
    if (r < 0)
        return r;
    if (k->count)
        qsort(k->entries, k->count, sizeof *k->entries, by_hash);
    *ret = TAKE(k);
    return 0;
}

struct keyring *keyring_ref(struct keyring *k)
{
    atomic_fetch_add_explicit(&k->references, 1, memory_order_relaxed);
    return k;
}

void keyring_unref(struct keyring *k)
{
    if (k && atomic_fetch_sub_explicit(&k->references, 1, memory_order_acq_rel) == 1)
        keyring_free(k);
}

size_t keyring_count(const struct keyring *k)
{
    return k->live;
}

/* What is searched for is a keyed hash, so how long the search takes tells nothing of any key; the
 * last comparison takes the same time for all, at no cost. */
enum key_verdict keyring_find(const struct keyring *k, struct str presented, int64_t now_us,
                              const struct key_entry **entry)
{
    unsigned char hash[KEY_HASH_SIZE];
    const struct key_entry *found = NULL;

    if (presented.len >= KEY_TEXT_MAX || hash_key(hash, k->pepper, presented) < 0)
        return KEY_unknown;
    for (size_t i = first_of_run(k, front_of(hash));
         i < k->count && front_of(k->entries[i].row.hash) == front_of(hash); i++)
        if (CRYPTO_memcmp(k->entries[i].row.hash, hash, sizeof hash) == 0)
            found = &k->entries[i];
    if (!found)
        return KEY_unknown;
    if (found->row.revoked_us)
        return KEY_revoked;
    if (found->row.expires_us && now_us >= found->row.expires_us)
        return KEY_expired;
    *entry = found;
    return KEY_ok;
}

int key_make(char text[KEY_TEXT_MAX], struct key_row *row, const unsigned char pepper[32],
             struct err *err)
{
    static const char lower[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* no l, o, 0, 1: read aloud */
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char front[] = "tampu-";
    size_t len = sizeof front - 1 + SECRET_LENGTH;

    memcpy(text, front, sizeof front);
    if (random_text(text + sizeof front - 1, SECRET_LENGTH, all) < 0 ||
        random_text(row->id + 1, KEY_ID_SIZE - 1, lower) < 0 ||
        hash_key(row->hash, pepper, str_slice(text, len)) < 0)
        return err_set(err, -EIO, "OpenSSL gives no random bytes or no HMAC");
    row->id[0] = 'k';
    row->prefix = str_slice(text, PREFIX_LENGTH);
    row->last4 = str_slice(text + len - 4, 4);
    return 0;
}

static void keyring_free(struct keyring *k)
{
    if (!k)
        return;
    OPENSSL_cleanse(k->pepper, sizeof k->pepper);
    arena_fini(&k->texts);
    free(k->entries);
    free(k);
}

static int add_key(void *ctx, const struct key_row *row)
{
    struct keyring *k = ctx;
    struct key_row *copy;

    if (k->count == k->room && grow(k) < 0)
        return -ENOMEM;
    copy = &k->entries[k->count].row;
    *copy = *row;
    copy->prefix = arena_str(&k->texts, row->prefix);
    copy->last4 = arena_str(&k->texts, row->last4);
    copy->name = arena_str(&k->texts, row->name);
    copy->owner = arena_str(&k->texts, row->owner);
    if (!copy->prefix.data || !copy->last4.data || !copy->name.data || !copy->owner.data)
        return -ENOMEM;
    k->count++;
    k->live += !row->revoked_us;
    return 0;
}

static int grow(struct keyring *k)
{
    size_t room = k->room ? k->room * 2 : 64;
    struct key_entry *entries;

    if (k->count >= KEYS_MAX)
        return -ENOMEM;
    entries = reallocarray(k->entries, room, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    k->entries = entries;
    k->room = room;
    return 0;
}

static int by_hash(const void *a, const void *b)
{
    const struct key_entry *left = a, *right = b;

    return memcmp(left->row.hash, right->row.hash, KEY_HASH_SIZE);
}

/* The first entry whose hash begins with `front` or comes after it. */
static size_t first_of_run(const struct keyring *k, uint64_t front)
{
    size_t low = 0, high = k->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (front_of(k->entries[middle].row.hash) < front)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first eight bytes as a number that sorts as memcmp() does. */
static uint64_t front_of(const unsigned char hash[KEY_HASH_SIZE])
{
    uint64_t front = 0;

    for (size_t i = 0; i < sizeof front; i++)
        front = front << 8 | hash[i];
    return front;
}

static int hash_key(unsigned char hash[KEY_HASH_SIZE], const unsigned char pepper[32],
                    struct str text)
{
    unsigned char *done =
        HMAC(EVP_sha256(), pepper, 32, (const unsigned char *)text.data, text.len, hash, NULL);

    return done ? 0 : -EIO;
}

/* Bytes at or above the largest multiple of the number of letters are thrown away: no bias. */
static int random_text(char *out, size_t len, const char *letters)
{
    size_t count = strlen(letters), fair = 256 - 256 % count;
    unsigned char byte;

    for (size_t i = 0; i < len;) {
        if (RAND_bytes(&byte, 1) != 1)
            return -EIO;
        if (byte < fair)
            out[i++] = letters[byte % count];
    }
    out[len] = '\0';
    return 0;
}
