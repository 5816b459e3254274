/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: numbered files in a folder, and one thread that writes the last of them. */
#include "store/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "net/clock.h"
#include "store/journal_record.h"

enum { PATH_ROOM = 4096, RETRY_MS = 200, SEGMENT_BYTES_MAX = 1 << 30 };

/* One file: records from `first` up to the next file's first. */
struct segment {
    uint64_t first, last;
};

struct journal {
    struct journal_options options;
    char *path;
    int folder, file; /* file: -1 until there is something to write */
    struct segment *segments;
    size_t segments_count, segments_room;
    uint64_t file_bytes; /* durable ones of the last segment */
    pthread_t thread;
    pthread_mutex_t mutex;          /* guards what follows */
    pthread_cond_t wanted, durably; /* something to do; something was done */
    struct buf waiting;
    uint64_t appended, durable, forgotten;
    bool closing, failing;
};

static int make_folder(struct journal *j, const char *path, struct err *err);
static int list_segments(struct journal *j, struct err *err);
static int add_segment(struct journal *j, uint64_t first);
static int compare_segments(const void *a, const void *b);
static int replay(struct journal *j, struct journal_found *found, struct err *err);
static int replay_segment(struct journal *j, struct segment *s, bool is_last,
                          struct journal_found *found, struct err *err);
static void *work(void *ctx);
static void drop_empty_segments(struct journal *j);
static bool write_batch(struct journal *j, struct buf *batch, uint64_t last);
static int write_durably(struct journal *j, struct str bytes, uint64_t last);
static int begin_segment(struct journal *j, uint64_t first);
static void say_trouble(struct journal *j, int r);
static void rest(struct journal *j);
static void remove_forgotten(struct journal *j, uint64_t forgotten);
static void path_of(const struct journal *j, char out[PATH_ROOM], uint64_t first);
static void journal_free(struct journal *j);

int journal_open(struct journal **ret, const char *folder, const struct journal_options *options,
                 struct journal_found *ret_found, struct err *err)
{
    struct journal *j = calloc(1, sizeof *j);
    struct journal_found found = {0};
    pthread_condattr_t monotonic;
    int r;

    if (!j)
        return err_set(err, -ENOMEM, "out of memory");
    j->options = *options;
    if (!j->options.segment_bytes)
        j->options.segment_bytes = JOURNAL_SEGMENT;
    j->folder = j->file = -1;
    buf_init(&j->waiting, JOURNAL_WAITING_MAX);
    pthread_mutex_init(&j->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&j->wanted, &monotonic);
    pthread_cond_init(&j->durably, NULL);
    pthread_condattr_destroy(&monotonic);

    r = make_folder(j, folder, err);
    if (r == 0)
        r = list_segments(j, err);
    if (r == 0)
        r = replay(j, &found, err);
    if (r == 0 && (r = -pthread_create(&j->thread, NULL, work, j)) < 0)
        err_set(err, r, "no thread can be made: %s", strerror(-r));
    if (r < 0) {
        journal_free(j);
        return r;
    }
    if (ret_found)
        *ret_found = found;
    *ret = j;
    return 0;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    pthread_mutex_lock(&j->mutex);
    j->closing = true;
    pthread_cond_signal(&j->wanted);
    pthread_mutex_unlock(&j->mutex);
    pthread_join(j->thread, NULL);
    journal_free(j);
}

uint64_t journal_append(struct journal *j, struct str record)
{
    uint64_t number = 0;

    if (record.len > JOURNAL_RECORD_MAX)
        return 0;
    pthread_mutex_lock(&j->mutex);
    if (record_write(&j->waiting, j->appended + 1, record) == 0) {
        number = ++j->appended;
        pthread_cond_signal(&j->wanted);
    }
    pthread_mutex_unlock(&j->mutex);
    return number;
}

int journal_wait(struct journal *j, uint64_t number)
{
    int r;

    pthread_mutex_lock(&j->mutex);
    while (j->durable < number && !j->failing)
        pthread_cond_wait(&j->durably, &j->mutex);
    r = j->durable < number ? -EIO : 0;
    pthread_mutex_unlock(&j->mutex);
    return r;
}

void journal_forget(struct journal *j, uint64_t number)
{
    pthread_mutex_lock(&j->mutex);
    if (number > j->forgotten)
        j->forgotten = number;
    pthread_cond_signal(&j->wanted);
    pthread_mutex_unlock(&j->mutex);
}

