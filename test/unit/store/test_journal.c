/* SPDX-License-Identifier: Apache-2.0 */
#include "store/journal.h"

#include "../testing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "store/journal_record.h"

enum { PATH_ROOM = 512, THREADS = 4, EACH = 100 };

static char folder[64];
static struct err err;

/* What a replay hands out: how many, the last number, and whether their texts are right. */
struct seen {
    uint64_t count, last;
    bool are_right;
};

static int see(void *ctx, uint64_t number, struct str record)
{
    struct seen *seen = ctx;
    char text[32];

    snprintf(text, sizeof text, "record %llu", (unsigned long long)number);
    seen->are_right &= str_equal(record, str_from(text));
    seen->count++;
    seen->last = number;
    return 0;
}

static struct journal *open_journal(struct seen *seen, uint64_t segment,
                                    struct journal_found *found)
{
    struct journal_options options = {
        .on_record = see, .record_ctx = seen, .segment_bytes = segment};
    struct journal *j = NULL;

    *seen = (struct seen){.are_right = true};
    assert_int_equal(journal_open(&j, folder, &options, found, &err), 0);
    return j;
}

static void append(struct journal *j, uint64_t number)
{
    char text[32];

    snprintf(text, sizeof text, "record %llu", (unsigned long long)number);
    assert_int_equal(journal_append(j, str_from(text)), number);
}

static void fill(uint64_t from, uint64_t to, uint64_t segment)
{
    struct seen seen;
    struct journal *j = open_journal(&seen, segment, NULL);

    for (uint64_t n = from; n <= to; n++) {
        append(j, n);
        if (segment)
            assert_int_equal(journal_wait(j, n), 0);
    }
    journal_close(j);
}

/* The names of its files in order; how many. */
static unsigned list(char names[][PATH_ROOM], unsigned max)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    unsigned files = 0;

    for (int i = 0; i < count; i++) {
        if (*entries[i]->d_name != '.' && files < max)
            snprintf(names[files++], PATH_ROOM, "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return files;
}

static int make_place(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tampu-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    strcat(folder, "/journal");
    return 0;
}

static int remove_place(void **state)
{
    static char names[4096][PATH_ROOM];

    (void)state;
    for (unsigned n = list(names, COUNT_OF(names)); n-- > 0;)
        unlink(names[n]);
    rmdir(folder);
    *strrchr(folder, '/') = '\0';
    return rmdir(folder);
}

static const char row[] = "one row of the books, as it is today";

/* The sum is base/fingerprint's of length, number and text: whoever changes that changes the mark.
 */
static void a_record_is_these_bytes(void **state)
{
    static const char head[] = "tjr2\x24\0\0\0\x07\0\0\0\0\0\0\0\xb1\xd2\x94\x60";
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    assert_int_equal(record_write(&out, 7, str_from(row)), 0);
    assert_int_equal(out.len, sizeof head - 1 + sizeof row - 1);
    assert_memory_equal(out.data, head, sizeof head - 1);
    assert_memory_equal(out.data + sizeof head - 1, row, sizeof row - 1);
    buf_fini(&out);
}

/* The sum is zlib's crc32 of length, number and text. */
static void records_of_earlier_programs_are_read(void **state)
{
    static const char head[] = "tjr1\x24\0\0\0\x07\0\0\0\0\0\0\0\xfb\x70\x5b\xbe";
    char bytes[sizeof head - 1 + sizeof row - 1];
    struct record record;
    size_t at = 0;

    (void)state;
    memcpy(bytes, head, sizeof head - 1);
    memcpy(bytes + sizeof head - 1, row, sizeof row - 1);
    assert_true(record_find(str_slice(bytes, sizeof bytes), &at, &record));
    assert_int_equal(at, sizeof bytes);
    assert_int_equal(record.number, 7);
    assert_true(str_is(record.bytes, row));
    bytes[sizeof bytes - 1] ^= 1;
    at = 0;
    assert_false(record_find(str_slice(bytes, sizeof bytes), &at, &record));
}

static void records_come_back_in_order(void **state)
{
    struct journal_found found;
    struct seen seen;

    (void)state;
    fill(1, 1000, 0);
    fill(1001, 1500, 0);
    journal_close(open_journal(&seen, 0, &found));
    assert_true(seen.are_right);
    assert_int_equal(seen.count, 1500);
    assert_int_equal(found.records, 1500);
    assert_int_equal(found.damages + found.torn_bytes, 0);
}

/* What is not pushed yet lies in memory; closing writes it all the same. */
static void what_is_pushed_is_written(void **state)
{
    const struct journal_options options = {.is_pushed = true};
    struct journal *j = NULL;
    struct seen seen;

    (void)state;
    assert_int_equal(journal_open(&j, folder, &options, NULL, &err), 0);
    for (uint64_t n = 2; n <= 20; n += 2) {
        append(j, n - 1);
        append(j, n);
        journal_push(j);
        assert_int_equal(journal_wait(j, n), 0);
    }
    append(j, 21);
    journal_close(j);
    journal_close(open_journal(&seen, 0, NULL));
    assert_true(seen.are_right);
    assert_int_equal(seen.count, 21);
}

static void write_file(const char *path, const char *bytes, size_t count)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(file, bytes, count), count);
    close(file);
}

