/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that writes answered requests in batches. */
#include "store/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/list.h"
#include "net/clock.h"

enum {
    BATCH_MAX = 512,
    LINGER_MS = 1000,    /* how long the first row of a batch waits for others */
    WAITING_MAX = 10000, /* when the options say nothing */
    TRIM_EVERY = 5000,   /* rows written between two trims */
    TEXT_MAX = 256,      /* bytes of a text; a caller may ask for a name as long as a body */
};

struct waiting {
    struct link link;
    struct exchange_row row;
    char texts[];
};

struct recorder {
    struct recorder_options options;
    struct store *store; /* the thread's */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wanted; /* rows wait, or somebody is in a hurry */
    pthread_cond_t rested; /* a round has ended */
    struct link waiting;
    uint32_t count;
    uint64_t rounds, hurry_until; /* no lingering while rounds < hurry_until */
    struct recorder_sum sum;
    bool closing, failing;
    uint64_t untrimmed; /* the thread's */
};

static void *work(void *ctx);
static void wait_for_rows(struct recorder *r);
static struct timespec deadline(void);
static int write_all(struct recorder *r, struct link *batch, struct err *err);
static int write_some(struct recorder *r, struct link *batch, struct err *err);
static int trim(struct recorder *r, struct err *err);
static void end_round(struct recorder *r, struct link *left, int result, const struct err *err);
static struct waiting *copy_row(const struct exchange_row *row);
static struct str cut(struct str text);
static struct str *text_at(const struct exchange_row *row, size_t offset);
static void move_all(struct link *to, struct link *from);
static void free_all(struct link *rows);

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
    link_init(&r->waiting);
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
    free_all(&r->waiting);
    pthread_cond_destroy(&r->wanted);
    pthread_cond_destroy(&r->rested);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

bool recorder_put(struct recorder *r, const struct exchange_row *row)
{
    struct waiting *new = copy_row(row);
    bool taken;

    pthread_mutex_lock(&r->mutex);
    taken = new && r->count < r->options.waiting_max;
    if (taken) {
        link_append(&r->waiting, &new->link);
        r->count++;
        if (r->count == 1 || r->count == BATCH_MAX)
            pthread_cond_signal(&r->wanted);
    } else {
        r->sum.dropped++;
    }
    pthread_mutex_unlock(&r->mutex);
    if (!taken)
        free(new);
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
    struct link batch;
    bool last = false;

    link_init(&batch);
    while (!last) {
        struct err err = {0};
        int result;

        pthread_mutex_lock(&r->mutex);
        wait_for_rows(r);
        last = r->closing;
        move_all(&batch, &r->waiting);
        pthread_mutex_unlock(&r->mutex);
        result = write_all(r, &batch, &err);
        end_round(r, &batch, result, &err);
    }
    return NULL;
}

/* Until there are some and they have lingered, or somebody is in a hurry. After a failure the rows
 * that are left linger too, so a full disk is asked once a second. */
static void wait_for_rows(struct recorder *r)
{
    struct timespec until;
    int late = 0;

    while (!r->count && !r->closing && r->rounds >= r->hurry_until)
        pthread_cond_wait(&r->wanted, &r->mutex);
    until = deadline();
    while (!late && (r->failing || r->count < BATCH_MAX) && !r->closing &&
           r->rounds >= r->hurry_until)
        late = pthread_cond_timedwait(&r->wanted, &r->mutex, &until);
}

static struct timespec deadline(void)
{
    uint64_t us = clock_monotonic_us() + LINGER_MS * 1000u;

    return (struct timespec){(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
}

static int write_all(struct recorder *r, struct link *batch, struct err *err)
{
    int result = 0;

    while (result == 0 && !link_is_empty(batch))
        result = write_some(r, batch, err);
    if (result == 0 && r->untrimmed >= TRIM_EVERY)
        result = trim(r, err);
    return result;
}

/* What has been written leaves the batch. */
static int write_some(struct recorder *r, struct link *batch, struct err *err)
{
    struct exchange_row rows[BATCH_MAX];
    struct link done;
    size_t count = 0;
    int result;

    LINK_EACH(batch, at)
    {
        if (count == BATCH_MAX)
            break;
        rows[count++] = CONTAINER(at, struct waiting, link)->row;
    }
    if (!count)
        return 0;
    if ((result = store_exchange_put(r->store, rows, count, err)) < 0)
        return result;
    link_init(&done);
    for (size_t i = 0; i < count; i++) {
        struct link *first = batch->next;

        link_remove(first);
        link_append(&done, first);
    }
    free_all(&done);
    r->untrimmed += count;
    pthread_mutex_lock(&r->mutex);
    r->sum.written += count;
    r->count -= (uint32_t)count;
    pthread_mutex_unlock(&r->mutex);
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

/* What could not be written waits on, in front of what came meanwhile. */
static void end_round(struct recorder *r, struct link *left, int result, const struct err *err)
{
    bool changed;

    pthread_mutex_lock(&r->mutex);
    move_all(left, &r->waiting);
    move_all(&r->waiting, left);
    changed = r->failing != (result < 0);
    r->failing = result < 0;
    r->rounds++;
    pthread_cond_broadcast(&r->rested);
    pthread_mutex_unlock(&r->mutex);
    if (changed && r->options.on_trouble)
        r->options.on_trouble(r->options.ctx, result < 0 ? err : NULL);
}

static struct waiting *copy_row(const struct exchange_row *row)
{
    static const size_t texts[] = {
        offsetof(struct exchange_row, id),      offsetof(struct exchange_row, asked),
        offsetof(struct exchange_row, machine), offsetof(struct exchange_row, model),
        offsetof(struct exchange_row, parity),  offsetof(struct exchange_row, key_id),
        offsetof(struct exchange_row, failure),
    };
    struct waiting *copy;
    size_t size = 0, used = 0;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        size += cut(*text_at(row, texts[i])).len;
    copy = malloc(sizeof *copy + size);
    if (!copy)
        return NULL;
    copy->row = *row;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str *text = text_at(&copy->row, texts[i]);

        *text = cut(*text);
        if (text->len)
            memcpy(copy->texts + used, text->data, text->len);
        text->data = copy->texts + used;
        used += text->len;
    }
    return copy;
}

static struct str cut(struct str text)
{
    return str_slice(text.data, text.len < TEXT_MAX ? text.len : TEXT_MAX);
}

static struct str *text_at(const struct exchange_row *row, size_t offset)
{
    return (struct str *)(uintptr_t)((const char *)row + offset);
}

/* Behind what `to` holds already. */
static void move_all(struct link *to, struct link *from)
{
    while (!link_is_empty(from)) {
        struct link *first = from->next;

        link_remove(first);
        link_append(to, first);
    }
}

static void free_all(struct link *rows)
{
    while (!link_is_empty(rows)) {
        struct link *first = rows->next;

        link_remove(first);
        free(CONTAINER(first, struct waiting, link));
    }
}
