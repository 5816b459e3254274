/* SPDX-License-Identifier: Apache-2.0 */
/* What is up, what is loaded, where. */
#include "web/status.h"

#include "base/version.h"
#include "gateway/drifts.h"
#include "gateway/duties.h"
#include "gateway/health.h"
#include "gateway/measured.h"
#include "gateway/scene.h"
#include "net/clock.h"
#include "route/candidates.h"

static void write_machine(struct json_out *o, const struct page_request *r, uint32_t index,
                          bool is_steady);
static void write_duty(struct json_out *o, const struct page_request *r, struct str machine);
static void write_engine(struct json_out *o, const struct page_request *r, uint32_t index,
                         bool is_steady);
static void write_drift(struct json_out *o, const struct page_request *r, struct str engine);
static void write_category(struct json_out *o, const struct page_request *r,
                           const struct category *category);
static void write_requests(struct json_out *o, const struct page_request *r);
static void write_copy(struct json_out *o, const struct page_request *r, uint32_t index,
                       bool is_steady);
static void write_until(struct json_out *o, const struct sighting *seen);
static struct str state_of(const struct sighting *seen, const struct copy_look *now);
static void write_measured(struct json_out *o, const struct scene_copy *copy,
                           const struct copy_look *now, const struct sighting *seen);

int status_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};

    (void)type;
    status_document(&o, r, false);
    return o.error ? 500 : 200;
}

void status_document(struct json_out *o, const struct page_request *r, bool is_steady)
{
    const struct fleet *f = r->scene->fleet;
    int64_t started_us = gateway_started_us(r->gateway);

    json_open(o, '{');
    json_text(json_key(o, "version"), STR(TAMPU_VERSION));
    json_number(json_key(o, "started"), (uint64_t)started_us / 1000000);
    if (!is_steady)
        json_number(json_key(o, "uptime_s"), (uint64_t)(clock_wall_us() - started_us) / 1000000);
    json_text(json_key(o, "fleet"), f->name);
    json_open(json_key(o, "machines"), '[');
    for (uint32_t i = 0; i < f->machines_count; i++)
        if (machine_serves(&f->machines[i]))
            write_machine(o, r, i, is_steady);
    json_close(o, ']');
    json_open(json_key(o, "categories"), '[');
    for (uint32_t i = 0; i < f->categories_count; i++)
        write_category(o, r, &f->categories[i]);
    json_close(o, ']');
    write_requests(o, r);
    json_close(o, '}');
}

int ps_page(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};

    (void)type;
    ps_document(&o, r, false);
    return o.error ? 500 : 200;
}

void ps_document(struct json_out *o, const struct page_request *r, bool is_steady)
{
    json_open(o, '{');
    json_open(json_key(o, "copies"), '[');
    for (uint32_t i = 0; i < r->scene->view->copies_count; i++)
        if (r->scene->view->copies[i].machine)
            write_copy(o, r, i, is_steady);
    json_close(o, ']');
    json_close(o, '}');
}

static void write_machine(struct json_out *o, const struct page_request *r, uint32_t index,
                          bool is_steady)
{
    const struct scene *s = r->scene;
    const struct machine *m = &s->fleet->machines[index];
    uint64_t now_ms = clock_monotonic_us() / 1000;
    struct temperature warm = health_temperature(gateway_health(r->gateway), m->name);
    uint64_t running = 0, waiting = 0;
    bool up = false;

    for (uint32_t i = 0; i < s->view->copies_count; i++) {
        struct copy_look seen;

        if (s->view->copies[i].machine != m)
            continue;
        seen = traffic_look(gateway_traffic(r->gateway), s->copies[i].place, now_ms);
        running += seen.running;
        waiting = seen.waiting > waiting ? seen.waiting : waiting;
    }
    json_open(o, '{');
    json_text(json_key(o, "machine"), m->name);
    json_number(json_key(o, "tier"), m->tier);
    json_open(json_key(o, "engines"), '[');
    for (uint32_t i = 0; i < s->view->engines_count; i++) {
        if (s->view->engines[i].machine != m)
            continue;
        write_engine(o, r, i, is_steady);
        up = up || health_engine(gateway_health(r->gateway), s->view->engines[i].name).up;
    }
    json_close(o, ']');
    json_bool(json_key(o, "up"), up);
    if (up && warm.is_known)
        json_double(json_key(o, "temperature_celsius"), warm.celsius);
    write_duty(o, r, m->name);
    json_number(json_key(o, "running"), running);
    json_number(json_key(o, "waiting"), waiting);
    json_close(o, '}');
}

