/* SPDX-License-Identifier: Apache-2.0 */
/* The planner's rooms: machines, their engines, and what they have. */
#include <errno.h>

#include "plan/check_inside.h"
#include "plan/problem_inside.h"
#include "plan/running.h"

static bool is_lost(const struct plan_wish *wish, const struct machine *m);
static int add_room(struct problem *p, uint32_t index, struct err *err);
static int add_stalls(struct problem *p, struct room *room);
static uint32_t kept_max_of(const struct fleet_engine *e);
static uint32_t domain_of(struct problem *p, const struct machine *m);
static int say_unknown(const struct problem *p, const struct machine *m, struct err *err);
static const struct hardware_facts *nearest_hardware(const struct catalog *c, struct str text);

int problem_add_rooms(struct problem *p, struct err *err)
{
    const struct fleet *f = p->wish->fleet;
    int r = 0;

    p->rooms = arena_alloc(&p->arena, (f->machines_count + 1) * sizeof *p->rooms);
    if (!p->rooms)
        return -ENOMEM;
    for (uint32_t i = 0; i < f->machines_count && r == 0; i++)
        if (machine_serves(&f->machines[i]) && !is_lost(p->wish, &f->machines[i]))
            r = add_room(p, i, err);
    return r;
}

static bool is_lost(const struct plan_wish *wish, const struct machine *m)
{
    for (uint32_t i = 0; i < wish->lost_count; i++)
        if (wish->lost[i] == m)
            return true;
    return false;
}

static int add_room(struct problem *p, uint32_t index, struct err *err)
{
    const struct machine *m = &p->wish->fleet->machines[index];
    struct room *room = &p->rooms[p->rooms_count];
    struct box box;

    if (!running_box(p->wish->catalog, &box, m, NULL))
        return say_unknown(p, m, err);
    *room = (struct room){
        .machine = m,
        .index = index,
        .domain = domain_of(p, m),
        .gpu_bytes = box.gpu_bytes,
        .ram_bytes = box.ram_bytes,
        .is_unified = box.is_unified,
        .disk_bytes = machine_disk(m) ? machine_disk(m) / 100 * DISK_PERCENT : UINT64_MAX,
        .kept_max = m->keep_loaded.is_said && !m->keep_loaded.names_count ? m->keep_loaded.count
                                                                          : UINT32_MAX,
    };
    p->rooms_count++;
    return add_stalls(p, room);
}

static int add_stalls(struct problem *p, struct room *room)
{
    const struct machine *m = room->machine;

    room->stalls = arena_alloc(&p->arena, m->engines_count * sizeof *room->stalls);
    if (!room->stalls)
        return -ENOMEM;
    for (uint32_t i = 0; i < m->engines_count; i++) {
        const struct fleet_engine *e = &m->engines[i];
        struct stall *s = &room->stalls[room->stalls_count++];

        s->engine = e;
        s->kept_max = kept_max_of(e);
        s->is_process = engine_kind_row((enum engine_kind)e->kind)->stays;
        (void)running_box(p->wish->catalog, &s->box, m, e);
        s->has_rule = e->kind == ENGINE_ollama && s->box.gpu_bytes > 0;
    }
    return 0;
}

static uint32_t kept_max_of(const struct fleet_engine *e)
{
    uint64_t said = 0;

    switch ((enum engine_kind)e->kind) {
    case ENGINE_ollama:
        if (str_to_u64(&said, check_setting(e, "OLLAMA_MAX_LOADED_MODELS")) < 0 || !said)
            return KEPT_USUAL;
        return said > UINT32_MAX ? UINT32_MAX : (uint32_t)said;
    case ENGINE_openai:
        return UINT32_MAX;
    default:
        return 1;
    }
}

/* O(machines) each; there are PLAN_MACHINES_MAX at most. */
static uint32_t domain_of(struct problem *p, const struct machine *m)
{
    for (uint32_t i = 0; i < p->rooms_count; i++)
        if (str_equal(p->rooms[i].machine->domain, m->domain))
            return p->rooms[i].domain;
    return p->domains_count++;
}

static int say_unknown(const struct problem *p, const struct machine *m, struct err *err)
{
    const struct hardware *h = &m->hardware;
    struct place at = h->at.line ? h->at : m->at;
    const struct hardware_facts *near = nearest_hardware(p->wish->catalog, h->gpu);

    if (!machine_ram(m))
        return err_set(err, -EINVAL,
                       PLACE
                       "nobody knows how much memory %.*s has, and nothing can be placed "
                       "there; say hardware: {ram: 32 GB}, or assume: {ram: 32 GB} until it is "
                       "known, or inference: false",
                       PLACE_ARG(at), STR_ARG(m->name));
    return err_set(
        err, -EINVAL,
        PLACE "the catalog does not know the GPU '%.*s' of %.*s; add a row to its "
              "hardware with three numbers: memory (GB), bandwidth (GB/s) and prefill (what the "
              "accelerator reaches, 10^12 operations a second)%s%.*s",
        PLACE_ARG(at), STR_ARG(h->gpu), STR_ARG(m->name),
        near ? "; the nearest that it knows is " : "", near ? (int)near->match[0].len : 0,
        near ? near->match[0].data : "");
}

/* By spelling: the row with the fewest edits between one of its texts and this one. */
static const struct hardware_facts *nearest_hardware(const struct catalog *c, struct str text)
{
    const struct hardware_facts *found = NULL;
    size_t best = SIZE_MAX;

    for (uint32_t i = 0; i < c->hardware_count; i++)
        for (uint32_t j = 0; j < c->hardware[i].match_count; j++) {
            size_t far = str_distance(text, c->hardware[i].match[j]);

            if (c->hardware[i].kind != HARDWARE_cpu && far < best) {
                best = far;
                found = &c->hardware[i];
            }
        }
    return found;
}
