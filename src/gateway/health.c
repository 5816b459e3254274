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
#include "gateway/rolls.h"
#include "gateway/scene.h"
#include "net/clock.h"
#include "net/timer.h"

enum { SWEEP_MS = 1000, ROLL_MS = 20000 };

/* One engine of the present scene. */
struct patient {
    struct health *health;
    const struct view_engine *engine;
    struct scene_engine *at;
    struct probe *probe;
    struct timer timer;
    uint32_t failures;
};

/* What is remembered of a place; outlives scenes. */
struct memory {
    struct engine_sighting engine;
    struct sighting copy;
    char place[];
};

struct health {
    const struct settings *settings;
    struct traffic *traffic;
    struct scene *scene;
    struct loop *loop;
    struct client *client;
    struct patient *patients;
    uint32_t patient_count;
    struct rolls rolls;
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
static void on_probed(void *ctx, const struct probe_result *result);
static void note_engine(struct patient *p, bool up, const struct probe_result *result);
static void note_copies(struct patient *p, const struct probe_result *result);
static const struct probe_model *find_model(const struct probe_result *result, struct str tag);
static bool is_same_tag(struct str listed, struct str tag);
static struct memory *remember(struct health *h, struct str place);

int health_open(struct health **ret, const struct settings *settings, struct traffic *traffic,
                struct scene *scene, struct err *err)
{
    struct health *h = calloc(1, sizeof *h);
    struct client_options options = {.idle_max = 1, .idle_timeout_ms = 60000, .header_max = 16384};
    int r;

    if (!h)
        return err_set(err, -ENOMEM, "out of memory");
    h->settings = settings;
    h->traffic = traffic;
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

    traffic_sweep(h->traffic, loop_now_ms(h->loop));
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
    rolls_begin(&h->rolls, h->client, scene, h->traffic, ROLL_MS);
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
    scene_unref(h->scene);
    h->scene = NULL;
}

static void on_due(void *ctx)
{
    struct patient *p = ctx;
    const struct settings *settings = p->health->settings;

    if (probe_start(&p->probe, p->health->client, &p->at->endpoint,
                    (enum engine_kind)p->engine->engine->kind, p->at->credential.value,
                    (uint32_t)settings->health_timeout_ms, on_probed, p) < 0)
        on_probed(p, &(struct probe_result){.up = false});
}

static void on_probed(void *ctx, const struct probe_result *result)
{
    struct patient *p = ctx;
    struct health *h = p->health;
    const struct settings *settings = h->settings;
    bool up;

    p->probe = NULL;
    p->failures = result->up ? 0 : p->failures + 1;
    up = result->up || p->failures < settings->health_failures;
    timer_start(&p->timer, h->loop, settings->health_interval_ms, on_due, p);
    /* One missed answer of an engine that was up is not yet news. */
    if (!result->up && up && traffic_look_engine(h->traffic, p->at->place).probed)
        return;
    note_engine(p, result->up, result);
    if (result->knows_loaded)
        note_copies(p, result);
}

static void note_engine(struct patient *p, bool up, const struct probe_result *result)
{
    struct health *h = p->health;
    bool changed = traffic_probed(h->traffic, p->at->place, up, loop_now_ms(h->loop));
    int64_t now_us = clock_wall_us();
    struct memory *m;

    series_set(p->at->up, up);
    pthread_mutex_lock(&h->lock);
    if ((m = remember(h, p->engine->name))) {
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

    for (uint32_t i = 0; i < view->copies_count; i++) {
        const struct copy *c = &view->copies[i];
        const struct probe_model *found;
        struct memory *m;

        if (&view->engines[c->engine_index] != p->engine)
            continue;
        found = find_model(result, c->tag);
        traffic_resident(h->traffic, h->scene->copies[i].place, found != NULL);
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

static const struct probe_model *find_model(const struct probe_result *result, struct str tag)
{
    for (unsigned i = 0; i < result->count; i++)
        if (is_same_tag(result->models[i].name, tag))
            return &result->models[i];
    return NULL;
}

/* Ollama lists "nomic-embed-text" as "nomic-embed-text:latest". */
static bool is_same_tag(struct str listed, struct str tag)
{
    const struct str latest = STR(":latest");

    if (str_ends(listed, latest) && !str_ends(tag, latest))
        listed.len -= latest.len;
    return str_equal_nocase(listed, tag);
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
