/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in memory: found by their hashes, immutable, counted references. */
#include "store/keyring.h"

/* SHA256_CTX: what came after it copies its state on the heap, twice for each request. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"

enum {
    KEYS_MAX = STORE_KEYS_MAX + 1000, /* that are not revoked */
    REVOKED_MAX = 20000,  /* that are told so; further ones are not known, and refused as well */
    TEXTS_MAX = 64 << 20, /* bytes of all names and owners */
    SECRET_LENGTH = 32,
    PREFIX_LENGTH = 10, /* "tampu-3fa9" */
    HASH_BLOCK = 64,    /* of SHA-256 */
};

/* A hash that opens: each key has one, and two while it is rotated. */
struct lock {
    unsigned char hash[KEY_HASH_SIZE];
    size_t entry;
    int64_t until_us; /* 0: for ever */
    enum key_hash kind;
};

struct keyring {
    atomic_uint references;
    SHA256_CTX inner, outer; /* both halves of HMAC, which have read the pepper */
    struct key_entry *entries;
    size_t count, room, live; /* live: not revoked */
    struct lock *locks;       /* sorted by their hashes */
    size_t locks_count;
    bool has_plain; /* some hashes are plain */
    struct arena texts;
};

static void keyring_free(struct keyring *k);
AUTO_FREE(keyring)

static int read_pepper(struct keyring *k, struct store *s, struct err *err);
static void begin_half(SHA256_CTX *half, const unsigned char pepper[32], unsigned char pad);
static void hash_presented(const struct keyring *k, unsigned char hash[KEY_HASH_SIZE],
                           struct str text);
static int add_key(void *ctx, const struct key_row *row);
static enum key_verdict judge(const struct key_entry *found, int64_t now_us,
                              const struct key_entry **entry);
static int grow(struct keyring *k);
static int read_rules(struct keyring *k, struct key_entry *entry);
static int make_locks(struct keyring *k);
static void add_lock(struct keyring *k, size_t entry, const unsigned char hash[KEY_HASH_SIZE],
                     int64_t until_us);
static int by_hash(const void *a, const void *b);
static const struct lock *find_lock(const struct keyring *k,
                                    const unsigned char hash[KEY_HASH_SIZE], enum key_hash kind,
                                    int64_t now_us);
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
    if ((r = read_pepper(k, s, err)) < 0)
        return r;
    r = store_key_each(s, add_key, k, err);
    if (r == -ENOMEM)
        return err_set(err, r, "no room for the keys: at most %d are held", KEYS_MAX);
    if (r < 0)
        return r;
    if (k->count && make_locks(k) < 0)
        return err_set(err, -ENOMEM, "out of memory");
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

const struct key_entry *keyring_at(const struct keyring *k, size_t index)
{
    return index < k->count ? &k->entries[index] : NULL;
}

size_t keyring_count(const struct keyring *k)
{
    return k->live;
}

/* What is searched for is a hash, so how long the search takes tells nothing of any key; the last
 * comparison takes the same time for all, at no cost. */
enum key_verdict keyring_find(const struct keyring *k, struct str presented, int64_t now_us,
                              const struct key_entry **entry)
{
    unsigned char hash[KEY_HASH_SIZE];
    const struct lock *lock;

    if (!k->count || presented.len >= KEY_TEXT_MAX)
        return KEY_unknown;
    hash_presented(k, hash, presented);
    lock = find_lock(k, hash, KEY_HASH_pepper, now_us);
    if (!lock && k->has_plain && SHA256((const unsigned char *)presented.data, presented.len, hash))
        lock = find_lock(k, hash, KEY_HASH_sha256, now_us);
    if (!lock)
        return KEY_unknown;
    return judge(&k->entries[lock->entry], now_us, entry);
}

enum key_verdict keyring_take(const struct keyring *k, struct str id, int64_t now_us,
                              const struct key_entry **entry)
{
    const struct key_entry *found = keyring_by_id(k, id);

    return found ? judge(found, now_us, entry) : KEY_unknown;
}

static enum key_verdict judge(const struct key_entry *found, int64_t now_us,
                              const struct key_entry **entry)
{
    if (found->row.revoked_us)
        return KEY_revoked;
    if (found->row.expires_us && now_us >= found->row.expires_us)
        return KEY_expired;
    if (found->is_unread)
        return KEY_unread;
    *entry = found;
    return KEY_ok;
}

