/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that carries rows from the journal to the store in batches. */
#include "store/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "net/clock.h"
#include "store/pile.h"
#include "store/replay.h"

enum {
    BATCH_MAX = 512,
    LINGER_MS = 1000,     /* how long the first row of a batch waits for others */
    WAITING_MAX = 100000, /* when the options say nothing */
    TRIM_EVERY = 5000,    /* rows written between two trims */
    PILE_KEPT = 1 << 20,  /* bytes of memory that a pile may keep */
    KEEP_DAYS = 366 * 5,  /* sums of days */
};

static const int64_t DAY_US = 86400ll * 1000000;

struct recorder {
    struct recorder_options options;
    struct store *store; /* the thread's */
    char *url;
    struct journal *journal;
    atomic_bool journal_fails;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wanted; /* rows wait, or somebody is in a hurry */
    pthread_cond_t rested; /* a round has ended */
    struct link holds;     /* by their last record, oldest first */
    uint32_t holds_count;
    struct buf scratch; /* one entry */
    struct pile waiting;
    uint32_t taken;               /* of batch.count: not written yet */
    uint64_t rounds, hurry_until; /* no lingering while rounds < hurry_until */
    uint64_t written;
    bool closing, failing;
    struct pile batch; /* this and what follows is the thread's */
    size_t batch_at;   /* rows before it are written */
    uint64_t untrimmed;
};

static int open_inside(struct recorder *r, const char *folder, struct recorder_found *found,
                       struct err *err);
static void tell_found(struct recorder *r);
static void recorder_free(struct recorder *r);
static void on_written(void *ctx, uint64_t number);
static void on_journal_trouble(void *ctx, const struct err *err);
static uint64_t append(struct recorder *r, enum entry_kind kind, const struct exchange_row *row);
static void let_go(struct recorder *r, struct hold *hold);
static void *work(void *ctx);
static void wait_for_rows(struct recorder *r);
static uint32_t unwritten(const struct recorder *r);
static int write_all(struct recorder *r, struct err *err);
static void take_waiting(struct recorder *r);
static int write_batch(struct recorder *r, struct err *err);
static void forget(struct recorder *r, uint64_t number);
static int trim(struct recorder *r, struct err *err);
static void reopen(struct recorder *r);
static void end_round(struct recorder *r, int result, const struct err *err);

int recorder_open(struct recorder **ret, struct str url, const char *folder,
                  const struct recorder_options *options, struct recorder_found *ret_found,
                  struct err *err)
{
    struct recorder *r = calloc(1, sizeof *r);
    struct recorder_found found = {0};
    int result;

    if (!r)
        return err_set(err, -ENOMEM, "out of memory");
    r->options = *options;

    if (!r->options.waiting_max)
        r->options.waiting_max = WAITING_MAX;
    link_init(&r->holds);
    buf_init(&r->scratch, JOURNAL_RECORD_MAX);
    pile_init(&r->waiting);
    pile_init(&r->batch);
    pthread_mutex_init(&r->mutex, NULL);
    clock_cond_init(&r->wanted);
    pthread_cond_init(&r->rested, NULL);
    r->url = strndup(url.data, url.len);
    result = r->url ? open_inside(r, folder, &found, err) : -ENOMEM;
    if (result == 0 && (result = -pthread_create(&r->thread, NULL, work, r)) < 0)
        err_set(err, result, "no thread can be made: %s", strerror(-result));
    if (result < 0) {
        recorder_free(r);
        return result;
    }
    if (ret_found)
        *ret_found = found;
    *ret = r;
    return 0;
}

/* What was left is in the store before anybody asks for sums; a store that takes nothing now is
 * asked again by the thread. */
static int open_inside(struct recorder *r, const char *folder, struct recorder_found *found,
                       struct err *err)
{
    const struct journal_options options = {.on_written = on_written,
                                            .on_trouble = on_journal_trouble,
                                            .is_pushed = r->options.is_pushed,
                                            .ctx = r};
    struct err trouble = {0};
    int result = store_open(&r->store, str_from(r->url), err);

    if (result == 0)
        result = replay_open(&r->journal, folder, &options, &r->waiting, found, err);
    if (result < 0)
        return result;
    tell_found(r);
    result = write_all(r, &trouble);
    r->failing = result < 0;
    r->untrimmed = TRIM_EVERY; /* by the thread: it may take a while */
    if (result < 0 && r->options.on_trouble)
        r->options.on_trouble(r->options.ctx, &trouble);
    return 0;
}

