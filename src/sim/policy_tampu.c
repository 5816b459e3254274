/* SPDX-License-Identifier: Apache-2.0 */
/* tampu's own policy: route/line on a board, wired to the stage as a gateway wires it to engines.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "route/learn.h"
#include "sim/policy.h"

/* How often engines are asked what they have loaded, and whether they are there; a trace begins at
 * the first midnight of all. */
enum { PROBE_TICKS = 5, DAY_MS = 86400000 };

/* From so many answers of a copy on, what is expected of it is held against what comes; of so many
 * tokens at least. */
enum { KNOWN_AFTER = 20, TELLING_OUTPUT = 8, TELLING_PROMPT = 64 };

/* A request in tampu's hands. */
struct held {
    struct errand errand;
    struct errand_option options[ERRAND_OPTIONS_MAX];
    struct prompt_piece pieces[ERRAND_PIECES_MAX + 1];
    struct link link;
};

struct own {
    struct stage *stage;
    struct board *board;
    struct line *line;
    struct link held;
    uint64_t ticks;
    uint64_t drawn; /* errands so far: their ids */
    bool relaxed, forgets;
    uint32_t *answered; /* by each copy */
};

static void *own_open(struct stage *s, const struct policy *self);
static void own_close(void *p);
static void own_arrived(void *p, struct asker *a);
static void own_began(void *p, struct asker *a);
static void own_ended(void *p, struct asker *a, enum asker_end how);
static void own_loaded(void *p, uint32_t copy, bool is_loaded);
static void own_tick(void *p);

#define OWN \
    .open = own_open, .close = own_close, .arrived = own_arrived, .began = own_began, \
    .ended = own_ended, .loaded = own_loaded, .tick = own_tick

const struct policy policy_tampu = {
    .name = "tampu",
    .what = "the least cost in seconds and money, late bound; evictions and keep_alive are its own",
    OWN,
};

const struct policy policy_relaxed = {
    .name = "relaxed",
    .what = "no real machine: tampu with everything loaded, in memory without end",
    OWN,
    .relaxed = true,
};

const struct policy policy_forgetful = {
    .name = "forgetful",
    .what = "tampu without habits: it loads nothing because of the hour",
    OWN,
    .forgets = true,
};

static void on_start(void *ctx, struct errand *e, const struct choice *choice, double keep_alive_s);
static void on_load(void *ctx, uint32_t copy, const struct load_plan *plan, double keep_alive_s);
static void fill_errand(struct own *o, struct errand *e, struct asker *a);
static void enter(struct own *o, struct asker *a);
static struct errand_end measured(const struct asker *a, enum asker_end how);
static void judge(struct own *o, const struct asker *a, const struct errand_end *end);
static void let_go(struct asker *a);
static void go_on_elsewhere(struct own *o, struct asker *a);
static void probe(struct own *o);
static uint64_t now_ms(const struct own *o);

static void *own_open(struct stage *s, const struct policy *self)
{
    struct own *o = memory_need(1, sizeof *o);
    const struct board *facts = stage_facts(s);

    o->stage = s;
    o->relaxed = self->relaxed;
    o->forgets = self->forgets;
    link_init(&o->held);
    o->board = board_new(facts->view);
    o->line =
        o->board
            ? line_new(o->board, &(struct line_hooks){.start = on_start, .load = on_load, .ctx = o})
            : NULL;
    assert(o->line);
    o->answered = memory_need(o->board->copies_count + 1, sizeof *o->answered);
    for (uint32_t i = 0; i < o->board->copies_count; i++)
        if (o->board->copies[i].machine != BOARD_NONE && o->board->copies[i].rules.on_demand &&
            stage_is_loaded(s, i))
            board_set(o->board, i, COPY_loaded, 0);
    return o;
}

