/* SPDX-License-Identifier: Apache-2.0 */
/* Watches the store for changed keys. */
#include "gateway/clerk.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "net/clock.h"

enum { LOOK_EVERY_MS = 250 };

struct clerk {
    struct store *store;
    clerk_fn *on_keys;
    void *ctx;
    uint64_t version;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
};

static void *watch(void *ctx);
static bool wait_a_little(struct clerk *c);
static int hand_out(struct clerk *c, struct err *err);

int clerk_open(struct clerk **ret, struct str store_url, clerk_fn *on_keys, void *ctx,
               struct err *err)
{
    struct clerk *c = calloc(1, sizeof *c);
    pthread_condattr_t monotonic;
    int r;

    if (!c)
        return err_set(err, -ENOMEM, "out of memory");
    c->on_keys = on_keys;
    c->ctx = ctx;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    r = store_open(&c->store, store_url, err);
    if (r == 0)
        r = store_version(c->store, &c->version, err);
    if (r == 0)
        r = hand_out(c, err);
    *ret = c; /* before the thread looks at it */
    if (r == 0 && (r = -pthread_create(&c->thread, NULL, watch, c)) < 0)
        err_set(err, r, "no thread for the store");
    if (r < 0) {
        *ret = NULL;
        store_close(c->store);
        free(c);
    }
    return r;
}

void clerk_close(struct clerk *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    store_close(c->store);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* A store that cannot be read keeps the keys as they are: the next look may be luckier. */
static void *watch(void *ctx)
{
    struct clerk *c = ctx;
    uint64_t version;

    while (wait_a_little(c)) {
        if (store_version(c->store, &version, NULL) < 0 || version == c->version)
            continue;
        if (hand_out(c, NULL) == 0)
            c->version = version;
    }
    return NULL;
}

static bool wait_a_little(struct clerk *c)
{
    uint64_t until_us = clock_monotonic_us() + LOOK_EVERY_MS * 1000ull;
    struct timespec until = {
        .tv_sec = (time_t)(until_us / 1000000),
        .tv_nsec = (long)(until_us % 1000000) * 1000,
    };
    bool go_on;

    pthread_mutex_lock(&c->lock);
    while (!c->stopping && pthread_cond_timedwait(&c->wake, &c->lock, &until) == 0)
        ;
    go_on = !c->stopping;
    pthread_mutex_unlock(&c->lock);
    return go_on;
}

static int hand_out(struct clerk *c, struct err *err)
{
    struct keyring *ring;
    int r = keyring_load(&ring, c->store, err);

    if (r == 0)
        c->on_keys(c->ctx, ring);
    return r;
}
