/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, as Prometheus reads them, and its targets. */
#include "web/metrics.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/version.h"
#include "config/settings.h"
#include "gateway/health.h"
#include "gateway/ledger.h"
#include "gateway/reuse.h"
#include "gateway/scene.h"
#include "net/clock.h"
#include "net/door.h"
#include "net/tls.h"
#include "route/candidates.h"
#include "wire/json_out.h"

enum { EXPORTER_PORT = 9100 };

static bool accepts_openmetrics(const struct request *r);
static void show_copies(const struct page_request *r);
static void show_categories(const struct page_request *r);
static void show_room(struct gateway *g);
static void show_certificate(struct gateway *g);
static bool is_covered(const struct page_request *r, const struct category *category,
                       uint64_t now_ms);
static void write_target(struct json_out *o, struct str host, uint32_t port,
                         const struct machine *m, const char *kind);
static bool is_reachable(struct str host);
static struct str host_of(const struct machine *m);

/* What changes by itself is looked up when it is asked: a bench ends, a disk fills. */
int metrics_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct str version = STR(TAMPU_VERSION);
    struct stats_form form = {.also = metrics_also(gateway_settings(r->gateway))};
    struct stats *stats = gateway_stats(r->gateway);

    form.is_openmetrics = accepts_openmetrics(r->request);
    *type = form.is_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                : "text/plain; version=0.0.4; charset=utf-8";
    show_copies(r);
    show_categories(r);
    show_room(r->gateway);
    show_certificate(r->gateway);
    ledger_show(r->gateway);
    reuse_show(r->gateway);
    series_set(stats_series(stats, COUNTER_build_info, &version), 1);
    return stats_write(stats, &form, out) < 0 ? 500 : 200;
}

/* As http_sd_config wants it: every machine's exporter, Pis too, and the gateway itself. Machines
 * whose address nobody knows yet are left out; of a row that stands for several boxes only the
 * first has one. */
int discovery_page(const struct page_request *r, struct buf *out, const char **type)
{
    const struct fleet *f = r->scene->fleet;
    struct json_out o = {.out = out};

    (void)type;
    json_open(&o, '[');
    json_open(&o, '{');
    json_open(json_key(&o, "targets"), '[');
    json_text(&o, r->request->host);
    json_close(&o, ']');
    json_open(json_key(&o, "labels"), '{');
    json_text(json_key(&o, "job"), STR("tampu"));
    json_close(&o, '}');
    json_close(&o, '}');
    for (uint32_t i = 0; i < f->machines_count; i++) {
        const struct machine *m = &f->machines[i];
        struct endpoint said;

        if (!is_reachable(host_of(m)))
            continue;
        if (m->exporter.len && endpoint_parse(&said, m->exporter, NULL) == 0)
            write_target(&o, str_from(said.host), said.port, m, "node");
        else
            write_target(&o, host_of(m), EXPORTER_PORT, m, "node");
    }
    json_close(&o, ']');
    return o.error ? 500 : 200;
}

unsigned metrics_also(const struct settings *s)
{
    bool has_all = str_is(s->metrics_also, "all");

    return (has_all || str_is(s->metrics_also, "genai") ? STATS_genai : 0u) |
           (has_all || str_is(s->metrics_also, "litellm") ? STATS_litellm : 0u);
}

/* Who knows it prefers it: nobody says so with a lesser weight. */
static bool accepts_openmetrics(const struct request *r)
{
    struct str accept = request_header(r, STR("accept"));

    for (struct str left = accept; left.len;) {
        struct str parameters, media = str_cut(str_cut(left, ',', &left), ';', &parameters);

        if (str_is(str_trim(media), "application/openmetrics-text"))
            return true;
    }
    return false;
}

