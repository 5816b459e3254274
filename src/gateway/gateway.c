/* SPDX-License-Identifier: Apache-2.0 */
/* Workers in front of one fleet. */
#include "gateway/gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/clerk.h"
#include "gateway/health.h"
#include "gateway/worker.h"
#include "net/clock.h"
#include "store/recorder.h"

enum { KEEP_DAYS = 30, ROWS_MAX = 1000000 };

static int open_workers(struct gateway *g, struct err *err);
static int open_store(struct gateway *g, struct str url, struct err *err);
static int read_secret(struct gateway *g, struct str url, struct err *err);
static void on_keys(void *ctx, struct keyring *ring);
static void on_trouble(void *ctx, const struct err *err);

int gateway_open(struct gateway **ret, const struct gateway_options *options, struct scene **scene,
                 struct err *err)
{
    struct gateway *g = calloc(1, sizeof *g);
    int r;

    if (!g)
        return err_set(err, -ENOMEM, "out of memory");
    g->settings = options->settings;
    g->stats = options->stats;
    g->traffic = options->traffic;
    g->pages = options->pages;
    g->started_us = clock_wall_us();
    g->connections = stats_series(g->stats, COUNTER_connections, NULL);
    g->scene = *scene;
    *scene = NULL;
    store_folder(g->spool_folder, sizeof g->spool_folder, options->store_url);
    r = open_workers(g, err);
    if (r == 0)
        r = open_store(g, options->store_url, err);
    if (r == 0)
        r = health_open(&g->health, g->settings, g->traffic, g->scene, err);
    if (r < 0) {
        gateway_close(g);
        return r;
    }
    *ret = g;
    return 0;
}

int gateway_start(struct gateway *g, struct err *err)
{
    int r = 0;

    for (unsigned i = 0; i < g->worker_count && r == 0; i++)
        r = worker_start(&g->workers[i], err);
    return r;
}

void gateway_show(struct gateway *g, struct scene **scene)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_show(&g->workers[i], *scene);
    health_show(g->health, *scene);
    scene_unref(g->scene);
    g->scene = *scene;
    *scene = NULL;
}

void gateway_drain(struct gateway *g)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_drain(&g->workers[i]);
    for (unsigned i = 0; i < g->worker_count; i++) {
        if (g->workers[i].started)
            pthread_join(g->workers[i].thread, NULL);
        g->workers[i].started = false;
    }
}

void gateway_close(struct gateway *g)
{
    if (!g)
        return;
    /* The clerk and the health probes post to the workers: they go first. */
    clerk_close(g->clerk);
    health_close(g->health);
    for (unsigned i = 0; i < g->worker_count; i++)
        if (g->workers[i].started)
            loop_stop(g->workers[i].loop);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_close(&g->workers[i]);
    recorder_close(g->recorder);
    scene_unref(g->scene);
    free(g->workers);
    free(g);
}

const char *gateway_address(const struct gateway *g)
{
    return server_address(g->workers[0].server);
}

unsigned gateway_keys(struct gateway *g)
{
    return __atomic_load_n(&g->key_count, __ATOMIC_RELAXED);
}

int64_t gateway_started_us(const struct gateway *g)
{
    return g->started_us;
}

struct stats *gateway_stats(struct gateway *g)
{
    return g->stats;
}

struct traffic *gateway_traffic(struct gateway *g)
{
    return g->traffic;
}

struct health *gateway_health(struct gateway *g)
{
    return g->health;
}

static int open_workers(struct gateway *g, struct err *err)
{
    unsigned count = g->settings->threads;
    char listen[512];
    int r = 0;

    if (!count)
        count = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    g->workers = calloc(count, sizeof *g->workers);
    if (!g->workers)
        return err_set(err, -ENOMEM, "out of memory");
    snprintf(listen, sizeof listen, "%.*s", STR_ARG(g->settings->listen));
    for (unsigned i = 0; i < count && r == 0; i++) {
        g->worker_count = i + 1;
        r = worker_open(&g->workers[i], g, i, listen, err);
        if (r == 0)
            g->workers[i].scene = scene_ref(g->scene);
        if (r == 0 && i == 0)
            snprintf(listen, sizeof listen, "%s", server_address(g->workers[0].server));
    }
    return r;
}

static int open_store(struct gateway *g, struct str url, struct err *err)
{
    struct recorder_options options = {
        .keep_us = KEEP_DAYS * 86400ll * 1000000,
        .rows_max = ROWS_MAX,
        .on_trouble = on_trouble,
    };
    int r = clerk_open(&g->clerk, url, on_keys, g, err);

    if (r == 0)
        r = read_secret(g, url, err);
    return r < 0 ? r : recorder_open(&g->recorder, url, &options, err);
}

static int read_secret(struct gateway *g, struct str url, struct err *err)
{
    AUTO(store) store = NULL;
    int r = store_open(&store, url, err);

    return r < 0 ? r : store_pepper(store, g->secret, err);
}

/* On the clerk's thread, but for the first time. */
static void on_keys(void *ctx, struct keyring *ring)
{
    struct gateway *g = ctx;

    __atomic_store_n(&g->key_count, (unsigned)keyring_count(ring), __ATOMIC_RELAXED);
    for (unsigned i = 0; i < g->worker_count; i++) {
        if (g->clerk)
            worker_rekey(&g->workers[i], ring);
        else
            g->workers[i].keyring = keyring_ref(ring);
    }
    keyring_unref(ring);
}

static void on_trouble(void *ctx, const struct err *err)
{
    (void)ctx;
    log_event(err ? EVENT_store_lost : EVENT_store_back, clock_wall_us(),
              (struct log_field[]){LOG_STR("found", str_from(err ? err->text : "")), LOG_END});
}
