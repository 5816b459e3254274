/* SPDX-License-Identifier: Apache-2.0 */
/* The live state behind every routing decision. */
#include "route/traffic_inside.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "route/learn.h"

/* For each copy and engine of a view, the number that it has on the present board. */
struct origins {
    int *copies, *engines;
};

enum { LEARNED_MIN = 3 }; /* measurements from which on a speed counts as learned */

static void on_start(void *ctx, struct errand *e, const struct choice *choice, double keep_alive_s);
static bool on_recall(void *ctx, struct errand *e);
static bool has_room(void *ctx);
static struct board_machine *find_machine(const struct traffic *t, struct str name);
static void on_load(void *ctx, uint32_t copy, const struct load_plan *plan, double keep_alive_s);
static uint32_t keep_victims(const struct traffic *t, struct waiter *w,
                             const struct load_plan *plan);
static uint32_t copy_victims(const struct traffic *t, struct copy_place **ret,
                             const struct load_plan *plan);
static bool has_open(const struct traffic *t, const struct errand *e, uint64_t now_ms);
static uint64_t explain_none(const struct traffic *t, const struct waiter *w, uint64_t now_ms);
static uint64_t wait_ms(const struct traffic *t, const struct errand *e, uint64_t now_ms);
static uint64_t copy_wait_ms(const struct board *b, uint32_t copy, uint64_t now_ms);
static uint64_t estimate_ms(struct traffic *t, struct waiter *w, uint64_t now_ms);
static enum asked stand(struct traffic *t, struct waiter *w, uint64_t now_ms);
static double learned_step_s(const struct board_copy *c);
static void number_options(struct waiter *w);
static void renumber(struct waiter *w, const struct copy_place *run);
static bool find_origins(struct origins *ret, const struct traffic *t, const struct board *fresh,
                         const struct places *places);
static void swap_boards(struct traffic *t, struct board *fresh, const struct view *view,
                        const struct places *places);

struct traffic *traffic_new(const struct breaker_rules *rules)
{
    struct traffic *t = memory_need(1, sizeof *t);

    pthread_mutex_init(&t->lock, NULL);
    t->rules = *rules;
    link_init(&t->known);
    return t;
}

