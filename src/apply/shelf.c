/* SPDX-License-Identifier: Apache-2.0 */
/* The shelf: which blobs there are, room for them, and whether they are what they should be. */
#include "apply/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "apply/shelf_inside.h"
#include "base/file.h"

enum { NAME_ROOM = DIGEST_LENGTH + 8 };

static int open_folder(struct shelf *s, const char *folder, struct err *err);
static int find_blobs(struct shelf *s, struct err *err);
static int find_blob(struct shelf *s, const char *name);
static void close_holes(const struct shelf *s, const char *name, struct stat *found);
static struct blob *blob_new(struct shelf *s, struct str digest, uint64_t size);
static struct blob *find(struct shelf *s, struct str digest);
static void resize(struct blob *b, uint64_t size);
static uint64_t promised(const struct shelf *s);
static int make_room(struct shelf *s, uint64_t size, struct err *err);
static struct blob *longest_unused(struct shelf *s);
static int open_file(struct blob *b, struct err *err);
static int take_room(struct blob *b, struct err *err);
static void forget(struct blob *b);
static void *check_digests(void *ctx);
static void check(struct blob *b);
static void name_of(const struct blob *b, bool is_part, char out[NAME_ROOM]);

int shelf_open(struct shelf **ret, const char *folder, const struct shelf_options *options,
               struct err *err)
{
    struct shelf *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        return err_set(err, -ENOMEM, "out of memory");
    s->options = *options;
    s->folder = -1;
    link_init(&s->blobs);
    link_init(&s->unchecked);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->wanted, NULL);
    r = open_folder(s, folder, err);
    if (r == 0)
        r = find_blobs(s, err);
    if (r == 0 && (r = -pthread_create(&s->thread, NULL, check_digests, s)) < 0)
        err_set(err, r, "no thread can be made: %s", strerror(-r));
    if (r < 0) {
        s->closing = true; /* there is no thread to wait for */
        shelf_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

void shelf_close(struct shelf *s)
{
    bool has_thread;

    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    has_thread = !s->closing;
    s->closing = true;
    pthread_cond_signal(&s->wanted);
    pthread_mutex_unlock(&s->mutex);
    if (has_thread)
        pthread_join(s->thread, NULL);
    while (!link_is_empty(&s->blobs))
        forget(CONTAINER(s->blobs.next, struct blob, link));
    if (s->folder >= 0)
        close(s->folder);
    pthread_cond_destroy(&s->wanted);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

uint64_t shelf_bytes(struct shelf *s)
{
    uint64_t bytes;

    pthread_mutex_lock(&s->mutex);
    bytes = s->bytes;
    pthread_mutex_unlock(&s->mutex);
    return bytes;
}

uint64_t shelf_has(struct shelf *s, struct str digest)
{
    const struct blob *b;
    uint64_t have;

    pthread_mutex_lock(&s->mutex);
    b = find(s, digest);
    have = b ? b->have : 0;
    pthread_mutex_unlock(&s->mutex);
    return have;
}

int shelf_take(struct blob **ret, struct shelf *s, struct str digest, uint64_t size,
               struct err *err)
{
    struct blob *b;
    int r = 0;

    if (!digest_is_good(digest))
        return err_set(err, -EINVAL, "'%.*s' is no SHA-256 digest", STR_ARG(digest));
    pthread_mutex_lock(&s->mutex);
    b = find(s, digest);
    if (b && b->size != size && b->is_left_over)
        resize(b, size);
    if (!b && (r = make_room(s, size, err)) == 0 && !(b = blob_new(s, digest, size)))
        r = err_set(err, -ENOMEM, "out of memory");
    if (r == 0 && b->size != size)
        r = err_set(err, -EINVAL, "%s: %llu bytes are asked for, and it has %llu", b->digest,
                    (unsigned long long)size, (unsigned long long)b->size);
    if (r == 0 && b->file < 0)
        r = open_file(b, err);
    if (r == 0) {
        b->holders++;
        b->is_left_over = false;
        link_remove(&b->link);
        link_append(&s->blobs, &b->link);
        blob_look_at_digest(b);
        *ret = b;
    }
    pthread_mutex_unlock(&s->mutex);
    return r;
}

void blob_give_back(struct blob **blob)
{
    struct blob *b = TAKE(*blob);
    struct shelf *s;

    if (!b)
        return;
    s = b->shelf;
    pthread_mutex_lock(&s->mutex);
    if (--b->holders == 0) {
        close(b->file);
        b->file = -1;
        if (b->state == BLOB_broken)
            forget(b);
    }
    pthread_mutex_unlock(&s->mutex);
}

static int open_folder(struct shelf *s, const char *folder, struct err *err)
{
    int r = file_make_folders(folder, err);

    if (r < 0)
        return r;
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "%s: cannot be made: %s", folder, strerror(errno));
    s->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->folder < 0)
        return err_set(err, -errno, "%s: %s", folder, strerror(errno));
    if (flock(s->folder, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, -EBUSY, "%s: another tampu has these blobs open", folder);
    return 0;
}

static int find_blobs(struct shelf *s, struct err *err)
{
    int copy = fcntl(s->folder, F_DUPFD_CLOEXEC, 0);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    int r = 0;

    if (!entries) {
        if (copy >= 0)
            close(copy);
        return err_set(err, -EIO, "the folder of blobs cannot be read");
    }
    while (r == 0 && (entry = readdir(entries)))
        r = find_blob(s, entry->d_name);
    closedir(entries);
    return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* Names that are not ours are left alone. */
static int find_blob(struct shelf *s, const char *name)
{
    char digest[NAME_ROOM];
    struct stat found;
    struct blob *b;
    bool is_part;

    if (strlen(name) >= sizeof digest)
        return 0;
    memcpy(digest, name, strlen(name) + 1);
    if (strlen(name) > 6)
        digest[6] = ':';
    is_part = str_ends(str_from(digest), STR(".part"));
    if (is_part)
        digest[strlen(digest) - 5] = '\0';
    if (!digest_is_good(str_from(digest)) || name[6] != '-' ||
        fstatat(s->folder, name, &found, 0) < 0)
        return 0;
    if (is_part)
        close_holes(s, name, &found);
    b = blob_new(s, str_from(digest), (uint64_t)found.st_size);
    if (!b)
        return -ENOMEM;
    b->have = b->size;
    b->is_left_over = is_part;
    b->state = is_part ? BLOB_arriving : BLOB_whole;
    return 0;
}

/* A file with holes ends before the first of them. */
static void close_holes(const struct shelf *s, const char *name, struct stat *found)
{
    int file = openat(s->folder, name, O_RDWR | O_CLOEXEC);

    if (file < 0)
        return;
    blob_close_holes(file);
    (void)!fstat(file, found);
    close(file);
}

static struct blob *blob_new(struct shelf *s, struct str digest, uint64_t size)
{
    struct blob *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->shelf = s;
    b->size = size;
    b->file = -1;
    memcpy(b->digest, digest.data, DIGEST_LENGTH);
    link_init(&b->check);
    link_init(&b->parts);
    link_init(&b->waiters);
    link_append(&s->blobs, &b->link);
    s->bytes += size;
    return b;
}

static struct blob *find(struct shelf *s, struct str digest)
{
    LINK_EACH(&s->blobs, at)
    {
        struct blob *b = CONTAINER(at, struct blob, link);

        if (b->state != BLOB_broken && str_equal(str_from(b->digest), digest))
            return b;
    }
    return NULL;
}

/* More than all of it is no beginning of it. */
static void resize(struct blob *b, uint64_t size)
{
    b->shelf->bytes += size - b->size;
    b->size = size;
    if (b->have > size)
        b->have = 0;
}

/* Bytes that will yet be written for blobs that arrive, and that the disk does not count as taken.
 */
static uint64_t promised(const struct shelf *s)
{
    uint64_t bytes = 0;

    LINK_EACH(&s->blobs, at)
    {
        const struct blob *b = CONTAINER(at, struct blob, link);

        bytes += b->state == BLOB_arriving && !b->has_room ? b->size - b->have : 0;
    }
    return bytes;
}

static int make_room(struct shelf *s, uint64_t size, struct err *err)
{
    for (;;) {
        struct blob *b;
        char name[NAME_ROOM];
        struct statvfs disk;
        bool fits = !s->options.bytes_max || s->bytes + size <= s->options.bytes_max;

        if (fstatvfs(s->folder, &disk) < 0)
            return err_set(err, -errno, "the disk does not say how full it is: %s",
                           strerror(errno));
        if (fits &&
            (uint64_t)disk.f_bavail * disk.f_frsize >= size + promised(s) + s->options.free_min)
            return 0;
        b = longest_unused(s);
        if (!b)
            return err_set(err, -ENOSPC,
                           "%s of %.1f GB for a blob of %.1f GB: give it more room, or wait until "
                           "others have been fetched",
                           fits ? "the disk has not enough left" : "the ceiling of the folder",
                           (double)(fits ? disk.f_bavail * disk.f_frsize : s->options.bytes_max) /
                               1e9,
                           (double)size / 1e9);
        name_of(b, blob_is_open(b), name);
        unlinkat(s->folder, name, 0);
        forget(b);
    }
}

/* Whole, or left behind by somebody who went away. */
static struct blob *longest_unused(struct shelf *s)
{
    LINK_EACH(&s->blobs, at)
    {
        struct blob *b = CONTAINER(at, struct blob, link);

        if (!b->holders)
            return b;
    }
    return NULL;
}

static int open_file(struct blob *b, struct err *err)
{
    char name[NAME_ROOM];

    name_of(b, blob_is_open(b), name);
    b->file = openat(b->shelf->folder, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (b->file < 0)
        return err_set(err, -errno, "%s: %s", name, strerror(errno));
    return take_room(b, err);
}

/* Room that is taken at once need not be looked for with every piece, which is half the time of
 * writing. The length stays, since it tells how much is there. Not every disk can. */
static int take_room(struct blob *b, struct err *err)
{
    int r;

    if (b->state != BLOB_arriving || b->have == b->size || b->has_room)
        return 0;
    r = fallocate(b->file, FALLOC_FL_KEEP_SIZE, (off_t)b->have, (off_t)(b->size - b->have));
    b->has_room = r == 0;
    if (r == 0 || errno != ENOSPC)
        return 0;
    close(b->file);
    b->file = -1;
    return err_set(err, -ENOSPC, "the disk has no room for a blob of %.1f GB",
                   (double)b->size / 1e9);
}

/* Off the shelf, and out of memory; its file is left. */
static void forget(struct blob *b)
{
    b->shelf->bytes -= b->size;
    link_remove(&b->link);
    if (b->file >= 0)
        close(b->file);
    free(b);
}

static void *check_digests(void *ctx)
{
    struct shelf *s = ctx;

    pthread_mutex_lock(&s->mutex);
    for (;;) {
        struct blob *b;

        while (link_is_empty(&s->unchecked) && !s->closing)
            pthread_cond_wait(&s->wanted, &s->mutex);
        if (link_is_empty(&s->unchecked))
            break;
        b = CONTAINER(s->unchecked.next, struct blob, check);
        link_remove(&b->check);
        pthread_mutex_unlock(&s->mutex);
        check(b);
        blob_give_back(&b);
        pthread_mutex_lock(&s->mutex);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

/* The file has its last name, or none, before anybody hears of it. */
static void check(struct blob *b)
{
    char digest[DIGEST_LENGTH + 1], part[NAME_ROOM], whole[NAME_ROOM];
    bool is_good = digest_of_file(b->file, digest) == 0 && strcmp(digest, b->digest) == 0;

    name_of(b, true, part);
    name_of(b, false, whole);
    if (is_good)
        is_good = renameat(b->shelf->folder, part, b->shelf->folder, whole) == 0;
    else
        unlinkat(b->shelf->folder, part, 0);
    pthread_mutex_lock(&b->shelf->mutex);
    blob_end(b, is_good ? BLOB_whole : BLOB_broken);
    pthread_mutex_unlock(&b->shelf->mutex);
}

static void name_of(const struct blob *b, bool is_part, char out[NAME_ROOM])
{
    snprintf(out, NAME_ROOM, "sha256-%s%s", b->digest + 7, is_part ? ".part" : "");
}
