/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine loads, in which order, and whom it evicts for it: the rules of Ollama's scheduler.
 */
#include "sim/world_inside.h"

static bool needs_reload(struct runner *r, const struct visit *v);
static bool serve_first(struct loader *e, double now_ms);
static bool make_room(struct loader *e, struct visit *v, struct pace *pace, double now_ms);
static bool exceeds(const struct loader *e, const struct pace *pace);
static bool retry_smaller(struct loader *e, struct visit *v, const struct pace *pace,
                          double now_ms);
static struct runner *find_victim(const struct loader *e);
static bool goes_before(const struct runner *a, const struct runner *b);
static void expire(struct runner *r, double now_ms);
static unsigned count_runners(const struct loader *e);
static void load_end(struct runner *r, double now_ms);
static void take_off(struct loader *e, struct visit *v);

/* Above this part of what is free, Ollama evicts before it loads. */
static const double FULL_SHARE = 0.8;

struct runner *loader_find(const struct loader *e, const struct world_artifact *artifact)
{
    LINK_EACH(&e->runners, at)
    {
        struct runner *r = CONTAINER(at, struct runner, link);

        if (!artifact || r->artifact == artifact)
            return r;
    }
    return NULL;
}

/* A request for what is loaded passes by those that wait for a load. */
void loader_ask(struct loader *e, struct visit *v, double now_ms)
{
    struct runner *r = loader_find(e, e->options.on_demand ? v->artifact : NULL);

    if (r && (!e->options.on_demand || (r->state == RUNNER_loaded && !needs_reload(r, v)))) {
        runner_use(r, v, now_ms);
        return;
    }
    if (!e->options.on_demand || e->pending_count >= e->options.max_queue) {
        v->fail = VISIT_FAIL_busy;
        v->state = VISIT_over;
        world_tell(e->world, v, VISIT_EVENT_failed);
        return;
    }
    v->state = VISIT_pending;
    link_append(&e->pending, &v->link);
    e->pending_count++;
    loader_schedule(e, now_ms);
}

/* One load at a time: while one runs, or waits for room, all others wait behind it. */
void loader_schedule(struct loader *e, double now_ms)
{
    while (!e->evicting && !link_is_empty(&e->pending)) {
        LINK_EACH(&e->runners, at)
        if (CONTAINER(at, struct runner, link)->state == RUNNER_loading)
            return;
        if (!serve_first(e, now_ms))
            return;
    }
}

/* The runner has nobody left. */
void loader_idle(struct runner *r, double now_ms)
{
    if (r->state != RUNNER_loaded)
        return;
    if (r->keep_ms <= 0)
        loader_unload(r, now_ms);
    else
        r->expires_ms = now_ms + r->keep_ms;
}

void loader_unload(struct runner *r, double now_ms)
{
    r->state = RUNNER_unloading;
    r->stepping = false;
    r->due_ms = now_ms + r->pace.unload_ms * r->engine->world->factor;
}

/* What a runner's due_ms announced has come. */
void loader_play(struct runner *r, double now_ms)
{
    struct loader *e = r->engine;

    if (r->state == RUNNER_unloading) {
        runner_free(r);
        e->evicting = e->evicting && loader_find(e, NULL) && !link_is_empty(&e->pending) &&
                      CONTAINER(e->pending.next, struct visit, link)->retried;
        loader_schedule(e, now_ms);
    } else if (r->state == RUNNER_loading) {
        load_end(r, now_ms);
    } else if (r->stepping) {
        runner_step_end(r, now_ms);
    } else {
        loader_unload(r, now_ms);
    }
}

struct runner *loader_load(struct loader *e, const struct world_artifact *artifact,
                           uint32_t num_ctx, const struct pace *pace, double now_ms)
{
    uint32_t slots = artifact->one_slot ? 1 : e->options.slots;
    struct runner *r = runner_new(e, artifact, pace, slots, now_ms);
    bool warm = world_is_cached(e->world, artifact);

    r->asked_ctx = num_ctx;
    r->state = RUNNER_loading;
    r->due_ms = now_ms + 1e3 * speed_load_seconds(&pace->box, &pace->load, warm) * e->world->factor;
    return r;
}

void loader_pace(struct loader *e, const struct world_artifact *artifact, uint32_t num_ctx,
                 struct pace *ret)
{
    struct pace_asked asked = {
        .artifact = artifact,
        .engine = e->number,
        .num_ctx = num_ctx,
        .slots = artifact->one_slot ? 1 : e->options.slots,
        .free = world_free_box(e->world),
    };

    *ret = (struct pace){0};
    e->world->hooks.pace(e->world->hooks.ctx, &asked, ret);
}

/* Somebody would have to go before such a copy is loaded. */
bool loader_would_evict(const struct loader *e, const struct pace *pace)
{
    unsigned loaded = count_runners(e);

    return loaded > 0 && (loaded >= e->options.max_loaded || exceeds(e, pace));
}

void world_expire(struct world *w, unsigned engine, const struct world_artifact *artifact,
                  double now_ms)
{
    struct runner *r = loader_find(&w->engines[engine], artifact);

    if (r && r->state != RUNNER_unloading)
        expire(r, now_ms);
}