static void a_torn_tail_is_passed_over_wherever_it_is_torn(void **state)
{
    char names[4][PATH_ROOM], bytes[512];
    ssize_t whole;
    int file;

    (void)state;
    fill(1, 3, 0);
    assert_int_equal(list(names, COUNT_OF(names)), 1);
    file = open(names[0], O_RDONLY);
    whole = read(file, bytes, sizeof bytes);
    close(file);
    assert_true(whole > 0);
    for (size_t size = 0; size < (size_t)whole; size++) {
        struct journal_found found;
        struct seen seen;

        write_file(names[0], bytes, size);
        journal_close(open_journal(&seen, 0, &found));
        assert_true(seen.are_right);
        assert_int_equal(seen.count, size * 3 / (size_t)whole);
        assert_int_equal(found.damages, 0);
        /* What was cut off does not come back as damage. */
        journal_close(open_journal(&seen, 0, &found));
        assert_int_equal(found.torn_bytes + found.damages, 0);
    }
}

static void damage_is_counted_and_what_stands_behind_it_is_found(void **state)
{
    char names[4][PATH_ROOM];
    struct journal_found found;
    struct seen seen;
    struct stat whole;
    int file;

    (void)state;
    fill(1, 9, 0);
    assert_int_equal(list(names, COUNT_OF(names)), 1);
    assert_int_equal(stat(names[0], &whole), 0);
    file = open(names[0], O_RDWR);
    assert_int_equal(pwrite(file, "?", 1, whole.st_size / 2), 1);
    close(file);
    journal_close(open_journal(&seen, 0, &found));
    assert_true(seen.are_right);
    assert_int_equal(seen.count, 8);
    assert_int_equal(seen.last, 9);
    assert_int_equal(found.damages, 1);
}

static void what_is_forgotten_goes_and_numbers_go_on(void **state)
{
    char names[16][PATH_ROOM];
    struct seen seen;
    struct journal *j;

    (void)state;
    fill(1, 9, 1); /* a file for each */
    assert_int_equal(list(names, COUNT_OF(names)), 9);
    j = open_journal(&seen, 1, NULL);
    journal_forget(j, 4);
    journal_close(j);
    assert_int_equal(list(names, COUNT_OF(names)), 5);
    j = open_journal(&seen, 1, NULL);
    assert_int_equal(seen.count, 5);
    journal_forget(j, 9);
    journal_close(j);
    assert_int_equal(list(names, COUNT_OF(names)), 1);
    fill(10, 12, 0);
    journal_close(open_journal(&seen, 0, NULL));
    assert_int_equal(seen.last, 12);
    assert_true(seen.are_right);
}

static void *append_many(void *ctx)
{
    for (unsigned i = 0; i < EACH; i++) {
        uint64_t number = journal_append(ctx, STR("from a thread"));

        if (!number || journal_wait(ctx, number) < 0)
            return NULL;
    }
    return ctx;
}

static void many_threads_share_one_write(void **state)
{
    pthread_t threads[THREADS];
    struct seen seen;
    struct journal *j = open_journal(&seen, 0, NULL);

    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, j), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *well;

        pthread_join(threads[i], &well);
        assert_ptr_equal(well, j);
    }
    journal_close(j);
    journal_close(open_journal(&seen, 0, NULL));
    assert_int_equal(seen.count, THREADS * EACH);
}

