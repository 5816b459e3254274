/* SPDX-License-Identifier: Apache-2.0 */
/* The stage's machines: made of a view, with true speeds that nobody knows. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sim/chance.h"
#include "sim/pace.h"
#include "sim/stage_inside.h"

/* What is imagined to have no end. */
static const uint64_t endless_bytes = UINT64_C(1) << 50;

/* Requests that one load serves, where the plan does not keep a copy loaded: an assumption. */
static const double requests_a_load = 3;

static void add_copies(struct stage *s);
static int add_options(struct stage *s, uint32_t demand, struct err *err);
static void raise_machine(struct stage *s, uint32_t index);
static void warm(struct stage *s, uint32_t index);
static void pace(void *ctx, const struct pace_asked *asked, struct pace *ret);
static double occupies_s(const struct stage *s, uint32_t copy, const struct trace_row *row);

struct stage *stage_new(const struct view *view, const struct stage_options *options,
                        struct err *err)
{
    struct stage *s = memory_need(1, sizeof *s);

    s->view = view;
    s->options = *options;
    s->facts = board_new(view);
    if (!s->facts) {
        err_set(err, -ENOMEM, "out of memory");
        stage_free(s);
        return NULL;
    }
    s->machines = memory_need(s->facts->machines_count + 1, sizeof *s->machines);
    s->copies = memory_need(s->facts->copies_count + 1, sizeof *s->copies);
    add_copies(s);
    for (uint32_t i = 0; i < DEMANDS; i++)
        if (add_options(s, i, err) < 0) {
            stage_free(s);
            return NULL;
        }
    return s;
}

void stage_free(struct stage *s)
{
    if (!s)
        return;
    board_free(s->facts);
    free(s->machines);
    free(s->copies);
    free(s);
}

/* Largest first, each where the busiest machine stays least busy: a good bound, not the best. */
double stage_capacity_per_s(const struct stage *s, const struct trace *t)
{
    enum { SAMPLE = 3000 };
    uint32_t stride = t->count / SAMPLE + 1, counted = 0;
    double *busy_s = memory_need(s->facts->machines_count + 1, sizeof *busy_s);
    double most_s = 0;

    for (uint32_t i = 0; i < t->count; i += stride) {
        const struct trace_row *row = &t->rows[i];
        const struct stage_options_of *o = &s->options_of[row->demand];
        double best_s = INFINITY;
        int best = BOARD_NONE;

        for (uint32_t k = 0; k < o->count; k++) {
            int machine = s->facts->copies[o->rows[k].copy].machine;
            double sum_s;

            if (machine == BOARD_NONE)
                continue;
            sum_s = busy_s[machine] + occupies_s(s, o->rows[k].copy, row);
            if (sum_s < best_s) {
                best_s = sum_s;
                best = machine;
            }
        }
        if (best == BOARD_NONE)
            continue;
        busy_s[best] = best_s;
        most_s = fmax(most_s, best_s);
        counted++;
    }
    free(busy_s);
    return most_s > 0 ? counted / most_s : 0;
}

void stage_cut(const struct stage *s, struct trace *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        struct trace_row *row = &t->rows[i];
        const struct stage_options_of *o = &s->options_of[row->demand];
        uint32_t most = 0;

        for (uint32_t k = 0; k < o->count; k++)
            if (s->facts->copies[o->rows[k].copy].expected.context > most)
                most = s->facts->copies[o->rows[k].copy].expected.context;
        if (!most || row->prompt_tokens + row->output_tokens <= most)
            continue;
        if (row->output_tokens > most / 2)
            row->output_tokens = most / 2;
        row->prompt_tokens = most - row->output_tokens;
        for (uint32_t k = 0; k < row->pieces_count; k++)
            if (t->pieces[row->pieces + k].tokens > row->prompt_tokens)
                t->pieces[row->pieces + k].tokens = row->prompt_tokens;
    }
}

void stage_raise(struct stage *s)
{
    for (uint32_t i = 0; i < s->facts->machines_count; i++)
        if (machine_serves(s->facts->machines[i].facts))
            raise_machine(s, i);
}

void stage_raze(struct stage *s)
{
    for (uint32_t i = 0; i < s->facts->machines_count; i++) {
        world_free(s->machines[i].world);
        s->machines[i].world = NULL;
    }
}

/* On the best machine, idle, loaded, with nothing cached: what a request could take at least. */
double stage_ideal_s(const struct stage *s, const struct trace_row *row)
{
    const struct stage_options_of *o = &s->options_of[row->demand];
    double best_s = INFINITY;

    for (uint32_t i = 0; i < o->count; i++) {
        const struct board_copy *c = &s->facts->copies[o->rows[i].copy];

        if (c->machine != BOARD_NONE)
            best_s = fmin(best_s, expect_prompt_s(&c->expected, row->prompt_tokens, 0) +
                                      row->output_tokens *
                                          expect_step_s(&c->expected, 1, row->prompt_tokens));
    }
    return best_s;
}

double stage_first_s(const struct stage *s, const struct trace_row *row)
{
    const struct stage_options_of *o = &s->options_of[row->demand];
    double best_s = INFINITY;

    for (uint32_t i = 0; i < o->count; i++) {
        const struct board_copy *c = &s->facts->copies[o->rows[i].copy];

        if (c->machine != BOARD_NONE)
            best_s = fmin(best_s, expect_prompt_s(&c->expected, row->prompt_tokens, 0));
    }
    return best_s;
}