/* What is said of it, and while it is out of service by whom, and since when. */
static void write_duty(struct json_out *o, const struct page_request *r, struct str machine)
{
    struct duty said = {0};

    if (!duties_find(gateway_duties(r->gateway), machine, &said)) {
        json_text(json_key(o, "duty"), str_from(duty_name(DUTY_serves)));
        return;
    }
    json_text(json_key(o, "duty"), str_from(duty_name(said.duty)));
    json_text(json_key(o, "duty_by"), *said.by ? str_from(said.by) : STR("this machine"));
    json_number(json_key(o, "duty_since"), (uint64_t)said.since_us / 1000000);
}

static void write_engine(struct json_out *o, const struct page_request *r, uint32_t index,
                         bool is_steady)
{
    const struct view_engine *ve = &r->scene->view->engines[index];
    const struct scene_engine *e = &r->scene->engines[index];
    struct engine_sighting seen = health_engine(gateway_health(r->gateway), ve->name);
    char address[300] = "";
    size_t length = e->is_reachable ? endpoint_authority(&e->endpoint, address, sizeof address) : 0;

    json_open(o, '{');
    json_text(json_key(o, "engine"), ve->engine->name);
    json_text(json_key(o, "address"), str_slice(address, length));
    json_bool(json_key(o, "up"), seen.up);
    json_text(json_key(o, "version"), str_from(seen.version));
    json_number(json_key(o, "since"), (uint64_t)seen.since_us / 1000000);
    if (!is_steady)
        json_number(json_key(o, "since_s"),
                    seen.since_us ? (uint64_t)(clock_wall_us() - seen.since_us) / 1000000 : 0);
    if (e->why_not)
        json_text(json_key(o, "why_not"), str_from(e->why_not));
    write_drift(o, r, ve->name);
    json_close(o, '}');
}

/* Where it has not what the file declares. */
static void write_drift(struct json_out *o, const struct page_request *r, struct str engine)
{
    struct drift_seen rows[DRIFTS_SEEN_MAX];
    uint32_t count =
        drifts_look(health_drifts(gateway_health(r->gateway)), engine, rows, COUNT_OF(rows));

    json_open(json_key(o, "drift"), '[');
    for (uint32_t i = 0; i < count; i++) {
        json_open(o, '{');
        json_text(json_key(o, "kind"), str_from(drift_name(rows[i].kind)));
        json_text(json_key(o, "model"), str_from(rows[i].name));
        json_text(json_key(o, "words"), str_from(drift_words(rows[i].kind)));
        json_close(o, '}');
    }
    json_close(o, ']');
}

/* Who would serve a plain request of this category now. */
static void write_category(struct json_out *o, const struct page_request *r,
                           const struct category *category)
{
    const struct scene *s = r->scene;
    uint64_t now_ms = clock_monotonic_us() / 1000;
    const struct copy *serving = NULL;
    struct candidates found = {0};

    if (candidates_find(&found, s->view, category->name, 0, NULL) == 0)
        for (uint32_t i = 0; i < found.count && !serving; i++) {
            const struct scene_copy *c = &s->copies[found.rows[i].copy->index];

            if (c->engine->is_reachable &&
                traffic_is_open(gateway_traffic(r->gateway), c->place, now_ms))
                serving = found.rows[i].copy;
        }
    json_open(o, '{');
    json_text(json_key(o, "category"), category->name);
    json_bool(json_key(o, "ready"), serving != NULL);
    json_text(json_key(o, "primary"), category->primary);
    json_text(json_key(o, "serving"), serving ? serving->machine_name : STR(""));
    json_close(o, '}');
}

