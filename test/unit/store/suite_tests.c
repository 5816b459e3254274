/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of the suite, and STORE_SUITE: their rows; included by each driver's test. */

#include "store/driver.h"
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
    assert_true(str_equal(row->rules, put->rules));
    assert_int_equal(row->hash_kind, put->hash_kind);
    assert_memory_equal(row->old_hash, put->old_hash, KEY_HASH_SIZE);
    assert_int_equal(row->old_until_us, put->old_until_us);
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

static void beyond_the_ceiling_a_key_is_refused_until_one_is_revoked(void **state)
{
    AUTO(store) s = suite_open();
    struct key_row third = suite_key("k3", "c", 3), fourth = suite_key("k4", "d", 4);

    (void)state;
    suite_put_key(s, "k1", "a", 1);
    suite_put_key(s, "k2", "b", 2);
    assert_int_equal(s->driver->key_put(s, &third, 3, &suite_err), 0);
    assert_int_equal(s->driver->key_put(s, &fourth, 3, &suite_err), -EDQUOT);
    assert_int_equal(suite_keys(s), 3);
    assert_int_equal(store_key_revoke(s, STR("k2"), 2000, &suite_err), 0);
    assert_int_equal(s->driver->key_put(s, &fourth, 3, &suite_err), 0);
    assert_int_equal(suite_keys(s), 4);
    assert_int_equal(s->driver->key_put(s, &fourth, 4, &suite_err), -EEXIST);
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

static void a_rotated_key_keeps_all_but_its_hash(void **state)
{
    AUTO(store) s = suite_open();
    struct key_row before = suite_key("k1", "laptop", 7), after = before;
    struct key_row fresh = {.prefix = STR("tampu-efgh"), .last4 = STR("1234")};

    (void)state;
    memset(fresh.hash, 9, sizeof fresh.hash);
    assert_int_equal(store_key_put(s, &before, &suite_err), 0);
    assert_int_equal(store_key_rotate(s, STR("laptop"), &fresh, 8000, &suite_err), 0);
    after.prefix = fresh.prefix;
    after.last4 = fresh.last4;
    after.old_until_us = 8000;
    memcpy(after.hash, fresh.hash, sizeof after.hash);
    memcpy(after.old_hash, before.hash, sizeof after.old_hash);
    assert_int_equal(store_key_each(s, compare_key, &after, &suite_err), 0);
    assert_int_equal(store_key_revoke(s, STR("k1"), 5, &suite_err), 0);
    assert_int_equal(store_key_rotate(s, STR("k1"), &fresh, 0, &suite_err), -ENOENT);
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

static void the_version_changes_when_somebody_changes_keys(void **state)
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
    before = after;
    suite_put_exchange(writer, "r1", 1);
    assert_int_equal(store_version(reader, &after, &suite_err), 0);
    assert_int_equal(before, after);
    assert_int_equal(store_key_revoke(writer, STR("k1"), 5, &suite_err), 0);
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
    assert_true(str_equal(row->endpoint, put->endpoint));
    assert_int_equal(row->cached_tokens, put->cached_tokens);
    assert_int_equal(row->money_micro, put->money_micro);
    assert_int_equal(row->avoided_micro, put->avoided_micro);
    assert_int_equal(row->energy_mj, put->energy_mj);
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

/* More than a driver writes at once, and one of them twice. */
static void of_a_long_batch_each_is_put_once(void **state)
{
    enum { ROWS = 21 };
    AUTO(store) s = suite_open();
    struct exchange_row rows[ROWS];
    char ids[ROWS][8];

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "r%d", i == 6 ? 3 : i);
        rows[i] = suite_exchange(ids[i], 100 + i);
    }
    assert_int_equal(store_exchange_put(s, rows, ROWS, &suite_err), 0);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(
            store_exchange_find(s, rows[i].id, compare_exchange, &rows[i == 6 ? 3 : i], &suite_err),
            42);
    assert_false(suite_has(s, "r6"));
}

static int add_id(void *ctx, const struct exchange_row *row)
{
    char *ids = ctx;

    snprintf(ids + strlen(ids), 64 - strlen(ids), "%.*s ", STR_ARG(row->id));
    return (int)strlen(ids) > 40 ? -E2BIG : 0;
}

