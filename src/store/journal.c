/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: numbered files. One thread writes the last of them, and never waits for the other,
 * which syncs it. */
#include "store/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "net/clock.h"
#include "store/journal_record.h"

enum {
    PATH_ROOM = 4096,
    RETRY_MS = 200,
    GROUP_MS = 10, /* what was written so long is synced together */
    SEGMENT_BYTES_MAX = 1 << 30,
};

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
    uint64_t file_bytes; /* written ones of the last segment */
    bool is_torn;        /* something of a failed try, or of another life, may lie behind them */
    pthread_t thread, syncer;
    pthread_mutex_t mutex;          /* guards what follows */
    pthread_cond_t wanted, durably; /* something to do; something was done */
    pthread_cond_t unsynced_there;
    struct buf unsynced;    /* the end of the last segment: written, and not yet durable, */
    uint64_t unsynced_last; /* ... up to this number */
    struct buf waiting;
    uint64_t appended, durable, forgotten;
    bool closing, write_fails, sync_fails, all_written;
    _Atomic uint64_t written;
};

static int start_threads(struct journal *j, struct err *err);
static void end_syncer(struct journal *j);
static int make_folder(struct journal *j, const char *path, struct err *err);
static int list_segments(struct journal *j, struct err *err);
static int add_segment(struct journal *j, uint64_t first);
static int compare_segments(const void *a, const void *b);
static int replay(struct journal *j, struct journal_found *found, struct err *err);
static int replay_segment(struct journal *j, struct segment *s, bool is_last,
                          struct journal_found *found, struct err *err);
static void *work(void *ctx);
static bool write_batch(struct journal *j, struct buf *batch, uint64_t last);
static int write_now(struct journal *j, struct str bytes, uint64_t last);
static void keep_unsynced(struct journal *j, struct str bytes, uint64_t last);
static void wait_for_sync(struct journal *j);
static void *sync_all(void *ctx);
static void wait_for_unsynced(struct journal *j);
static bool sync_once(struct journal *j);
static int write_at(int file, struct str bytes, uint64_t at);
static int write_again(struct journal *j, size_t len);
static bool is_failing(const struct journal *j);
static void set_failing(struct journal *j, bool *flag, int r);
static void say_written(struct journal *j, uint64_t last);
static int begin_segment(struct journal *j, uint64_t first);
static void rest(struct journal *j);
static void remove_segments(struct journal *j, uint64_t up_to, bool spares_last);
static void path_of(const struct journal *j, char out[PATH_ROOM], uint64_t first);
static void journal_free(struct journal *j);

int journal_open(struct journal **ret, const char *folder, const struct journal_options *options,
                 struct journal_found *ret_found, struct err *err)
{
    struct journal *j = calloc(1, sizeof *j);
    struct journal_found found = {0};
    int r;

    if (!j)
        return err_set(err, -ENOMEM, "out of memory");
    j->options = *options;
    j->options.segment_bytes = options->segment_bytes ? options->segment_bytes : JOURNAL_SEGMENT;
    j->folder = j->file = -1;
    j->is_torn = true;
    buf_init(&j->waiting, JOURNAL_WAITING_MAX);
    pthread_mutex_init(&j->mutex, NULL);
    clock_cond_init(&j->wanted);
    clock_cond_init(&j->unsynced_there);
    buf_init(&j->unsynced, 2 * JOURNAL_WAITING_MAX);
    pthread_cond_init(&j->durably, NULL);
    r = make_folder(j, folder, err);
    if (r == 0)
        r = list_segments(j, err);
    if (r == 0)
        r = replay(j, &found, err);
    if (r == 0)
        r = start_threads(j, err);
    if (r < 0) {
        journal_free(j);
        return r;
    }
    if (ret_found)
        *ret_found = found;
    *ret = j;
    return 0;
}

static int start_threads(struct journal *j, struct err *err)
{
    int r = -pthread_create(&j->syncer, NULL, sync_all, j);

    if (r == 0 && (r = -pthread_create(&j->thread, NULL, work, j)) < 0) {
        end_syncer(j);
        pthread_join(j->syncer, NULL);
    }
    return r < 0 ? err_set(err, r, "no thread can be made: %s", strerror(-r)) : 0;
}

static void end_syncer(struct journal *j)
{
    pthread_mutex_lock(&j->mutex);
    j->all_written = true;
    pthread_cond_signal(&j->unsynced_there);
    pthread_mutex_unlock(&j->mutex);
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    pthread_mutex_lock(&j->mutex);
    j->closing = true;
    pthread_cond_broadcast(&j->wanted);
    pthread_mutex_unlock(&j->mutex);
    pthread_join(j->thread, NULL);
    pthread_join(j->syncer, NULL);
    journal_free(j);
}