void traffic_free(struct traffic *t)
{
    if (!t)
        return;
    line_free(t->line);
    board_free(t->board);
    free(t->places);
    places_free(&t->kept);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

struct engine_place *traffic_engine(struct traffic *t, struct str name)
{
    struct engine_place *place;

    pthread_mutex_lock(&t->lock);
    place = place_engine(&t->kept, name);
    pthread_mutex_unlock(&t->lock);
    return place;
}

struct copy_place *traffic_copy(struct traffic *t, struct str name)
{
    struct copy_place *place;

    pthread_mutex_lock(&t->lock);
    place = place_copy(&t->kept, name);
    pthread_mutex_unlock(&t->lock);
    return place;
}

int traffic_show(struct traffic *t, const struct view *view, const struct places *places,
                 uint64_t now_ms)
{
    struct copy_place **copies = calloc(view->copies_count + 1, sizeof(struct copy_place *));
    struct board *fresh = board_new(view);
    struct origins from = {0};
    int r = -ENOMEM;

    now_ms = traffic_enter(t, now_ms);
    if (fresh && !t->line)
        t->line = line_new(fresh, &(struct line_hooks){.start = on_start,
                                                       .load = on_load,
                                                       .recall = on_recall,
                                                       .has_room = has_room,
                                                       .rules = &t->rules,
                                                       .ctx = t});
    if (fresh && copies && t->line && find_origins(&from, t, fresh, places)) {
        if (t->board)
            board_inherit(fresh, t->board, from.copies, from.engines);
        memcpy(copies, places->copies, view->copies_count * sizeof(struct copy_place *));
        swap_boards(t, TAKE(fresh), view, places);
        free(t->places);
        t->places = TAKE(copies);
        line_settle(t->line, now_ms);
        r = 0;
    }
    pthread_mutex_unlock(&t->lock);
    free(from.copies);
    free(from.engines);
    free(copies);
    board_free(fresh);
    return r;
}

enum asked traffic_ask(struct traffic *t, struct waiter *w, uint64_t now_ms)
{
    enum asked asked = ASK_none;

    assert(!w->errand.in_line && !w->errand.is_running);
    w->taken = NULL;
    w->told = false;
    w->victims_count = 0;
    now_ms = traffic_enter(t, now_ms);
    number_options(w);
    if (!w->errand.id)
        w->errand.id = ++t->ids;
    if (has_open(t, &w->errand, now_ms))
        asked = stand(t, w, now_ms);
    else
        w->retry_ms = explain_none(t, w, now_ms);
    pthread_mutex_unlock(&t->lock);
    return asked;
}

void waiter_fini(struct waiter *w)
{
    free(TAKE(w->victims));
}

struct verdict_change traffic_done(struct traffic *t, struct waiter *w,
                                   const struct errand_end *end, uint64_t now_ms)
{
    struct verdict_change change;

    now_ms = traffic_enter(t, now_ms);
    change = line_end(t->line, &w->errand, end, now_ms);
    traffic_forget(w);
    line_settle(t->line, now_ms);
    pthread_mutex_unlock(&t->lock);
    return change;
}

bool traffic_leave(struct traffic *t, struct waiter *w, uint64_t now_ms)
{
    now_ms = traffic_enter(t, now_ms);
    line_leave(t->line, &w->errand, now_ms);
    traffic_forget(w);
    w->taken = NULL;
    line_settle(t->line, now_ms);
    pthread_mutex_unlock(&t->lock);
    return w->told;
}

bool traffic_is_loading(struct traffic *t, const struct waiter *w)
{
    const struct errand *e = &w->errand;
    bool loading = false;

    pthread_mutex_lock(&t->lock);
    for (uint32_t i = 0; i < e->options_count; i++)
        loading |= !e->options[i].tried && e->options[i].copy != ERRAND_GONE &&
                   t->board->copies[e->options[i].copy].state == COPY_loading;
    pthread_mutex_unlock(&t->lock);
    return loading;
}

uint64_t traffic_estimate_ms(struct traffic *t, struct waiter *w, uint64_t now_ms)
{
    uint64_t ms;

    now_ms = traffic_enter(t, now_ms);
    ms = estimate_ms(t, w, now_ms);
    pthread_mutex_unlock(&t->lock);
    return ms;
}

bool traffic_hold(struct traffic *t, const struct engine_place *engine, uint64_t now_ms,
                  uint64_t until_ms)
{
    struct board_engine *e;
    bool fresh = false;

    now_ms = traffic_enter(t, now_ms);
    if (engine->index != BOARD_NONE) {
        e = &t->board->engines[engine->index];
        fresh = e->held_until_ms <= now_ms;
        if (until_ms > e->held_until_ms)
            e->held_until_ms = until_ms;
    }
    pthread_mutex_unlock(&t->lock);
    return fresh;
}

void traffic_probed(struct traffic *t, const struct engine_place *engine, bool up, uint64_t now_ms)
{
    now_ms = traffic_enter(t, now_ms);
    if (engine->index != BOARD_NONE) {
        line_probed(t->line, (uint32_t)engine->index, up, now_ms);
        line_settle(t->line, now_ms);
    }
    pthread_mutex_unlock(&t->lock);
}

void traffic_ordered(struct traffic *t, const struct copy_place *copy, bool is_loaded,
                     uint64_t now_ms)
{
    now_ms = traffic_enter(t, now_ms);
    if (copy->index != BOARD_NONE && t->board->copies[copy->index].state == COPY_loading) {
        line_loaded(t->line, (uint32_t)copy->index, is_loaded, now_ms);
        line_settle(t->line, now_ms);
    }
    pthread_mutex_unlock(&t->lock);
}

int traffic_set_duty(struct traffic *t, struct str machine, enum machine_duty duty, uint64_t now_ms)
{
    struct board_machine *m;

    now_ms = traffic_enter(t, now_ms);
    m = find_machine(t, machine);
    if (m) {
        m->is_drained = duty != DUTY_serves;
        m->is_emptied = duty == DUTY_drained;
        line_settle(t->line, now_ms);
    }
    pthread_mutex_unlock(&t->lock);
    return m ? 0 : -ENOENT;
}

enum machine_duty traffic_duty(struct traffic *t, struct str machine, uint32_t *ret_running)
{
    enum machine_duty duty = DUTY_serves;
    const struct board_machine *m;

    *ret_running = 0;
    pthread_mutex_lock(&t->lock);
    if ((m = find_machine(t, machine))) {
        duty = m->is_emptied ? DUTY_drained : m->is_drained ? DUTY_cordoned : DUTY_serves;
        for (uint32_t i = m->first; i < m->first + m->copies_count; i++)
            *ret_running += t->board->copies[i].run_count;
    }
    pthread_mutex_unlock(&t->lock);
    return duty;
}

bool traffic_absent(struct traffic *t, const struct copy_place *copy, bool absent)
{
    bool changed = false;

    pthread_mutex_lock(&t->lock);
    if (copy->index != BOARD_NONE) {
        changed = t->board->copies[copy->index].is_absent != absent;
        t->board->copies[copy->index].is_absent = absent;
    }
    pthread_mutex_unlock(&t->lock);
    return changed;
}

void traffic_tick(struct traffic *t, uint64_t now_ms, struct orders *ret)
{
    now_ms = traffic_enter(t, now_ms);
    line_settle(t->line, now_ms);
    if (ret) {
        ret->is_new_hour = board_tell_time(t->board, now_ms, ret->wall_ms);
        ret->count = 0;
        t->orders = ret;
        line_empty(t->line, now_ms);
        if (ret->loads || ret->keeps)
            line_preload(t->line, !ret->loads, now_ms);
        t->orders = NULL;
    }
    pthread_mutex_unlock(&t->lock);
}

void traffic_habit(struct traffic *t, const struct copy_place *copy, struct habit *ret)
{
    pthread_mutex_lock(&t->lock);
    *ret = copy->index == BOARD_NONE ? (struct habit){0} : t->board->copies[copy->index].habit;
    pthread_mutex_unlock(&t->lock);
}

void traffic_recall_habit(struct traffic *t, const struct copy_place *copy, const struct habit *h)
{
    pthread_mutex_lock(&t->lock);
    if (copy->index != BOARD_NONE)
        t->board->copies[copy->index].habit = *h;
    pthread_mutex_unlock(&t->lock);
}

void traffic_start(struct traffic *t, const struct copy_place *copy, const struct bench_speeds *s)
{
    pthread_mutex_lock(&t->lock);
    if (copy->index != BOARD_NONE)
        learn_bench(&t->board->copies[copy->index], s);
    pthread_mutex_unlock(&t->lock);
}

bool traffic_is_open(struct traffic *t, const struct copy_place *copy, uint64_t now_ms)
{
    return traffic_look(t, copy, now_ms).is_open;
}

struct copy_look traffic_look(struct traffic *t, const struct copy_place *copy, uint64_t now_ms)
{
    struct copy_look seen = {0};
    const struct board_copy *c;

    now_ms = traffic_enter(t, now_ms);
    if (copy->index != BOARD_NONE) {
        c = &t->board->copies[copy->index];
        seen = (struct copy_look){
            .state = c->state,
            .slots = c->slots,
            .running = c->run_count + c->aside_count,
            .aside = c->aside_count,
            .waiting = c->waiters,
            .was_loaded = c->state == COPY_away && c->since_ms,
            .step_s = learned_step_s(c),
            .is_open = board_is_open(t->board, (uint32_t)copy->index, now_ms),
            .is_benched = !breaker_allows(&c->breaker, now_ms) ||
                          !breaker_allows(&t->board->engines[c->engine].breaker, now_ms),
            .is_slow = board_is_slow(c),
            .decode_slowness = drift_factor(&c->drift[ESTIMATE_decode]),
            .prompt_slowness = drift_factor(&c->drift[ESTIMATE_prompt]),
            .measured = c->drift[ESTIMATE_decode].count + c->drift[ESTIMATE_prompt].count,
        };
    }
    pthread_mutex_unlock(&t->lock);
    return seen;
}

unsigned traffic_waiting(struct traffic *t, struct str line)
{
    unsigned waiting;

    pthread_mutex_lock(&t->lock);
    waiting = line_waiting_for(t->line, line);
    pthread_mutex_unlock(&t->lock);
    return waiting;
}

/* Whoever asks at this moment need not be told: it is still listening. */
static void on_start(void *ctx, struct errand *e, const struct choice *choice, double keep_alive_s)
{
    struct traffic *t = ctx;
    struct waiter *w = CONTAINER(e, struct waiter, errand);

    w->taken = t->places[choice->copy];
    w->keep_alive_s = keep_alive_s;
    w->victims_count = e->has_loaded ? keep_victims(t, w, &choice->costs.load) : 0;
    if (t->asking != w)
        w->told = w->granted(w);
}

static bool on_recall(void *ctx, struct errand *e)
{
    struct waiter *w = CONTAINER(e, struct waiter, errand);

    (void)ctx;
    return w->recalled && w->recalled(w);
}

static bool has_room(void *ctx)
{
    return ((struct traffic *)ctx)->orders->count < TRAFFIC_ORDERS_MAX;
}

static void on_load(void *ctx, uint32_t copy, const struct load_plan *plan, double keep_alive_s)
{
    struct traffic *t = ctx;
    struct order *order = &t->orders->rows[t->orders->count];

    t->orders->count++;
    *order = (struct order){.copy = t->places[copy],
                            .keep_alive_s = keep_alive_s,
                            .is_load = t->board->copies[copy].state == COPY_loading};
    order->victims_count = copy_victims(t, order->victims, plan);
}

/* Few requests have any. Without memory the engine chooses for itself. */
static uint32_t keep_victims(const struct traffic *t, struct waiter *w,
                             const struct load_plan *plan)
{
    waiter_fini(w);
    if (plan->victims_count)
        w->victims = malloc(plan->victims_count * sizeof(struct copy_place *));
    return w->victims ? copy_victims(t, w->victims, plan) : 0;
}

static uint32_t copy_victims(const struct traffic *t, struct copy_place **ret,
                             const struct load_plan *plan)
{
    for (uint32_t i = 0; i < plan->victims_count; i++)
        ret[i] = t->places[plan->victims[i]];
    return plan->victims_count;
}

/* Or benched, and somebody is finding out just now whether it is well: that is worth waiting for.
 */
static bool has_open(const struct traffic *t, const struct errand *e, uint64_t now_ms)
{
    for (uint32_t i = 0; i < e->options_count; i++) {
        enum rejection r = choice_rejects(t->board, e, i, now_ms);

        if (r == REJECTION_none ||
            (r == REJECTION_benched && choice_is_on_trial(t->board, e->options[i].copy)))
            return true;
    }
    return false;
}

/* Nobody will do: its record says so of each. */
static uint64_t explain_none(const struct traffic *t, const struct waiter *w, uint64_t now_ms)
{
    struct choice none;

    choice_make(&none, t->board, &w->errand, now_ms);
    return wait_ms(t, &w->errand, now_ms);
}

/* When the first of those that are not open may be. */
static uint64_t wait_ms(const struct traffic *t, const struct errand *e, uint64_t now_ms)
{
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < e->options_count; i++) {
        uint64_t ms = e->options[i].tried || e->options[i].copy == ERRAND_GONE
                          ? UINT64_MAX
                          : copy_wait_ms(t->board, e->options[i].copy, now_ms);

        least = ms < least ? ms : least;
    }
    return least;
}