static void own_close(void *p)
{
    struct own *o = p;

    while (!link_is_empty(&o->held)) {
        struct held *h = CONTAINER(o->held.next, struct held, link);

        link_remove(&h->link);
        free(h);
    }
    free(o->answered);
    line_free(o->line);
    board_free(o->board);
    free(o);
}

static void own_arrived(void *p, struct asker *a)
{
    struct own *o = p;
    struct held *h = memory_need(1, sizeof *h);

    link_append(&o->held, &h->link);
    a->of_policy = h;
    h->errand.options = h->options;
    h->errand.pieces = h->pieces;
    fill_errand(o, &h->errand, a);
    enter(o, a);
    line_settle(o->line, now_ms(o));
}

static void own_began(void *p, struct asker *a)
{
    struct own *o = p;

    if (a->visit && o->board->copies[a->copy].state == COPY_loading) {
        line_loaded(o->line, a->copy, true, now_ms(o));
        line_settle(o->line, now_ms(o));
    }
}

static void own_ended(void *p, struct asker *a, enum asker_end how)
{
    struct own *o = p;
    struct errand *e = &((struct held *)a->of_policy)->errand;
    struct errand_end end = measured(a, how);

    if (how == ASKER_done && o->answered[a->copy]++ >= KNOWN_AFTER)
        judge(o, a, &end);
    line_end(o->line, e, &end, now_ms(o));
    if (how == ASKER_done)
        let_go(a);
    else
        go_on_elsewhere(o, a);
    line_settle(o->line, now_ms(o));
}

static void own_loaded(void *p, uint32_t copy, bool is_loaded)
{
    struct own *o = p;

    line_loaded(o->line, copy, is_loaded, now_ms(o));
}

static void own_tick(void *p)
{
    struct own *o = p;

    if (o->ticks++ % PROBE_TICKS == 0)
        probe(o);
    if (!o->forgets)
        board_tell_time(o->board, now_ms(o), DAY_MS + (int64_t)now_ms(o));
    line_settle(o->line, now_ms(o));
    if (!o->relaxed)
        line_preload(o->line, false, now_ms(o));
}

static void on_start(void *ctx, struct errand *e, const struct choice *choice, double keep_alive_s)
{
    struct own *o = ctx;

    for (uint32_t i = 0; i < choice->costs.load.victims_count; i++)
        stage_unload(o->stage, choice->costs.load.victims[i]);
    stage_send(e->owner, choice->copy, keep_alive_s);
}

static void on_load(void *ctx, uint32_t copy, const struct load_plan *plan, double keep_alive_s)
{
    struct own *o = ctx;

    for (uint32_t i = 0; i < plan->victims_count; i++)
        stage_unload(o->stage, plan->victims[i]);
    stage_load(o->stage, copy, keep_alive_s);
}

static void fill_errand(struct own *o, struct errand *e, struct asker *a)
{
    const struct stage_options_of *options = stage_options_for(o->stage, a->row->demand);
    const struct demand_row *d = &demands[a->row->demand];

    e->id = ++o->drawn;
    for (uint32_t i = 0; i < options->count; i++)
        e->options[e->options_count++] =
            (struct errand_option){.copy = options->rows[i].copy,
                                   .parity = (uint16_t)options->rows[i].parity,
                                   .sizes = options->rows[i].sizes};
    for (uint32_t i = 0; i < a->row->pieces_count; i++)
        e->pieces[e->pieces_count++] = a->pieces[i];
    e->prompt_tokens = e->prompt_least = a->row->prompt_tokens;
    e->output_max = a->row->output_tokens ? 0 : 1;
    e->name = str_from(d->name);
    e->key = a->row->key;
    e->worth = worth_usual;
    if (stage_has_slo(o->stage)) {
        e->worth.deadline_s = e->worth.give_way_s = d->first_slo_s;
        e->worth.pace_s = d->token_slo_s;
    }
    e->cloud_closed = !stage_cloud_left(o->stage);
    e->owner = a;
}