static void add_copies(struct stage *s)
{
    struct chance c = chance_of(s->options.seed, "speeds");

    for (uint32_t i = 0; i < s->facts->copies_count; i++) {
        const struct board_copy *facts = &s->facts->copies[i];
        const struct artifact *a = facts->facts->artifact;
        double unknown = s->options.unknown;

        s->copies[i] = (struct stage_copy){.copy = i,
                                           .compute_factor = chance_size(&c, 1, unknown),
                                           .memory_factor = chance_size(&c, 1, unknown),
                                           .disk_factor = chance_size(&c, 1, unknown)};
        if (facts->machine == BOARD_NONE || !a)
            continue;
        s->copies[i].engine = (unsigned)(facts->facts->engine - facts->facts->machine->engines);
        s->copies[i].num_ctx = (uint32_t)facts->facts->context;
        s->copies[i].artifact = (struct world_artifact){
            .name = a->tag, .bytes = a->bytes, .one_slot = expect_is_single(a)};
    }
}

/* A category that the fleet has, else the other one; none: such requests are lost. */
static int add_options(struct stage *s, uint32_t demand, struct err *err)
{
    struct stage_options_of *o = &s->options_of[demand];
    struct str name = str_from(demands[demand].name);
    struct candidates *found = memory_need(1, sizeof *found);
    int r;

    if (!fleet_category(s->view->fleet, name))
        name = str_from(demands[demand].otherwise);
    r = candidates_find(found, s->view, name, 0, err);
    for (uint32_t i = 0; r == 0 && i < found->count; i++) {
        const struct copy *copy = found->rows[i].copy;
        const struct board_copy *facts = &s->facts->copies[copy->index];

        if (facts->machine == BOARD_NONE ? s->options.cloud_share > 0
                                         : facts->fits && facts->rules.on_demand)
            o->rows[o->count++] =
                (struct stage_option){copy->index, found->rows[i].parity, found->rows[i].sizes};
    }
    free(found);
    return r == -ENOENT || r == -ENOTSUP ? 0 : r;
}

static void raise_machine(struct stage *s, uint32_t index)
{
    struct stage_machine *m = &s->machines[index];
    const struct machine *facts = s->facts->machines[index].facts;
    struct box box = s->facts->machines[index].box;

    m->stage = s;
    m->next_s = -1;
    m->is_dead = false;
    if (s->plays_relaxed)
        box.gpu_bytes = box.ram_bytes = endless_bytes;
    m->world =
        world_new(&box, &(struct world_hooks){.pace = pace, .on_visit = stage_on_visit, .ctx = m});
    world_leap(m->world);
    for (uint32_t i = 0; i < facts->engines_count && i < BOARD_LOADED_MAX; i++) {
        struct world_engine engine;

        engine_rules_read(&m->rules[i], &facts->engines[i]);
        engine = pace_engine(&m->rules[i]);
        if (s->options.keeps || s->plays_relaxed)
            engine.keep_alive_ms = -1;
        if (s->plays_relaxed)
            engine.max_loaded = UINT32_MAX;
        world_add_engine(m->world, &engine);
    }
    warm(s, index);
}

/* What the plan keeps loaded there has been loaded for long. */
static void warm(struct stage *s, uint32_t index)
{
    for (uint32_t i = 0; i < s->facts->copies_count; i++) {
        const struct board_copy *c = &s->facts->copies[i];

        if (c->machine == (int)index && c->rules.on_demand && c->fits &&
            (c->wanted || s->plays_relaxed))
            world_warm(s->machines[index].world, s->copies[i].engine, &s->copies[i].artifact,
                       s->copies[i].num_ctx, 0);
    }
}

static void pace(void *ctx, const struct pace_asked *asked, struct pace *ret)
{
    const struct stage_machine *m = ctx;
    const struct stage_copy *c = CONTAINER(asked->artifact, struct stage_copy, artifact);
    const struct board_copy *facts = &m->stage->facts->copies[c->copy];
    const struct box *box = &m->stage->facts->machines[facts->machine].box;
    struct pace_asked alone = *asked;

    if (m->stage->plays_relaxed)
        alone.free = *box;
    pace_reckon(ret, box, &m->rules[asked->engine], facts->facts->artifact, &alone);
    ret->box.gpu_gbs *= c->memory_factor;
    ret->box.cpu_gbs *= c->memory_factor;
    ret->box.gpu_tps_max *= c->memory_factor;
    ret->box.gpu_tflops *= c->compute_factor;
    ret->box.cpu_tflops *= c->compute_factor;
    ret->box.disk_gbs = (ret->box.disk_gbs > 0 ? ret->box.disk_gbs : 1) * c->disk_factor;
}

/* Of its machine, when all slots decode together. What the plan does not keep loaded pays its part
 * of a load. */
static double occupies_s(const struct stage *s, uint32_t copy, const struct trace_row *row)
{
    const struct board_copy *c = &s->facts->copies[copy];
    double context = row->prompt_tokens + row->output_tokens / 2.0;
    double load_s = c->wanted ? 0 : c->expected.load_s / requests_a_load;

    return load_s + expect_prompt_s(&c->expected, row->prompt_tokens, 0) +
           row->output_tokens * expect_step_s(&c->expected, c->slots, context) / c->slots;
}
