/* SPDX-License-Identifier: Apache-2.0 */
/* What one more machine would need to close a hole: memory, bandwidth, and a piece that has both.
 */
#include <math.h>
#include <stdio.h>

#include "model/speed.h"
#include "plan/certificate_inside.h"

enum { CLOSER_CONTEXT = 8192 };

static const uint64_t gib = 1ull << 30;

/* RAM as it is sold. */
static const uint32_t rams_gib[] = {16, 24, 32, 48, 64, 96, 128, 192, 256, 512};

struct closer {
    const struct artifact *artifact;
    const struct hardware_facts *hardware;
    uint64_t need_bytes, memory_bytes; /* what the model takes; what the hardware has */
    uint32_t ram_gib;                  /* unified memory: of the machine */
    double need_gbs, tps;
};

static bool may_serve(const struct judge *j, const struct category *category,
                      const struct artifact *a);
static bool is_able(const struct artifact *a, const struct needs *needs);
static struct str say_nearest(struct judge *j, const struct category *category);
static void try_artifact(const struct judge *j, struct closer *best, struct closer *smallest,
                         const struct category *category, const struct artifact *a);
static void try_hardware(const struct judge *j, struct closer *best, struct closer candidate,
                         const struct category *category);
static void try_box(struct closer *best, struct closer candidate, const struct box *box,
                    double floor_tps);
static bool is_cheaper(const struct closer *a, const struct closer *b);
static struct footprint need_of(const struct artifact *a);
static struct str say(struct judge *j, const struct closer *best, const struct closer *smallest);

struct str closer_find(struct judge *j, const struct category *category)
{
    const struct catalog *c = j->certificate.plan->catalog;
    struct closer best = {0}, smallest = {0};

    for (uint32_t i = 0; i < c->models_count; i++)
        for (uint32_t k = 0; k < c->models[i].artifacts_count; k++)
            if (may_serve(j, category, &c->models[i].artifacts[k]))
                try_artifact(j, &best, &smallest, category, &c->models[i].artifacts[k]);
    return smallest.artifact ? say(j, &best, &smallest) : say_nearest(j, category);
}

/* The first artifact is the model's usual quantisation; others only where the category names
 * them. */
static bool may_serve(const struct judge *j, const struct category *category,
                      const struct artifact *a)
{
    bool is_named = category->models_count == 0 && a == a->model->artifacts;

    for (uint32_t i = 0; i < category->models_count; i++)
        is_named |= catalog_artifact(j->certificate.plan->catalog, category->models[i]) == a;
    return is_named && is_able(a, &category->needs);
}

static bool is_able(const struct artifact *a, const struct needs *needs)
{
    const struct model *m = a->model;
    struct copy copy = {.is_known = true,
                        .purposes = m->purposes,
                        .capabilities = m->capabilities,
                        .params = m->params,
                        .context = artifact_context(a)};

    return !m->refused_since.len && copy_meets(&copy, needs);
}

static void try_artifact(const struct judge *j, struct closer *best, struct closer *smallest,
                         const struct category *category, const struct artifact *a)
{
    static const double usual_efficiency = 0.65;
    const struct catalog *c = j->certificate.plan->catalog;
    struct footprint need = need_of(a);
    struct load load = speed_load_of(a);
    struct closer closer = {
        .artifact = a,
        .need_bytes = footprint_total(&need),
        .need_gbs = speed_active_bytes(&load, 1) * category->floor_tps / usual_efficiency / 1e9,
    };

    if (!smallest->artifact || closer.need_bytes < smallest->need_bytes)
        *smallest = closer;
    for (uint32_t i = 0; i < c->hardware_count; i++) {
        closer.hardware = &c->hardware[i];
        if (c->hardware[i].match_count)
            try_hardware(j, best, closer, category);
    }
}

