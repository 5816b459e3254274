/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that writes answered requests in batches. */
#include "store/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "net/clock.h"

enum {
    BATCH_MAX = 512,
    LINGER_MS = 1000,    /* how long the first row of a batch waits for others */
    WAITING_MAX = 10000, /* when the options say nothing */
    TRIM_EVERY = 5000,   /* rows written between two trims */
    TEXT_MAX = 256,      /* bytes of a text; a caller may ask for a name as long as a body */
    PILE_KEPT = 1 << 20, /* bytes of memory that a pile may keep */
    ALIGN = 16,
};

static const size_t texts[] = {
    offsetof(struct exchange_row, id),      offsetof(struct exchange_row, asked),
    offsetof(struct exchange_row, machine), offsetof(struct exchange_row, model),
    offsetof(struct exchange_row, parity),  offsetof(struct exchange_row, key_id),
    offsetof(struct exchange_row, failure),
};

enum { TEXTS = COUNT_OF(texts) };

/* Rows end to end, each followed by its texts in the order of the table. */
struct pile {
    struct buf bytes;
    uint32_t count;
};

struct recorder {
    struct recorder_options options;
    struct store *store; /* the thread's */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wanted; /* rows wait, or somebody is in a hurry */
    pthread_cond_t rested; /* a round has ended */
    struct pile waiting;
    uint32_t taken;               /* of batch.count: not written yet */
    uint64_t rounds, hurry_until; /* no lingering while rounds < hurry_until */
    struct recorder_sum sum;
    bool closing, failing;
    struct pile batch; /* this and what follows is the thread's */
    size_t batch_at;   /* rows before it are written */
    uint64_t untrimmed;
};

static void *work(void *ctx);
static void wait_for_rows(struct recorder *r);
static struct timespec deadline(void);
static uint32_t unwritten(const struct recorder *r);
static int write_all(struct recorder *r, struct err *err);
static void take_waiting(struct recorder *r);
static int write_batch(struct recorder *r, struct err *err);
static int trim(struct recorder *r, struct err *err);
static void end_round(struct recorder *r, int result, const struct err *err);
static bool pile_put(struct pile *p, const struct exchange_row *row);
static size_t pile_read(const struct pile *p, size_t at, struct exchange_row *ret);
static size_t aligned(size_t size);
static struct str cut(struct str text);
static struct str *text_at(const struct exchange_row *row, size_t index);

int recorder_open(struct recorder **ret, struct str url, const struct recorder_options *options,
                  struct err *err)
{
    struct recorder *r = calloc(1, sizeof *r);
    pthread_condattr_t monotonic;
    int result;

