/* SPDX-License-Identifier: Apache-2.0 */
/* The planner's seats: artifacts that somebody could want, and every engine on which they fit. */
#include <errno.h>

#include "fleet/engine_rules.h"
#include "plan/check_inside.h"
#include "plan/problem_inside.h"
#include "plan/running.h"

enum {
    CONTEXT_USUAL = 8192, /* of a copy for which nobody says one */
    SPEED_TOKENS = 1024,  /* in the context when its speed is told */
};

/* Where the file does not say how fast the links are: bits a second. */
static const double wan_usual = 100e6, lan_usual = 1e9;

/* What dropping a held copy costs, as a share of bringing it; what keeping one loaded costs, as a
 * share of loading it. */
static const double drop_share = 0.5, keep_share = 1e-3;

/* An hour: a line of the file that is not kept. Who wrote it had a reason. */
static const double line_s = 3;

static void add_ware(struct problem *p, const struct artifact *a);
static bool is_wanted_by_any(const struct problem *p, const struct artifact *a);
static void add_room_seats(struct problem *p, uint32_t index);
static void add_seat(struct problem *p, uint32_t room, uint32_t stall, uint32_t ware);
static void add_span_seat(struct problem *p, const struct span *span);
static bool is_possible(const struct problem *p, const struct seat *s);
static bool choose_run(const struct problem *p, struct seat *s);
static bool fit_run(const struct problem *p, struct seat *s);
static struct fit fit_on(const struct stall *stall, const struct footprint *need);
static bool is_offloaded(const struct fleet_engine *e);
static void reckon(const struct problem *p, struct seat *s);
static void reckon_span(const struct problem *p, struct seat *s);
static void reckon_levels(const struct problem *p, struct seat *s);
static void fit_beside(struct problem *p, struct room *room);
static bool seat_stays(const struct room *room, const struct seat *s);
static void fit_into(const struct room *room, struct seat *s, const struct box *box);
static void fit_pinned(struct problem *p, const struct room *room, struct box left);
static struct seat *largest_pinned(struct problem *p, const struct room *room,
                                   const struct seat *below);

int problem_add_wares(struct problem *p)
{
    const struct catalog *c = p->wish->catalog;
    size_t count = 0;

    for (uint32_t i = 0; i < c->models_count; i++)
        count += c->models[i].artifacts_count;
    p->wares = arena_alloc(&p->arena, (count + 1) * sizeof *p->wares);
    if (!p->wares)
        return -ENOMEM;
    for (uint32_t i = 0; i < c->models_count; i++)
        for (uint32_t j = 0; j < c->models[i].artifacts_count; j++)
            add_ware(p, &c->models[i].artifacts[j]);
    return 0;
}

int problem_add_seats(struct problem *p)
{
    size_t count = 0;

    for (uint32_t i = 0; i < p->rooms_count; i++)
        count += (size_t)p->rooms[i].stalls_count * p->wares_count;
    p->seats = arena_alloc(&p->arena, (count + p->spans_count + 1) * sizeof *p->seats);
    if (!p->seats)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->rooms_count; i++)
        add_room_seats(p, i);
    return 0;
}

/* What no line names, nobody holds and no category could use is left out from the start. */
static void add_ware(struct problem *p, const struct artifact *a)
{
    const struct network *net = &p->wish->fleet->network;
    double rate = net->wan_bits ? (double)net->wan_bits : wan_usual;
    double fetch_s = (double)a->bytes * 8 / rate / MOVE_HOURS;
    struct ware w = {
        .artifact = a, .is_declared = problem_is_declared(p, a), .is_held = problem_is_held(p, a)};

    if (!w.is_declared && !w.is_held && !is_wanted_by_any(p, a))
        return;
    if (!w.is_held)
        w.first_s = fetch_s;
    else if (w.is_declared)
        w.none_s = fetch_s * drop_share;
    p->wares[p->wares_count++] = w;
}

