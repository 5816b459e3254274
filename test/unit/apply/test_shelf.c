/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/shelf.h"

#include "../testing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"

enum { SIZE = 300000, PIECE = 7001, READERS = 4, PATH_ROOM = 300 };

static char folder[64], bytes[SIZE], digest[DIGEST_LENGTH + 1];
static struct err err;

static int make_place(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 2654435761u >> 11);
    if (digest_of_bytes(str_slice(bytes, SIZE), digest) < 0)
        return -1;
    snprintf(folder, sizeof folder, "/tmp/tampu-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

/* How many files there are whose names end so. */
static unsigned files(const char *ending, bool unlink_them)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    unsigned count = 0;

    while ((entry = readdir(entries))) {
        if (*entry->d_name == '.' || !str_ends(str_from(entry->d_name), str_from(ending)))
            continue;
        count++;
        if (unlink_them)
            unlinkat(dirfd(entries), entry->d_name, 0);
    }
    closedir(entries);
    return count;
}

static int remove_place(void **state)
{
    (void)state;
    files("", true);
    return rmdir(folder);
}

static struct shelf *open_shelf(uint64_t bytes_max)
{
    struct shelf *s = NULL;

    assert_int_equal(shelf_open(&s, folder, &(struct shelf_options){.bytes_max = bytes_max}, &err),
                     0);
    return s;
}

static struct blob *take(struct shelf *s, const char *which, uint64_t size)
{
    struct blob *b = NULL;

    assert_int_equal(shelf_take(&b, s, str_from(which), size, &err), 0);
    return b;
}

static void put(struct blob *b, uint64_t from, uint64_t to)
{
    assert_int_equal(blob_put(b, from, str_slice(bytes + from, to - from)), 0);
}

struct waiting {
    struct loop *loop;
    struct blob_waiter waiter;
};

static void stop(void *ctx)
{
    struct waiting *w = ctx;

    loop_stop(w->loop);
}

/* As a loop's owner would: until it is there, or nothing more will come. */
static void await(struct blob *b, uint64_t until)
{
    struct waiting w = {0};

    assert_int_equal(loop_open(&w.loop, 0), 0);
    w.waiter = (struct blob_waiter){.loop = w.loop, .fn = stop, .ctx = &w, .until = until};
    if (blob_wait(b, &w.waiter))
        loop_run(w.loop);
    loop_close(w.loop);
}

static enum blob_state await_end(struct blob *b)
{
    await(b, UINT64_MAX);
    return blob_state(b);
}

static void *read_all(void *ctx)
{
    struct blob *b = ctx;
    static _Thread_local char out[SIZE];
    uint64_t at = 0;

    while (at < SIZE) {
        int64_t n = blob_get(b, at, out + at, PIECE);

        if (n < 0)
            return NULL;
        at += (uint64_t)n;
        if (n == 0)
            await(b, at + 1);
    }
    return memcmp(out, bytes, SIZE) == 0 ? ctx : NULL;
}

static void many_read_it_while_it_arrives(void **state)
{
    struct shelf *s = open_shelf(0);
    struct blob *b = take(s, digest, SIZE);
    pthread_t readers[READERS];

    (void)state;
    assert_true(blob_claim(b));
    assert_false(blob_claim(b));
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_all, b), 0);
    for (uint64_t at = 0; at < SIZE; at += PIECE)
        put(b, at, at + PIECE < SIZE ? at + PIECE : SIZE);
    for (unsigned i = 0; i < READERS; i++) {
        void *well;

        pthread_join(readers[i], &well);
        assert_ptr_equal(well, b);
    }
    assert_int_equal(await_end(b), BLOB_whole);
    assert_false(blob_claim(b));
    blob_give_back(&b);
    shelf_close(s);
    assert_int_equal(files("", false), 1);
    assert_int_equal(files(".part", false), 0);
}

static void what_arrived_outlives_the_program(void **state)
{
    struct shelf *s = open_shelf(0);
    struct blob *b = take(s, digest, SIZE);

    (void)state;
    put(b, 0, 1000);
    blob_give_back(&b);
    shelf_close(s);

    s = open_shelf(0);
    assert_int_equal(shelf_bytes(s), 1000);
    b = take(s, digest, SIZE);
    assert_int_equal(blob_have(b), 1000);
    assert_int_equal(shelf_bytes(s), SIZE);
    put(b, 1000, SIZE);
    assert_int_equal(await_end(b), BLOB_whole);
    blob_give_back(&b);
    shelf_close(s);

    s = open_shelf(0);
    b = take(s, digest, SIZE);
    assert_int_equal(blob_state(b), BLOB_whole);
    blob_give_back(&b);
    shelf_close(s);
}

/* Of one who has joined; where a disk cannot remember holes there are none. */
static bool put_part(struct blob *b, uint64_t from, uint64_t end, uint64_t until)
{
    struct blob_part part;
    int r = blob_begin_part(b, &part, from, end);

    if (r == -ENOTSUP)
        return false;
    assert_int_equal(r, 0);
    assert_int_equal(blob_put_part(b, &part, str_slice(bytes + part.at, until - part.at)), 0);
    assert_int_equal(blob_put_part(b, &part, str_slice(bytes, SIZE)), -EINVAL);
    blob_end_part(b, &part);
    return true;
}

