/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits, in which order, and who begins. */
#include "route/line.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "route/learn.h"
#include "route/line_inside.h"

enum {
    LANE_LOOK_MAX = 8, /* waiting ones of a lane that are reckoned at one event: the others behind
                          them want the same copies */
    ASLEEP_MS = 1000,  /* who can be served by nobody is looked at again then */
};

/* Tokens of an answer before any was seen. */
static const double output_usual = 200;

/* Whoever gives way lets the others have so much service first, and more, so many times what it
 * needs itself: in a line that is too long for everybody's patience most are answered in time
 * instead of everybody late, and of the late ones those that feel it most come first. */
static const double way_s = 2000, way_times = 7;

static struct lane *find_lane(struct line *l, struct str name);
static void know_lane(struct errand *e);
static bool has_hope(const struct board *b, const struct errand *e, uint64_t now_ms);
static void stand(struct line *l, struct errand *e);
static void step_out(struct line *l, struct errand *e);
static void give_way(struct line *l, struct errand *e, uint64_t now_ms);
static void look_at(struct line *l, struct errand *e, uint64_t now_ms);
static void credit_saved(struct board *b, const struct choice *c, bool was_away, uint64_t now_ms);
static void credit_missed(struct board *b, const struct choice *c, uint64_t now_ms);
static void begin_run(struct board *b, const struct errand *e, double load_s,
                      const struct choice *c, uint64_t now_ms);
static void end_run(struct board *b, const struct errand *e);
static void try_breakers(struct board *b, struct errand *e, uint64_t now_ms);
static void learn_output(struct lane *lane, uint32_t tokens);
static struct verdict_change judge(struct line *l, const struct errand *e, enum failure why,
                                   uint64_t now_ms);
static bool failed(struct breaker *b, bool is_trial, uint64_t now_ms,
                   const struct breaker_rules *rules, bool at_once);
static bool succeeded(struct breaker *b, bool is_trial);
static void forget(struct breaker *b, bool is_trial);
static void lose(struct board *b, uint32_t engine, uint64_t now_ms);
static void mark_tried(struct errand *e);
static void count_waiters(struct board *b, const struct errand *e, int by);

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
    l->rules = hooks->rules ? *hooks->rules : bench_rules;
    link_init(&l->waiting);
    link_init(&l->yielding);
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

    if (l->waiting_count >= LINE_WAITING_MAX)
        return -ENOBUFS;
    e->lane = find_lane(l, e->name);
    if (!e->lane)
        return -ENOMEM;
    e->asleep_ms = 0;
    e->entered_ms = now_ms;
    e->gave_way = false;
    budget_earn(&l->hedges, HEDGE_SHARE);
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
    e->asleep_ms = 0;
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
    for (struct link *at = l->waiting.next, *next; at != &l->waiting; at = next) {
        next = at->next;
        CONTAINER(at, struct errand, link)->lane->looked = 0;
        give_way(l, CONTAINER(at, struct errand, link), now_ms);
    }
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

bool line_probed(struct line *l, uint32_t engine, bool is_up, uint64_t now_ms)
{
    struct board_engine *e = &l->board->engines[engine];
    bool is_back = is_up && (e->is_down || e->is_unreachable);

    if (!is_up && !e->is_down)
        lose(l->board, engine, now_ms);
    e->is_down = !is_up;
    if (is_up)
        hint_disprove(&e->down_hint);
    if (!is_back)
        return false;
    e->is_unreachable = false;
    for (uint32_t i = 0; i < l->board->copies_count; i++)
        if (l->board->copies[i].engine == engine && l->board->copies[i].stays)
            board_set(l->board, i, COPY_loaded, now_ms);
    line_wake(l);
    return breaker_succeeded(&e->breaker);
}

void line_wake(struct line *l)
{
    LINK_EACH(&l->waiting, at)
    CONTAINER(at, struct errand, link)->asleep_ms = 0;
}