static bool is_wanted_by_any(const struct problem *p, const struct artifact *a)
{
    for (uint32_t k = 0; k < p->wants_count; k++)
        if (want_accepts(p, &p->wants[k], a, artifact_context(a)))
            return true;
    return false;
}

static void add_room_seats(struct problem *p, uint32_t index)
{
    struct room *room = &p->rooms[index];

    room->seats_first = p->seats_count;
    for (uint32_t i = 0; i < room->stalls_count; i++)
        for (uint32_t j = 0; j < p->wares_count; j++)
            add_seat(p, index, i, j);
    for (uint32_t i = 0; i < p->spans_count; i++)
        if (p->spans[i].rooms[0] == index)
            add_span_seat(p, &p->spans[i]);
    room->seats_count = p->seats_count - room->seats_first;
    fit_beside(p, room);
    for (uint32_t i = 0; i < room->seats_count; i++)
        reckon(p, &p->seats[room->seats_first + i]);
}

static void add_seat(struct problem *p, uint32_t room, uint32_t stall, uint32_t ware)
{
    const struct machine *m = p->rooms[room].machine;
    const struct fleet_engine *e = p->rooms[room].stalls[stall].engine;
    const struct artifact *a = p->wares[ware].artifact;
    struct seat *s = &p->seats[p->seats_count];

    *s = (struct seat){.room = room, .stall = stall, .ware = ware};
    s->line = problem_line(p, m, e, a);
    s->is_held = problem_is_held_on(p, m, e, a);
    s->is_wanted = s->line || s->is_held;
    if (!is_possible(p, s) || !choose_run(p, s))
        return;
    if (s->line && (s->line->is_pinned || problem_keeps_by_name(s->line, m)) &&
        !s->line->is_optional) {
        s->is_pinned = true;
        s->least = problem_keeps_by_name(s->line, m) ? LEVEL_kept : LEVEL_disk;
    }
    if (s->least == LEVEL_disk && p->rooms[room].stalls[stall].is_process)
        s->least = LEVEL_kept;
    p->seats_count++;
}

/* Always loaded. Its memory was taken off its rooms before; what it has of them is its fit. */
static void add_span_seat(struct problem *p, const struct span *span)
{
    const struct room *room = &p->rooms[span->rooms[0]];
    const struct fleet_engine *e = room->stalls[span->stall].engine;
    const struct artifact *a = p->wares[span->ware].artifact;

    p->seats[p->seats_count++] = (struct seat){
        .room = span->rooms[0],
        .stall = span->stall,
        .ware = span->ware,
        .line = problem_line(p, room->machine, e, a),
        .span = span,
        .run = span->run,
        .need = span->need,
        .fit = span->parts[0].fit,
        .is_held = problem_is_held_on(p, room->machine, e, a),
        .is_wanted = true,
        .least = LEVEL_kept,
    };
}

bool problem_fits_alone(const struct problem *p, uint32_t ware)
{
    for (uint32_t i = 0; i < p->rooms_count; i++)
        for (uint32_t j = 0; j < p->rooms[i].stalls_count; j++) {
            struct seat s = {.room = i, .stall = j, .ware = ware};

            if (is_possible(p, &s) && choose_run(p, &s))
                return true;
        }
    return false;
}

/* An openai engine serves what it was set up for, and only its owner knows that. */
static bool is_possible(const struct problem *p, const struct seat *s)
{
    const struct fleet_engine *e = p->rooms[s->room].stalls[s->stall].engine;
    const struct model *m = p->wares[s->ware].artifact->model;

    return m->engines & 1u << e->kind && !engine_refuses(e, m) &&
           (e->kind != ENGINE_openai || s->line || s->is_held);
}

/* Context as said for this line; else as for the same artifact elsewhere, else the usual, and less
 * of it where that is what fits. */
