/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits, in which order, and who begins. */
#include "route/line.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/map.h"

enum {
    KEYS = 1024,  /* fingerprints share a place: fairness between those is lost, memory is not */
    OUTPUTS = 32, /* the last answers of a lane whose mean is expected of the next */
    LANE_LOOK_MAX = 8, /* waiting ones of a lane that are reckoned at one event: the others behind
                          them want the same copies */
    PLANNED_MAX = 512, /* copies that work is planned on at one event; nobody behind is looked at */
    ASLEEP_MS = 1000,  /* who can be served by nobody is looked at again then */
};

/* Tokens of an answer before any was seen. */
static const double output_usual = 200;

/* One for each name that is asked for. */
struct lane {
    struct str name;
    uint32_t outputs[OUTPUTS];
    uint32_t count, next;
    double output_tokens;
    uint32_t waiting;
    uint32_t looked; /* at this event */
};

struct line {
    struct board *board;
    struct line_hooks hooks;
    struct link waiting; /* by finish_tag */
    uint32_t waiting_count;
    struct map lanes;
    uint32_t planned[PLANNED_MAX]; /* copies with work that was planned at this event */
    uint32_t planned_count;
    double key_tags[KEYS];
    double clock; /* virtual: the service that a key which always waits has had */
    bool settling;
};

static struct lane *find_lane(struct line *l, struct str name);
static void know_lane(struct errand *e);
static bool has_hope(const struct board *b, const struct errand *e, uint64_t now_ms);
static void stand(struct line *l, struct errand *e);
static void step_out(struct line *l, struct errand *e);
static void look_at(struct line *l, struct errand *e, uint64_t now_ms);
static void start(struct line *l, struct errand *e, const struct choice *c, uint64_t now_ms);
static void credit_saved(struct board *b, const struct choice *c, uint64_t now_ms);
static void credit_missed(struct board *b, const struct choice *c, uint64_t now_ms);
static bool is_alone(const struct board *b, uint32_t copy);
static void learn(struct line *l, const struct errand *e, const struct errand_end *how);
static void learn_output(struct lane *lane, uint32_t tokens);
static void judge(struct line *l, const struct errand *e, const struct errand_end *how,
                  uint64_t now_ms);
static void forget(struct board *b, uint32_t copy);
static void unload_victims(struct board *b, const struct load_plan *plan, uint64_t now_ms);

/* Three failures in a row bench a copy; nobody listening benches its machine at once. */
static const struct breaker_rules bench_rules = {
    .failures = 3, .cooldown_ms = 2000, .cooldown_max_ms = 60000};

struct line *line_new(struct board *board, const struct line_hooks *hooks)
{
    struct line *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->board = board;
    l->hooks = *hooks;
    link_init(&l->waiting);
    return l;
}

void line_free(struct line *l)
{
    if (!l)
        return;
    map_each(&l->lanes, free);
    map_fini(&l->lanes);
    free(l);
}

int line_enter(struct line *l, struct errand *e, uint64_t now_ms)
{
    double service_s = 0, *key = &l->key_tags[e->key % KEYS];
    struct choice c;

    if (l->waiting_count >= LINE_MAX)
        return -ENOBUFS;
    e->lane = find_lane(l, e->name);
    if (!e->lane)
        return -ENOMEM;
    e->asleep_ms = 0;
    know_lane(e);
    if (choice_make(&c, l->board, e, now_ms)) {
        service_s = (c.costs.prompt_s + c.costs.decode_s) / e->worth.weight;
        credit_missed(l->board, &c, now_ms);
    } else if (!has_hope(l->board, e, now_ms))
        return -EAGAIN;
    e->start_tag = fmax(l->clock, *key);
    e->finish_tag = *key = e->start_tag + service_s;
    stand(l, e);
    return 0;
}

int line_again(struct line *l, struct errand *e, uint64_t now_ms)
{
    for (uint32_t i = 0; i < e->options_count; i++)
        e->options[i].tried |= e->options[i].copy == e->copy;
    if (!has_hope(l->board, e, now_ms))
        return -EAGAIN;
    stand(l, e);
    return 0;
}