/* A few look, now and then. */
const struct key_entry *keyring_by_id(const struct keyring *k, struct str id)
{
    for (size_t i = 0; i < k->count; i++)
        if (str_is(id, k->entries[i].row.id))
            return &k->entries[i];
    return NULL;
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
    OPENSSL_cleanse(&k->inner, sizeof k->inner);
    OPENSSL_cleanse(&k->outer, sizeof k->outer);
    arena_fini(&k->texts);
    free(k->entries);
    free(k->locks);
    free(k);
}

/* Every request brings a key: what HMAC (RFC 2104) does before it sees it is done once. */
static int read_pepper(struct keyring *k, struct store *s, struct err *err)
{
    unsigned char pepper[32];
    int r = store_pepper(s, pepper, err);

    if (r < 0)
        return r;
    begin_half(&k->inner, pepper, 0x36);
    begin_half(&k->outer, pepper, 0x5c);
    OPENSSL_cleanse(pepper, sizeof pepper);
    return 0;
}

static void begin_half(SHA256_CTX *half, const unsigned char pepper[32], unsigned char pad)
{
    unsigned char block[HASH_BLOCK];

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = pad ^ (i < 32 ? pepper[i] : 0);
    SHA256_Init(half);
    SHA256_Update(half, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
}

static void hash_presented(const struct keyring *k, unsigned char hash[KEY_HASH_SIZE],
                           struct str text)
{
    SHA256_CTX half = k->inner;

    SHA256_Update(&half, text.data, text.len);
    SHA256_Final(hash, &half);
    half = k->outer;
    SHA256_Update(&half, hash, KEY_HASH_SIZE);
    SHA256_Final(hash, &half);
}

static int add_key(void *ctx, const struct key_row *row)
{
    struct keyring *k = ctx;
    struct key_row *copy;

    if (row->revoked_us && k->count - k->live == REVOKED_MAX)
        return 0;
    if (!row->revoked_us && k->live == KEYS_MAX)
        return -ENOMEM;
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
    k->live += !row->revoked_us;
    return read_rules(k, &k->entries[k->count++]);
}

/* A rule of a newer program closes the key: what limits it must not be passed over. */
static int read_rules(struct keyring *k, struct key_entry *entry)
{
    struct str text = entry->row.rules;
    int r = rules_read(&entry->rules, text, &k->texts, NULL);

    entry->row.rules = (struct str){0}; /* borrowed, and read */
    entry->is_unread = r == -EINVAL;
    return r == -EINVAL ? 0 : r;
}

static int make_locks(struct keyring *k)
{
    k->locks = reallocarray(NULL, k->count, 2 * sizeof *k->locks);
    if (!k->locks)
        return -ENOMEM;
    for (size_t i = 0; i < k->count; i++) {
        const struct key_row *row = &k->entries[i].row;

        k->has_plain |= row->hash_kind == KEY_HASH_sha256;
        add_lock(k, i, row->hash, 0);
        if (row->old_until_us)
            add_lock(k, i, row->old_hash, row->old_until_us);
    }
    qsort(k->locks, k->locks_count, sizeof *k->locks, by_hash);
    return 0;
}

static void add_lock(struct keyring *k, size_t entry, const unsigned char hash[KEY_HASH_SIZE],
                     int64_t until_us)
{
    struct lock *lock = &k->locks[k->locks_count++];

    *lock = (struct lock){
        .entry = entry, .until_us = until_us, .kind = k->entries[entry].row.hash_kind};
    memcpy(lock->hash, hash, KEY_HASH_SIZE);
}

static int grow(struct keyring *k)
{
    size_t room = k->room ? k->room * 2 : 64;
    struct key_entry *entries;

    entries = reallocarray(k->entries, room, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    k->entries = entries;
    k->room = room;
    return 0;
}

static int by_hash(const void *a, const void *b)
{
    const struct lock *left = a, *right = b;

    return memcmp(left->hash, right->hash, KEY_HASH_SIZE);
}

static const struct lock *find_lock(const struct keyring *k,
                                    const unsigned char hash[KEY_HASH_SIZE], enum key_hash kind,
                                    int64_t now_us)
{
    const struct lock *found = NULL;

    for (size_t i = first_of_run(k, front_of(hash));
         i < k->locks_count && front_of(k->locks[i].hash) == front_of(hash); i++)
        if (CRYPTO_memcmp(k->locks[i].hash, hash, KEY_HASH_SIZE) == 0 && k->locks[i].kind == kind &&
            (!k->locks[i].until_us || now_us < k->locks[i].until_us))
            found = &k->locks[i];
    return found;
}

/* The first lock whose hash begins with `front` or comes after it. */
static size_t first_of_run(const struct keyring *k, uint64_t front)
{
    size_t low = 0, high = k->locks_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (front_of(k->locks[middle].hash) < front)
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
