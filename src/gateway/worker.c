/* SPDX-License-Identifier: Apache-2.0 */
/* A loop on a thread of its own. */
#include "gateway/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/rand.h"
#include "config/settings.h"
#include "gateway/endpoints.h"
#include "gateway/exchange.h"
#include "gateway/handed.h"
#include "gateway/watch.h"

enum { TICK_MS = 100, WATCH_TICKS = 10 };

struct handover {
    struct worker *worker;
    struct scene *scene;
    struct keyring *keyring;
};

static struct server_options server_options_of(const struct settings *s, const char *listen,
                                               int shared_fd, struct tls_files *tls);
static int open_tailnet(struct worker *w, struct server_options options, unsigned index,
                        struct err *err);
static int open_drills(struct worker *w, struct server_options options, struct err *err);
static int post_handover(struct worker *w, struct scene *scene, struct keyring *keyring);
static void on_handover(void *ctx);
static void on_drain(void *ctx);
static void on_drained(void *ctx);
static void on_tick(void *ctx);
static void *run(void *ctx);

int worker_open(struct worker *w, struct gateway *g, unsigned index, const char *listen,
                struct err *err)
{
    const struct settings *s = g->settings;
    struct tls_files tls = {s->tls_certificate.data, s->tls_key.data};
    int shared = index ? server_fd(g->workers[0].server) : -1;
    struct server_options server = server_options_of(s, listen, shared, &tls);
    struct client_options client = {
        .idle_max = s->pool_max,
        .idle_timeout_ms = (uint32_t)s->pool_idle_ms,
        .header_max = (uint32_t)s->header_max,
    };
    int r;

    w->gateway = g;
    link_init(&w->exchanges);
    link_init(&w->handed);
    link_init(&w->unkept);
    w->id_prefix = rand_u64();
    r = loop_open(&w->loop, index);
    if (r < 0)
        return err_set(err, r, "no event loop");
    r = server_open(&w->server, w->loop, &server, &endpoints_events, w, err);
    if (r == 0 && s->tailscale_socket.len)
        r = open_tailnet(w, server, index, err);
    if (r == 0 && index == 0)
        r = open_drills(w, server, err);
    if (r == 0)
        r = client_open(&w->client, w->loop, &client, err);
    if (r == 0)
        timer_start(&w->tick, w->loop, TICK_MS, on_tick, w);
    return r;
}

/* Who can open the socket can say to be anybody: nobody but this user, and root, as tailscaled is.
 */
static int open_tailnet(struct worker *w, struct server_options options, unsigned index,
                        struct err *err)
{
    const char *path = w->gateway->settings->tailscale_socket.data;
    char address[256];
    mode_t before;
    int r;

    snprintf(address, sizeof address, "unix:%s", path);
    options.listen = address;
    options.shared_fd = index ? server_fd(w->gateway->workers[0].tailnet) : -1;
    options.tls = NULL;
    before = umask(0177);
    r = server_open(&w->tailnet, w->loop, &options, &endpoints_tailnet, w, err);
    umask(before);
    return r < 0 ? err_wrap(err, r, "gateway.tailscale.socket") : 0;
}

/* On loopback and plain, whatever the gateway listens on: a drill goes no further than this
 * process. */
static int open_drills(struct worker *w, struct server_options options, struct err *err)
{
    options.listen = "127.0.0.1:0";
    options.shared_fd = -1;
    options.tls = NULL;
    return server_open(&w->drills, w->loop, &options, &endpoints_drills, w, err);
}

static struct server_options server_options_of(const struct settings *s, const char *listen,
                                               int shared_fd, struct tls_files *tls)
{
    return (struct server_options){
        .listen = listen,
        .shared_fd = shared_fd,
        .header_max = (uint32_t)s->header_max,
        .header_count_max = s->header_count_max,
        .body_max = s->body_max,
        .head_timeout_ms = (uint32_t)s->head_timeout_ms,
        .body_timeout_ms = (uint32_t)s->body_timeout_ms,
        .keep_alive_ms = (uint32_t)s->keep_alive_ms,
        .write_timeout_ms = (uint32_t)s->write_timeout_ms,
        .connections_max = s->connections_max,
        .write_high = (uint32_t)s->write_high,
        .tls = s->tls_certificate.len ? tls : NULL,
    };
}