void line_leave(struct line *l, struct errand *e, uint64_t now_ms)
{
    if (e->is_running)
        line_end(l, e, &(struct errand_end){.left = true}, now_ms);
    if (e->in_line)
        step_out(l, e);
}

void line_settle(struct line *l, uint64_t now_ms)
{
    assert(!l->settling);
    l->settling = true;
    while (l->planned_count)
        l->board->copies[l->planned[--l->planned_count]].planned_s = 0;
    LINK_EACH(&l->waiting, at)
    CONTAINER(at, struct errand, link)->lane->looked = 0;
    for (struct link *at = l->waiting.next, *next; at != &l->waiting; at = next) {
        next = at->next;
        look_at(l, CONTAINER(at, struct errand, link), now_ms);
    }
    l->settling = false;
}

void line_loaded(struct line *l, uint32_t copy, bool is_loaded, uint64_t now_ms)
{
    board_set(l->board, copy, is_loaded ? COPY_loaded : COPY_away, now_ms);
}

void line_probed(struct line *l, uint32_t machine, bool is_up, uint64_t now_ms)
{
    struct board_machine *m = &l->board->machines[machine];

    if (m->is_down == !is_up)
        return;
    m->is_down = !is_up;
    if (is_up) {
        breaker_succeeded(&m->breaker);
        LINK_EACH(&l->waiting, at)
        CONTAINER(at, struct errand, link)->asleep_ms = 0;
        return;
    }
    while (m->loaded_count)
        board_set(l->board, m->loaded[0], COPY_away, now_ms);
}

void line_end(struct line *l, struct errand *e, const struct errand_end *how, uint64_t now_ms)
{
    assert(e->is_running);
    board_end(l->board, e->copy, e->id);
    e->is_running = false;
    if (how->left) {
        forget(l->board, e->copy);
        return;
    }
    judge(l, e, how, now_ms);
    if (how->why != FAILURE_none)
        return;
    if (l->board->copies[e->copy].state != COPY_loaded)
        board_set(l->board, e->copy, COPY_loaded, now_ms);
    learn(l, e, how);
    if (!how->answer_chain || !e->pieces_count)
        return;
    e->pieces[e->pieces_count] =
        (struct prompt_piece){how->answer_chain, e->prompt_tokens + how->output_tokens};
    affinity_note(l->board->affinity, e->copy, l->board->copies[e->copy].slots, e->pieces,
                  e->pieces_count + 1);
}

void line_preload(struct line *l, uint64_t now_ms)
{
    struct board *b = l->board;

    for (uint32_t i = 0; i < b->machines_count && l->hooks.load; i++) {
        int copy = loads_idle(b, i, now_ms);
        struct load_plan plan;

        if (copy == BOARD_NONE || !board_is_open(b, (uint32_t)copy, now_ms))
            continue;
        loads_reckon(&plan, b, (uint32_t)copy, now_ms);
        unload_victims(b, &plan, now_ms);
        board_set(b, (uint32_t)copy, COPY_loading, now_ms);
        l->hooks.load(l->hooks.ctx, (uint32_t)copy, &plan,
                      loads_keep_alive_s(b, (uint32_t)copy, now_ms));
    }
}

uint32_t line_waiting(const struct line *l)
{
    return l->waiting_count;
}

double line_estimate_s(struct line *l, struct errand *e, uint64_t now_ms)
{
    struct choice c;

    e->lane = find_lane(l, e->name);
    if (!e->lane)
        return INFINITY;
    know_lane(e);
    return choice_make(&c, l->board, e, now_ms) ? c.costs.first_s : INFINITY;
}

static struct lane *find_lane(struct line *l, struct str name)
{
    struct lane *lane = map_find(&l->lanes, name);

    if (lane || !(lane = calloc(1, sizeof *lane + name.len + 1)))
        return lane;
    memcpy(lane + 1, name.data, name.len);
    lane->name = str_slice((char *)(lane + 1), name.len);
    lane->output_tokens = output_usual;
    if (map_put(&l->lanes, lane->name, lane) == 0)
        return lane;
    free(lane);
    return NULL;
}

