/* SPDX-License-Identifier: Apache-2.0 */
/* Providers, asked which models they still have. */
#include "gateway/rolls.h"

#include <stdlib.h>

#include "base/log.h"
#include "engine/roll.h"
#include "net/clock.h"

enum { HEADERS_MAX = 8 };

struct roll_entry {
    const struct scene *scene;
    struct traffic *traffic;
    uint32_t engine; /* in the view */
    struct roll *roll;
};

static void ask(struct roll_entry *e, struct client *client, uint32_t timeout_ms);
static size_t fill_headers(struct header *headers, const struct scene_engine *engine);
static void on_roll(void *ctx, const struct str *names, size_t count);
static bool is_listed(const struct copy *c, const struct str *names, size_t count);
static void note(struct roll_entry *e, const struct copy *c, bool listed);

void rolls_begin(struct rolls *ret, struct client *client, const struct scene *scene,
                 struct traffic *traffic, uint32_t timeout_ms)
{
    *ret = (struct rolls){.list = calloc(scene->view->engines_count + 1, sizeof *ret->list)};
    for (uint32_t i = 0; ret->list && i < scene->view->engines_count; i++) {
        struct roll_entry *e = &ret->list[ret->count];

        if (!scene->view->engines[i].cloud || !scene->engines[i].is_reachable)
            continue;
        *e = (struct roll_entry){.scene = scene, .traffic = traffic, .engine = i};
        ret->count++;
        ask(e, client, timeout_ms);
    }
}

void rolls_end(struct rolls *rolls)
{
    for (uint32_t i = 0; i < rolls->count; i++)
        roll_cancel(rolls->list[i].roll);
    free(rolls->list);
    *rolls = (struct rolls){0};
}

static void ask(struct roll_entry *e, struct client *client, uint32_t timeout_ms)
{
    const struct scene_engine *engine = &e->scene->engines[e->engine];
    const char *target =
        provider_kind_row(e->scene->view->engines[e->engine].cloud->provider)->models;
    struct header headers[HEADERS_MAX];
    struct roll_ask question = {.endpoint = &engine->endpoint,
                                .target = scene_target(engine, str_from(target)),
                                .headers = headers,
                                .header_count = fill_headers(headers, engine),
                                .timeout_ms = timeout_ms};

    if (!target || roll_start(&e->roll, client, &question, on_roll, e) < 0)
        e->roll = NULL;
}

static size_t fill_headers(struct header *headers, const struct scene_engine *engine)
{
    size_t count = 0;

    if (engine->credential.value.len)
        headers[count++] = engine->credential;
    for (const char *const *pair = engine->dialect->fixed_headers;
         pair && *pair && count < HEADERS_MAX; pair += 2)
        headers[count++] = (struct header){str_from(pair[0]), str_from(pair[1])};
    return count;
}

static void on_roll(void *ctx, const struct str *names, size_t count)
{
    struct roll_entry *e = ctx;
    const struct view *view = e->scene->view;

    e->roll = NULL;
    for (uint32_t i = 0; count && i < view->copies_count; i++)
        if (view->copies[i].engine_index == e->engine)
            note(e, &view->copies[i], is_listed(&view->copies[i], names, count));
}

/* Under whichever of its names. */
static bool is_listed(const struct copy *c, const struct str *names, size_t count)
{
    const struct cloud_facts *facts = c->cloud_facts;

    if (roll_has(names, count, c->tag) || (facts && roll_has(names, count, facts->id)))
        return true;
    for (uint32_t i = 0; facts && i < facts->also_count; i++)
        if (roll_has(names, count, facts->also[i]))
            return true;
    return false;
}

static void note(struct roll_entry *e, const struct copy *c, bool listed)
{
    bool changed = traffic_absent(e->traffic, e->scene->copies[c->index].place, !listed);

    if (!changed)
        return;
    log_event(listed ? EVENT_model_back : EVENT_model_gone, clock_wall_us(),
              (struct log_field[]){LOG_STR("machine", c->machine_name), LOG_STR("model", c->name),
                                   LOG_STR("asked", c->tag), LOG_END});
    log_flush();
}