int worker_start(struct worker *w, struct err *err)
{
    int r = -pthread_create(&w->thread, NULL, run, w);

    if (r < 0)
        return err_set(err, r, "no thread for a worker");
    w->started = true;
    return 0;
}

void worker_show(struct worker *w, struct scene *scene)
{
    if (post_handover(w, scene_ref(scene), NULL) < 0)
        scene_unref(scene);
}

void worker_rekey(struct worker *w, struct keyring *keyring)
{
    if (post_handover(w, NULL, keyring_ref(keyring)) < 0)
        keyring_unref(keyring);
}

void worker_drain(struct worker *w)
{
    if (!w->started || loop_post(w->loop, on_drain, w) < 0)
        loop_stop(w->loop);
}

void worker_close(struct worker *w)
{
    if (w->started)
        pthread_join(w->thread, NULL);
    if (!w->loop)
        return;
    timer_stop(&w->tick);
    server_close(w->server);
    server_close(w->tailnet);
    handed_leave(w);
    server_close(w->drills);
    client_close(w->client);
    loop_close(w->loop);
    scene_unref(w->scene);
    keyring_unref(w->keyring);
}

/* 64 random bits of this worker's life and a count. */
void worker_make_id(struct worker *w, char *out, size_t room)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t halves[] = {w->id_prefix, w->id_count++ << 32};
    size_t at = 0;

    assert(room >= EXCHANGE_ID_SIZE);
    out[at++] = 't';
    for (unsigned digit = 0; digit < 24; digit++)
        out[at++] = hex[halves[digit / 16] >> (60 - 4 * (digit % 16)) & 15];
    out[at] = '\0';
}

static void *run(void *ctx)
{
    struct worker *w = ctx;

    loop_run(w->loop);
    log_flush();
    return NULL;
}

static int post_handover(struct worker *w, struct scene *scene, struct keyring *keyring)
{
    struct handover *h = malloc(sizeof *h);

    if (!h)
        return -ENOMEM;
    *h = (struct handover){w, scene, keyring};
    if (loop_post(w->loop, on_handover, h) == 0)
        return 0;
    free(h);
    return -ESHUTDOWN;
}

static void on_handover(void *ctx)
{
    struct handover *h = ctx;

    if (h->scene) {
        scene_unref(h->worker->scene);
        h->worker->scene = h->scene;
    }
    if (h->keyring) {
        keyring_unref(h->worker->keyring);
        h->worker->keyring = h->keyring;
    }
    free(h);
}

static void on_drain(void *ctx)
{
    struct worker *w = ctx;

    w->stopping = true;
    handed_drain(w);
    w->draining = w->tailnet ? 2 : 1;
    server_drain(w->server, (uint32_t)w->gateway->settings->drain_timeout_ms, on_drained, w);
    if (w->tailnet)
        server_drain(w->tailnet, (uint32_t)w->gateway->settings->drain_timeout_ms, on_drained, w);
}

static void on_drained(void *ctx)
{
    struct worker *w = ctx;

    if (--w->draining == 0)
        loop_stop(w->loop);
}

/* Log lines leave at least this often; the gauge of connections is worth no more precision. */
static void on_tick(void *ctx)
{
    struct worker *w = ctx;
    int64_t now = server_connections(w->server) + (w->tailnet ? server_connections(w->tailnet) : 0);

    series_shift(w->gateway->connections, now - w->connections_seen);
    w->connections_seen = now;
    log_flush();
    watch_late(w);
    if (++w->ticks % WATCH_TICKS == 0)
        watch_exchanges(w);
    timer_start(&w->tick, w->loop, TICK_MS, on_tick, w);
}