static void know_lane(struct errand *e)
{
    e->output_tokens = e->lane->output_tokens;
    e->company = e->lane->waiting + !e->in_line;
}

/* What keeps a candidate away may pass: it is down, or benched. */
static bool has_hope(const struct board *b, const struct errand *e, uint64_t now_ms)
{
    for (uint32_t i = 0; i < e->options_count; i++) {
        enum rejection r = choice_rejects(b, e, i, now_ms);

        if (r == REJECTION_none || r == REJECTION_down || r == REJECTION_benched ||
            r == REJECTION_drained)
            return true;
    }
    return false;
}

/* From the end: most come with the largest tag. */
static void stand(struct line *l, struct errand *e)
{
    struct link *before = l->waiting.prev;

    while (before != &l->waiting &&
           CONTAINER(before, struct errand, link)->finish_tag > e->finish_tag)
        before = before->prev;
    link_append(before->next, &e->link);
    e->in_line = true;
    e->lane->waiting++;
    l->waiting_count++;
}

static void step_out(struct line *l, struct errand *e)
{
    link_remove(&e->link);
    e->in_line = false;
    e->lane->waiting--;
    l->waiting_count--;
}

/* Begins, or is expected where it would cost least, so that those behind it reckon with it. */
static void look_at(struct line *l, struct errand *e, uint64_t now_ms)
{
    struct choice c;

    if (e->lane->looked >= LANE_LOOK_MAX || e->asleep_ms > now_ms ||
        l->planned_count == PLANNED_MAX)
        return;
    know_lane(e);
    /* It does not count as looked at: those behind it may be served by others. */
    if (!choice_make(&c, l->board, e, now_ms)) {
        e->asleep_ms = now_ms + ASLEEP_MS;
    } else if (c.costs.starts_now) {
        start(l, e, &c, now_ms);
    } else {
        e->lane->looked++;
        l->planned[l->planned_count++] = c.copy;
        l->board->copies[c.copy].planned_s += c.costs.prompt_s + c.costs.decode_s;
    }
}

static void start(struct line *l, struct errand *e, const struct choice *c, uint64_t now_ms)
{
    struct board *b = l->board;
    struct board_copy *copy = &b->copies[c->copy];
    double load_s = copy->state == COPY_away ? c->costs.load_s : 0;

    step_out(l, e);
    /* As in fair queueing: the service that each who waits could have had meanwhile. */
    l->clock = fmax(l->clock, e->start_tag) +
               (c->costs.prompt_s + c->costs.decode_s) / (l->waiting_count + 1);
    e->copy = c->copy;
    e->is_running = true;
    e->has_loaded = copy->state == COPY_away;
    if (e->has_loaded) {
        unload_victims(b, &c->costs.load, now_ms);
        board_set(b, c->copy, COPY_loading, now_ms);
    }
    board_begin(b, c->copy,
                &(struct board_run){.id = e->id,
                                    .begun_ms = now_ms,
                                    .work_s = load_s + c->costs.prompt_s + c->costs.decode_s +
                                              c->costs.shared_s,
                                    .weight = e->worth.weight});
    credit_saved(b, c, now_ms);
    e->batch_begun = copy->run_count;
    e->was_alone = is_alone(b, c->copy);
    breaker_try(&copy->breaker, now_ms);
    if (copy->machine != BOARD_NONE)
        breaker_try(&b->machines[copy->machine].breaker, now_ms);
    if (e->pieces_count)
        affinity_note(b->affinity, c->copy, copy->slots, e->pieces, e->pieces_count);
    l->hooks.start(l->hooks.ctx, e, c, loads_keep_alive_s(b, c->copy, now_ms));
}

/* What is loaded is worth what it spares whoever it serves. */
static void credit_saved(struct board *b, const struct choice *c, uint64_t now_ms)
{
    struct board_copy *copy = &b->copies[c->copy];

    rate_add(&copy->saved, c->saved_s, BOARD_LOADS_S, now_ms);
    rate_add(&copy->saved_lately, c->saved_s, BOARD_LATELY_S, now_ms);
}