static void count_trouble(void *ctx, const struct err *trouble)
{
    unsigned *heard = ctx;

    __atomic_add_fetch(&heard[trouble ? 0 : 1], 1, __ATOMIC_SEQ_CST);
}

static int see_nothing(void *ctx, uint64_t number, struct str record)
{
    (void)ctx, (void)number, (void)record;
    return 0;
}

static void a_full_disk_is_said_and_nothing_is_lost(void **state)
{
    struct rlimit was, small = {200, RLIM_INFINITY};
    unsigned heard[2] = {0};
    struct journal_options options = {
        .on_record = see_nothing, .on_trouble = count_trouble, .ctx = heard};
    struct journal *j = NULL;
    struct seen seen;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small.rlim_max = was.rlim_max;
    assert_int_equal(journal_open(&j, folder, &options, NULL, &err), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (uint64_t n = 1; n <= 20; n++)
        append(j, n);
    assert_int_equal(journal_wait(j, 20), -EIO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    append(j, 21);
    while (journal_wait(j, 21) < 0)
        ;
    journal_close(j);
    assert_int_equal(heard[0], 1);
    assert_int_equal(heard[1], 1);
    journal_close(open_journal(&seen, 0, NULL));
    assert_true(seen.are_right);
    assert_int_equal(seen.count, 21);
}

static void too_much_is_refused(void **state)
{
    static char large[JOURNAL_RECORD_MAX + 1];
    struct seen seen;
    struct journal *j = open_journal(&seen, 0, NULL);

    (void)state;
    assert_int_equal(journal_append(j, str_slice(large, sizeof large)), 0);
    assert_int_equal(journal_append(j, str_slice(large, JOURNAL_RECORD_MAX)), 1);
    journal_close(j);
}

static void tell(void *ctx, uint64_t number)
{
    const int *pipe = ctx;

    if (write(*pipe, &number, sizeof number) < 0)
        _exit(1);
}

/* A child that appends until it is killed; returns the last number it was told was durable. */
static uint64_t write_and_die(uint64_t from, unsigned after)
{
    uint64_t durable = 0, number;
    int ends[2];
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        struct journal_options options = {
            .on_record = see_nothing, .on_durable = tell, .ctx = &ends[1], .segment_bytes = 600};
        struct journal *j;
        char text[32];

        if (journal_open(&j, folder, &options, NULL, &err) < 0)
            _exit(1);
        for (;; from++) {
            snprintf(text, sizeof text, "record %llu", (unsigned long long)from);
            if (journal_append(j, str_from(text)) != from)
                _exit(1);
            if (from % 7 == 0 && journal_wait(j, from) < 0)
                _exit(1);
        }
    }
    close(ends[1]);
    for (unsigned i = 0; i < after && read(ends[0], &number, sizeof number) == sizeof number; i++)
        durable = number;
    kill(child, SIGKILL);
    while (read(ends[0], &number, sizeof number) == sizeof number)
        durable = number;
    close(ends[0]);
    waitpid(child, NULL, 0);
    assert_true(durable > 0);
    return durable;
}

static void what_was_durable_survives_a_kill(void **state)
{
    uint64_t next = 1;

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        uint64_t durable = write_and_die(next, 1 + i * 2);
        struct journal_found found;
        struct seen seen;

        journal_close(open_journal(&seen, 600, &found));
        assert_true(seen.are_right);
        assert_true(seen.last >= durable);
        assert_int_equal(seen.count, seen.last);
        assert_int_equal(found.damages, 0);
        next = seen.last + 1;
    }
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_these_bytes),
        cmocka_unit_test(records_of_earlier_programs_are_read),
        IN_A_FOLDER(records_come_back_in_order),
        IN_A_FOLDER(what_is_pushed_is_written),
        IN_A_FOLDER(a_torn_tail_is_passed_over_wherever_it_is_torn),
        IN_A_FOLDER(damage_is_counted_and_what_stands_behind_it_is_found),
        IN_A_FOLDER(what_is_forgotten_goes_and_numbers_go_on),
        IN_A_FOLDER(many_threads_share_one_write),
        IN_A_FOLDER(a_full_disk_is_said_and_nothing_is_lost),
        IN_A_FOLDER(too_much_is_refused),
        IN_A_FOLDER(what_was_durable_survives_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