static int make_folder(struct journal *j, const char *path, struct err *err)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "%s: cannot be made: %s", path, strerror(errno));
    j->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->folder < 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    j->path = strdup(path);
    return j->path ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int list_segments(struct journal *j, struct err *err)
{
    int copy = fcntl(j->folder, F_DUPFD_CLOEXEC, 0);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    int r = 0;

    if (!entries) {
        if (copy >= 0)
            close(copy);
        return err_set(err, -EIO, "the journal's folder cannot be read");
    }
    while (r == 0 && (entry = readdir(entries))) {
        uint64_t first;
        int end = 0;

        if (sscanf(entry->d_name, "%16" SCNx64 ".journal%n", &first, &end) == 1 && end > 0 &&
            !entry->d_name[end])
            r = add_segment(j, first);
    }
    closedir(entries);
    if (r < 0)
        return err_set(err, r, "out of memory");
    if (j->segments_count)
        qsort(j->segments, j->segments_count, sizeof *j->segments, compare_segments);
    return 0;
}

static int add_segment(struct journal *j, uint64_t first)
{
    if (j->segments_count == j->segments_room) {
        size_t room = j->segments_room ? 2 * j->segments_room : 8;
        struct segment *more = reallocarray(j->segments, room, sizeof *more);

        if (!more)
            return -ENOMEM;
        j->segments = more;
        j->segments_room = room;
    }
    j->segments[j->segments_count++] = (struct segment){.first = first};
    return 0;
}

static int compare_segments(const void *a, const void *b)
{
    const struct segment *one = a, *other = b;

    return (one->first > other->first) - (one->first < other->first);
}

static int replay(struct journal *j, struct journal_found *found, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < j->segments_count && r == 0; i++)
        r = replay_segment(j, &j->segments[i], i + 1 == j->segments_count, found, err);
    j->durable = j->appended;
    drop_empty_segments(j);
    return r;
}

static int replay_segment(struct journal *j, struct segment *s, bool is_last,
                          struct journal_found *found, struct err *err)
{
    char path[PATH_ROOM];
    struct record record;
    struct buf file;
    size_t at = 0;
    int r;

    buf_init(&file, SEGMENT_BYTES_MAX);
    path_of(j, path, s->first);
    r = file_read(&file, path, err);
    if (j->appended < s->first - 1) { /* the segments before it end too early */
        found->damages += j->appended != 0;
        j->appended = s->first - 1;
    }
    while (r == 0 && record_find(buf_str(&file), &at, &record)) {
        found->damages += record.skipped > 0 || record.number != j->appended + 1;
        found->records++;
        j->appended = s->last = record.number;
        r = j->options.on_record(j->options.ctx, record.number, record.bytes);
    }
    if (r == 0 && file.len > at && !is_last)
        found->damages++;
    if (r == 0 && file.len > at && is_last) {
        found->torn_bytes = file.len - at;
        if (truncate(path, (off_t)at) < 0)
            r = err_set(err, -errno, "%s: %s", path, strerror(errno));
    }
    buf_fini(&file);
    return r;
}

static void drop_empty_segments(struct journal *j)
{
    char path[PATH_ROOM];
    size_t kept = 0;

    for (size_t i = 0; i < j->segments_count; i++) {
        path_of(j, path, j->segments[i].first);
        if (j->segments[i].last || unlink(path) < 0)
            j->segments[kept++] = j->segments[i];
    }
    j->segments_count = kept;
}

static void *work(void *ctx)
{
    struct journal *j = ctx;
    struct buf batch;
    bool last = false;

    buf_init(&batch, JOURNAL_WAITING_MAX);
    while (!last) {
        struct buf full;
        uint64_t number, forgotten;

        pthread_mutex_lock(&j->mutex);
        while (!j->waiting.len && !j->closing && !j->forgotten)
            pthread_cond_wait(&j->wanted, &j->mutex);
        full = j->waiting;
        j->waiting = batch;
        batch = full;
        number = j->appended;
        forgotten = j->forgotten;
        j->forgotten = 0;
        last = j->closing;
        pthread_mutex_unlock(&j->mutex);
        if (batch.len && !write_batch(j, &batch, number))
            break;
        if (forgotten)
            remove_forgotten(j, forgotten);
    }
    buf_fini(&batch);
    return NULL;
}