uint64_t journal_append(struct journal *j, struct str record)
{
    uint64_t number = 0;

    pthread_mutex_lock(&j->mutex);
    if (record.len <= JOURNAL_RECORD_MAX && record_write(&j->waiting, j->appended + 1, record) == 0)
        number = ++j->appended;
    pthread_mutex_unlock(&j->mutex);
    if (number && !j->options.is_pushed)
        journal_push(j);
    return number;
}

/* Without the mutex, or the writer would wake up only to wait for it. */
void journal_push(struct journal *j)
{
    pthread_cond_broadcast(&j->wanted);
}

int journal_wait(struct journal *j, uint64_t number)
{
    int r;

    pthread_mutex_lock(&j->mutex);
    while (j->durable < number && !is_failing(j))
        pthread_cond_wait(&j->durably, &j->mutex);
    r = j->durable < number ? -EIO : 0;
    pthread_mutex_unlock(&j->mutex);
    return r;
}

uint64_t journal_written(const struct journal *j)
{
    return atomic_load_explicit(&j->written, memory_order_acquire);
}

void journal_forget(struct journal *j, uint64_t number)
{
    pthread_mutex_lock(&j->mutex);
    if (number > j->forgotten)
        j->forgotten = number;
    pthread_cond_broadcast(&j->wanted);
    pthread_mutex_unlock(&j->mutex);
}

static int make_folder(struct journal *j, const char *path, struct err *err)
{
    int r = file_make_folders(path, err);

    if (r < 0)
        return r;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "%s: cannot be made: %s", path, strerror(errno));
    j->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->folder < 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    if (flock(j->folder, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, -EBUSY,
                       "%s: another gateway keeps its journal there: end it, or name another "
                       "folder with --state DIR",
                       path);
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
    atomic_store_explicit(&j->written, j->appended, memory_order_relaxed);
    remove_segments(j, 0, false);
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
        r = j->options.on_record(j->options.record_ctx, record.number, record.bytes);
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

static void *work(void *ctx)
{
    struct journal *j = ctx;
    struct buf batch;
    bool last = false;

    buf_init(&batch, JOURNAL_WAITING_MAX);
    /* On a busy core who appends goes on first: then there is more to write at once. */
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &(struct sched_param){0});
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
            remove_segments(j, forgotten, true); /* from the last the numbers go on */
    }
    buf_fini(&batch);
    end_syncer(j);
    return NULL;
}

/* Until it is written, however often that has to be tried; a program that ends tries once. */
static bool write_batch(struct journal *j, struct buf *batch, uint64_t last)
{
    int r;

    while ((r = write_now(j, buf_str(batch), last)) < 0) {
        bool give_up;

        set_failing(j, &j->write_fails, r);
        pthread_mutex_lock(&j->mutex);
        rest(j);
        give_up = j->closing;
        pthread_mutex_unlock(&j->mutex);
        if (give_up)
            return false;
    }
    buf_reset(batch);
    set_failing(j, &j->write_fails, 0);
    return true;
}

/* What a failed try left behind its last whole batch is cut off before the next. */
static int write_now(struct journal *j, struct str bytes, uint64_t last)
{
    int r = 0;

    if (j->file < 0 || j->file_bytes >= j->options.segment_bytes) {
        wait_for_sync(j);
        r = begin_segment(j, journal_written(j) + 1);
    }
    if (r == 0 && j->is_torn && ftruncate(j->file, (off_t)j->file_bytes) < 0)
        r = -errno;
    if (r == 0) {
        r = write_at(j->file, bytes, j->file_bytes);
        j->is_torn = r < 0;
    }
    if (r < 0)
        return r;
    keep_unsynced(j, bytes, last);
    say_written(j, last);
    return 0;
}

static int write_at(int file, struct str bytes, uint64_t at)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n = pwrite(file, bytes.data + done, bytes.len - done, (off_t)(at + done));

        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Kept, because after a failed sync nobody knows what of it is on the disk. */
static void keep_unsynced(struct journal *j, struct str bytes, uint64_t last)
{
    pthread_mutex_lock(&j->mutex);
    while (j->unsynced.len > 0 && j->unsynced.len + bytes.len > JOURNAL_WAITING_MAX)
        pthread_cond_wait(&j->durably, &j->mutex);
    if (!j->unsynced.len) /* else the syncer knows */
        pthread_cond_signal(&j->unsynced_there);
    if (buf_put(&j->unsynced, bytes) < 0)
        abort(); /* out of memory: the journal is all that is left of what was written */
    j->file_bytes += bytes.len;
    j->segments[j->segments_count - 1].last = last;
    j->unsynced_last = last;
    pthread_mutex_unlock(&j->mutex);
}