static void tell_found(struct recorder *r)
{
    size_t at = 0;

    while (r->options.on_found && at < r->waiting.bytes.len) {
        struct exchange_row row;
        uint64_t number;

        at += pile_read(&r->waiting, at, &number, &row);
        r->options.on_found(r->options.ctx, &row);
    }
}

void recorder_close(struct recorder *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->mutex);
    r->closing = true;
    pthread_cond_signal(&r->wanted);
    pthread_mutex_unlock(&r->mutex);
    pthread_join(r->thread, NULL);
    recorder_free(r);
}

static void recorder_free(struct recorder *r)
{
    journal_close(r->journal);
    store_close(r->store);
    free(r->url);
    buf_fini(&r->scratch);
    pile_fini(&r->waiting);
    pile_fini(&r->batch);
    pthread_cond_destroy(&r->wanted);
    pthread_cond_destroy(&r->rested);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

bool recorder_hold(struct recorder *r, struct hold *hold, const struct exchange_row *row)
{
    uint64_t number = 0;
    bool is_new = !hold->last;

    pthread_mutex_lock(&r->mutex);
    if (!is_new || unwritten(r) + r->holds_count < r->options.waiting_max)
        number = append(r, ENTRY_open, row);
    if (number && is_new) {
        hold->first = number;
        link_init(&hold->link);
        r->holds_count++;
    }
    if (number) {
        hold->last = number;
        link_remove(&hold->link);
        link_append(&r->holds, &hold->link);
    }
    pthread_mutex_unlock(&r->mutex);
    return number != 0;
}

void recorder_push(struct recorder *r)
{
    journal_push(r->journal);
}

bool recorder_is_kept(const struct recorder *r, const struct hold *hold)
{
    return journal_written(r->journal) >= hold->first || recorder_is_failing(r);
}

bool recorder_is_failing(const struct recorder *r)
{
    return atomic_load_explicit(&r->journal_fails, memory_order_relaxed);
}

/* A row that the journal does not take waits all the same: the store may work. */
bool recorder_put(struct recorder *r, struct hold *hold, const struct exchange_row *row)
{
    bool taken = false;

    pthread_mutex_lock(&r->mutex);
    if (hold->last || unwritten(r) + r->holds_count < r->options.waiting_max) {
        uint64_t number = append(r, ENTRY_end, row);

        if (number || entry_write(&r->scratch, ENTRY_end, row) == 0)
            taken = pile_put(&r->waiting, number, buf_str(&r->scratch)) == 0;
    }
    let_go(r, hold);
    if (taken && (unwritten(r) == 1 || unwritten(r) == BATCH_MAX))
        pthread_cond_signal(&r->wanted);
    pthread_mutex_unlock(&r->mutex);
    return taken;
}

/* Two rounds: the one under way may have begun before the last row was put. */
void recorder_flush(struct recorder *r)
{
    uint64_t until;

    pthread_mutex_lock(&r->mutex);
    until = r->rounds + 2;
    if (r->hurry_until < until)
        r->hurry_until = until;
    pthread_cond_signal(&r->wanted);
    while (r->rounds < until)
        pthread_cond_wait(&r->rested, &r->mutex);
    pthread_mutex_unlock(&r->mutex);
}

struct recorder_sum recorder_sum(struct recorder *r)
{
    struct recorder_sum sum;

    pthread_mutex_lock(&r->mutex);
    sum = (struct recorder_sum){.written = r->written,
                                .waiting = unwritten(r),
                                .held = r->holds_count,
                                .journal_fails = r->journal_fails,
                                .store_fails = r->failing};
    pthread_mutex_unlock(&r->mutex);
    return sum;
}

static void on_written(void *ctx, uint64_t number)
{
    struct recorder *r = ctx;

    (void)number;
    if (r->options.on_kept)
        r->options.on_kept(r->options.ctx);
}

static void on_journal_trouble(void *ctx, const struct err *err)
{
    struct recorder *r = ctx;

    atomic_store_explicit(&r->journal_fails, err != NULL, memory_order_relaxed);
    if (r->options.on_journal)
        r->options.on_journal(r->options.ctx, err);
    if (r->options.on_kept)
        r->options.on_kept(r->options.ctx); /* who waits shall look again */
}

/* The record's number, 0 when the journal takes no more. With the mutex held: numbers are in the
 * order of the pile. */
static uint64_t append(struct recorder *r, enum entry_kind kind, const struct exchange_row *row)
{
    buf_reset(&r->scratch);
    if (entry_write(&r->scratch, kind, row) < 0)
        return 0;
    return journal_append(r->journal, buf_str(&r->scratch));
}

static void let_go(struct recorder *r, struct hold *hold)
{
    if (!hold->last)
        return;
    link_remove(&hold->link);
    hold->last = 0;
    r->holds_count--;
}

static void *work(void *ctx)
{
    struct recorder *r = ctx;
    bool last = false;

    while (!last) {
        struct err err = {0};
        int result;

        pthread_mutex_lock(&r->mutex);
        wait_for_rows(r);
        last = r->closing;
        pthread_mutex_unlock(&r->mutex);
        result = write_all(r, &err);
        if (result == -EUCLEAN)
            reopen(r);
        end_round(r, result, &err);
    }
    return NULL;
}

/* Until there are some and they have lingered, or somebody is in a hurry. After a failure the rows
 * that are left linger too, so a full disk is asked once a second. */
static void wait_for_rows(struct recorder *r)
{
    struct timespec until;
    int late = 0;

    while (!unwritten(r) && !r->closing && r->rounds >= r->hurry_until)
        pthread_cond_wait(&r->wanted, &r->mutex);
    until = clock_in_ms(LINGER_MS);
    while (!late && (r->failing || unwritten(r) < BATCH_MAX) && !r->closing &&
           r->rounds >= r->hurry_until)
        late = pthread_cond_timedwait(&r->wanted, &r->mutex, &until);
}

static uint32_t unwritten(const struct recorder *r)
{
    return r->waiting.count + r->taken;
}

/* What could not be written the last time goes first. */
static int write_all(struct recorder *r, struct err *err)
{
    int result = write_batch(r, err);

    if (result == 0) {
        take_waiting(r);
        result = write_batch(r, err);
    }
    if (result == 0 && r->untrimmed >= TRIM_EVERY)
        result = trim(r, err);
    return result;
}

/* The two piles change places: what the thread reads is touched by nobody else. */
static void take_waiting(struct recorder *r)
{
    struct pile empty = r->batch;

    pile_reset(&empty, PILE_KEPT);
    r->batch_at = 0;
    pthread_mutex_lock(&r->mutex);
    r->batch = r->waiting;
    r->waiting = empty;
    r->taken = r->batch.count;
    pthread_mutex_unlock(&r->mutex);
}

/* In transactions of BATCH_MAX rows: those that succeed are done. */
static int write_batch(struct recorder *r, struct err *err)
{
    struct exchange_row rows[BATCH_MAX];
    int result;

    while (r->batch_at < r->batch.bytes.len) {
        uint64_t number = 0;
        size_t count = 0, at = r->batch_at;

        while (count < BATCH_MAX && at < r->batch.bytes.len)
            at += pile_read(&r->batch, at, &number, &rows[count++]);
        if (!r->store)
            return err_set(err, -EUCLEAN, "the store was damaged and cannot be opened anew");
        if ((result = store_exchange_put(r->store, rows, count, err)) < 0)
            return result;
        r->batch_at = at;
        r->untrimmed += count;
        pthread_mutex_lock(&r->mutex);
        r->written += count;
        r->taken -= (uint32_t)count;
        forget(r, number);
        pthread_mutex_unlock(&r->mutex);
    }
    return 0;
}

/* Of the journal nothing is needed up to here, but for what still runs. */
static void forget(struct recorder *r, uint64_t number)
{
    if (!link_is_empty(&r->holds)) {
        uint64_t oldest = CONTAINER(r->holds.next, struct hold, link)->last;

        number = number < oldest ? number : oldest - 1;
    }
    if (number)
        journal_forget(r->journal, number);
}

static int trim(struct recorder *r, struct err *err)
{
    int64_t now_us = clock_wall_us();
    struct retention keep = {
        .rows_before_us = r->options.keep_us ? now_us - r->options.keep_us : INT64_MIN,
        .rows_max = r->options.rows_max ? r->options.rows_max : UINT64_MAX,
        .days_before = now_us / DAY_US - KEEP_DAYS,
    };
    int result = store_exchange_trim(r->store, &keep, NULL, err);

    if (result == 0)
        r->untrimmed = 0;
    return result;
}

/* Opening is what moves a damaged file aside and saves from it what can be read. */
static void reopen(struct recorder *r)
{
    store_close(TAKE(r->store));
    (void)!store_open(&r->store, str_from(r->url), NULL);
}

static void end_round(struct recorder *r, int result, const struct err *err)
{
    bool changed;

    pthread_mutex_lock(&r->mutex);
    changed = r->failing != (result < 0);
    r->failing = result < 0;
    r->rounds++;
    pthread_cond_broadcast(&r->rested);
    pthread_mutex_unlock(&r->mutex);
    if (changed && r->options.on_trouble)
        r->options.on_trouble(r->options.ctx, result < 0 ? err : NULL);
}
