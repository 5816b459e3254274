/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on their way to the store. */
#include "testing.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "net/clock.h"
#include "store/recorder.h"

#include "suite.h"

static struct recorder_found found;

static const char *journal(void)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/journal", suite_folder);
    return path;
}

static struct recorder *open_recorder(const struct recorder_options *options)
{
    struct recorder *r = NULL;

    found = (struct recorder_found){0};
    if (recorder_open(&r, str_from(suite_url), journal(), options, &found, &suite_err) < 0)
        fail_msg("%s", suite_err.text);
    return r;
}

static bool put(struct recorder *r, const char *id, int64_t started_us)
{
    struct exchange_row row = suite_exchange(id, started_us);

    return recorder_put(r, &(struct hold){0}, &row);
}

static void rows_are_there_after_a_flush(void **state)
{
    struct recorder *r = open_recorder(&(struct recorder_options){0});
    AUTO(store) s = suite_open();
    char id[] = "r1", asked[] = "x";
    struct exchange_row row = suite_exchange(id, 1);

    (void)state;
    row.asked = str_from(asked);
    row.machine = (struct str){0};
    assert_true(recorder_put(r, &(struct hold){0}, &row));
    memset(id, '?', 2); /* it has its own copy */
    recorder_flush(r);
    assert_true(suite_has(s, "r1"));
    assert_int_equal(recorder_sum(r).written, 1);
    recorder_flush(r); /* nothing to do */
    recorder_close(r);
}

static void closing_writes_what_is_left(void **state)
{
    struct recorder *r = open_recorder(&(struct recorder_options){0});
    struct store *s;
    char id[32];

    (void)state;
    for (int i = 0; i < 2000; i++) { /* several batches */
        snprintf(id, sizeof id, "r%d", i);
        assert_true(put(r, id, i));
    }
    recorder_close(r);
    s = suite_open();
    for (int i = 0; i < 2000; i++) {
        snprintf(id, sizeof id, "r%d", i);
        assert_true(suite_has(s, id));
    }
    store_close(s);
    recorder_close(NULL);
}

static void *put_many(void *ctx)
{
    char id[32];

    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "%p-%d", (void *)&id, i);
        assert_true(put(ctx, id, i));
    }
    recorder_flush(ctx);
    return NULL;
}

static void many_threads_put_and_flush(void **state)
{
    struct recorder *r = open_recorder(&(struct recorder_options){0});
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, r), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(recorder_sum(r).written, 400);
    assert_int_equal(recorder_sum(r).waiting, 0);
    recorder_close(r);
}

static void old_rows_are_removed(void **state)
{
    struct recorder *r =
        open_recorder(&(struct recorder_options){.keep_us = 1000000000, .rows_max = 2});
    AUTO(store) s = suite_open();
    int64_t now_us = clock_wall_us();

    (void)state;
    assert_true(put(r, "ancient", 1));
    assert_true(put(r, "third", now_us - 3));
    assert_true(put(r, "second", now_us - 2));
    assert_true(put(r, "first", now_us - 1));
    recorder_flush(r);
    assert_false(suite_has(s, "ancient"));
    assert_false(suite_has(s, "third"));
    assert_true(suite_has(s, "second"));
    recorder_close(r);
}

static void a_store_that_cannot_be_opened_is_said_at_once(void **state)
{
    struct recorder *r = NULL;

    (void)state;
    assert_true(recorder_open(&r, STR("sqlite:/proc/tampu/x"), journal(),
                              &(struct recorder_options){0}, NULL, &suite_err) < 0);
    assert_null(r);
    assert_non_null(strstr(suite_err.text, "/proc/tampu"));
}

static int troubles, recoveries;

static void count_trouble(void *ctx, const struct err *err)
{
    (void)ctx;
    *(err ? &troubles : &recoveries) += 1;
}

/* In a process of its own, where files may not grow for a while. */
static int fill_and_recover(void)
{
    struct recorder *r =
        open_recorder(&(struct recorder_options){.waiting_max = 3, .on_trouble = count_trouble});
    AUTO(store) s = suite_open();
    struct rlimit small = {4096, RLIM_INFINITY}, large = {RLIM_INFINITY, RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 3; i++) {
        if (!put(r, (char[]){'r', (char)('0' + i), '\0'}, i))
            return 1;
        recorder_flush(r);
    }
    if (suite_has(s, "r0") || put(r, "dropped", 9))
        return 2;
    setrlimit(RLIMIT_FSIZE, &large);
    recorder_flush(r);
    if (!suite_has(s, "r0") || !suite_has(s, "r2") || recorder_sum(r).written != 3)
        return 3;
    recorder_close(r); /* its thread has ended: the counts may be read */
    return troubles == 1 && recoveries == 1 ? 0 : 4;
}