static void parts_come_in_any_order(void **state)
{
    struct shelf *s = open_shelf(0);
    struct blob *b = take(s, digest, SIZE);
    struct blob_part part;

    (void)state;
    assert_true(blob_join(b) && blob_join(b));
    assert_false(blob_claim(b));
    if (put_part(b, 200000, SIZE, SIZE)) {
        assert_true(put_part(b, 0, 100000, 60000)); /* who brought it died */
        assert_int_equal(blob_have(b), 60000);
        assert_int_equal(blob_gap_end(b), 200000);
        assert_int_equal(blob_begin_part(b, &part, 200000, SIZE), -EALREADY);
        assert_int_equal(blob_begin_part(b, &part, 0, 100000), 0);
        assert_int_equal(part.at, 60000);
        assert_int_equal(blob_begin_part(b, &(struct blob_part){0}, 50000, 150000), -EALREADY);
        assert_int_equal(blob_put_part(b, &part, str_slice(bytes + 60000, 40000)), 0);
        blob_end_part(b, &part);
        assert_true(put_part(b, 100000, 200000, 200000));
        assert_int_equal(await_end(b), BLOB_whole);
    }
    blob_leave(b);
    blob_leave(b);
    blob_give_back(&b);
    shelf_close(s);
}

static void what_lies_behind_a_hole_dies_with_the_program(void **state)
{
    struct shelf *s = open_shelf(0);
    struct blob *b = take(s, digest, SIZE);
    bool can_remember;

    (void)state;
    assert_true(blob_join(b));
    assert_true(put_part(b, 0, 100000, 60000));
    can_remember = put_part(b, 200000, SIZE, SIZE);
    blob_leave(b);
    blob_give_back(&b);
    shelf_close(s);
    s = open_shelf(0);
    assert_int_equal(shelf_has(s, str_from(digest)), 60000);
    b = take(s, digest, SIZE);
    assert_true(blob_claim(b));
    put(b, 60000, 70000);
    blob_give_back(&b);
    shelf_close(s);
    s = open_shelf(0);
    assert_int_equal(shelf_has(s, str_from(digest)), 70000); /* what it said then holds no more */
    b = take(s, digest, SIZE);
    put(b, 70000, SIZE);
    assert_int_equal(await_end(b), BLOB_whole);
    blob_give_back(&b);
    shelf_close(s);
    if (!can_remember)
        skip();
}

static void no_more_parts_lie_apart_than_it_can_count(void **state)
{
    struct shelf *s = open_shelf(0);
    struct blob *b = take(s, digest, SIZE);
    struct blob_part part;
    uint64_t at = 1000;
    int r;

    (void)state;
    assert_true(blob_join(b));
    while ((r = blob_begin_part(b, &part, at, at + 1000)) == 0) {
        assert_int_equal(blob_put_part(b, &part, str_slice(bytes + at, 1000)), 0);
        blob_end_part(b, &part);
        at += 2000;
        assert_true(at < SIZE);
    }
    assert_int_equal(r, at == 1000 ? -ENOTSUP : -E2BIG);
    assert_int_equal(blob_have(b), 0);
    blob_leave(b);
    assert_true(blob_claim(b)); /* whoever brings it alone goes over them */
    put(b, 0, 1000);
    if (at > 1000) {
        assert_int_equal(blob_have(b), 2000);
        put(b, 2000, 3000);
    }
    blob_give_back(&b);
    shelf_close(s);
}

static void a_part_that_is_all_there_is_looked_at_when_taken(void **state)
{
    char path[PATH_ROOM];
    struct shelf *s;
    struct blob *b;
    int file;

    (void)state;
    snprintf(path, sizeof path, "%s/sha256-%s.part", folder, digest + 7);
    file = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(file, bytes, SIZE), SIZE);
    close(file);
    s = open_shelf(0);
    b = take(s, digest, SIZE);
    assert_int_equal(await_end(b), BLOB_whole);
    blob_give_back(&b);
    shelf_close(s);
}

static void a_lie_is_found_and_taken_anew(void **state)
{
    struct shelf *s = open_shelf(0);
    struct blob *liar = take(s, digest, SIZE), *b;
    char out[8];

    (void)state;
    put(liar, 0, SIZE - 1);
    assert_int_equal(blob_put(liar, SIZE - 1, STR("?")), 0);
    assert_int_equal(await_end(liar), BLOB_broken);
    assert_int_equal(blob_get(liar, 0, out, sizeof out), -EBADMSG);
    b = take(s, digest, SIZE);
    assert_ptr_not_equal(b, liar);
    assert_int_equal(blob_have(b), 0);
    blob_give_back(&liar);
    put(b, 0, SIZE);
    assert_int_equal(await_end(b), BLOB_whole);
    blob_give_back(&b);
    shelf_close(s);
}

