/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of the suite, and STORE_SUITE: their rows; included by each driver's test. */

#include "suite.h"

static void a_new_store_is_empty(void **state)
{
    AUTO(store) s = suite_open();

    (void)state;
    assert_int_equal(suite_keys(s), 0);
    assert_false(suite_has(s, "r1"));
    assert_non_null(strstr(suite_err.text, "no request 'r1'"));
}

static int compare_key(void *ctx, const struct key_row *row)
{
    const struct key_row *put = ctx;

    assert_string_equal(row->id, put->id);
    assert_memory_equal(row->hash, put->hash, KEY_HASH_SIZE);
    assert_true(str_equal(row->prefix, put->prefix));
    assert_true(str_equal(row->last4, put->last4));
    assert_true(str_equal(row->name, put->name));
    assert_true(str_equal(row->owner, put->owner));
    assert_int_equal(row->role, put->role);
    assert_int_equal(row->created_us, put->created_us);
    assert_int_equal(row->expires_us, put->expires_us);
    assert_int_equal(row->revoked_us, put->revoked_us);
    return 0;
}

static void keys_outlive_the_handle(void **state)
{
    struct key_row row = suite_key("k1", "it's \"ñ\"; DROP TABLE keys", 7);
    struct store *s = suite_open();

    (void)state;
    assert_int_equal(store_key_put(s, &row, &suite_err), 0);
    store_close(s);
    s = suite_open();
    assert_int_equal(suite_keys(s), 1);
    assert_int_equal(store_key_each(s, compare_key, &row, &suite_err), 0);
    store_close(s);
}

static void the_same_id_or_hash_is_refused(void **state)
{
    AUTO(store) s = suite_open();
    struct key_row same_id = suite_key("k1", "b", 8), same_hash = suite_key("k2", "b", 7);

    (void)state;
    suite_put_key(s, "k1", "a", 7);
    assert_int_equal(store_key_put(s, &same_id, &suite_err), -EEXIST);
    assert_int_equal(store_key_put(s, &same_hash, &suite_err), -EEXIST);
    suite_put_key(s, "k2", "a", 9); /* and the store goes on working */
    assert_int_equal(suite_keys(s), 2);
}

static int stop_at_once(void *ctx, const struct key_row *row)
{
    suite_count_key(ctx, row);
    return -ECANCELED;
}

static void the_callback_may_stop_the_listing(void **state)
{
    AUTO(store) s = suite_open();
    int count = 0;

    (void)state;
    suite_put_key(s, "k1", "a", 1);
    suite_put_key(s, "k2", "b", 2);
    assert_int_equal(store_key_each(s, stop_at_once, &count, &suite_err), -ECANCELED);
    assert_int_equal(count, 1);
    assert_int_equal(suite_keys(s), 2);
}

static int find_revoked(void *ctx, const struct key_row *row)
{
    const char *id = ctx;

    return strcmp(row->id, id) == 0 && row->revoked_us ? (int)-row->revoked_us : 0;
}

/* When the key was revoked, 0 if it was not. */
static int revoked_us(struct store *s, const char *id)
{
    return -store_key_each(s, find_revoked, (char *)(uintptr_t)id, &suite_err);
}

static void keys_are_revoked_by_id_prefix_or_name(void **state)
{
    AUTO(store) s = suite_open();

    (void)state;
    suite_put_key(s, "k1", "laptop", 1);
    suite_put_key(s, "k2", "phone", 2);
    assert_int_equal(store_key_revoke(s, STR("tablet"), 77, &suite_err), -ENOENT);
    assert_int_equal(store_key_revoke(s, STR("tampu-abcd"), 77, &suite_err), -EEXIST);
    assert_non_null(strstr(suite_err.text, "fits 2 keys"));
    assert_int_equal(revoked_us(s, "k1"), 0);
    assert_int_equal(store_key_revoke(s, STR("phone"), 77, &suite_err), 0);
    assert_int_equal(revoked_us(s, "k2"), 77);
    assert_int_equal(store_key_revoke(s, STR("tampu-abcd"), 78, &suite_err), 0); /* one is left */
    assert_int_equal(revoked_us(s, "k1"), 78);
    assert_int_equal(store_key_revoke(s, STR("laptop"), 79, &suite_err), -ENOENT);
    assert_int_equal(store_key_revoke(s, STR("k1"), 79, &suite_err), 0); /* again: no change */
    assert_int_equal(revoked_us(s, "k1"), 78);
}