static void enter(struct own *o, struct asker *a)
{
    struct held *h = a->of_policy;

    if (line_enter(o->line, &h->errand, now_ms(o)) == 0)
        return;
    let_go(a);
    stage_lose(a);
}

static void let_go(struct asker *a)
{
    struct held *h = TAKE(a->of_policy);

    link_remove(&h->link);
    free(h);
}

/* As an engine reports of itself: load, prompt and decoding. */
static struct errand_end measured(const struct asker *a, enum asker_end how)
{
    const struct visit *v = a->visit;
    struct errand_end end = {.why = how == ASKER_done            ? FAILURE_none
                                    : !v && how == ASKER_refused ? FAILURE_connect_failed
                                                                 : FAILURE_upstream_gone};

    if (!v) {
        end.output_tokens = a->row->output_tokens;
        return end;
    }
    end.load_s = (v->ready_ms - v->start_ms) / 1e3;
    end.prompt_s = (v->first_ms - v->slot_ms) / 1e3;
    end.decode_s = (v->end_ms - v->first_ms) / 1e3;
    end.cached_tokens = v->cached_tokens;
    end.output_tokens = v->tokens_done;
    end.answer_chain = v->answer_chain;
    return end;
}

/* What was believed before this answer. Only of what ran alone: there is one truth then. */
static void judge(struct own *o, const struct asker *a, const struct errand_end *end)
{
    const struct errand *e = &((struct held *)a->of_policy)->errand;
    const struct board_copy *c = &o->board->copies[a->copy];
    double prompt = e->prompt_tokens, fresh = prompt - end->cached_tokens;
    double context = prompt + end->output_tokens / 2.0;

    if (!a->visit || c->machine == BOARD_NONE)
        return;
    if (e->has_loaded)
        stage_judge(o->stage, ESTIMATE_load, board_load_s(c), end->load_s);
    if (e->at_work_begun != 1 || e->batch_begun != 1 || c->run_count != 1 ||
        learn_at_work(o->board, a->copy) != 1)
        return;
    if (fresh >= TELLING_PROMPT)
        stage_judge(o->stage, ESTIMATE_prompt,
                    expect_prompt_s(&c->expected, fresh, end->cached_tokens) *
                        estimate_ratio(&c->estimate, ESTIMATE_prompt, prompt),
                    end->prompt_s);
    if (end->output_tokens >= TELLING_OUTPUT)
        stage_judge(o->stage, ESTIMATE_decode,
                    expect_step_s(&c->expected, 1, context) *
                        estimate_ratio(&c->estimate, ESTIMATE_decode, context),
                    end->decode_s / (end->output_tokens - 1));
}

/* What was said is read as a prompt elsewhere, and only the rest is asked for. */
static void go_on_elsewhere(struct own *o, struct asker *a)
{
    struct errand *e = &((struct held *)a->of_policy)->errand;

    e->prompt_tokens = e->prompt_least = a->row->prompt_tokens + a->said;
    if (line_again(o->line, e, now_ms(o)) == 0)
        return;
    let_go(a);
    stage_lose(a);
}

static void probe(struct own *o)
{
    for (uint32_t i = 0; i < o->board->engines_count; i++)
        if (o->board->engines[i].facts->machine)
            line_probed(o->line, i,
                        stage_is_up(o->stage, o->board->engines[i].facts->machine_index),
                        now_ms(o));
    for (uint32_t i = 0; i < o->board->copies_count; i++) {
        const struct board_copy *c = &o->board->copies[i];

        if (c->machine == BOARD_NONE || !c->rules.on_demand || c->run_count ||
            c->state == COPY_loading || !stage_is_up(o->stage, (uint32_t)c->machine))
            continue;
        if (stage_is_loaded(o->stage, i) != (c->state == COPY_loaded))
            line_loaded(o->line, i, c->state != COPY_loaded, now_ms(o));
    }
}

static uint64_t now_ms(const struct own *o)
{
    return (uint64_t)(stage_now_s(o->stage) * 1e3);
}
