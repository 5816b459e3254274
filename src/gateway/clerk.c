/* SPDX-License-Identifier: Apache-2.0 */
/* Watches the store for changed keys. */
#include "gateway/clerk.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "net/clock.h"

struct clerk {
    struct store *store; /* NULL: it was damaged, and could not be opened anew yet */
    char *url;
    clerk_fn *on_keys;
    void *ctx;
    uint64_t version;
    unsigned look_every_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_stuck; /* the last keys could not be read, and that was told */
    bool stopping;
};

static void *watch(void *ctx);
static void tell_note(const struct store *s);
static bool wait_a_little(struct clerk *c);
static int hand_out(struct clerk *c, struct err *err);
static void tell_stuck(struct clerk *c, const struct err *err);

int clerk_open(struct clerk **ret, struct str store_url, clerk_fn *on_keys, void *ctx,
               struct err *err)
{
    struct clerk *c = calloc(1, sizeof *c);
    int r;

    if (!c)
        return err_set(err, -ENOMEM, "out of memory");
    c->on_keys = on_keys;
    c->ctx = ctx;
    pthread_mutex_init(&c->lock, NULL);
    clock_cond_init(&c->wake);
    c->url = strndup(store_url.data, store_url.len);
    r = c->url ? store_open(&c->store, store_url, err) : err_set(err, -ENOMEM, "out of memory");
    if (r == 0) {
        tell_note(c->store);
        c->look_every_ms = store_look_every_ms(c->store);
        r = store_version(c->store, &c->version, err);
    }
    if (r == 0)
        r = hand_out(c, err);
    *ret = c; /* before the thread looks at it */
    if (r == 0 && (r = -pthread_create(&c->thread, NULL, watch, c)) < 0)
        err_set(err, r, "no thread for the store");
    if (r < 0) {
        *ret = NULL;
        store_close(c->store);
        free(c->url);
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
    free(c->url);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* A store that cannot be read keeps the keys as they are: the next look may be luckier. */
static void *watch(void *ctx)
{
    struct clerk *c = ctx;
    struct err err = {0};
    uint64_t version;

    while (wait_a_little(c)) {
        int r = c->store ? store_version(c->store, &version, NULL) : -ESTALE;

        if (r == -ESTALE) {
            store_close(TAKE(c->store));
            r = store_open(&c->store, str_from(c->url), NULL);
            version = c->version + 1; /* of another store: to be read */
        }
        if (r < 0 || version == c->version)
            continue;
        if (hand_out(c, &err) < 0) {
            tell_stuck(c, &err);
            continue;
        }
        c->version = version;
        c->is_stuck = false;
    }
    return NULL;
}

static void tell_note(const struct store *s)
{
    if (*store_note(s))
        log_event(EVENT_store_damaged, clock_wall_us(),
                  (struct log_field[]){LOG_STR("found", str_from(store_note(s))), LOG_END});
}

static bool wait_a_little(struct clerk *c)
{
    struct timespec until = clock_in_ms(c->look_every_ms);
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

/* Once: it is tried again at every look. */
static void tell_stuck(struct clerk *c, const struct err *err)
{
    if (!c->is_stuck)
        log_event(EVENT_keys_stuck, clock_wall_us(),
                  (struct log_field[]){LOG_STR("found", str_from(err->text)), LOG_END});
    c->is_stuck = true;
}