static void an_id_wins_over_a_name(void **state)
{
    AUTO(store) s = suite_open();

    (void)state;
    suite_put_key(s, "k1", "a", 1);
    suite_put_key(s, "k2", "k1", 2);
    assert_int_equal(store_key_revoke(s, STR("k1"), 5, &suite_err), 0);
    assert_int_equal(revoked_us(s, "k1"), 5);
    assert_int_equal(revoked_us(s, "k2"), 0);
}

static void the_pepper_is_made_once(void **state)
{
    unsigned char first[32], second[32], zeros[32] = {0};
    struct store *s = suite_open();

    (void)state;
    assert_int_equal(store_pepper(s, first, &suite_err), 0);
    store_close(s);
    s = suite_open();
    assert_int_equal(store_pepper(s, second, &suite_err), 0);
    store_close(s);
    assert_memory_equal(first, second, 32);
    assert_memory_not_equal(first, zeros, 32);
}

static void the_version_changes_when_somebody_else_writes(void **state)
{
    AUTO(store) reader = suite_open();
    AUTO(store) writer = suite_open();
    uint64_t before, after;

    (void)state;
    assert_int_equal(store_version(reader, &before, &suite_err), 0);
    assert_int_equal(store_version(reader, &after, &suite_err), 0);
    assert_int_equal(before, after);
    suite_put_key(writer, "k1", "a", 1);
    assert_int_equal(store_version(reader, &after, &suite_err), 0);
    assert_int_not_equal(before, after);
}

static int compare_exchange(void *ctx, const struct exchange_row *row)
{
    const struct exchange_row *put = ctx;

    assert_true(str_equal(row->id, put->id));
    assert_true(str_equal(row->asked, put->asked));
    assert_true(str_equal(row->machine, put->machine));
    assert_true(str_equal(row->model, put->model));
    assert_true(str_equal(row->parity, put->parity));
    assert_true(str_equal(row->key_id, put->key_id));
    assert_true(str_equal(row->failure, put->failure));
    assert_int_equal(row->started_us, put->started_us);
    assert_int_equal(row->status, put->status);
    assert_int_equal(row->attempts, put->attempts);
    assert_int_equal(row->prompt_tokens, put->prompt_tokens);
    assert_int_equal(row->completion_tokens, put->completion_tokens);
    assert_int_equal(row->first_token_us, put->first_token_us);
    assert_int_equal(row->total_us, put->total_us);
    return 42;
}

