/* SPDX-License-Identifier: Apache-2.0 */
/* Asks every engine now and then whether it is there. */
#include "gateway/health.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "engine/probe.h"
#include "fleet/digests.h"
#include "fleet/stock.h"
#include "gateway/decisions.h"
#include "gateway/drifts.h"
#include "gateway/duties.h"
#include "gateway/habits.h"
#include "gateway/rolls.h"
#include "gateway/scene.h"
#include "gateway/steward.h"
#include "gateway/warmth.h"
#include "net/clock.h"
#include "net/timer.h"
#include "route/traffic_hints.h"

enum { SWEEP_MS = 1000, ROLL_MS = 20000, LISTS_EVERY = 10 /* probes, the first among them */ };

/* One engine of the present scene. */
struct patient {
    struct health *health;
    const struct view_engine *engine;
    struct scene_engine *at;
    struct probe *probe;
    struct timer timer;
    uint32_t failures, asked;
    uint64_t asked_ms;
};

/* What is remembered of a place; outlives scenes. */
struct memory {
    struct engine_sighting engine;
    struct sighting copy;
    struct temperature temperature;
    char place[];
};

struct health {
    struct health_parts parts;
    struct drifts *drifts;
    struct digests *digests; /* of the thread */
    struct scene *scene;
    struct loop *loop;
    struct client *client;
    struct patient *patients;
    uint32_t patient_count;
    struct rolls rolls;
    struct warmth warmth;
    struct steward steward;
    struct timer sweep;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* memories */
    struct map memories;
};

struct shown {
    struct health *health;
    struct scene *scene;
};

static void *run(void *ctx);
static void let_go(struct health *h);
static void on_shown(void *ctx);
static void on_stop(void *ctx);
static void on_sweep(void *ctx);
static void admit(struct health *h, struct scene *scene);
static void dismiss(struct health *h);
static void on_due(void *ctx);
static void probe_doubted(struct health *h);
static void on_probed(void *ctx, const struct probe_result *result);
static void note_engine(struct patient *p, bool up, const struct probe_result *result);
static void note_copies(struct patient *p, const struct probe_result *result);
static void note_stock(struct patient *p, const struct probe_result *result);
static void note_warmth(void *ctx, struct str machine, bool is_known, double celsius);
static const struct probe_model *find_model(const struct probe_result *result, struct str tag);
static struct memory *remember(struct health *h, struct str place);

int health_open(struct health **ret, const struct health_parts *parts, struct scene *scene,
                struct err *err)
{
    struct health *h = calloc(1, sizeof *h);
    struct client_options options = {.idle_max = 1, .idle_timeout_ms = 60000, .header_max = 16384};
    int r;

    if (!h)
        return err_set(err, -ENOMEM, "out of memory");
    h->parts = *parts;
    habits_recall(parts->folder, scene, parts->traffic);
    h->drifts = drifts_new(parts->stats);
    h->digests = digests_new();
    pthread_mutex_init(&h->lock, NULL);
    if ((r = loop_open(&h->loop, 0)) < 0)
        err_set(err, r, "no event loop for the health probes");
    if (r == 0)
        r = client_open(&h->client, h->loop, &options, err);
    if (r == 0) {
        admit(h, scene_ref(scene));
        timer_start(&h->sweep, h->loop, SWEEP_MS, on_sweep, h);
        r = -pthread_create(&h->thread, NULL, run, h);
        h->started = r == 0;
        if (r < 0)
            err_set(err, r, "no thread for the health probes");
    }
    *ret = h;
    return r;
}