/* What is away is worth what it would have spared whoever comes: the wait that lies before them,
 * too. */
static void credit_missed(struct board *b, const struct choice *c, uint64_t now_ms)
{
    if (c->missed != BOARD_NONE && c->missed != (int)c->copy)
        rate_add(&b->copies[c->missed].missed, c->missed_s, BOARD_LOADS_S, now_ms);
}

/* No other copy computes on its machine: only then do durations say something about this one. */
static bool is_alone(const struct board *b, uint32_t copy)
{
    const struct board_machine *m;

    if (b->copies[copy].machine == BOARD_NONE)
        return true;
    m = &b->machines[b->copies[copy].machine];
    for (uint32_t i = 0; i < m->loaded_count; i++)
        if (m->loaded[i] != copy && b->copies[m->loaded[i]].run_count)
            return false;
    return true;
}

static void learn(struct line *l, const struct errand *e, const struct errand_end *how)
{
    struct board_copy *c = &l->board->copies[e->copy];
    double prompt = e->prompt_tokens, fresh = prompt - how->cached_tokens;
    double context = prompt + how->output_tokens / 2.0;

    learn_output(e->lane, how->output_tokens);
    if (e->has_loaded)
        estimate_learn(&c->estimate, ESTIMATE_load, 0, how->load_s, c->expected.load_s);
    if (!e->was_alone || !is_alone(l->board, e->copy) || c->machine == BOARD_NONE)
        return;
    if (c->run_count == 0 && e->batch_begun == 1)
        estimate_learn(&c->estimate, ESTIMATE_prompt, prompt, how->prompt_s,
                       expect_prompt_s(&c->expected, fresh > 1 ? fresh : 1, how->cached_tokens));
    if (c->run_count + 1 == e->batch_begun && how->output_tokens > 1)
        estimate_learn(&c->estimate, ESTIMATE_decode, context,
                       how->decode_s / (how->output_tokens - 1),
                       expect_step_s(&c->expected, e->batch_begun, context));
}

/* The mean: waiting behind answers adds them up, and means add up. */
static void learn_output(struct lane *lane, uint32_t tokens)
{
    double sum = 0;

    lane->outputs[lane->next] = tokens;
    lane->next = (lane->next + 1) % OUTPUTS;
    if (lane->count < OUTPUTS)
        lane->count++;
    for (uint32_t i = 0; i < lane->count; i++)
        sum += lane->outputs[i];
    lane->output_tokens = sum / lane->count;
}

static void judge(struct line *l, const struct errand *e, const struct errand_end *how,
                  uint64_t now_ms)
{
    struct board_copy *c = &l->board->copies[e->copy];
    struct board_machine *m = c->machine == BOARD_NONE ? NULL : &l->board->machines[c->machine];

    if (how->why == FAILURE_none) {
        breaker_succeeded(&c->breaker);
        if (m)
            breaker_succeeded(&m->breaker);
        return;
    }
    breaker_failed(&c->breaker, now_ms, &bench_rules, false);
    if (c->state == COPY_loading)
        board_set(l->board, e->copy, COPY_away, now_ms);
    if (!m)
        return;
    rate_add(&m->failures, 1, BOARD_FAILURES_S, now_ms);
    if (!how->unreachable)
        return;
    breaker_failed(&m->breaker, now_ms, &bench_rules, true);
    while (m->loaded_count)
        board_set(l->board, m->loaded[0], COPY_away, now_ms);
}

/* What ended says nothing about the copy and its machine. */
static void forget(struct board *b, uint32_t copy)
{
    breaker_forget(&b->copies[copy].breaker);
    if (b->copies[copy].machine != BOARD_NONE)
        breaker_forget(&b->machines[b->copies[copy].machine].breaker);
}

static void unload_victims(struct board *b, const struct load_plan *plan, uint64_t now_ms)
{
    for (uint32_t i = 0; i < plan->victims_count; i++)
        board_set(b, plan->victims[i], COPY_away, now_ms);
}