static void exchanges_come_back_as_they_were_put(void **state)
{
    AUTO(store) s = suite_open();
    struct exchange_row rows[] = {suite_exchange("r1", 100), suite_exchange("r2", 200)};

    (void)state;
    rows[1].machine = (struct str){0};
    rows[1].first_token_us = -1;
    assert_int_equal(store_exchange_put(s, rows, 2, &suite_err), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(store_exchange_find(s, rows[i].id, compare_exchange, &rows[i], &suite_err),
                         42);
}

static void a_batch_may_be_put_again(void **state)
{
    AUTO(store) s = suite_open();
    struct exchange_row first = suite_exchange("r1", 100);
    struct exchange_row again[] = {suite_exchange("r1", 999), suite_exchange("r2", 200)};

    (void)state;
    assert_int_equal(store_exchange_put(s, &first, 1, &suite_err), 0);
    assert_int_equal(store_exchange_put(s, again, 2, &suite_err), 0);
    assert_int_equal(store_exchange_find(s, STR("r1"), compare_exchange, &first, &suite_err), 42);
    assert_true(suite_has(s, "r2"));
    assert_int_equal(store_exchange_put(s, NULL, 0, &suite_err), 0);
}

static int find_length(void *ctx, const struct exchange_row *row)
{
    (void)ctx;
    return (int)row->asked.len;
}

static void long_texts_are_cut(void **state)
{
    AUTO(store) s = suite_open();
    struct exchange_row row = suite_exchange("r1", 100);
    char longest[5000];

    (void)state;
    memset(longest, 'x', sizeof longest);
    row.asked = str_slice(longest, sizeof longest);
    assert_int_equal(store_exchange_put(s, &row, 1, &suite_err), 0);
    assert_int_equal(store_exchange_find(s, STR("r1"), find_length, NULL, &suite_err), 256);
}

static void trimming_keeps_the_newest(void **state)
{
    AUTO(store) s = suite_open();
    uint64_t removed = 99;
    char id[16];

    (void)state;
    for (int i = 1; i <= 6; i++) {
        snprintf(id, sizeof id, "r%d", i);
        suite_put_exchange(s, id, i * 100);
    }
    assert_int_equal(store_exchange_trim(s, 0, UINT64_MAX, &removed, &suite_err), 0);
    assert_int_equal(removed, 0);
    assert_int_equal(store_exchange_trim(s, 200, 3, &removed, &suite_err), 0);
    assert_int_equal(removed, 3); /* r1 is too old, r2 and r3 are too many */
    assert_false(suite_has(s, "r1"));
    assert_false(suite_has(s, "r3"));
    assert_true(suite_has(s, "r4"));
    assert_int_equal(store_exchange_trim(s, 0, 0, NULL, &suite_err), 0);
    assert_false(suite_has(s, "r6"));
}

static void two_handles_see_each_other(void **state)
{
    AUTO(store) a = suite_open();
    AUTO(store) b = suite_open();

    (void)state;
    suite_put_key(a, "k1", "a", 1);
    suite_put_key(b, "k2", "b", 2);
    suite_put_exchange(a, "r1", 1);
    assert_int_equal(suite_keys(a), 2);
    assert_int_equal(suite_keys(b), 2);
    assert_true(suite_has(b, "r1"));
}

/* Fills the store from another process; the parent sees its exit status. */
static pid_t suite_fork_writer(int number)
{
    pid_t child = fork();
    struct store *s = NULL;
    char id[32];
    int r;

    if (child != 0)
        return child;
    r = store_open(&s, str_from(suite_url), &suite_err);
    for (int i = 0; i < 20 && r == 0; i++) {
        struct exchange_row row;

        snprintf(id, sizeof id, "p%d-%d", number, i);
        row = suite_exchange(id, i);
        r = store_exchange_put(s, &row, 1, &suite_err);
    }
    if (r < 0)
        fprintf(stderr, "writer %d: %s\n", number, suite_err.text);
    store_close(s);
    _exit(r < 0);
}

static void several_programs_make_and_fill_one_store(void **state)
{
    enum { WRITERS = 4 };
    pid_t writers[WRITERS];
    struct store *s;
    char id[32];
    int status;

    (void)state;
    for (int i = 0; i < WRITERS; i++)
        writers[i] = suite_fork_writer(i);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
        assert_int_equal(status, 0);
    }
    s = suite_open();
    for (int i = 0; i < WRITERS * 20; i++) {
        snprintf(id, sizeof id, "p%d-%d", i / 20, i % 20);
        assert_true(suite_has(s, id));
    }
    store_close(s);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)

#define STORE_SUITE \
    STORE_TEST(a_new_store_is_empty), STORE_TEST(keys_outlive_the_handle), \
        STORE_TEST(the_same_id_or_hash_is_refused), STORE_TEST(the_callback_may_stop_the_listing), \
        STORE_TEST(keys_are_revoked_by_id_prefix_or_name), STORE_TEST(an_id_wins_over_a_name), \
        STORE_TEST(the_pepper_is_made_once), \
        STORE_TEST(the_version_changes_when_somebody_else_writes), \
        STORE_TEST(exchanges_come_back_as_they_were_put), STORE_TEST(a_batch_may_be_put_again), \
        STORE_TEST(long_texts_are_cut), STORE_TEST(trimming_keeps_the_newest), \
        STORE_TEST(two_handles_see_each_other), \
        STORE_TEST(several_programs_make_and_fill_one_store)