static struct board_machine *find_machine(const struct traffic *t, struct str name)
{
    for (uint32_t i = 0; i < t->board->machines_count; i++)
        if (str_equal(t->board->machines[i].facts->name, name))
            return &t->board->machines[i];
    return NULL;
}

/* At the next probe (a guess of a second) or after its bench. */
static uint64_t copy_wait_ms(const struct board *b, uint32_t copy, uint64_t now_ms)
{
    enum { PROBE_SOON_MS = 1000 };
    const struct board_engine *e = &b->engines[b->copies[copy].engine];
    uint64_t copy_ms = breaker_wait_ms(&b->copies[copy].breaker, now_ms);
    uint64_t engine_ms = breaker_wait_ms(&e->breaker, now_ms);
    uint64_t held_ms = e->held_until_ms > now_ms ? e->held_until_ms - now_ms : 0;
    uint64_t longest = copy_ms > engine_ms ? copy_ms : engine_ms;

    longest = held_ms > longest ? held_ms : longest;
    return longest > PROBE_SOON_MS ? longest : PROBE_SOON_MS;
}

static uint64_t estimate_ms(struct traffic *t, struct waiter *w, uint64_t now_ms)
{
    double s = line_estimate_s(t->line, &w->errand, now_ms);

    return isfinite(s) ? (uint64_t)(s * 1e3) : UINT64_MAX;
}