static void show_copies(const struct page_request *r)
{
    const struct scene *s = r->scene;
    struct traffic *traffic = gateway_traffic(r->gateway);
    uint64_t now_ms = clock_monotonic_us() / 1000;

    for (uint32_t i = 0; i < s->view->copies_count; i++) {
        const struct scene_copy *sc = &s->copies[i];
        struct copy_look now = traffic_look(traffic, sc->place, now_ms);
        struct sighting seen = health_copy(gateway_health(r->gateway), s->view->copies[i].place);

        series_set(sc->breaker_open, now.is_benched);
        series_set(sc->loaded, seen.loaded);
        series_set(sc->slow, now.is_slow);
        if (!sc->gpu_ratio)
            continue;
        series_set_real(sc->prefill_slowness, now.prompt_slowness);
        series_set_real(sc->decode_slowness, now.decode_slowness);
        series_set_real(sc->gpu_ratio, seen.loaded && seen.memory_bytes
                                           ? (double)seen.gpu_bytes / (double)seen.memory_bytes
                                           : 1);
    }
}

static void show_categories(const struct page_request *r)
{
    const struct fleet *f = r->scene->fleet;
    uint64_t now_ms = clock_monotonic_us() / 1000;

    for (uint32_t i = 0; i < f->categories_count; i++)
        series_set(stats_series(gateway_stats(r->gateway), COUNTER_category_covered,
                                &f->categories[i].name),
                   is_covered(r, &f->categories[i], now_ms));
}

static bool is_covered(const struct page_request *r, const struct category *category,
                       uint64_t now_ms)
{
    const struct scene *s = r->scene;
    struct candidates found = {0};

    if (candidates_find(&found, s->view, category->name, 0, NULL) < 0)
        return false;
    for (uint32_t i = 0; i < found.count; i++) {
        const struct scene_copy *c = &s->copies[found.rows[i].copy->index];

        if (c->engine->is_reachable &&
            traffic_is_open(gateway_traffic(r->gateway), c->place, now_ms))
            return true;
    }
    return false;
}

/* Where the state lies. */
static void show_room(struct gateway *g)
{
    struct statvfs disk;

    if (statvfs(gateway_folder(g), &disk) == 0)
        series_set(stats_series(gateway_stats(g), COUNTER_state_free_bytes, NULL),
                   (int64_t)(disk.f_bavail * disk.f_frsize));
}

static void show_certificate(struct gateway *g)
{
    struct str path = gateway_settings(g)->tls_certificate;
    int64_t until_s;

    if (path.len && tls_certificate_until(path.data, &until_s) == 0)
        series_set(
            stats_series(gateway_stats(g), COUNTER_certificate_expires_timestamp_seconds, NULL),
            until_s);
}

static void write_target(struct json_out *o, struct str host, uint32_t port,
                         const struct machine *m, const char *kind)
{
    char address[300];
    bool is_ipv6 = str_index(host, ':') < host.len;

    snprintf(address, sizeof address, is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(host), port);
    json_open(o, '{');
    json_open(json_key(o, "targets"), '[');
    json_text(o, str_from(address));
    json_close(o, ']');
    json_open(json_key(o, "labels"), '{');
    json_text(json_key(o, "job"), str_from(kind));
    json_text(json_key(o, "machine"), m->name);
    json_close(o, '}');
    json_close(o, '}');
}

/* Whom this process may not ask, as in a demo, it does not tell others to ask. */
static bool is_reachable(struct str host)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (!host.len)
        return false;
    if (inet_pton(AF_INET, host.data, &v4.sin_addr) == 1)
        return door_check_address((const struct sockaddr *)&v4) == 0;
    if (inet_pton(AF_INET6, host.data, &v6.sin6_addr) == 1)
        return door_check_address((const struct sockaddr *)&v6) == 0;
    return door_check_name(host) == 0;
}

static struct str host_of(const struct machine *m)
{
    const struct addresses *a = &m->addresses;

    return a->lan.len ? a->lan : a->tailscale.len ? a->tailscale : a->hostname;
}