static void a_full_disk_is_told_once_and_overcome(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0)
        _exit(fill_and_recover());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* In a process that dies without a word: what it held and what it put are in its journal. */
static void hold_put_and_die(int number, int ready)
{
    struct recorder *r = open_recorder(&(struct recorder_options){0});
    struct hold ends = {0}, runs = {0};
    char id[2][16];
    struct exchange_row row;

    snprintf(id[0], sizeof id[0], "end%d", number);
    snprintf(id[1], sizeof id[1], "run%d", number);
    row = suite_exchange(id[0], 1);
    if (!recorder_hold(r, &ends, &row))
        _exit(1);
    row = suite_exchange(id[1], 1);
    row.completion_tokens = 1;
    if (!recorder_hold(r, &runs, &row))
        _exit(2);
    row.completion_tokens = 77; /* it goes on */
    if (!recorder_hold(r, &runs, &row))
        _exit(3);
    row = suite_exchange(id[0], 1);
    row.completion_tokens = 99;
    recorder_put(r, &ends, &row);
    while (!recorder_is_kept(r, &runs))
        ;
    (void)!write(ready, "x", 1);
    pause();
}

static int compare_tokens(void *ctx, const struct exchange_row *row)
{
    assert_int_equal(row->completion_tokens, *(const uint64_t *)ctx);
    return 0;
}

static void what_a_dead_process_left_is_put_once(void **state)
{
    enum { DEATHS = 5 };
    uint64_t ended = 99, held = 77;
    struct recorder *r;
    struct store *s;

    (void)state;
    for (int i = 0; i < DEATHS; i++) {
        int ready[2], status;
        pid_t child;
        char byte;

        assert_int_equal(pipe(ready), 0);
        child = fork();
        if (child == 0)
            hold_put_and_die(i, ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        close(ready[0]);
        close(ready[1]);
    }
    recorder_close(open_recorder(&(struct recorder_options){0}));
    assert_int_equal(found.held, 1); /* the others were found by the processes in between */
    assert_int_equal(found.damages, 0);
    r = open_recorder(&(struct recorder_options){0});
    assert_int_equal(found.held, 0);
    recorder_close(r);
    s = suite_open();
    for (int i = 0; i < DEATHS; i++) {
        char id[16];

        snprintf(id, sizeof id, "end%d", i);
        assert_int_equal(store_exchange_find(s, str_from(id), compare_tokens, &ended, &suite_err),
                         0);
        snprintf(id, sizeof id, "run%d", i);
        assert_int_equal(store_exchange_find(s, str_from(id), compare_tokens, &held, &suite_err),
                         0);
    }
    store_close(s);
}

static void one_program_has_the_journal(void **state)
{
    struct recorder *r = open_recorder(&(struct recorder_options){0}), *other = NULL;

    (void)state;
    assert_int_equal(recorder_open(&other, str_from(suite_url), journal(),
                                   &(struct recorder_options){0}, NULL, &suite_err),
                     -EBUSY);
    assert_non_null(strstr(suite_err.text, "another gateway"));
    recorder_close(r);
}

static void what_is_held_always_finds_room(void **state)
{
    struct recorder *r = open_recorder(&(struct recorder_options){.waiting_max = 2});
    struct exchange_row row = suite_exchange("r1", 1);
    struct hold holds[3] = {0};

    (void)state;
    assert_true(recorder_hold(r, &holds[0], &row));
    row.id = STR("r2");
    assert_true(recorder_hold(r, &holds[1], &row));
    row.id = STR("r3");
    assert_false(recorder_hold(r, &holds[2], &row));
    assert_false(recorder_put(r, &holds[2], &row));
    assert_int_equal(recorder_sum(r).held, 2);
    row.id = STR("r2");
    assert_true(recorder_put(r, &holds[1], &row));
    row.id = STR("r1");
    assert_true(recorder_put(r, &holds[0], &row));
    recorder_flush(r);
    assert_int_equal(recorder_sum(r).written, 2);
    assert_int_equal(recorder_sum(r).held, 0);
    recorder_close(r);
}

#define RECORDER_TEST(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORDER_TEST(rows_are_there_after_a_flush),
        RECORDER_TEST(closing_writes_what_is_left),
        RECORDER_TEST(many_threads_put_and_flush),
        RECORDER_TEST(old_rows_are_removed),
        RECORDER_TEST(a_store_that_cannot_be_opened_is_said_at_once),
        RECORDER_TEST(what_a_dead_process_left_is_put_once),
        RECORDER_TEST(one_program_has_the_journal),
        RECORDER_TEST(what_is_held_always_finds_room),
        RECORDER_TEST(a_full_disk_is_told_once_and_overcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
