/* SPDX-License-Identifier: Apache-2.0 */
/* An imagined machine as a whole: its memory, its page cache, its faults, and time. */
#include "sim/world.h"

#include <assert.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/memory.h"
#include "sim/world_inside.h"

static struct runner *next_runner(const struct world *w, double *ret_ms);
static void restart(struct world *w, double now_ms);
static void stop_engine(struct loader *e);
static void cut_waiting(struct world *w, struct link *visits);
static void cut(struct world *w, struct visit *v);
static void abort_load(struct runner *r, double now_ms);
static void leave_pending(struct loader *e, struct visit *v, double now_ms);
static void trim_cache(struct world *w);

struct world *world_new(const struct box *box, const struct world_hooks *hooks)
{
    struct world *w = memory_need(1, sizeof *w);

    w->box = *box;
    w->hooks = *hooks;
    w->factor = 1;
    return w;
}

void world_free(struct world *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < w->engine_count; i++)
        while (!link_is_empty(&w->engines[i].runners))
            runner_free(CONTAINER(w->engines[i].runners.next, struct runner, link));
    free(w);
}

unsigned world_add_engine(struct world *w, const struct world_engine *engine)
{
    struct loader *e = &w->engines[w->engine_count];

    assert(w->engine_count < ENGINES_MAX);
    e->world = w;
    e->number = w->engine_count;
    e->options = *engine;
    if (e->options.keep_alive_ms < 0)
        e->options.keep_alive_ms = INFINITY;
    if (e->options.slots == 0)
        e->options.slots = 1;
    link_init(&e->runners);
    link_init(&e->pending);
    return w->engine_count++;
}

void world_leap(struct world *w)
{
    w->leaps = true;
}

void world_serve(struct world *w, unsigned engine, const struct world_artifact *artifact,
                 uint32_t num_ctx, double now_ms)
{
    struct loader *e = &w->engines[engine];
    struct runner *r;
    struct pace pace;

    e->serves = artifact;
    e->serves_ctx = num_ctx;
    loader_pace(e, artifact, num_ctx, &pace);
    r = loader_load(e, artifact, num_ctx, &pace, now_ms);
    r->keep_ms = INFINITY;
    if (pace.fit.kind == FIT_no) /* it is started again and again, and never answers */
        r->due_ms = INFINITY;
}

bool world_warm(struct world *w, unsigned engine, const struct world_artifact *artifact,
                uint32_t num_ctx, double now_ms)
{
    struct loader *e = &w->engines[engine];
    struct runner *r;
    struct pace pace;

    loader_pace(e, artifact, num_ctx, &pace);
    if (pace.fit.kind == FIT_no || loader_would_evict(e, &pace))
        return false;
    r = loader_load(e, artifact, num_ctx, &pace, now_ms);
    r->state = RUNNER_loaded;
    world_cache(w, artifact, now_ms);
    loader_idle(r, now_ms);
    return true;
}

void world_start(struct world *w, unsigned engine, struct visit *v, double now_ms)
{
    v->engine = engine;
    v->start_ms = now_ms;
    link_init(&v->link);
    loader_ask(&w->engines[engine], v, now_ms);
}

void world_leave(struct world *w, struct visit *v, double now_ms)
{
    struct loader *e = &w->engines[v->engine];

    if (v->state == VISIT_pending)
        leave_pending(e, v, now_ms);
    else if (v->state == VISIT_loading)
        abort_load(v->runner, now_ms);
    else if (v->state != VISIT_over && v->state != VISIT_new)
        runner_drop(v->runner, v, now_ms);
    v->state = VISIT_over;
    v->runner = NULL;
}

double world_next_ms(const struct world *w)
{
    double due_ms;

    next_runner(w, &due_ms);
    return due_ms;
}

void world_advance(struct world *w, double now_ms)
{
    struct runner *r;
    double due_ms;

    while ((r = next_runner(w, &due_ms)) && due_ms <= now_ms)
        loader_play(r, due_ms);
}

void world_set_fault(struct world *w, enum world_fault fault, double factor, uint32_t after_tokens,
                     double now_ms)
{
    bool had_stopped = w->fault == WORLD_frozen || w->fault == WORLD_dead;

    world_land(w, now_ms);
    w->fault = fault;
    w->factor = fault == WORLD_slow && factor > 0 ? factor : 1;
    w->after_tokens = after_tokens;
    if (fault == WORLD_dead || (had_stopped && fault != WORLD_frozen))
        restart(w, now_ms);
}

bool world_runner(const struct world *w, unsigned engine, unsigned i, struct runner_view *ret)
{
    LINK_EACH(&w->engines[engine].runners, at)
    {
        const struct runner *r = CONTAINER(at, struct runner, link);
        unsigned busy = 0;

        if (i-- > 0)
            continue;
        for (uint32_t k = 0; k < r->slot_count; k++)
            busy += r->slots[k].visit != NULL;
        *ret = (struct runner_view){
            .artifact = r->artifact,
            .loading = r->state == RUNNER_loading,
            .unloading = r->state == RUNNER_unloading,
            .gpu_bytes = r->pace.fit.gpu_bytes,
            .ram_bytes = r->pace.fit.ram_bytes,
            .context = r->pace.num_ctx,
            .slots = r->slot_count,
            .busy = busy,
            .waiting = r->refs - busy,
            .expires_ms = r->refs ? INFINITY : r->expires_ms,
            .loaded_ms = r->loaded_ms,
        };
        return true;
    }
    return false;
}

