/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in memory: who gets in. */
#include "testing.h"

#include <pthread.h>
#include <sqlite3.h>

#include "suite.h"

#define NOW 1000000

static unsigned char pepper[32];

/* Makes a key, puts it, and writes its text. */
static void make_key(struct store *s, char text[KEY_TEXT_MAX], const char *name, int64_t expires_us,
                     int64_t revoked)
{
    struct key_row row = {.name = str_from(name), .owner = STR("ana")};

    assert_int_equal(store_pepper(s, pepper, &suite_err), 0);
    assert_int_equal(key_make(text, &row, pepper, &suite_err), 0);
    row.expires_us = expires_us;
    row.revoked_us = revoked;
    assert_int_equal(store_key_put(s, &row, &suite_err), 0);
}

static struct keyring *load(struct store *s)
{
    struct keyring *ring = NULL;

    assert_int_equal(keyring_load(&ring, s, &suite_err), 0);
    return ring;
}

static enum key_verdict verdict(const struct keyring *ring, const char *text, int64_t now_us)
{
    const struct key_entry *entry = NULL;
    enum key_verdict found = keyring_find(ring, str_from(text), now_us, &entry);

    assert_true((found == KEY_ok) == (entry != NULL));
    return found;
}

static void a_new_key_looks_as_promised(void **state)
{
    char text[KEY_TEXT_MAX], second[KEY_TEXT_MAX];
    struct key_row row = {.name = STR("kept")}, other = {0};

    (void)state;
    assert_int_equal(key_make(text, &row, pepper, &suite_err), 0);
    assert_int_equal(key_make(second, &other, pepper, &suite_err), 0);
    assert_int_equal(strlen(text), 6 + 32);
    assert_int_equal(strncmp(text, "tampu-", 6), 0);
    assert_int_equal(strspn(text + 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789"),
                     32);
    assert_true(str_starts(str_from(text), row.prefix));
    assert_true(str_ends(str_from(text), row.last4));
    assert_int_equal(row.prefix.len, 10);
    assert_int_equal(row.last4.len, 4);
    assert_int_equal(strlen(row.id), KEY_ID_SIZE);
    assert_true(str_is(row.name, "kept"));
    assert_string_not_equal(text, second);
    assert_string_not_equal(row.id, other.id);
}

static void only_the_whole_key_opens(void **state)
{
    AUTO(store) s = suite_open();
    char text[KEY_TEXT_MAX], longer[2 * KEY_TEXT_MAX];
    struct keyring *ring;

    (void)state;
    make_key(s, text, "a", 0, 0);
    ring = load(s);
    assert_int_equal(verdict(ring, text, NOW), KEY_ok);
    assert_int_equal(verdict(ring, "", NOW), KEY_unknown);
    assert_int_equal(keyring_find(ring, (struct str){0}, NOW, NULL), KEY_unknown);
    snprintf(longer, sizeof longer, "%s ", text);
    assert_int_equal(verdict(ring, longer, NOW), KEY_unknown);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(verdict(ring, longer, NOW), KEY_unknown);
    text[10] = '\0'; /* the prefix that lists show */
    assert_int_equal(verdict(ring, text, NOW), KEY_unknown);
    keyring_unref(ring);
}

static void expired_and_revoked_keys_say_so(void **state)
{
    AUTO(store) s = suite_open();
    char expiring[KEY_TEXT_MAX], revoked[KEY_TEXT_MAX], both[KEY_TEXT_MAX];
    struct keyring *ring;

    (void)state;
    make_key(s, expiring, "a", NOW, 0);
    make_key(s, revoked, "b", 0, 1);
    make_key(s, both, "c", 1, 1);
    ring = load(s);
    assert_int_equal(verdict(ring, expiring, NOW - 1), KEY_ok);
    assert_int_equal(verdict(ring, expiring, NOW), KEY_expired);
    assert_int_equal(verdict(ring, revoked, NOW), KEY_revoked);
    assert_int_equal(verdict(ring, both, NOW), KEY_revoked);
    assert_int_equal(keyring_count(ring), 1);
    keyring_unref(ring);
}

static void revoked_keys_keep_nobody_out(void **state)
{
    static const char fill[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001) "
        "INSERT INTO keys (id, hash, prefix, last4, name, owner, role, created_us, expires_us, "
        "revoked_us) SELECT printf('r%d', i), CAST(printf('%032d', i) AS BLOB), '', '', '', '', "
        "0, 0, 0, 1 FROM n";
    AUTO(store) s = suite_open();
    char text[KEY_TEXT_MAX];
    struct keyring *ring;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(suite_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, fill, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    make_key(s, text, "a", 0, 0);
    ring = load(s);
    assert_int_equal(keyring_count(ring), 1);
    assert_int_equal(verdict(ring, text, NOW), KEY_ok);
    keyring_unref(ring);
}

static void the_entry_tells_whose_key_it_is(void **state)
{
    AUTO(store) s = suite_open();
    char text[KEY_TEXT_MAX], name[16];
    const struct key_entry *entry;
    struct keyring *ring;

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "key-%d", i);
        make_key(s, text, name, 0, 0);
    }
    ring = load(s);
    store_close(TAKE(s)); /* the ring stands alone */
    assert_int_equal(keyring_count(ring), 200);
    assert_int_equal(keyring_find(ring, str_from(text), NOW, &entry), KEY_ok);
    assert_true(str_is(entry->row.name, "key-199"));
    assert_true(str_is(entry->row.owner, "ana"));
    keyring_unref(ring);
}