static bool choose_run(const struct problem *p, struct seat *s)
{
    const struct stall *stall = &p->rooms[s->room].stalls[s->stall];
    const struct artifact *a = p->wares[s->ware].artifact;
    bool is_text = a->model->capabilities & 1u << CAPABILITY_completion;
    uint64_t native = artifact_context(a);

    s->run = running_of(stall->engine, s->line, a, &stall->box);
    if (p->wish->context && is_text) {
        s->run.context = native && native < p->wish->context ? native : p->wish->context;
        return fit_run(p, s);
    }
    if (s->line && s->line->context)
        return fit_run(p, s);
    if (!s->line && !(stall->is_process && running_context(stall->engine)))
        s->run.context = problem_context(p, a);
    while (!fit_run(p, s)) {
        if (s->run.context / 2 < RUNNING_CONTEXT_LEAST)
            return false;
        s->run.context /= 2;
    }
    return true;
}

/* The longest that any line says for it, no more than it can hold. */
uint64_t problem_context(const struct problem *p, const struct artifact *a)
{
    uint64_t context = 0, native = artifact_context(a);

    for (uint32_t i = 0; i < p->lines_count; i++)
        if (p->lines[i].artifact == a && p->lines[i].line->context > context)
            context = p->lines[i].line->context;
    if (!context)
        context = CONTEXT_USUAL;
    return native && context > native ? native : context;
}

static bool fit_run(const struct problem *p, struct seat *s)
{
    const struct stall *stall = &p->rooms[s->room].stalls[s->stall];

    s->need = memory_need_of_artifact(p->wares[s->ware].artifact, &s->run);
    s->fit = fit_on(stall, &s->need);
    return s->fit.kind != FIT_no;
}

/* sd-server's --offload-to-cpu keeps weights in RAM; of the GPU it has only its runtime while idle.
 */
static struct fit fit_on(const struct stall *stall, const struct footprint *need)
{
    const struct box *box = &stall->box;
    uint64_t weights = need->weights + need->kv;

    if (!is_offloaded(stall->engine) || !box->gpu_bytes || box->is_unified)
        return memory_fit(box, need);
    if (weights > box->ram_bytes)
        return (struct fit){.kind = FIT_no, .short_bytes = weights - box->ram_bytes};
    return (struct fit){
        .kind = FIT_gpu, .gpu_share = 1, .gpu_bytes = box->base_bytes, .ram_bytes = weights};
}

static bool is_offloaded(const struct fleet_engine *e)
{
    for (uint32_t i = 0; i < e->args_count; i++)
        if (str_is(e->args[i], "--offload-to-cpu"))
            return true;
    return false;
}

static void reckon(const struct problem *p, struct seat *s)
{
    const struct stall *stall = &p->rooms[s->room].stalls[s->stall];
    const struct artifact *a = p->wares[s->ware].artifact;
    struct load load = speed_load_of(a);

    if (s->span) {
        reckon_span(p, s);
        return;
    }
    s->gpu_bytes = s->fit.gpu_bytes;
    s->ram_bytes = s->fit.ram_bytes + (stall->box.is_unified ? s->fit.gpu_bytes : 0);
    if (stall->has_rule && s->fit.gpu_bytes && !s->is_pinned)
        s->rule_bytes =
            memory_ollama_estimate(&a->model->geometry, a->bytes, &s->run) / RULE_PERCENT * 100;
    s->load_s = speed_load_seconds(&stall->box, &load, false);
    s->prefill_tps = speed_prefill_tps(&stall->box, &load, &s->fit, SPEED_TOKENS);
    if (a->model->capabilities & (1u << CAPABILITY_completion | 1u << CAPABILITY_transcribe))
        s->decode_tps = speed_decode_tps(&stall->box, &load, &s->fit, SPEED_TOKENS, 1);
    reckon_levels(p, s);
}

