/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of models, health, metrics. */
#include "web/pages.h"

#include <errno.h>
#include <stdio.h>

#include "base/version.h"
#include "gateway/scene.h"
#include "net/clock.h"
#include "route/candidates.h"
#include "web/anthropic.h"
#include "web/assets.h"
#include "web/carrier.h"
#include "web/drills.h"
#include "web/events.h"
#include "web/gemini.h"
#include "web/lan_registry.h"
#include "web/litellm.h"
#include "web/live.h"
#include "web/machines.h"
#include "web/metrics.h"
#include "web/names.h"
#include "web/ollama.h"
#include "web/requests.h"
#include "web/status.h"
#include "web/usage.h"
#include "web/watched.h"
#include "web/why.h"
#include "wire/json_out.h"
#include "wire/url.h"

static page_fn models, model, live, ready, root;

struct listing {
    struct json_out json;
    int64_t created_s;
    struct str wanted; /* only this one; empty: all */
    bool found;
};

static int add_name(void *ctx, struct str name, const char *what, const struct candidates *found);
static void write_model(struct listing *l, struct str name, const char *what);
static int status_of(int r);
static bool can_serve(const struct page_request *r);
static void add_ollama(struct pages *pages);

void web_pages(struct pages *pages, const struct settings *settings, struct str store_url)
{
    struct live *watched = live_new();
    struct carrier *carrier = carrier_new(settings, store_url);

    pages->fns[ENDPOINT_models] = models;
    pages->fns[ENDPOINT_model] = model;
    add_ollama(pages);
    pages->fns[ENDPOINT_gemini_models] = gemini_models;
    pages->fns[ENDPOINT_gemini_model] = gemini_model;
    pages->fns[ENDPOINT_live] = live;
    pages->fns[ENDPOINT_ready] = ready;
    pages->fns[ENDPOINT_metrics] = metrics_page;
    pages->fns[ENDPOINT_discovery] = discovery_page;
    pages->fns[ENDPOINT_status] = status_page;
    pages->fns[ENDPOINT_ps] = ps_page;
    pages->fns[ENDPOINT_drills] = drills_page;
    pages->fns[ENDPOINT_drills_begin] = drills_begin_page;
    pages->fns[ENDPOINT_root] = root;
    pages->streamers[ENDPOINT_usage] = &usage_streamer;
    pages->streamers[ENDPOINT_registry] = &lan_registry;
    litellm_pages(pages);
    pages->fns[ENDPOINT_asset] = asset_page;
    pages->fns[ENDPOINT_requests] = requests_page;
    pages->fns[ENDPOINT_why] = why_page;
    pages->fns[ENDPOINT_machine] = machine_page;
    pages->fns[ENDPOINT_settings] = settings_page;
    pages->fns[ENDPOINT_fleet] = fleet_page;
    pages->fns[ENDPOINT_map] = map_page;
    pages->fns[ENDPOINT_plan] = plan_page;
    pages->fns[ENDPOINT_plan_begin] = plan_begin_page;
    pages->fns[ENDPOINT_apply] = apply_page;
    pages->fns[ENDPOINT_apply_begin] = apply_begin_page;
    pages->ctx[ENDPOINT_plan] = pages->ctx[ENDPOINT_plan_begin] = carrier;
    pages->ctx[ENDPOINT_apply] = pages->ctx[ENDPOINT_apply_begin] = carrier;
    pages->streamers[ENDPOINT_events] = &events_streamer;
    pages->ctx[ENDPOINT_fleet] = pages->ctx[ENDPOINT_map] = pages->ctx[ENDPOINT_events] = watched;
}

/* What Ollama's own clients ask for. */
static void add_ollama(struct pages *pages)
{
    pages->fns[ENDPOINT_ollama_tags] = ollama_tags;
    pages->fns[ENDPOINT_ollama_ps] = ollama_ps;
    pages->fns[ENDPOINT_ollama_show] = ollama_show;
    pages->fns[ENDPOINT_ollama_version] = ollama_version;
    pages->fns[ENDPOINT_ollama_pull] = ollama_refuse;
    pages->fns[ENDPOINT_ollama_push] = ollama_refuse;
    pages->fns[ENDPOINT_ollama_create] = ollama_refuse;
    pages->fns[ENDPOINT_ollama_copy] = ollama_refuse;
    pages->fns[ENDPOINT_ollama_delete] = ollama_refuse;
    pages->fns[ENDPOINT_ollama_blob] = ollama_refuse;
}