static void an_empty_ring_knows_nobody(void **state)
{
    AUTO(store) s = suite_open();
    struct keyring *ring = load(s);

    (void)state;
    assert_int_equal(keyring_count(ring), 0);
    assert_int_equal(verdict(ring, "tampu-x", NOW), KEY_unknown);
    keyring_unref(ring);
    keyring_unref(NULL);
}

static void another_store_s_pepper_opens_nothing(void **state)
{
    AUTO(store) s = suite_open();
    char text[KEY_TEXT_MAX];
    struct key_row row = {.name = STR("a")};
    unsigned char other[32];
    struct keyring *ring;

    (void)state;
    memset(other, 1, sizeof other);
    assert_int_equal(key_make(text, &row, other, &suite_err), 0);
    assert_int_equal(store_key_put(s, &row, &suite_err), 0);
    ring = load(s);
    assert_int_equal(verdict(ring, text, NOW), KEY_unknown);
    keyring_unref(ring);
}

struct seeker {
    struct keyring *ring;
    const char *text;
};

static void *seek(void *ctx)
{
    struct seeker *seeker = ctx;
    const struct key_entry *entry;
    intptr_t misses = 0;

    for (int i = 0; i < 200; i++)
        misses += keyring_find(seeker->ring, str_from(seeker->text), NOW, &entry) != KEY_ok;
    keyring_unref(seeker->ring);
    return (void *)misses;
}

static void threads_share_a_ring_and_the_last_frees_it(void **state)
{
    AUTO(store) s = suite_open();
    char text[KEY_TEXT_MAX];
    struct seeker seeker = {.text = text};
    pthread_t threads[4];
    void *misses;

    (void)state;
    make_key(s, text, "a", 0, 0);
    seeker.ring = load(s);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        keyring_ref(seeker.ring);
        assert_int_equal(pthread_create(&threads[i], NULL, seek, &seeker), 0);
    }
    keyring_unref(seeker.ring);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &misses), 0);
        assert_null(misses);
    }
}

#define KEYRING_TEST(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYRING_TEST(a_new_key_looks_as_promised),
        KEYRING_TEST(only_the_whole_key_opens),
        KEYRING_TEST(expired_and_revoked_keys_say_so),
        KEYRING_TEST(revoked_keys_keep_nobody_out),
        KEYRING_TEST(the_entry_tells_whose_key_it_is),
        KEYRING_TEST(an_empty_ring_knows_nobody),
        KEYRING_TEST(another_store_s_pepper_opens_nothing),
        KEYRING_TEST(threads_share_a_ring_and_the_last_frees_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