    if (!r)
        return err_set(err, -ENOMEM, "out of memory");
    r->options = *options;
    r->untrimmed = TRIM_EVERY;
    if (!r->options.waiting_max)
        r->options.waiting_max = WAITING_MAX;
    buf_init(&r->waiting.bytes, SIZE_MAX); /* rows are counted, their texts are cut */
    buf_init(&r->batch.bytes, SIZE_MAX);
    pthread_mutex_init(&r->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wanted, &monotonic);
    pthread_cond_init(&r->rested, NULL);
    pthread_condattr_destroy(&monotonic);
    if ((result = store_open(&r->store, url, err)) < 0 ||
        (result = -pthread_create(&r->thread, NULL, work, r)) < 0) {
        if (r->store)
            err_set(err, result, "no thread can be made: %s", strerror(-result));
        store_close(r->store);
        free(r);
        return result;
    }
    *ret = r;
    return 0;
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
    store_close(r->store);
    buf_fini(&r->waiting.bytes);
    buf_fini(&r->batch.bytes);
    pthread_cond_destroy(&r->wanted);
    pthread_cond_destroy(&r->rested);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

bool recorder_put(struct recorder *r, const struct exchange_row *row)
{
    bool taken;

    pthread_mutex_lock(&r->mutex);
    taken = unwritten(r) < r->options.waiting_max && pile_put(&r->waiting, row);
    if (!taken)
        r->sum.dropped++;
    else if (unwritten(r) == 1 || unwritten(r) == BATCH_MAX)
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
    sum = r->sum;
    pthread_mutex_unlock(&r->mutex);
    return sum;
}

static void *work(void *ctx)
{
    struct recorder *r = ctx;
    bool last = false;

    while (!last) {
        struct err err = {0};

        pthread_mutex_lock(&r->mutex);
        wait_for_rows(r);
        last = r->closing;
        pthread_mutex_unlock(&r->mutex);
        end_round(r, write_all(r, &err), &err);
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
    until = deadline();
    while (!late && (r->failing || unwritten(r) < BATCH_MAX) && !r->closing &&
           r->rounds >= r->hurry_until)
        late = pthread_cond_timedwait(&r->wanted, &r->mutex, &until);
}

static struct timespec deadline(void)
{
    uint64_t us = clock_monotonic_us() + LINGER_MS * 1000u;

    return (struct timespec){(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
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

    if (empty.bytes.room > PILE_KEPT)
        buf_release(&empty.bytes);
    buf_reset(&empty.bytes);
    empty.count = 0;
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
        size_t count = 0, at = r->batch_at;

        while (count < BATCH_MAX && at < r->batch.bytes.len)
            at += pile_read(&r->batch, at, &rows[count++]);
        if ((result = store_exchange_put(r->store, rows, count, err)) < 0)
            return result;
        r->batch_at = at;
        r->untrimmed += count;
        pthread_mutex_lock(&r->mutex);
        r->sum.written += count;
        r->taken -= (uint32_t)count;
        pthread_mutex_unlock(&r->mutex);
    }
    return 0;
}

static int trim(struct recorder *r, struct err *err)
{
    int64_t before_us = r->options.keep_us ? clock_wall_us() - r->options.keep_us : INT64_MIN;
    uint64_t rows_max = r->options.rows_max ? r->options.rows_max : UINT64_MAX;
    int result = store_exchange_trim(r->store, before_us, rows_max, NULL, err);

    if (result == 0)
        r->untrimmed = 0;
    return result;
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

/* False without memory. */
static bool pile_put(struct pile *p, const struct exchange_row *row)
{
    struct exchange_row copy = *row;
    size_t size = sizeof copy;
    char *at;

    for (size_t i = 0; i < TEXTS; i++) {
        struct str *text = text_at(&copy, i);

        *text = cut(*text);
        size += text->len;
    }
    size = aligned(size);
    if (buf_reserve(&p->bytes, size) < 0)
        return false;
    at = p->bytes.data + p->bytes.len;
    memcpy(at, &copy, sizeof copy);
    at += sizeof copy;
    for (size_t i = 0; i < TEXTS; i++) {
        struct str text = *text_at(&copy, i);

        if (text.len)
            memcpy(at, text.data, text.len);
        at += text.len;
    }
    p->bytes.len += size;
    p->count++;
    return true;
}

/* Returns the bytes that it takes there. */
static size_t pile_read(const struct pile *p, size_t at, struct exchange_row *ret)
{
    const char *bytes = p->bytes.data + at + sizeof *ret;

    memcpy(ret, p->bytes.data + at, sizeof *ret);
    for (size_t i = 0; i < TEXTS; i++) {
        struct str *text = text_at(ret, i);

        text->data = bytes;
        bytes += text->len;
    }
    return aligned((size_t)(bytes - (p->bytes.data + at)));
}

static size_t aligned(size_t size)
{
    return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static struct str cut(struct str text)
{
    return str_slice(text.data, text.len < TEXT_MAX ? text.len : TEXT_MAX);
}

static struct str *text_at(const struct exchange_row *row, size_t index)
{
    return (struct str *)(uintptr_t)((const char *)row + texts[index]);
}