void web_close(struct pages *pages)
{
    carrier_free(pages->ctx[ENDPOINT_plan]);
    live_free(pages->ctx[ENDPOINT_fleet]);
}

int page_failure(const struct page_request *r, struct buf *out, enum dialect_id dialect,
                 enum failure why, struct str found)
{
    struct str name = str_from(failure_row(why)->name);

    series_add(stats_series(gateway_stats(r->gateway), COUNTER_refusals_total, &name), 1);
    return dialect_get(dialect)->write_failure(out, why, found, false) < 0
               ? 500
               : failure_row(why)->status;
}

static int models(const struct page_request *r, struct buf *out, const char **type)
{
    struct listing l = {.json = {.out = out},
                        .created_s = gateway_started_us(r->gateway) / 1000000};

    if (is_from_anthropic_client(r))
        return anthropic_models(r, out, type);
    json_open(&l.json, '{');
    json_text(json_key(&l.json, "object"), STR("list"));
    json_open(json_key(&l.json, "data"), '[');
    if (names_each(r, add_name, &l) < 0)
        return 500;
    json_close(&l.json, ']');
    json_close(&l.json, '}');
    return status_of(l.json.error);
}

/* One by its name, which may be a selector or an artifact too. */
static int model(const struct page_request *r, struct buf *out, const char **type)
{
    struct listing l = {.json = {.out = out},
                        .created_s = gateway_started_us(r->gateway) / 1000000};
    struct candidates found;
    enum failure why;
    struct err err = {0};
    struct buf name;
    int status;

    if (is_from_anthropic_client(r))
        return anthropic_model(r, out, type);
    buf_init(&name, 1024);
    why = url_decode(&name, r->rest, false) < 0 ? FAILURE_unknown_model
                                                : name_find(&found, r, buf_str(&name), &err);
    if (why) {
        status = page_failure(r, out, DIALECT_openai, why, str_from(err.text));
    } else {
        write_model(&l, buf_str(&name), "");
        status = status_of(l.json.error);
    }
    buf_fini(&name);
    return status;
}

static int add_name(void *ctx, struct str name, const char *what, const struct candidates *found)
{
    struct listing *l = ctx;

    (void)found;
    write_model(l, name, what);
    return l->json.error;
}

static void write_model(struct listing *l, struct str name, const char *what)
{
    json_open(&l->json, '{');
    json_text(json_key(&l->json, "id"), name);
    json_text(json_key(&l->json, "object"), STR("model"));
    json_number(json_key(&l->json, "created"), (uint64_t)l->created_s);
    json_text(json_key(&l->json, "owned_by"), STR("tampu"));
    if (*what)
        json_text(json_key(&l->json, "kind"), str_from(what));
    json_close(&l->json, '}');
}

static int live(const struct page_request *r, struct buf *out, const char **type)
{
    (void)r;
    (void)type;
    return buf_put(out, STR("{\"status\":\"ok\"}\n")) < 0 ? 500 : 200;
}

static int ready(const struct page_request *r, struct buf *out, const char **type)
{
    bool serves = can_serve(r);

    (void)type;
    if (buf_printf(out, "{\"status\":\"%s\"}\n", serves ? "ok" : "no engine answers") < 0)
        return 500;
    return serves ? 200 : 503;
}

static bool can_serve(const struct page_request *r)
{
    const struct scene *s = r->scene;
    uint64_t now_ms = clock_monotonic_us() / 1000;

    for (uint32_t i = 0; i < s->view->copies_count; i++)
        if (s->copies[i].engine->is_reachable &&
            traffic_is_open(gateway_traffic(r->gateway), s->copies[i].place, now_ms))
            return true;
    return false;
}

static int root(const struct page_request *r, struct buf *out, const char **type)
{
    const struct fleet *f = r->scene->fleet;

    if (wants_dashboard(r))
        return dashboard_page(r, out, type);
    *type = "text/plain; charset=utf-8";
    page_header(r, STR("vary"), STR("accept"));
    return buf_printf(out,
                      "tampu %s serves %.*s: %u copies of models, %u categories.\n\n"
                      "  POST /v1/chat/completions   ask a model (names: GET /v1/models)\n"
                      "  GET  /admin/v1/status       what is up\n"
                      "  GET  /metrics               counters\n",
                      TAMPU_VERSION, STR_ARG(f->name), r->scene->view->copies_count,
                      f->categories_count) < 0
               ? 500
               : 200;
}

static int status_of(int r)
{
    return r < 0 ? 500 : 200;
}
