/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that read the store. */
#include "web/reading.h"

#include <errno.h>
#include <pthread.h>

/* One thread; its place is free again when it is over. */
struct reading {
    struct loop *loop; /* NULL: the place is free */
    loop_fn *work;
    void *visit;
};

static struct reading *take_place(struct loop *loop, loop_fn *work, void *visit);
static void give_back(struct reading *r);
static void *run(void *ctx);
static bool is_reading_for(const struct loop *loop);

/* guarded by lock: */
static struct reading readings[READINGS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t freed = PTHREAD_COND_INITIALIZER;

int reading_start(struct loop *loop, loop_fn *work, void *visit)
{
    struct reading *r = take_place(loop, work, visit);
    pthread_t thread;
    int error;

    if (!r)
        return -EBUSY;
    error = pthread_create(&thread, NULL, run, r);
    if (error)
        give_back(r);
    else
        pthread_detach(thread);
    return -error;
}

void reading_leave(void *ctx, const struct loop *loop)
{
    (void)ctx;
    pthread_mutex_lock(&lock);
    while (is_reading_for(loop))
        pthread_cond_wait(&freed, &lock);
    pthread_mutex_unlock(&lock);
}

static struct reading *take_place(struct loop *loop, loop_fn *work, void *visit)
{
    struct reading *found = NULL;

    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < READINGS_MAX && !found; i++)
        if (!readings[i].loop)
            found = &readings[i];
    if (found)
        *found = (struct reading){loop, work, visit};
    pthread_mutex_unlock(&lock);
    return found;
}

static void give_back(struct reading *r)
{
    pthread_mutex_lock(&lock);
    r->loop = NULL;
    pthread_cond_broadcast(&freed);
    pthread_mutex_unlock(&lock);
}

static void *run(void *ctx)
{
    struct reading *r = ctx;

    r->work(r->visit);
    give_back(r);
    return NULL;
}

static bool is_reading_for(const struct loop *loop)
{
    for (unsigned i = 0; i < READINGS_MAX; i++)
        if (readings[i].loop == loop)
            return true;
    return false;
}
