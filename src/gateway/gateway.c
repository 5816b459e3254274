/* SPDX-License-Identifier: Apache-2.0 */
/* Workers in front of one fleet. */
#include "gateway/gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rand.h"
#include "cache/cache.h"
#include "gateway/clerk.h"
#include "gateway/decisions.h"
#include "gateway/drill.h"
#include "gateway/duties.h"
#include "gateway/health.h"
#include "gateway/ledger.h"
#include "gateway/recall.h"
#include "gateway/recent.h"
#include "gateway/spans.h"
#include "gateway/speeds.h"
#include "gateway/worker.h"
#include "net/clock.h"

static int show_traffic(struct gateway *g, const struct scene *scene, struct err *err);
static const char *own_folder(const struct gateway *g, struct str state_url);
static int open_workers(struct gateway *g, struct err *err);
static int open_store(struct gateway *g, struct str url, struct err *err);
static int open_health(struct gateway *g, struct str url, struct err *err);
static int open_drill(struct gateway *g, struct str url, struct err *err);
static void make_token(char token[static DRILL_TOKEN_SIZE]);
static int read_secret(struct gateway *g, struct str url, struct err *err);
static void on_keys(void *ctx, struct keyring *ring);

int gateway_open(struct gateway **ret, const struct gateway_options *options, struct scene **scene,
                 struct err *err)
{
    struct gateway *g = calloc(1, sizeof *g);
    int r;

    if (!g)
        return err_set(err, -ENOMEM, "out of memory");
    pthread_mutex_init(&g->scene_lock, NULL);
    turns_init(&g->turns);
    g->settings = options->settings;
    g->stats = options->stats;
    g->traffic = options->traffic;
    g->pages = options->pages;
    g->started_us = clock_wall_us();
    g->connections = stats_series(g->stats, COUNTER_connections, NULL);
    g->scene = *scene;
    *scene = NULL;
    store_folder(g->spool_folder, sizeof g->spool_folder, options->store_url);
    g->recent = recent_new();
    g->decisions = decisions_new(own_folder(g, options->store_url));
    g->duties = duties_new(g->traffic, own_folder(g, options->store_url));
    if (g->settings->otlp.len)
        g->spans = spans_new();
    if (!g->recent || !g->decisions || !g->duties || (g->settings->otlp.len && !g->spans)) {
        gateway_close(g);
        return err_set(err, -ENOMEM, "out of memory");
    }
    if (g->settings->cache_max) /* without memory for it nothing is kept */
        g->cache = cache_new(g->settings->cache_max);
    snprintf(g->store_url, sizeof g->store_url, "%.*s",
             STR_ARG(g->settings->store.len ? g->settings->store : options->store_url));
    make_token(g->drill_token);
    r = show_traffic(g, g->scene, err);
    if (r == 0)
        r = open_workers(g, err);
    if (r == 0)
        r = open_store(g, str_from(g->store_url), err);
    if (r == 0)
        r = open_health(g, options->store_url, err);
    if (r == 0)
        r = open_drill(g, options->store_url, err);
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

int gateway_show(struct gateway *g, struct scene **scene, struct err *err)
{
    struct err lost = {0};

    if (show_traffic(g, *scene, err) < 0) {
        scene_unref(*scene);
        *scene = NULL;
        return -ENOMEM;
    }
    /* That the store is away is told elsewhere, and no reason to refuse a fleet file. */
    (void)!speeds_recall(g->traffic, *scene, str_from(g->store_url), &lost);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_show(&g->workers[i], *scene);
    health_show(g->health, *scene);
    pthread_mutex_lock(&g->scene_lock);
    drill_show(g->drill, *scene);
    scene_unref(g->scene);
    g->scene = *scene;
    pthread_mutex_unlock(&g->scene_lock);
    *scene = NULL;
    return 0;
}

struct scene *gateway_scene(struct gateway *g)
{
    struct scene *s;