struct verdict_change line_end(struct line *l, struct errand *e, const struct errand_end *how,
                               uint64_t now_ms)
{
    struct verdict_change change = {0};
    struct board_copy *c;
    bool was_slow;

    assert(e->is_running);
    e->is_running = false;
    if (e->yields)
        link_remove(&e->link);
    if (e->copy == ERRAND_GONE)
        return change;
    c = &l->board->copies[e->copy];
    end_run(l->board, e);
    /* Whoever leaves takes with it the load that was begun for it. */
    if ((how->left || how->why) && e->has_loaded && c->state == COPY_loading)
        board_set(l->board, e->copy, COPY_away, now_ms);
    if (how->why)
        mark_tried(e);
    if (how->left) {
        forget(&c->breaker, e->is_trial_of_copy);
        forget(&l->board->engines[c->engine].breaker, e->is_trial_of_engine);
        return change;
    }
    change = judge(l, e, how->why, now_ms);
    if (e->is_trial_of_copy || e->is_trial_of_engine)
        line_wake(l);
    if (how->why)
        return change;
    if (c->state != COPY_loaded)
        board_set(l->board, e->copy, COPY_loaded, now_ms);
    was_slow = board_is_slow(c);
    if (how->output_tokens && !e->is_opaque)
        learn_output(e->lane, how->output_tokens);
    learn_speeds(l->board, e, how);
    change.copy_slow = !was_slow && board_is_slow(c);
    change.copy_well = was_slow && !board_is_slow(c);
    if (!how->answer_chain || !e->pieces_count)
        return change;
    e->pieces[e->pieces_count] =
        (struct prompt_piece){how->answer_chain, e->prompt_tokens + how->output_tokens};
    affinity_note(l->board->affinity, e->copy, c->slots, e->pieces, e->pieces_count + 1);
    return change;
}

void line_move(struct line *l, struct board *board)
{
    l->board = board;
    l->planned_count = 0;
    LINK_EACH(&l->waiting, at)
    {
        struct errand *e = CONTAINER(at, struct errand, link);

        e->asleep_ms = 0;
        count_waiters(board, e, +1);
    }
}

uint32_t line_waiting(const struct line *l)
{
    return l->waiting_count;
}

uint32_t line_waiting_for(const struct line *l, struct str name)
{
    const struct lane *lane = map_find(&l->lanes, name);

    return lane ? lane->waiting : 0;
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
            r == REJECTION_drained || r == REJECTION_held)
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
    count_waiters(l->board, e, +1);
}

static void step_out(struct line *l, struct errand *e)
{
    link_remove(&e->link);
    e->in_line = false;
    e->lane->waiting--;
    l->waiting_count--;
    count_waiters(l->board, e, -1);
}

/* Its patience is over whatever happens; that of others is not yet. */
static void give_way(struct line *l, struct errand *e, uint64_t now_ms)
{
    if (e->gave_way || (double)(now_ms - e->entered_ms) < e->worth.give_way_s * 1e3)
        return;
    e->gave_way = true;
    e->finish_tag += way_s + way_times * (e->finish_tag - e->start_tag);
    step_out(l, e);
    stand(l, e);
}

static void count_waiters(struct board *b, const struct errand *e, int by)
{
    for (uint32_t i = 0; i < e->options_count && !e->is_aside; i++)
        if (e->options[i].copy != ERRAND_GONE && !e->options[i].tried)
            b->copies[e->options[i].copy].waiters += (uint32_t)by;
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
        line_start(l, e, &c, now_ms);
    } else {
        e->lane->looked++;
        l->planned[l->planned_count++] = c.copy;
        l->board->copies[c.copy].planned_s += c.costs.prompt_s + c.costs.decode_s;
        line_recall(l, e, &c, now_ms);
    }
}

void line_start(struct line *l, struct errand *e, const struct choice *c, uint64_t now_ms)
{
    struct board *b = l->board;
    struct board_copy *copy = &b->copies[c->copy];
    double load_s = copy->state == COPY_away ? c->costs.load_s : 0;

    if (e->in_line)
        step_out(l, e);
    /* As in fair queueing: the service that each who waits could have had meanwhile. */
    l->clock = fmax(l->clock, e->start_tag) +
               (c->costs.prompt_s + c->costs.decode_s) / (l->waiting_count + 1);
    e->copy = c->copy;
    e->is_running = true;
    e->has_loaded = copy->state == COPY_away && !c->costs.is_doubtful;
    e->cached_tokens = c->cached_tokens;
    e->has_begun = e->is_recalled = false;
    e->sent_ms = now_ms;
    e->first_s = c->costs.first_s;
    if (e->yields)
        link_append(&l->yielding, &e->link);
    e->late_s = hedge_late_s(&c->costs, copy, e->prompt_tokens);
    if (e->has_loaded) {
        line_unload(b, &c->costs.load, now_ms);
        board_set(b, c->copy, COPY_loading, now_ms);
    }
    begin_run(b, e, load_s, c, now_ms);
    credit_saved(b, c, e->has_loaded, now_ms);
    copy->is_told = true;
    e->batch_begun = copy->run_count;
    e->at_work_begun = learn_at_work(b, c->copy);
    try_breakers(b, e, now_ms);
    if (e->pieces_count)
        affinity_note(b->affinity, c->copy, copy->slots, e->pieces, e->pieces_count);
    l->hooks.start(l->hooks.ctx, e, c, loads_keep_alive_s(b, c->copy, now_ms));
}