unsigned world_pending(const struct world *w, unsigned engine)
{
    return w->engines[engine].pending_count;
}

struct world_counts world_count(const struct world *w)
{
    return w->counts;
}

struct box world_free_box(const struct world *w)
{
    struct box left = w->box;

    for (unsigned i = 0; i < w->engine_count; i++)
        LINK_EACH(&w->engines[i].runners, at)
    left = memory_take(&left, &CONTAINER(at, struct runner, link)->pace.fit);
    return left;
}

bool world_is_cached(const struct world *w, const struct world_artifact *artifact)
{
    for (unsigned i = 0; i < w->cached_count; i++)
        if (w->cached[i].artifact == artifact)
            return true;
    return false;
}

/* The file has just been read: it is in the page cache, perhaps instead of others. */
void world_cache(struct world *w, const struct world_artifact *artifact, double now_ms)
{
    for (unsigned i = 0; i < w->cached_count; i++)
        if (w->cached[i].artifact == artifact)
            w->cached[i] = w->cached[--w->cached_count];
    if (w->cached_count == CACHED_MAX)
        w->cached_count--;
    w->cached[w->cached_count].artifact = artifact;
    w->cached[w->cached_count++].used_ms = now_ms;
    trim_cache(w);
}

/* Something changes: whoever leaps ends at the step that it is in. */
void world_land(struct world *w, double now_ms)
{
    for (unsigned i = 0; i < w->engine_count; i++)
        LINK_EACH(&w->engines[i].runners, at)
    runner_land(CONTAINER(at, struct runner, link), now_ms);
}

void world_tell(struct world *w, struct visit *v, enum visit_event what)
{
    w->hooks.on_visit(w->hooks.ctx, v, what);
}

static struct runner *next_runner(const struct world *w, double *ret_ms)
{
    struct runner *first = NULL;

    *ret_ms = INFINITY;
    if (w->fault == WORLD_frozen || w->fault == WORLD_dead)
        return NULL;
    for (unsigned i = 0; i < w->engine_count; i++) {
        LINK_EACH(&w->engines[i].runners, at)
        {
            struct runner *r = CONTAINER(at, struct runner, link);

            if (runner_next_ms(r) < *ret_ms) {
                *ret_ms = runner_next_ms(r);
                first = r;
            }
        }
    }
    return first;
}

static void restart(struct world *w, double now_ms)
{
    w->cached_count = 0;
    for (unsigned i = 0; i < w->engine_count; i++)
        stop_engine(&w->engines[i]);
    for (unsigned i = 0; i < w->engine_count && w->fault != WORLD_dead; i++)
        if (w->engines[i].serves)
            world_serve(w, i, w->engines[i].serves, w->engines[i].serves_ctx, now_ms);
}

static void stop_engine(struct loader *e)
{
    struct world *w = e->world;

    while (!link_is_empty(&e->runners)) {
        struct runner *r = CONTAINER(e->runners.next, struct runner, link);

        cut_waiting(w, &r->waiting);
        for (uint32_t i = 0; i < r->slot_count; i++)
            if (r->slots[i].visit)
                cut(w, TAKE(r->slots[i].visit));
        if (r->asker)
            cut(w, TAKE(r->asker));
        runner_free(r);
    }
    cut_waiting(w, &e->pending);
    e->pending_count = 0;
    e->evicting = false;
}

static void cut_waiting(struct world *w, struct link *visits)
{
    while (!link_is_empty(visits)) {
        struct visit *v = CONTAINER(visits->next, struct visit, link);

        link_remove(&v->link);
        cut(w, v);
    }
}

static void cut(struct world *w, struct visit *v)
{
    v->state = VISIT_over;
    v->runner = NULL;
    world_tell(w, v, VISIT_EVENT_cut);
}

/* Who asked for it has gone: the half-loaded copy is given up at once. */
static void abort_load(struct runner *r, double now_ms)
{
    struct loader *e = r->engine;

    runner_free(r);
    loader_schedule(e, now_ms);
}

static void leave_pending(struct loader *e, struct visit *v, double now_ms)
{
    bool was_first = e->pending.next == &v->link;

    link_remove(&v->link);
    e->pending_count--;
    if (was_first)
        e->evicting = false;
    loader_schedule(e, now_ms);
}

/* Least recently read files go first; what runners hold in RAM is not there for the cache. */
static void trim_cache(struct world *w)
{
    uint64_t room = world_free_box(w).ram_bytes, sum = 0;

    for (unsigned i = 0; i < w->cached_count; i++)
        sum += w->cached[i].artifact->bytes;
    while (sum > room && w->cached_count) {
        sum -= w->cached[0].artifact->bytes;
        memmove(&w->cached[0], &w->cached[1], --w->cached_count * sizeof w->cached[0]);
    }
}