static void reckon_span(const struct problem *p, struct seat *s)
{
    const struct span *span = s->span;
    struct load load = speed_load_of(p->wares[s->ware].artifact);
    uint64_t lan = p->wish->fleet->network.lan_bits;

    s->load_s = speed_span_load_seconds(span->parts, span->count, &load, lan);
    s->prefill_tps = SPEED_TOKENS /
                     speed_span_prefill_seconds(span->parts, span->count, &load, SPEED_TOKENS, lan);
    s->decode_tps = 1 / speed_span_step_seconds(span->parts, span->count, &load, SPEED_TOKENS, lan);
    reckon_levels(p, s);
}

static void reckon_levels(const struct problem *p, struct seat *s)
{
    const struct network *net = &p->wish->fleet->network;
    double rate = net->lan_bits ? (double)net->lan_bits : lan_usual;
    double bring_s = (double)p->wares[s->ware].artifact->bytes * 8 / rate / MOVE_HOURS;

    s->level_s[LEVEL_none] = s->is_held ? bring_s * drop_share : 0;
    if (s->line && !s->line->is_optional)
        s->level_s[LEVEL_none] += line_s;
    s->level_s[LEVEL_disk] = s->is_held ? 0 : bring_s;
    s->level_s[LEVEL_kept] = s->level_s[LEVEL_disk] + s->load_s * keep_share;
}

bool problem_keeps_by_name(const struct fleet_model *line, const struct machine *m)
{
    for (uint32_t i = 0; i < m->keep_loaded.names_count; i++)
        if (str_equal(m->keep_loaded.names[i], line->pull) ||
            (line->name.len && str_equal(m->keep_loaded.names[i], line->name)))
            return true;
    return false;
}

/* What is there on engines that never unload takes its part first. The rest of the room is fitted
 * into what that leaves, as the engine would: some layers less on the GPU, instead of not at all.
 */
static void fit_beside(struct problem *p, struct room *room)
{
    struct seat *seats = &p->seats[room->seats_first];
    struct box left;

    if (!running_box(p->wish->catalog, &left, room->machine, NULL))
        return;
    left = memory_take(&left, &room->lent);
    for (uint32_t i = 0; i < room->seats_count; i++)
        if (seat_stays(room, &seats[i]) && !seats[i].span && (seats[i].line || seats[i].is_held))
            left = memory_take(&left, &seats[i].fit);
    for (uint32_t i = 0; i < room->seats_count; i++)
        if (!seat_stays(room, &seats[i]))
            fit_into(room, &seats[i], &left);
    fit_pinned(p, room, left);
}

static bool seat_stays(const struct room *room, const struct seat *s)
{
    return room->stalls[s->stall].is_process;
}

/* Where it does not fit at all, it keeps what it would have alone. */
static void fit_into(const struct room *room, struct seat *s, const struct box *box)
{
    const struct stall *stall = &room->stalls[s->stall];
    struct stall seen = {.engine = stall->engine, .box = *box};
    struct fit fit;

    if (!stall->box.gpu_bytes)
        seen.box = box_without_gpu(box);
    fit = fit_on(&seen, &s->need);
    if (fit.kind != FIT_no)
        s->fit = fit;
}

/* What the file insists to keep loaded is fitted one beside the other, largest first: the last may
 * share with RAM a GPU that it would have had for itself. */
static void fit_pinned(struct problem *p, const struct room *room, struct box left)
{
    struct seat *s = NULL;

    while ((s = largest_pinned(p, room, s)) != NULL) {
        fit_into(room, s, &left);
        left = memory_take(&left, &s->fit);
    }
}

/* By weights, the next one below; equal ones in order. */
static struct seat *largest_pinned(struct problem *p, const struct room *room,
                                   const struct seat *below)
{
    struct seat *found = NULL;

    for (uint32_t i = 0; i < room->seats_count; i++) {
        struct seat *s = &p->seats[room->seats_first + i];
        bool is_next = !below || s->need.weights < below->need.weights ||
                       (s->need.weights == below->need.weights && s > below);

        if (s->least == LEVEL_kept && !seat_stays(room, s) && is_next &&
            (!found || s->need.weights > found->need.weights))
            found = s;
    }
    return found;
}