void health_close(struct health *h)
{
    if (!h)
        return;
    if (!h->started) {
        let_go(h);
    } else {
        if (loop_post(h->loop, on_stop, h) < 0)
            loop_stop(h->loop);
        pthread_join(h->thread, NULL);
    }
    digests_free(h->digests);
    drifts_free(h->drifts);
    map_each(&h->memories, free);
    map_fini(&h->memories);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

void health_show(struct health *h, struct scene *scene)
{
    struct shown *shown = malloc(sizeof *shown);

    if (!shown)
        return;
    *shown = (struct shown){h, scene_ref(scene)};
    if (loop_post(h->loop, on_shown, shown) < 0) {
        scene_unref(scene);
        free(shown);
    }
}

struct sighting health_copy(struct health *h, struct str place)
{
    struct sighting seen = {0};
    const struct memory *m;

    pthread_mutex_lock(&h->lock);
    if ((m = map_find(&h->memories, place)))
        seen = m->copy;
    pthread_mutex_unlock(&h->lock);
    return seen;
}

struct engine_sighting health_engine(struct health *h, struct str place)
{
    struct engine_sighting seen = {0};
    const struct memory *m;

    pthread_mutex_lock(&h->lock);
    if ((m = map_find(&h->memories, place)))
        seen = m->engine;
    pthread_mutex_unlock(&h->lock);
    return seen;
}

struct temperature health_temperature(struct health *h, struct str machine)
{
    struct temperature seen = {0};
    const struct memory *m;

    pthread_mutex_lock(&h->lock);
    if ((m = map_find(&h->memories, machine)))
        seen = m->temperature;
    pthread_mutex_unlock(&h->lock);
    return seen;
}

struct drifts *health_drifts(struct health *h)
{
    return h->drifts;
}

static void *run(void *ctx)
{
    struct health *h = ctx;

    loop_run(h->loop);
    let_go(h);
    return NULL;
}

static void let_go(struct health *h)
{
    timer_stop(&h->sweep);
    dismiss(h);
    client_close(h->client);
    loop_close(h->loop);
}

static void on_stop(void *ctx)
{
    struct health *h = ctx;

    timer_stop(&h->sweep);
    loop_stop(h->loop);
}

static void on_shown(void *ctx)
{
    struct shown *shown = ctx;

    dismiss(shown->health);
    admit(shown->health, shown->scene);
    free(shown);
}

static void on_sweep(void *ctx)
{
    struct health *h = ctx;

    probe_doubted(h);
    steward_tick(&h->steward);
    decisions_keep(h->parts.decisions);
    duties_keep(h->parts.duties);
    log_flush();
    timer_start(&h->sweep, h->loop, SWEEP_MS, on_sweep, h);
}

/* Probes start at once, a few milliseconds apart. */
static void admit(struct health *h, struct scene *scene)
{
    const struct view *view = scene->view;

    h->scene = scene;
    h->patients = calloc(view->engines_count + 1, sizeof *h->patients);
    h->patient_count = 0;
    steward_begin(&h->steward, h->client, h->parts.traffic, scene, h->parts.settings,
                  h->parts.folder, h->loop);
    warmth_begin(&h->warmth, h->client, scene, h->loop, &(struct warmth_hook){note_warmth, h});
    rolls_begin(&h->rolls, h->client, scene, h->parts.traffic, ROLL_MS);
    for (uint32_t i = 0; h->patients && i < view->engines_count; i++) {
        struct patient *p = &h->patients[h->patient_count];

        if (!view->engines[i].machine || !scene->engines[i].is_reachable)
            continue;
        *p = (struct patient){.health = h, .engine = &view->engines[i], .at = &scene->engines[i]};
        timer_start(&p->timer, h->loop, 1 + 5 * h->patient_count, on_due, p);
        h->patient_count++;
    }
}

static void dismiss(struct health *h)
{
    for (uint32_t i = 0; i < h->patient_count; i++) {
        timer_stop(&h->patients[i].timer);
        probe_cancel(h->patients[i].probe);
    }
    free(h->patients);
    h->patients = NULL;
    h->patient_count = 0;
    rolls_end(&h->rolls);
    warmth_end(&h->warmth);
    steward_end(&h->steward);
    scene_unref(h->scene);
    h->scene = NULL;
}

/* Whose probe is under way is being looked at. */
static void probe_doubted(struct health *h)
{
    for (uint32_t i = 0; i < h->patient_count; i++) {
        struct patient *p = &h->patients[i];

        if (traffic_take_doubt(h->parts.traffic, p->at->place) && !p->probe)
            timer_start(&p->timer, h->loop, 1, on_due, p);
    }
}

static void on_due(void *ctx)
{
    struct patient *p = ctx;
    const struct probe_ask ask = {
        .endpoint = &p->at->endpoint,
        .kind = (enum engine_kind)p->engine->engine->kind,
        .authorization = p->at->credential.value,
        .timeout_ms = (uint32_t)p->health->parts.settings->health_timeout_ms,
        .wants_list = p->asked++ % LISTS_EVERY == 0,
    };

    p->asked_ms = loop_now_ms(p->health->loop);
    if (probe_start(&p->probe, p->health->client, &ask, on_probed, p) < 0)
        on_probed(p, &(struct probe_result){.up = false});
}

static void on_probed(void *ctx, const struct probe_result *result)
{
    struct patient *p = ctx;
    struct health *h = p->health;
    const struct settings *settings = h->parts.settings;
    bool up;

    p->probe = NULL;
    p->failures = result->up ? 0 : p->failures + 1;
    up = result->up || (!result->nobody_listens && p->failures < settings->health_failures);
    timer_start(&p->timer, h->loop, settings->health_interval_ms, on_due, p);
    /* One missed answer of an engine that was up is not yet news; that nobody listens there is. */
    if (!result->up && up && health_engine(h, p->engine->name).probed)
        return;
    note_engine(p, result->up, result);
    if (result->knows_loaded)
        note_copies(p, result);
    if (result->knows_listed)
        note_stock(p, result);
}

static void note_engine(struct patient *p, bool up, const struct probe_result *result)
{
    struct health *h = p->health;
    bool changed = true;
    int64_t now_us = clock_wall_us();
    struct memory *m;

    traffic_probed(h->parts.traffic, p->at->place, up, loop_now_ms(h->loop));
    series_set(p->at->up, up);
    pthread_mutex_lock(&h->lock);
    if ((m = remember(h, p->engine->name))) {
        changed = !m->engine.probed || m->engine.up != up;
        if (changed)
            m->engine.since_us = now_us;
        m->engine.probed = true;
        m->engine.up = up;
        snprintf(m->engine.version, sizeof m->engine.version, "%.*s", STR_ARG(result->version));
    }
    pthread_mutex_unlock(&h->lock);
    if (!changed)
        return;
    log_event(up ? EVENT_engine_up : EVENT_engine_down, now_us,
              (struct log_field[]){LOG_STR("engine", p->engine->name), LOG_END});
    log_flush();
}

static void note_copies(struct patient *p, const struct probe_result *result)
{
    struct health *h = p->health;
    const struct view *view = h->scene->view;
    bool is_calm = traffic_is_calm(h->parts.traffic, p->at->place, p->asked_ms);

    for (uint32_t i = 0; i < view->copies_count; i++) {
        const struct copy *c = &view->copies[i];
        const struct probe_model *found;
        struct memory *m;

        if (&view->engines[c->engine_index] != p->engine)
            continue;
        found = find_model(result, c->tag);
        if (is_calm)
            traffic_resident(h->parts.traffic, h->scene->copies[i].place, found != NULL,
                             loop_now_ms(h->loop));
        pthread_mutex_lock(&h->lock);
        if ((m = remember(h, c->place))) {
            m->copy = (struct sighting){.loaded = found != NULL};
            if (found) {
                m->copy.memory_bytes = found->memory_bytes;
                m->copy.gpu_bytes = found->gpu_bytes;
                m->copy.context = found->context;
                snprintf(m->copy.until, sizeof m->copy.until, "%.*s", STR_ARG(found->until));
            }
        }
        pthread_mutex_unlock(&h->lock);
    }
}

/* What it has, held against the file. */
static void note_stock(struct patient *p, const struct probe_result *result)
{
    struct stock_model models[PROBE_LISTED_MAX];
    struct stock stock = {.version = result->version, .models = models};
    struct stock_drift rows[STOCK_DRIFTS_MAX];
    const struct view *view = p->health->scene->view;
    uint32_t count, engine = (uint32_t)(p->engine - view->engines);

    for (unsigned i = 0; i < result->listed_count; i++) {
        const struct probe_model *loaded = find_model(result, result->listed[i]);

        models[stock.count++] = (struct stock_model){.name = result->listed[i],
                                                     .digest = result->digests[i],
                                                     .is_loaded = loaded != NULL,
                                                     .context = loaded ? loaded->context : 0};
    }
    count = stock_compare(rows, COUNT_OF(rows), view, engine, &stock);
    count += digests_note(p->health->digests, view, engine, &stock, rows + count,
                          COUNT_OF(rows) - count);
    drifts_note(p->health->drifts, p->engine, rows, count);
}

static void note_warmth(void *ctx, struct str machine, bool is_known, double celsius)
{
    struct health *h = ctx;
    struct series *series =
        stats_series(h->parts.stats, COUNTER_machine_temperature_celsius, &machine);
    struct memory *m;

    pthread_mutex_lock(&h->lock);
    if ((m = remember(h, machine)))
        m->temperature = (struct temperature){is_known, celsius};
    pthread_mutex_unlock(&h->lock);
    if (is_known)
        series_set_real(series, celsius);
    else
        series_forget(series);
}

static const struct probe_model *find_model(const struct probe_result *result, struct str tag)
{
    for (unsigned i = 0; i < result->count; i++)
        if (stock_is_same(result->models[i].name, tag))
            return &result->models[i];
    return NULL;
}

/* Under the lock. NULL without memory: then it is not remembered. Bounded by the fleet file. */
static struct memory *remember(struct health *h, struct str place)
{
    struct memory *m = map_find(&h->memories, place);

    if (m)
        return m;
    m = calloc(1, sizeof *m + place.len + 1);
    if (!m)
        return NULL;
    memcpy(m->place, place.data, place.len);
    if (map_put(&h->memories, str_slice(m->place, place.len), m) < 0) {
        free(m);
        return NULL;
    }
    return m;
}