static void the_last_come_in_the_order_in_which_they_were_put(void **state)
{
    AUTO(store) s = suite_open();
    char id[16], ids[64] = "", all[64] = "";

    (void)state;
    assert_int_equal(store_exchange_last(s, 3, add_id, ids, &suite_err), 0);
    assert_string_equal(ids, "");
    for (int i = 1; i <= 5; i++) {
        snprintf(id, sizeof id, "r%d", 6 - i);
        suite_put_exchange(s, id, i * 100);
    }
    assert_int_equal(store_exchange_last(s, 3, add_id, ids, &suite_err), 0);
    assert_string_equal(ids, "r3 r2 r1 ");
    assert_int_equal(store_exchange_last(s, 99, add_id, all, &suite_err), 0);
    assert_string_equal(all, "r5 r4 r3 r2 r1 ");
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

static int trim(struct store *s, int64_t before_us, uint64_t rows_max, uint64_t *removed)
{
    const struct retention keep = {.rows_before_us = before_us, .rows_max = rows_max};

    return store_exchange_trim(s, &keep, removed, &suite_err);
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
    assert_int_equal(trim(s, 0, UINT64_MAX, &removed), 0);
    assert_int_equal(removed, 0);
    assert_int_equal(trim(s, 200, 3, &removed), 0);
    assert_int_equal(removed, 3); /* r1 is too old, r2 and r3 are too many */
    assert_false(suite_has(s, "r1"));
    assert_false(suite_has(s, "r3"));
    assert_true(suite_has(s, "r4"));
    assert_int_equal(trim(s, 0, 0, NULL), 0);
    assert_false(suite_has(s, "r6"));
}

enum { DAYS = 3, DAY_ROWS = 4 };

static const int64_t DAY_US = 86400ll * 1000000;

struct sums {
    int rows;
    struct usage_row total;
    char text[2048];
};

static int add_usage(void *ctx, const struct usage_row *row)
{
    struct sums *sums = ctx;
    size_t used = strlen(sums->text);

    sums->rows++;
    sums->total.requests += row->requests;
    sums->total.failures += row->failures;
    sums->total.money_micro += row->money_micro;
    snprintf(sums->text + used, sizeof sums->text - used, "%d %.*s %.*s %.*s %.*s %d;",
             (int)row->day, STR_ARG(row->key_id), STR_ARG(row->owner), STR_ARG(row->model),
             STR_ARG(row->machine), (int)row->requests);
    return 0;
}

static struct sums usage(struct store *s, unsigned by)
{
    const struct usage_query query = {.until_us = INT64_MAX, .by = by};
    struct sums sums = {0};

    assert_int_equal(store_usage(s, &query, add_usage, &sums, &suite_err), 0);
    return sums;
}

/* Four rows a day, of two machines, one of them without a key and failed. */
static void put_days(struct store *s)
{
    char id[16];

    suite_put_key(s, "k1", "laptop", 1);
    for (int i = 0; i < DAYS * DAY_ROWS; i++) {
        struct exchange_row row;

        snprintf(id, sizeof id, "r%d", i);
        row = suite_exchange(id, i / DAY_ROWS * DAY_US + i);
        if (i % DAY_ROWS == 0) {
            row.key_id = STR("");
            row.machine = STR("pi");
            row.failure = STR("upstream_gone");
        }
        assert_int_equal(store_exchange_put(s, &row, 1, &suite_err), 0);
    }
}

static void usage_is_summed_by_what_is_asked(void **state)
{
    AUTO(store) s = suite_open();
    const struct usage_query second = {.from_us = DAY_US, .until_us = 2 * DAY_US};
    struct sums sums = {0};

    (void)state;
    assert_int_equal(usage(s, 0).total.requests, 0);
    put_days(s);
    sums = usage(s, 0);
    assert_int_equal(sums.total.failures, DAYS);
    assert_int_equal(sums.total.money_micro, DAYS * DAY_ROWS * 1500);
    assert_string_equal(sums.text, "-1     12;");
    assert_string_equal(usage(s, USAGE_by_machine).text, "-1    gtr9-pro 9;-1    pi 3;");
    assert_string_equal(usage(s, USAGE_by_key | USAGE_by_owner).text, "-1     3;-1 k1 ana   9;");
    assert_string_equal(usage(s, USAGE_by_day).text, "0     4;1     4;2     4;");
    sums = (struct sums){0};
    assert_int_equal(store_usage(s, &second, add_usage, &sums, &suite_err), 0);
    assert_string_equal(sums.text, "-1     4;");
}

static void what_is_trimmed_stays_in_the_sums(void **state)
{
    const unsigned all =
        USAGE_by_day | USAGE_by_key | USAGE_by_owner | USAGE_by_model | USAGE_by_machine;
    AUTO(store) s = suite_open();
    uint64_t removed = 0;
    struct sums before;

    (void)state;
    put_days(s);
    before = usage(s, all);
    assert_int_equal(trim(s, DAY_US, UINT64_MAX, &removed), 0);
    assert_int_equal(removed, DAY_ROWS);
    assert_int_equal(trim(s, 0, DAY_ROWS + 2, &removed), 0); /* a day is cut in two */
    assert_int_equal(removed, 2);
    assert_string_equal(usage(s, all).text, before.text);
    assert_int_equal(usage(s, all).total.money_micro, before.total.money_micro);
    assert_int_equal(store_exchange_trim(s, &(struct retention){.rows_max = 100, .days_before = 1},
                                         &removed, &suite_err),
                     0);
    assert_int_equal(usage(s, 0).total.requests, (DAYS - 1) * DAY_ROWS);
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

static inline void suite_put_measurement(struct store *s, const char *machine, int64_t at_us)
{
    struct measurement_row row = {str_from(machine), STR("ollama"), STR("qwen2.5:7b"), at_us,
                                  STR("{\"decode_tps\":40}")};

    assert_int_equal(store_measurement_put(s, &row, 1, &suite_err), 0);
}

static inline int suite_count_measurement(void *ctx, const struct measurement_row *row)
{
    (void)row;
    ++*(int *)ctx;
    return 0;
}

static inline int suite_measurements(struct store *s)
{
    int count = 0;

    assert_int_equal(store_measurement_last(s, 9, suite_count_measurement, &count, &suite_err), 0);
    return count;
}

/* What each row says, one after the other. */
static int write_measurement(void *ctx, const struct measurement_row *row)
{
    char *all = ctx;

    snprintf(all + strlen(all), 1000 - strlen(all), "%.*s %.*s %.*s %lld %.*s; ",
             STR_ARG(row->machine), STR_ARG(row->engine), STR_ARG(row->artifact),
             (long long)row->at_us, STR_ARG(row->found));
    return 0;
}

static int stop_at_a_measurement(void *ctx, const struct measurement_row *row)
{
    write_measurement(ctx, row);
    return -ECANCELED;
}

static void the_newest_measurements_of_each_copy_stay(void **state)
{
    const struct measurement_row rows[] = {
        {STR("b"), STR("ollama"), STR("it's:7b"), 5, STR("{\"a\":1}")},
        {STR("a"), STR("ollama"), STR("x"), 7, STR("new")},
        {STR("a"), STR("ollama"), STR("x"), 6, STR("old")},
    };
    struct measurement_row again = {STR("a"), STR("ollama"), STR("x"), 7, STR("other")};
    struct store *s = suite_open();
    char all[1000] = "";

    (void)state;
    assert_int_equal(store_measurement_put(s, rows, 3, &suite_err), 0);
    assert_int_equal(store_measurement_put(s, &again, 1, &suite_err), 0);
    store_close(s);
    s = suite_open();
    assert_int_equal(store_measurement_last(s, 1, write_measurement, all, &suite_err), 0);
    assert_string_equal(all, "a ollama x 7 new; b ollama it's:7b 5 {\"a\":1}; ");
    *all = '\0';
    assert_int_equal(store_measurement_last(s, 9, stop_at_a_measurement, all, &suite_err),
                     -ECANCELED);
    assert_string_equal(all, "a ollama x 6 old; ");
    for (again.at_us = 8; again.at_us < 8 + MEASUREMENTS_KEPT; again.at_us++)
        assert_int_equal(store_measurement_put(s, &again, 1, &suite_err), 0);
    *all = '\0';
    assert_int_equal(store_measurement_last(s, 1000, stop_at_a_measurement, all, &suite_err),
                     -ECANCELED);
    assert_string_equal(all, "a ollama x 8 other; "); /* and of b the one that it has */
    store_close(s);
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
        STORE_TEST(the_same_id_or_hash_is_refused), \
        STORE_TEST(beyond_the_ceiling_a_key_is_refused_until_one_is_revoked), \
        STORE_TEST(the_callback_may_stop_the_listing), \
        STORE_TEST(keys_are_revoked_by_id_prefix_or_name), STORE_TEST(an_id_wins_over_a_name), \
        STORE_TEST(the_pepper_is_made_once), \
        STORE_TEST(the_version_changes_when_somebody_changes_keys), \
        STORE_TEST(exchanges_come_back_as_they_were_put), STORE_TEST(a_batch_may_be_put_again), \
        STORE_TEST(of_a_long_batch_each_is_put_once), \
        STORE_TEST(the_last_come_in_the_order_in_which_they_were_put), \
        STORE_TEST(long_texts_are_cut), STORE_TEST(trimming_keeps_the_newest), \
        STORE_TEST(a_rotated_key_keeps_all_but_its_hash), \
        STORE_TEST(usage_is_summed_by_what_is_asked), \
        STORE_TEST(the_newest_measurements_of_each_copy_stay), \
        STORE_TEST(what_is_trimmed_stays_in_the_sums), STORE_TEST(two_handles_see_each_other), \
        STORE_TEST(several_programs_make_and_fill_one_store)