static void write_requests(struct json_out *o, const struct page_request *r)
{
    static const char *const classes[] = {"2xx", "4xx", "5xx"};
    uint64_t total = 0, failed = 0;

    for (int id = 0; id < ENDPOINT_COUNT; id++) {
        const char *name = endpoint_call_name((enum endpoint_id)id);

        for (size_t i = 0; name && i < COUNT_OF(classes); i++) {
            struct str labels[] = {str_from(name), str_from(classes[i])};
            int64_t n = series_value(
                stats_series(gateway_stats(r->gateway), COUNTER_requests_total, labels));

            total += (uint64_t)n;
            failed += i == 2 ? (uint64_t)n : 0;
        }
    }
    json_open(json_key(o, "requests"), '{');
    json_number(json_key(o, "total"), total);
    json_number(json_key(o, "failed"), failed);
    json_close(o, '}');
}

/* How many times as long as expected it takes lately; who is slow, and probably why. */
static void write_measured(struct json_out *o, const struct scene_copy *copy,
                           const struct copy_look *now, const struct sighting *seen)
{
    json_open(json_key(o, "slowness"), '{');
    json_double(json_key(o, "prefill"), now->prompt_slowness);
    json_double(json_key(o, "decode"), now->decode_slowness);
    json_number(json_key(o, "measured"), now->measured);
    json_close(o, '}');
    json_bool(json_key(o, "slow"), now->is_slow);
    json_text(json_key(o, "why_slow"), str_from(now->is_slow ? measured_reason(copy, seen) : ""));
}

static void write_until(struct json_out *o, const struct sighting *seen)
{
    if (*seen->until)
        json_text(json_key(o, "until"), str_from(seen->until));
    else
        json_raw(json_key(o, "until"), STR("null"));
}

static void write_copy(struct json_out *o, const struct page_request *r, uint32_t index,
                       bool is_steady)
{
    const struct copy *c = &r->scene->view->copies[index];
    struct sighting seen = health_copy(gateway_health(r->gateway), c->place);
    struct copy_look now = traffic_look(gateway_traffic(r->gateway), r->scene->copies[index].place,
                                        clock_monotonic_us() / 1000);

    json_open(o, '{');
    json_text(json_key(o, "machine"), c->machine_name);
    json_text(json_key(o, "engine"), c->engine_name);
    json_text(json_key(o, "artifact"), c->tag);
    json_text(json_key(o, "name"), c->name);
    json_text(json_key(o, "state"), state_of(&seen, &now));
    json_number(json_key(o, "memory_bytes"), seen.memory_bytes);
    json_number(json_key(o, "gpu_bytes"), seen.gpu_bytes);
    json_number(json_key(o, "context"), seen.context ? seen.context : c->context);
    json_number(json_key(o, "slots"), c->slots);
    json_number(json_key(o, "busy"), now.running);
    json_number(json_key(o, "waiting"), now.waiting);
    write_measured(o, &r->scene->copies[index], &now, &seen);
    if (!is_steady) /* for some engines it is always so many years from now */
        write_until(o, &seen);
    json_close(o, '}');
}

/* What was loaded once is on the disk; of what never was, nobody knows yet. */
static struct str state_of(const struct sighting *seen, const struct copy_look *now)
{
    if (now->state == COPY_loading)
        return STR("loading");
    if (seen->loaded || (now->state == COPY_loaded && now->is_open))
        return STR("loaded");
    return now->was_loaded ? STR("disk") : STR("planned");
}