/* Until it is on the disk, however often that has to be tried; a program that ends tries once. */
static bool write_batch(struct journal *j, struct buf *batch, uint64_t last)
{
    int r;

    while ((r = write_durably(j, buf_str(batch), last)) < 0) {
        bool give_up;

        say_trouble(j, r);
        pthread_mutex_lock(&j->mutex);
        j->failing = true;
        pthread_cond_broadcast(&j->durably);
        rest(j);
        give_up = j->closing;
        pthread_mutex_unlock(&j->mutex);
        if (give_up)
            return false;
    }
    buf_reset(batch);
    pthread_mutex_lock(&j->mutex);
    j->durable = last;
    r = j->failing;
    j->failing = false;
    pthread_cond_broadcast(&j->durably);
    pthread_mutex_unlock(&j->mutex);
    if (r && j->options.on_trouble)
        j->options.on_trouble(j->options.ctx, NULL);
    if (j->options.on_durable)
        j->options.on_durable(j->options.ctx, last);
    return true;
}

/* What a failed try left behind its last durable byte is cut off before the next. */
static int write_durably(struct journal *j, struct str bytes, uint64_t last)
{
    int r = 0;

    if (j->file < 0 || j->file_bytes >= j->options.segment_bytes)
        r = begin_segment(j, j->durable + 1);
    if (r == 0 && ftruncate(j->file, (off_t)j->file_bytes) < 0)
        r = -errno;
    for (size_t done = 0; r == 0 && done < bytes.len;) {
        ssize_t n =
            pwrite(j->file, bytes.data + done, bytes.len - done, (off_t)(j->file_bytes + done));

        if (n < 0 && errno != EINTR)
            r = -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    if (r == 0 && fdatasync(j->file) < 0)
        r = -errno;
    if (r < 0)
        return r;
    j->file_bytes += bytes.len;
    j->segments[j->segments_count - 1].last = last;
    return 0;
}

static int begin_segment(struct journal *j, uint64_t first)
{
    char path[PATH_ROOM];
    int file, r = 0;

    path_of(j, path, first);
    file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    if (fsync(j->folder) < 0)
        r = -errno;
    if (r == 0)
        r = add_segment(j, first);
    if (r < 0) {
        close(file);
        return r;
    }
    if (j->file >= 0)
        close(j->file);
    j->file = file;
    j->file_bytes = 0;
    return 0;
}

static void say_trouble(struct journal *j, int r)
{
    struct err err = {0};

    if (j->failing || !j->options.on_trouble)
        return;
    err_set(&err, r, "the journal cannot be written: %s", strerror(-r));
    j->options.on_trouble(j->options.ctx, &err);
}

/* With the mutex held. */
static void rest(struct journal *j)
{
    uint64_t until_us = clock_monotonic_us() + RETRY_MS * 1000u;
    struct timespec until = {(time_t)(until_us / 1000000), (long)(until_us % 1000000) * 1000};
    int late = 0;

    while (!late && !j->closing)
        late = pthread_cond_timedwait(&j->wanted, &j->mutex, &until);
}

/* Whole files only, and never the last: from it the numbers go on. */
static void remove_forgotten(struct journal *j, uint64_t forgotten)
{
    char path[PATH_ROOM];
    size_t kept = 0;

    for (size_t i = 0; i < j->segments_count; i++) {
        bool is_last = i + 1 == j->segments_count;

        path_of(j, path, j->segments[i].first);
        if (is_last || j->segments[i].last > forgotten || (unlink(path) < 0 && errno != ENOENT))
            j->segments[kept++] = j->segments[i];
    }
    j->segments_count = kept;
}

static void path_of(const struct journal *j, char out[PATH_ROOM], uint64_t first)
{
    snprintf(out, PATH_ROOM, "%s/%016" PRIx64 ".journal", j->path, first);
}

static void journal_free(struct journal *j)
{
    if (j->file >= 0)
        close(j->file);
    if (j->folder >= 0)
        close(j->folder);
    free(j->segments);
    free(j->path);
    buf_fini(&j->waiting);
    pthread_cond_destroy(&j->wanted);
    pthread_cond_destroy(&j->durably);
    pthread_mutex_destroy(&j->mutex);
    free(j);
}