static void wait_for_sync(struct journal *j)
{
    pthread_mutex_lock(&j->mutex);
    while (j->unsynced.len && !(j->closing && is_failing(j)))
        pthread_cond_wait(&j->durably, &j->mutex);
    pthread_mutex_unlock(&j->mutex);
}

static void *sync_all(void *ctx)
{
    struct journal *j = ctx;
    bool go_on = true;

    while (go_on)
        go_on = sync_once(j);
    return NULL;
}

/* With the mutex held: until there is some, and others have had the time to come along. */
static void wait_for_unsynced(struct journal *j)
{
    struct timespec until;
    int late = 0;

    while (!j->unsynced.len && !j->all_written)
        pthread_cond_wait(&j->unsynced_there, &j->mutex);
    until = clock_in_ms(GROUP_MS);
    while (!late && !j->all_written)
        late = pthread_cond_timedwait(&j->unsynced_there, &j->mutex, &until);
}

/* False: all is done, or the program ends and the disk takes no more. */
static bool sync_once(struct journal *j)
{
    uint64_t last;
    size_t len;
    int r;

    pthread_mutex_lock(&j->mutex);
    wait_for_unsynced(j);
    len = j->unsynced.len;
    last = j->unsynced_last;
    pthread_mutex_unlock(&j->mutex);
    if (!len)
        return false;
    r = fdatasync(j->file) < 0 ? -errno : 0;
    while (r < 0) {
        bool give_up;

        set_failing(j, &j->sync_fails, r);
        pthread_mutex_lock(&j->mutex);
        rest(j);
        give_up = j->closing;
        r = write_again(j, len);
        pthread_mutex_unlock(&j->mutex);
        if (r < 0 && give_up)
            return false;
    }
    pthread_mutex_lock(&j->mutex);
    buf_shift(&j->unsynced, len);
    j->durable = last;
    pthread_cond_broadcast(&j->durably);
    pthread_mutex_unlock(&j->mutex);
    set_failing(j, &j->sync_fails, 0);
    if (j->options.on_durable)
        j->options.on_durable(j->options.ctx, last);
    return true;
}

/* With the mutex held. */
static int write_again(struct journal *j, size_t len)
{
    int r = write_at(j->file, str_slice(j->unsynced.data, len), j->file_bytes - j->unsynced.len);

    return r == 0 && fdatasync(j->file) < 0 ? -errno : r;
}

static bool is_failing(const struct journal *j)
{
    return j->write_fails || j->sync_fails;
}

/* Either thread; somebody is told when the first of them fails and when none does any more. */
static void set_failing(struct journal *j, bool *flag, int r)
{
    struct err err = {0};
    bool before, after;

    pthread_mutex_lock(&j->mutex);
    before = is_failing(j);
    *flag = r < 0;
    after = is_failing(j);
    if (after)
        pthread_cond_broadcast(&j->durably);
    pthread_mutex_unlock(&j->mutex);
    if (before == after || !j->options.on_trouble)
        return;
    err_set(&err, r, "the journal cannot be written: %s", strerror(-r));
    j->options.on_trouble(j->options.ctx, after ? &err : NULL);
}

static void say_written(struct journal *j, uint64_t last)
{
    if (last <= journal_written(j))
        return;
    atomic_store_explicit(&j->written, last, memory_order_release);
    if (j->options.on_written)
        j->options.on_written(j->options.ctx, last);
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

/* With the mutex held. */
static void rest(struct journal *j)
{
    struct timespec until = clock_in_ms(RETRY_MS);
    int late = 0;

    while (!late && !j->closing)
        late = pthread_cond_timedwait(&j->wanted, &j->mutex, &until);
}

/* Those that hold nothing behind this number. */
static void remove_segments(struct journal *j, uint64_t up_to, bool spares_last)
{
    char path[PATH_ROOM];
    size_t kept = 0;

    for (size_t i = 0; i < j->segments_count; i++) {
        bool stays = spares_last && i + 1 == j->segments_count;

        path_of(j, path, j->segments[i].first);
        if (stays || j->segments[i].last > up_to || (unlink(path) < 0 && errno != ENOENT))
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
    buf_fini(&j->unsynced);
    pthread_cond_destroy(&j->unsynced_there);
    pthread_cond_destroy(&j->wanted);
    pthread_cond_destroy(&j->durably);
    pthread_mutex_destroy(&j->mutex);
    free(j);
}
