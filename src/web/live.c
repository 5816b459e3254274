/* SPDX-License-Identifier: Apache-2.0 */
/* What everybody who watches is shown. */
#include "web/live.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"
#include "gateway/health.h"
#include "net/clock.h"
#include "web/standing.h"
#include "web/status.h"

enum { DOCUMENT_MAX = 16 << 20 };

struct live {
    pthread_mutex_t lock;
    struct scene *scene; /* of the last look */
    bool *up;            /* each engine of it, then */
    uint64_t looked_ms;
    unsigned viewers;
    struct {
        struct buf text;
        uint64_t version; /* grows when the text changes */
    } documents[TOPIC_COUNT];
    struct buf fresh;
};

static const char *const names[TOPIC_COUNT] = {
    [TOPIC_facts] = "facts",
    [TOPIC_status] = "status",
    [TOPIC_ps] = "ps",
    [TOPIC_map] = "map",
};

static int look(struct live *l, struct gateway *g);
static int change_scene(struct live *l, struct scene *scene);
static bool note_engines(struct live *l, struct gateway *g);
static int stand_anew(struct live *l, bool is_new_scene);
static int keep(struct live *l, enum topic topic, const struct json_out *o);

struct live *live_new(void)
{
    struct live *l = memory_need(1, sizeof *l);

    pthread_mutex_init(&l->lock, NULL);
    buf_init(&l->fresh, DOCUMENT_MAX);
    for (int i = 0; i < TOPIC_COUNT; i++)
        buf_init(&l->documents[i].text, DOCUMENT_MAX);
    return l;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    for (int i = 0; i < TOPIC_COUNT; i++)
        buf_fini(&l->documents[i].text);
    buf_fini(&l->fresh);
    scene_unref(l->scene);
    free(l->up);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

bool live_join(struct live *l, unsigned most)
{
    bool may;

    pthread_mutex_lock(&l->lock);
    may = l->viewers < most;
    l->viewers += may;
    pthread_mutex_unlock(&l->lock);
    return may;
}

void live_leave(struct live *l)
{
    pthread_mutex_lock(&l->lock);
    l->viewers--;
    pthread_mutex_unlock(&l->lock);
}

int live_look(struct live *l, struct gateway *g)
{
    uint64_t now_ms = clock_monotonic_us() / 1000;
    int r = 0;

    pthread_mutex_lock(&l->lock);
    if (!l->looked_ms || now_ms - l->looked_ms >= LOOK_MS) {
        l->looked_ms = now_ms;
        r = look(l, g);
    }
    pthread_mutex_unlock(&l->lock);
    return r;
}

/* The certificate is made anew when an engine came or went, and with another fleet file. */
static int look(struct live *l, struct gateway *g)
{
    struct scene *scene = gateway_scene(g);
    bool is_new = scene != l->scene;
    struct page_request r = {.gateway = g, .scene = scene};
    struct json_out o = {.out = &l->fresh};
    int error = is_new ? change_scene(l, scene) : 0;

    if (error == 0 && (note_engines(l, g) || is_new))
        error = stand_anew(l, is_new);
    if (error == 0) {
        status_document(&o, &r, true);
        error = keep(l, TOPIC_status, &o);
    }
    if (error == 0) {
        o = (struct json_out){.out = &l->fresh};
        ps_document(&o, &r, true);
        error = keep(l, TOPIC_ps, &o);
    }
    if (error < 0) { /* the next look begins anew */
        scene_unref(l->scene);
        l->scene = NULL;
    }
    scene_unref(scene);
    return error;
}

static int change_scene(struct live *l, struct scene *scene)
{
    bool *up = calloc(scene->view->engines_count + 1, sizeof *up);

    if (!up)
        return -ENOMEM;
    free(l->up);
    l->up = up;
    scene_unref(l->scene);
    l->scene = scene_ref(scene);
    return 0;
}

/* True when something changed. What was never probed counts as there. */
static bool note_engines(struct live *l, struct gateway *g)
{
    const struct view *v = l->scene->view;
    bool changed = false;

    for (uint32_t i = 0; i < v->engines_count; i++) {
        struct engine_sighting seen = health_engine(gateway_health(g), v->engines[i].name);
        bool up = l->scene->engines[i].is_reachable && (seen.up || !seen.probed);

        changed = changed || up != l->up[i];
        l->up[i] = up;
    }
    return changed;
}

static int stand_anew(struct live *l, bool is_new_scene)
{
    struct json_out o = {.out = &l->fresh};
    struct standing s;
    int r = standing_make(&s, l->scene, l->up);

    if (r < 0)
        return r;
    map_write(&o, &s);
    r = keep(l, TOPIC_map, &o);
    if (r == 0 && is_new_scene) {
        o = (struct json_out){.out = &l->fresh};
        facts_write(&o, &s);
        r = keep(l, TOPIC_facts, &o);
    }
    standing_fini(&s);
    return r;
}

/* What was written becomes the document, if it says anything new. */
static int keep(struct live *l, enum topic topic, const struct json_out *o)
{
    struct buf *text = &l->documents[topic].text;
    struct buf old = *text;

    if (!o->error && (!old.len || !str_equal(buf_str(&l->fresh), buf_str(&old)))) {
        *text = l->fresh;
        l->fresh = old;
        l->documents[topic].version++;
    }
    buf_reset(&l->fresh);
    return o->error;
}

int live_put(struct live *l, enum topic topic, uint64_t *version, struct buf *out)
{
    const struct str text[] = {
        STR("event: "), str_from(names[topic]), STR("\ndata: "), {0}, STR("\n\n")};
    int r = 0;

    pthread_mutex_lock(&l->lock);
    if (*version != l->documents[topic].version)
        for (size_t i = 0; i < COUNT_OF(text) && r == 0; i++)
            r = buf_put(out, i == 3 ? buf_str(&l->documents[topic].text) : text[i]);
    *version = l->documents[topic].version;
    pthread_mutex_unlock(&l->lock);
    return r;
}

int live_document(struct live *l, enum topic topic, struct buf *out)
{
    int r;

    pthread_mutex_lock(&l->lock);
    r = buf_put(out, buf_str(&l->documents[topic].text));
    pthread_mutex_unlock(&l->lock);
    return r;
}