/* In line, and out of it at once if a slot is free. */
static enum asked stand(struct traffic *t, struct waiter *w, uint64_t now_ms)
{
    struct errand *e = &w->errand;
    int r = e->lane ? line_again(t->line, e, now_ms) : line_enter(t->line, e, now_ms);

    if (r == 0) {
        traffic_know(t, w);
        t->asking = w;
        line_settle(t->line, now_ms);
        t->asking = NULL;
        if (w->taken)
            return ASK_taken;
        if (line_waiting_for(t->line, e->name) <= w->line_max)
            return ASK_waits;
        w->retry_ms = estimate_ms(t, w, now_ms);
        line_leave(t->line, e, now_ms);
        traffic_forget(w);
        return ASK_full;
    }
    w->retry_ms = r == -EAGAIN ? wait_ms(t, e, now_ms) : estimate_ms(t, w, now_ms);
    return r == -EAGAIN ? ASK_none : ASK_full;
}

/* A guess of the model's would call every stream slow where its facts are wrong. */
static double learned_step_s(const struct board_copy *c)
{
    unsigned batch = c->run_count ? c->run_count : 1;

    if (c->estimate.all[ESTIMATE_decode].count < LEARNED_MIN)
        return 0;
    return expect_step_s(&c->expected, batch, 0) * estimate_ratio(&c->estimate, ESTIMATE_decode, 0);
}