static void only_the_next_bytes_are_taken(void **state)
{
    struct shelf *s = open_shelf(0);
    struct blob *b = take(s, digest, SIZE);

    (void)state;
    put(b, 0, 10);
    assert_int_equal(blob_put(b, 0, STR("again")), -EINVAL);
    assert_int_equal(blob_put(b, 11, STR("later")), -EINVAL);
    assert_int_equal(blob_put(b, 10, str_slice(bytes, SIZE)), -EINVAL);
    assert_int_equal(blob_have(b), 10);
    blob_give_back(&b);
    shelf_close(s);
}

static void the_longest_unused_make_room(void **state)
{
    static const char *const contents[] = {"one", "two", "three"};
    char digests[3][DIGEST_LENGTH + 1];
    struct shelf *s = open_shelf(8);
    struct blob *b;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct str content = str_from(contents[i]);

        assert_int_equal(digest_of_bytes(content, digests[i]), 0);
        b = take(s, digests[i], content.len);
        assert_int_equal(blob_put(b, 0, content), 0);
        assert_int_equal(await_end(b), BLOB_whole);
        blob_give_back(&b);
    }
    assert_int_equal(shelf_bytes(s), 8); /* "one" had to go */
    b = take(s, digests[1], 3);
    assert_int_equal(blob_state(b), BLOB_whole);
    /* Held ones stay, and what will never fit is refused in words. */
    assert_int_equal(shelf_take(&(struct blob *){NULL}, s, str_from(digest), 6, &err), -ENOSPC);
    assert_non_null(strstr(err.text, "ceiling"));
    blob_give_back(&b);
    shelf_close(s);
}

static void a_full_disk_is_not_filled(void **state)
{
    struct shelf_options options = {.free_min = UINT64_MAX / 2};
    struct shelf *s = NULL;

    (void)state;
    assert_int_equal(shelf_open(&s, folder, &options, &err), 0);
    assert_int_equal(shelf_take(&(struct blob *){NULL}, s, str_from(digest), SIZE, &err), -ENOSPC);
    assert_non_null(strstr(err.text, "disk"));
    shelf_close(s);
}

static void nonsense_is_refused_and_foreign_files_are_left(void **state)
{
    char path[PATH_ROOM];
    struct shelf *s;
    struct blob *b;

    (void)state;
    snprintf(path, sizeof path, "%s/notes.txt", folder);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    s = open_shelf(0);
    assert_int_equal(shelf_bytes(s), 0);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const wrong[] = {"", "sha256:../../etc/passwd", "sha512:0000"};

        assert_int_equal(shelf_take(&b, s, str_from(wrong[i]), 1, &err), -EINVAL);
    }
    b = take(s, digest, SIZE);
    assert_int_equal(shelf_take(&(struct blob *){NULL}, s, str_from(digest), 5, &err), -EINVAL);
    blob_give_back(&b);
    shelf_close(s);
    assert_int_equal(files("notes.txt", false), 1);
}

static void who_leaves_is_not_called(void **state)
{
    struct shelf *s = open_shelf(0);
    struct blob *b = take(s, digest, SIZE);
    struct waiting w = {0};

    (void)state;
    assert_int_equal(loop_open(&w.loop, 0), 0);
    w.waiter = (struct blob_waiter){.loop = w.loop, .fn = stop, .ctx = &w, .until = 10};
    assert_false(blob_wait(b, &w.waiter)); /* nobody brings it */
    assert_true(blob_claim(b));
    assert_true(blob_wait(b, &w.waiter));
    assert_true(blob_unwait(b, &w.waiter));
    put(b, 0, 20);
    assert_false(blob_wait(b, &w.waiter));
    w.waiter.until = 30;
    assert_true(blob_wait(b, &w.waiter));
    put(b, 20, 40);
    assert_false(blob_unwait(b, &w.waiter)); /* it is on its way */
    loop_run(w.loop);
    w.waiter.until = 50;
    assert_true(blob_wait(b, &w.waiter));
    blob_unclaim(b); /* and nobody brings it any more */
    loop_close(w.loop);
    assert_false(w.waiter.is_waiting);
    blob_give_back(&b);
    shelf_close(s);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(many_read_it_while_it_arrives),
        IN_A_FOLDER(what_arrived_outlives_the_program),
        IN_A_FOLDER(a_part_that_is_all_there_is_looked_at_when_taken),
        IN_A_FOLDER(a_lie_is_found_and_taken_anew),
        IN_A_FOLDER(only_the_next_bytes_are_taken),
        IN_A_FOLDER(the_longest_unused_make_room),
        IN_A_FOLDER(a_full_disk_is_not_filled),
        IN_A_FOLDER(parts_come_in_any_order),
        IN_A_FOLDER(what_lies_behind_a_hole_dies_with_the_program),
        IN_A_FOLDER(no_more_parts_lie_apart_than_it_can_count),
        IN_A_FOLDER(nonsense_is_refused_and_foreign_files_are_left),
        IN_A_FOLDER(who_leaves_is_not_called),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