static bool needs_reload(struct runner *r, const struct visit *v)
{
    struct pace wanted;

    if (r->options != v->options)
        return true;
    if (r->asked_ctx == v->num_ctx)
        return false;
    loader_pace(r->engine, v->artifact, v->num_ctx, &wanted);
    return wanted.num_ctx != r->pace.num_ctx;
}

/* True when the first in the queue was helped; false when it has to wait. */
static bool serve_first(struct loader *e, double now_ms)
{
    struct visit *v = CONTAINER(e->pending.next, struct visit, link);
    struct runner *r = loader_find(e, v->artifact);
    uint32_t num_ctx = v->lowered_ctx ? v->lowered_ctx : v->num_ctx;
    struct pace pace;

    if (r && r->state == RUNNER_loaded && !needs_reload(r, v)) {
        take_off(e, v);
        runner_use(r, v, now_ms);
        return true;
    }
    if (r) {
        e->evicting = true;
        if (r->state == RUNNER_loaded)
            expire(r, now_ms);
        return false;
    }
    loader_pace(e, v->artifact, num_ctx, &pace);
    if (!make_room(e, v, &pace, now_ms))
        return false;
    take_off(e, v);
    if (pace.fit.kind == FIT_no) {
        v->state = VISIT_over;
        v->fail = VISIT_FAIL_memory;
        world_tell(e->world, v, VISIT_EVENT_failed);
        return true;
    }
    r = loader_load(e, v->artifact, v->num_ctx, &pace, now_ms);
    e->world->counts.loads++;
    r->options = v->options;
    r->asker = v;
    v->runner = r;
    v->state = VISIT_loading;
    return false;
}

/* True when nothing more can or need be evicted for it. */
static bool make_room(struct loader *e, struct visit *v, struct pace *pace, double now_ms)
{
    unsigned loaded = count_runners(e);
    struct runner *victim;

    if (pace->fit.kind == FIT_no && !v->retried && retry_smaller(e, v, pace, now_ms))
        return !e->evicting && (loader_pace(e, v->artifact, v->lowered_ctx, pace), true);
    if (loaded == 0)
        return true;
    if (!loader_would_evict(e, pace))
        return pace->fit.kind != FIT_no || v->retried;
    victim = find_victim(e);
    e->evicting = true;
    if (victim)
        expire(victim, now_ms);
    return false;
}

/* Only where there is a GPU is the prediction looked at; a CPU finds out by failing. */
static bool exceeds(const struct loader *e, const struct pace *pace)
{
    struct box left = world_free_box(e->world);

    return e->world->box.gpu_bytes > 0 &&
           (double)pace->predicted_bytes > FULL_SHARE * (double)left.gpu_bytes;
}

/* Out of memory: once, everything else goes and the engine's own context becomes smaller. */
static bool retry_smaller(struct loader *e, struct visit *v, const struct pace *pace, double now_ms)
{
    bool smaller = v->num_ctx == 0 && pace->num_ctx > 4096;

    if (count_runners(e) == 0 && !smaller)
        return false;
    v->retried = true;
    if (smaller)
        v->lowered_ctx = pace->num_ctx > 32768 ? 32768 : 4096;
    LINK_EACH(&e->runners, at)
    {
        struct runner *r = CONTAINER(at, struct runner, link);

        e->evicting = true;
        if (r->state == RUNNER_loaded)
            expire(r, now_ms);
    }
    return true;
}

/* Idle ones first, in the order of how long they were to be kept; else the shortest kept. */
static struct runner *find_victim(const struct loader *e)
{
    struct runner *best = NULL;

    LINK_EACH(&e->runners, at)
    {
        struct runner *r = CONTAINER(at, struct runner, link);

        if (r->state == RUNNER_unloading)
            return NULL;
        if (!best || goes_before(r, best))
            best = r;
    }
    return best;
}

static bool goes_before(const struct runner *a, const struct runner *b)
{
    struct str x = a->artifact->name, y = b->artifact->name;
    int order;

    if ((a->refs == 0) != (b->refs == 0))
        return a->refs == 0;
    if (a->keep_ms < b->keep_ms || a->keep_ms > b->keep_ms)
        return a->keep_ms < b->keep_ms;
    order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);
    return order ? order < 0 : x.len < y.len;
}

static void expire(struct runner *r, double now_ms)
{
    r->engine->world->counts.evictions += r->keep_ms > 0;
    r->keep_ms = 0;
    if (r->refs == 0 && r->state == RUNNER_loaded)
        loader_unload(r, now_ms);
}

static unsigned count_runners(const struct loader *e)
{
    unsigned count = 0;

    LINK_EACH(&e->runners, at)
    count++;
    return count;
}

static void load_end(struct runner *r, double now_ms)
{
    struct visit *v = r->asker;

    r->state = RUNNER_loaded;
    r->loaded_ms = now_ms;
    r->asker = NULL;
    world_cache(r->engine->world, r->artifact, now_ms);
    if (v)
        runner_use(r, v, now_ms);
    else if (r->refs == 0)
        loader_idle(r, now_ms);
    else
        runner_step_end(r, now_ms); /* those that came while an engine started */
    loader_schedule(r->engine, now_ms);
}

static void take_off(struct loader *e, struct visit *v)
{
    link_remove(&v->link);
    e->pending_count--;
}