static void number_options(struct waiter *w)
{
    for (uint32_t i = 0; i < w->errand.options_count; i++)
        w->errand.options[i].copy =
            w->copies[i]->index == BOARD_NONE ? ERRAND_GONE : (uint32_t)w->copies[i]->index;
}

/* The places have new numbers. */
static void renumber(struct waiter *w, const struct copy_place *run)
{
    number_options(w);
    if (w->errand.is_running)
        w->errand.copy = !run || run->index == BOARD_NONE ? ERRAND_GONE : (uint32_t)run->index;
}

void traffic_know(struct traffic *t, struct waiter *w)
{
    if (w->is_known)
        return;
    w->is_known = true;
    link_append(&t->known, &w->link);
}

void traffic_forget(struct waiter *w)
{
    if (w->is_known)
        link_remove(&w->link);
    w->is_known = false;
}

uint64_t traffic_enter(struct traffic *t, uint64_t now_ms)
{
    pthread_mutex_lock(&t->lock);
    if (now_ms > t->now_ms)
        t->now_ms = now_ms;
    return t->now_ms;
}

static bool find_origins(struct origins *ret, const struct traffic *t, const struct board *fresh,
                         const struct places *places)
{
    ret->copies = calloc(fresh->copies_count + 1, sizeof *ret->copies);
    ret->engines = calloc(fresh->engines_count + 1, sizeof *ret->engines);
    if (!ret->copies || !ret->engines)
        return false;
    for (uint32_t i = 0; i < fresh->copies_count; i++)
        ret->copies[i] =
            t->board && !fresh->copies[i].is_twin ? places->copies[i]->index : BOARD_NONE;
    for (uint32_t i = 0; i < fresh->engines_count; i++)
        ret->engines[i] = t->board ? places->engines[i]->index : BOARD_NONE;
    return true;
}

static void swap_boards(struct traffic *t, struct board *fresh, const struct view *view,
                        const struct places *places)
{
    places_number(&t->kept, places, view->copies_count, view->engines_count);
    LINK_EACH(&t->known, at)
    {
        struct waiter *w = CONTAINER(at, struct waiter, link);

        renumber(w, w->taken);
    }
    line_move(t->line, fresh);
    board_free(t->board);
    t->board = fresh;
}
