/* SPDX-License-Identifier: Apache-2.0 */
/* An imagined machine on a table: numbers that can be reckoned in one's head, requests by name. */
#pragma once

#include "testing.h"

#include <math.h>
#include <stdio.h>

#include "base/attr.h"
#include "sim/world.h"

enum { VISITS_MAX = 16, LOG_MAX = 4096 };

/* A machine whose numbers can be reckoned in one's head: see rates(). */
struct table {
    struct world *world;
    struct visit visits[VISITS_MAX];
    unsigned count;
    char log[LOG_MAX];
    double now_ms;
};

static UNUSED struct world_artifact big = {.name = {"big", 3}, .bytes = UINT64_C(8000000000)};
static UNUSED struct world_artifact mid = {.name = {"mid", 3}, .bytes = UINT64_C(4000000000)};
static UNUSED struct world_artifact tiny = {.name = {"tiny", 4}, .bytes = UINT64_C(1000000000)};

/* 10 GB on a GPU that reads 100 GB/s, loaded at 2 GB/s: no surprises, no efficiencies. */
static UNUSED struct box rates(uint64_t gpu_bytes)
{
    return (struct box){.gpu_bytes = gpu_bytes,
                        .ram_bytes = UINT64_C(20000000000),
                        .gpu_gbs = 100,
                        .cpu_gbs = 10,
                        .gpu_efficiency = 1,
                        .cpu_efficiency = 1,
                        .gpu_tflops = 10,
                        .cpu_tflops = 1,
                        .disk_gbs = 2,
                        .link_gbs = 10};
}

static UNUSED void pace(void *ctx, const struct pace_asked *asked, struct pace *ret)
{
    uint64_t bytes = asked->artifact->bytes;

    (void)ctx;
    ret->box = asked->free;
    ret->load =
        (struct load){.weights_bytes = bytes, .active_params = bytes, .layers = 10, .hidden = 1000};
    ret->num_ctx = asked->num_ctx ? asked->num_ctx : 4096;
    ret->predicted_bytes = bytes;
    ret->unload_ms = 300;
    if (asked->free.gpu_gbs > 0 && bytes <= asked->free.gpu_bytes)
        ret->fit = (struct fit){.kind = FIT_gpu, .gpu_share = 1, .gpu_bytes = bytes};
    else if (bytes <= asked->free.ram_bytes)
        ret->fit = (struct fit){.kind = FIT_ram, .ram_bytes = bytes};
}

static UNUSED void on_visit(void *ctx, struct visit *v, enum visit_event what)
{
    static const char *const names[] = {"token", "done", "failed", "cut"};
    struct table *t = ctx;
    size_t used = strlen(t->log);

    if (what != VISIT_EVENT_token)
        snprintf(t->log + used, LOG_MAX - used, "%s%s %s", used ? ", " : "", (char *)v->ctx,
                 names[what]);
}

static UNUSED int set_up(void **state)
{
    static struct table t;

    memset(&t, 0, sizeof t);
    *state = &t;
    return 0;
}

static UNUSED int tear_down(void **state)
{
    struct table *t = *state;

    world_free(t->world);
    t->world = NULL;
    return 0;
}

static UNUSED void open_world(struct table *t, uint64_t gpu_bytes,
                              const struct world_engine *engine)
{
    struct box box = rates(gpu_bytes);

    if (gpu_bytes == 0)
        box.gpu_gbs = 0;
    t->world = world_new(&box, &(struct world_hooks){.pace = pace, .on_visit = on_visit, .ctx = t});
    world_add_engine(t->world, engine);
}

static UNUSED const struct world_engine ollama = {true, 1, 3, 4, 300000};

static UNUSED struct visit *ask(struct table *t, const char *name,
                                const struct world_artifact *artifact, uint32_t prompt,
                                uint32_t answer)
{
    struct visit *v = &t->visits[t->count++];

    v->ctx = (void *)(uintptr_t)name;
    v->artifact = artifact;
    v->pieces[0] = (struct piece){1000 + t->count, prompt};
    v->piece_count = prompt > 0;
    v->answer_tokens = answer;
    v->load_only = prompt == 0;
    world_start(t->world, 0, v, t->now_ms);
    return v;
}

static UNUSED void go_to(struct table *t, double now_ms)
{
    t->now_ms = now_ms;
    world_advance(t->world, now_ms);
}

static UNUSED void go_on(struct table *t)
{
    double next;

    while ((next = world_next_ms(t->world)) < t->now_ms + 200000)
        go_to(t, next);
}

/* Names of what is loaded or being loaded, in the order it came. */
static UNUSED const char *loaded(struct table *t)
{
    static char text[256];
    struct runner_view r;

    text[0] = '\0';
    for (unsigned i = 0; world_runner(t->world, 0, i, &r); i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s", i ? " " : "",
                 r.artifact->name.data,
                 r.unloading ? "-"
                 : r.loading ? "+"
                             : "");
    return text;
}