    pthread_mutex_lock(&g->scene_lock);
    s = scene_ref(g->scene);
    pthread_mutex_unlock(&g->scene_lock);
    return s;
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
    /* The clerk, drills and health probes turn to the workers: they go first. */
    clerk_close(g->clerk);
    drill_close(g->drill);
    health_close(g->health);
    for (unsigned i = 0; i < g->worker_count; i++)
        if (g->workers[i].started)
            loop_stop(g->workers[i].loop);
    ledger_leave_workers(g);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_close(&g->workers[i]);
    ledger_close(g);
    cache_free(g->cache);
    recent_free(g->recent);
    decisions_free(g->decisions);
    duties_free(g->duties);
    spans_free(g->spans);
    turns_fini(&g->turns);
    scene_unref(g->scene);
    keyring_unref(g->keyring);
    pthread_mutex_destroy(&g->scene_lock);
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

const struct settings *gateway_settings(const struct gateway *g)
{
    return g->settings;
}

struct str gateway_store_url(const struct gateway *g)
{
    return str_from(g->store_url);
}

struct stats *gateway_stats(struct gateway *g)
{
    return g->stats;
}

struct traffic *gateway_traffic(struct gateway *g)
{
    return g->traffic;
}

struct drill *gateway_drills(struct gateway *g)
{
    return g->drill;
}

const char *gateway_folder(const struct gateway *g)
{
    return g->spool_folder;
}

struct health *gateway_health(struct gateway *g)
{
    return g->health;
}

struct decisions *gateway_decisions(struct gateway *g)
{
    return g->decisions;
}

struct duties *gateway_duties(struct gateway *g)
{
    return g->duties;
}

struct spans *gateway_spans(struct gateway *g)
{
    return g->spans;
}

struct recent *gateway_recent(struct gateway *g)
{
    return g->recent;
}

/* Before anybody is asked by what is in it. */
static int show_traffic(struct gateway *g, const struct scene *scene, struct err *err)
{
    uint64_t now_ms = clock_monotonic_us() / 1000;
    int r = traffic_show(g->traffic, scene->view, &scene->places, now_ms);

    if (r == 0)
        duties_apply(g->duties, now_ms);
    return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* Where what is remembered lies; "": the state is no file, and no folder is the gateway's alone. */
static const char *own_folder(const struct gateway *g, struct str state_url)
{
    return str_starts(state_url, STR("sqlite:")) ? g->spool_folder : "";
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
    int r = clerk_open(&g->clerk, url, on_keys, g, err);

    if (r == 0)
        r = read_secret(g, url, err);
    if (r == 0)
        r = ledger_open(g, url, err);
    if (r == 0)
        r = recall_requests(g->recent, url, err);
    return r < 0 ? r : speeds_recall(g->traffic, g->scene, url, err);
}

static int open_health(struct gateway *g, struct str url, struct err *err)
{
    struct health_parts parts = {
        .settings = g->settings,
        .traffic = g->traffic,
        .decisions = g->decisions,
        .duties = g->duties,
        .folder = own_folder(g, url),
        .stats = g->stats,
    };

    return health_open(&g->health, &parts, g->scene, err);
}

/* Without a folder of its own there is no place for what is proven. */
static int open_drill(struct gateway *g, struct str url, struct err *err)
{
    struct drill_parts parts = {
        .settings = g->settings,
        .stats = g->stats,
        .traffic = g->traffic,
        .address = server_address(g->workers[0].drills),
        .token = g->drill_token,
        .folder = own_folder(g, url),
    };

    return drill_open(&g->drill, &parts, g->scene, err);
}

static void make_token(char token[static DRILL_TOKEN_SIZE])
{
    for (size_t i = 0; i < 4; i++)
        snprintf(token + 16 * i, 17, "%016llx", (unsigned long long)rand_u64());
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
    pthread_mutex_lock(&g->scene_lock);
    keyring_unref(g->keyring);
    g->keyring = ring;
    pthread_mutex_unlock(&g->scene_lock);
}