static void try_hardware(const struct judge *j, struct closer *best, struct closer candidate,
                         const struct category *category)
{
    const struct catalog *c = j->certificate.plan->catalog;
    const struct hardware_facts *h = candidate.hardware;
    struct str none = {0};
    struct box box;

    if (h->kind == HARDWARE_gpu) {
        candidate.memory_bytes = h->memory_bytes;
        box = memory_box(c, none, h->match[0], 16 * gib, 0, NULL);
        try_box(best, candidate, &box, category->floor_tps);
    }
    for (size_t i = 0; h->kind == HARDWARE_unified && i < COUNT_OF(rams_gib); i++) {
        candidate.ram_gib = rams_gib[i];
        candidate.memory_bytes = rams_gib[i] * gib;
        box = memory_box(c, h->match[0], none, candidate.memory_bytes, 0, NULL);
        try_box(best, candidate, &box, category->floor_tps);
    }
}

/* Whole on the GPU and fast enough; of those the least memory, a card before a machine built around
 * one, and then the slowest, as the one that costs least. */
static void try_box(struct closer *best, struct closer candidate, const struct box *box,
                    double floor_tps)
{
    struct footprint need = need_of(candidate.artifact);
    struct fit fit = memory_fit(box, &need);
    struct load load = speed_load_of(candidate.artifact);

    if (fit.kind != FIT_gpu)
        return;
    candidate.tps = speed_decode_tps(box, &load, &fit, PROOF_CONTEXT, 1);
    if (candidate.tps < floor_tps)
        return;
    if (!best->artifact || is_cheaper(&candidate, best))
        *best = candidate;
}

static bool is_cheaper(const struct closer *a, const struct closer *b)
{
    if (a->memory_bytes != b->memory_bytes)
        return a->memory_bytes < b->memory_bytes;
    if (!a->ram_gib != !b->ram_gib)
        return !a->ram_gib;
    return a->tps < b->tps;
}

static struct footprint need_of(const struct artifact *a)
{
    struct run run = {.context = CLOSER_CONTEXT, .slots = 1};

    return memory_need_of_artifact(a, &run);
}

static struct str say(struct judge *j, const struct closer *best, const struct closer *smallest)
{
    const struct closer *closer = best->artifact ? best : smallest;
    char speed[60] = "", piece[200] = "no hardware of the catalog has that";

    if (closer->need_gbs > 0)
        snprintf(speed, sizeof speed, " at %.0f GB/s", closer->need_gbs);
    if (best->artifact && best->ram_gib)
        snprintf(piece, sizeof piece, "%.*s with %u GB has that", STR_ARG(best->hardware->match[0]),
                 best->ram_gib);
    else if (best->artifact)
        snprintf(piece, sizeof piece, "%.*s has that", STR_ARG(best->hardware->match[0]));
    return str_from(arena_printf(&j->arena,
                                 "one more machine with %.1f GiB of GPU memory%s would take %.*s; "
                                 "%s",
                                 (double)closer->need_bytes / (double)gib, speed,
                                 STR_ARG(artifact_short_tag(closer->artifact)), piece));
}

/* Of another size than the category asks for. */
static struct str say_nearest(struct judge *j, const struct category *category)
{
    const struct catalog *c = j->certificate.plan->catalog;
    struct needs needs = category->needs;
    const struct model *nearest = NULL;
    double least = INFINITY;

    needs.params = (struct units_range){0};
    for (uint32_t i = 0; i < c->models_count; i++) {
        const struct model *m = &c->models[i];
        double far = fabs((double)m->params - (double)category->needs.params.low);

        if (m->artifacts_count && far < least && is_able(m->artifacts, &needs)) {
            nearest = m;
            least = far;
        }
    }
    if (!nearest || category->models_count)
        return arena_str(&j->arena, STR("no model of the catalog qualifies"));
    return str_from(arena_printf(&j->arena,
                                 "no model of the catalog qualifies; of another size, the nearest "
                                 "is %.*s with %.1f thousand million parameters",
                                 STR_ARG(artifact_short_tag(nearest->artifacts)),
                                 (double)nearest->params / 1e9));
}