static void begin_run(struct board *b, const struct errand *e, double load_s,
                      const struct choice *c, uint64_t now_ms)
{
    const struct board_run run = {
        .id = e->id,
        .begun_ms = now_ms,
        .work_s = load_s + c->costs.prompt_s + c->costs.decode_s + c->costs.shared_s,
        .weight = e->worth.weight,
    };

    if (e->is_aside)
        b->copies[e->copy].aside_count++;
    else
        board_begin(b, e->copy, &run);
}

static void end_run(struct board *b, const struct errand *e)
{
    if (e->is_aside)
        b->copies[e->copy].aside_count--;
    else
        board_end(b, e->copy, e->id);
}

static void try_breakers(struct board *b, struct errand *e, uint64_t now_ms)
{
    struct board_copy *copy = &b->copies[e->copy];

    e->is_trial_of_copy = breaker_try(&copy->breaker, now_ms);
    e->is_trial_of_engine = breaker_try(&b->engines[copy->engine].breaker, now_ms);
}

/* What is loaded is worth what it spares whoever it serves. */
static void credit_saved(struct board *b, const struct choice *c, bool was_away, uint64_t now_ms)
{
    struct board_copy *copy = &b->copies[c->copy];

    rate_add(&copy->saved, c->saved_s, BOARD_LOADS_S, now_ms);
    rate_add(&copy->saved_lately, c->saved_s, BOARD_LATELY_S, now_ms);
    habit_add(&copy->habit, was_away ? 0 : c->saved_s);
}

/* What is away is worth what it would have spared whoever comes: the wait that lies before them,
 * too. What is loaded for it now is missed by the clock only: it could have been there. */
static void credit_missed(struct board *b, const struct choice *c, uint64_t now_ms)
{
    struct board_copy *missed = c->missed == BOARD_NONE ? NULL : &b->copies[c->missed];

    if (!missed)
        return;
    habit_add(&missed->habit, fmin(c->missed_s, board_load_s(missed)));
    if (c->missed != (int)c->copy)
        rate_add(&missed->missed, c->missed_s, BOARD_LOADS_S, now_ms);
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

/* Whoever is to blame is benched; an attempt that began before the bench says nothing while another
 * one is the trial. */
static struct verdict_change judge(struct line *l, const struct errand *e, enum failure why,
                                   uint64_t now_ms)
{
    struct board_copy *c = &l->board->copies[e->copy];
    struct board_engine *engine = &l->board->engines[c->engine];
    enum blame blame = failure_row(why)->blame;
    struct verdict_change change = {0};

    if (blame == BLAME_machine || blame == BLAME_credential) {
        forget(&c->breaker, e->is_trial_of_copy);
        change.engine_opened = failed(&engine->breaker, e->is_trial_of_engine, now_ms, &l->rules,
                                      why == FAILURE_connect_failed || blame == BLAME_credential);
        engine->is_unreachable = why == FAILURE_connect_failed || why == FAILURE_connect_timeout;
        if (engine->is_unreachable)
            lose(l->board, c->engine, now_ms);
    } else if (blame == BLAME_copy) {
        /* A late answer says that the copy hangs: more tries would hang as well. */
        forget(&engine->breaker, e->is_trial_of_engine);
        change.copy_opened = failed(&c->breaker, e->is_trial_of_copy, now_ms, &l->rules,
                                    why == FAILURE_first_byte_timeout);
    } else {
        change.copy_closed = succeeded(&c->breaker, e->is_trial_of_copy);
        change.engine_closed = succeeded(&engine->breaker, e->is_trial_of_engine);
        hint_disprove(&c->bench_hint);
        hint_disprove(&engine->bench_hint);
        hint_disprove(&engine->down_hint);
        return change;
    }
    if (c->machine != BOARD_NONE)
        rate_add(&l->board->machines[c->machine].failures, 1, BOARD_FAILURES_S, now_ms);
    return change;
}

static bool failed(struct breaker *b, bool is_trial, uint64_t now_ms,
                   const struct breaker_rules *rules, bool at_once)
{
    return (is_trial || !b->trying) && breaker_failed(b, now_ms, rules, at_once);
}

static bool succeeded(struct breaker *b, bool is_trial)
{
    return (is_trial || !b->trying) && breaker_succeeded(b);
}

static void forget(struct breaker *b, bool is_trial)
{
    if (is_trial)
        breaker_forget(b);
}

/* What it had loaded is gone with it. */
static void lose(struct board *b, uint32_t engine, uint64_t now_ms)
{
    for (uint32_t i = 0; i < b->copies_count; i++)
        if (b->copies[i].engine == engine && b->copies[i].machine != BOARD_NONE)
            board_set(b, i, COPY_away, now_ms);
}

static void mark_tried(struct errand *e)
{
    for (uint32_t i = 0; i < e->options_count; i++)
        e->options[i].tried |= e->options[i].copy == e->copy;
}
