/* SPDX-License-Identifier: Apache-2.0 */
/* A fleet under a virtual clock: what happens next, and who hears of it. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "route/cost.h"
#include "sim/stage_inside.h"

/* Nobody waits longer for the last answers: what is not done then is lost. */
static const double drain_s = 7200;

static void begin(struct stage *s, const struct trace *t, const struct policy *policy,
                  struct tally *tally);
static void finish(struct stage *s);
static double next_event_s(struct stage *s);
static void turn(struct stage *s);
static void arrive(struct stage *s);
static void lose_machine(struct stage *s);
static void play_machines(struct stage *s);
static void play_cloud(struct stage *s);
static void play_events(struct stage *s);
static void hear_end(struct stage *s, struct asker *a);
static void count_answer(struct asker *a, const struct visit *v);
static bool is_stranded(const struct asker *a);
static void raise_event(struct asker *a, bool is_first, enum asker_end end);
static void send_to_cloud(struct asker *a);
static void fill_visit(struct visit *v, const struct asker *a, double keep_alive_s);
static struct visit *take_visit(struct stage *s);
static void give_visit(struct stage *s, struct visit *v);

double stage_now_s(const struct stage *s)
{
    return s->now_s;
}

const struct board *stage_facts(const struct stage *s)
{
    return s->facts;
}

const struct stage_options_of *stage_options_for(const struct stage *s, uint32_t demand)
{
    return &s->options_of[demand];
}

uint64_t stage_seed(const struct stage *s)
{
    return s->options.seed;
}

bool stage_has_slo(const struct stage *s)
{
    return !s->options.no_slo;
}

bool stage_is_up(const struct stage *s, uint32_t machine)
{
    return !s->machines[machine].is_dead;
}

bool stage_cloud_left(const struct stage *s)
{
    return s->tally->cloud_requests < s->options.cloud_share * s->tally->requests;
}

void stage_judge(struct stage *s, enum estimate_kind kind, double expected_s, double took_s)
{
    tally_judge(s->tally, kind, expected_s, took_s);
}

void stage_play(struct stage *s, const struct trace *t, const struct policy *policy,
                struct tally *ret)
{
    begin(s, t, policy, ret);
    while (s->arrived < t->count || s->open_count > 0) {
        double next_s = next_event_s(s);

        if (next_s > t->span_s + drain_s)
            break;
        s->now_s = fmax(s->now_s, next_s);
        turn(s);
    }
    finish(s);
}

void stage_send(struct asker *a, uint32_t copy, double keep_alive_s)
{
    struct stage *s = a->stage;
    int machine = s->facts->copies[copy].machine;

    assert(!a->is_sent && !a->is_over);
    a->copy = copy;
    a->is_sent = true;
    a->sent_s = s->now_s;
    s->tally->retried += ++a->attempts == 2;
    if (machine == BOARD_NONE) {
        send_to_cloud(a);
        return;
    }
    if (s->machines[machine].is_dead) {
        raise_event(a, false, ASKER_refused);
        return;
    }
    a->running = take_visit(s);
    fill_visit(a->running, a, keep_alive_s);
    world_start(s->machines[machine].world, s->copies[copy].engine, a->running, s->now_s * 1e3);
    s->machines[machine].next_s = -1;
}

void stage_lose(struct asker *a)
{
    assert(!a->is_sent && !a->is_over);
    a->is_over = true;
    a->stage->open_count--;
    a->stage->tally->lost++;
    a->stage->tally->stranded += is_stranded(a);
}

void stage_unload(struct stage *s, uint32_t copy)
{
    struct stage_machine *m = &s->machines[s->facts->copies[copy].machine];

    world_expire(m->world, s->copies[copy].engine, &s->copies[copy].artifact, s->now_s * 1e3);
    m->next_s = -1;
}

void stage_load(struct stage *s, uint32_t copy, double keep_alive_s)
{
    struct stage_machine *m = &s->machines[s->facts->copies[copy].machine];
    struct visit *v;

    if (m->is_dead)
        return;
    v = take_visit(s);
    v->artifact = &s->copies[copy].artifact;
    v->num_ctx = s->copies[copy].num_ctx;
    v->load_only = true;
    v->keep_alive_given = true;
    v->keep_alive_ms = keep_alive_s < 0 ? -1 : keep_alive_s * 1e3;
    world_start(m->world, s->copies[copy].engine, v, s->now_s * 1e3);
    m->next_s = -1;
}

bool stage_is_loaded(const struct stage *s, uint32_t copy)
{
    const struct stage_machine *m = &s->machines[s->facts->copies[copy].machine];
    struct runner_view r;

    for (unsigned i = 0; world_runner(m->world, s->copies[copy].engine, i, &r); i++)
        if (r.artifact == &s->copies[copy].artifact)
            return !r.unloading && !r.loading;
    return false;
}

/* Worlds call this in the middle of their work: what it means is dealt with afterwards. */
void stage_on_visit(void *ctx, struct visit *v, enum visit_event what)
{
    struct stage *s = ((struct stage_machine *)ctx)->stage;
    struct asker *a = v->ctx;

    if (what == VISIT_EVENT_token && v->tokens_done != 1)
        return;
    if (a) {
        raise_event(a, what == VISIT_EVENT_token,
                    what == VISIT_EVENT_failed ? ASKER_refused
                    : what == VISIT_EVENT_cut  ? ASKER_cut
                                               : ASKER_done);
    } else if (what != VISIT_EVENT_token) {
        uint32_t copy = CONTAINER(v->artifact, struct stage_copy, artifact)->copy;

        if (s->policy->loaded)
            s->policy->loaded(s->of_policy, copy, what == VISIT_EVENT_done);
        give_visit(s, v);
    }
}

static void begin(struct stage *s, const struct trace *t, const struct policy *policy,
                  struct tally *tally)
{
    s->trace = t;
    s->policy = policy;
    s->plays_relaxed = policy->relaxed;
    s->now_s = s->tick_s = 0;
    s->arrived = s->open_count = 0;
    s->events = s->in_cloud = NULL;
    s->events_end = &s->events;
    s->askers = memory_need(t->count + 1, sizeof *s->askers);
    s->lost_machine = -1;
    for (uint32_t i = 0; s->options.lose && i < s->facts->machines_count; i++)
        if (str_is(s->facts->machines[i].facts->name, s->options.lose))
            s->lost_machine = (int)i;
    s->tally = tally;
    tally_init(tally, t->count);
    if (s->options.tells_each)
        tally->told = memory_need(t->count + 1, sizeof *tally->told);
    tally->policy = policy->name;
    tally->span_s = t->span_s;
    stage_raise(s);
    s->of_policy = policy->open(s, policy);
}

static void finish(struct stage *s)
{
    s->policy->close(s->of_policy);
    s->tally->lost += s->open_count;
    for (uint32_t i = 0; i < s->arrived; i++)
        s->tally->stranded += !s->askers[i].is_over && is_stranded(&s->askers[i]);
    for (uint32_t i = 0; i < s->facts->machines_count; i++)
        if (s->machines[i].world) {
            struct world_counts counts = world_count(s->machines[i].world);

            s->tally->loads += counts.loads;
            s->tally->evictions += counts.evictions;
        }
    tally_end(s->tally);
    stage_raze(s);
    for (uint32_t i = 0; i < s->arrived; i++)
        free(s->askers[i].running);
    free(s->askers);
    while (s->visits) {
        struct visit *v = s->visits;

        s->visits = v->ctx;
        free(v);
    }
    s->tally = NULL;
}

static double next_event_s(struct stage *s)
{
    double next_s = s->tick_s;

    if (s->arrived < s->trace->count)
        next_s = fmin(next_s, s->trace->rows[s->arrived].at_s);
    if (s->lost_machine >= 0)
        next_s = fmin(next_s, s->options.lose_s);
    for (uint32_t i = 0; i < s->facts->machines_count; i++) {
        struct stage_machine *m = &s->machines[i];

        if (m->world && m->next_s < 0)
            m->next_s = world_next_ms(m->world) / 1e3;
        if (m->world)
            next_s = fmin(next_s, m->next_s);
    }
    for (const struct asker *a = s->in_cloud; a; a = a->next_cloud)
        next_s = fmin(next_s, a->cloud_end_s);
    return next_s;
}

/* Everything that happens now. */
static void turn(struct stage *s)
{
    lose_machine(s);
    play_machines(s);
    play_cloud(s);
    play_events(s);
    while (s->arrived < s->trace->count && s->trace->rows[s->arrived].at_s <= s->now_s)
        arrive(s);
    play_events(s);
    if (s->now_s < s->tick_s)
        return;
    s->tick_s = floor(s->now_s) + 1;
    if (s->policy->tick)
        s->policy->tick(s->of_policy);
    play_events(s);
}

static void arrive(struct stage *s)
{
    const struct trace_row *row = &s->trace->rows[s->arrived];
    struct asker *a = &s->askers[s->arrived];

    *a = (struct asker){
        .stage = s, .row = row, .pieces = s->trace->pieces + row->pieces, .index = s->arrived++};
    s->tally->requests++;
    s->open_count++;
    s->policy->arrived(s->of_policy, a);
}

static void lose_machine(struct stage *s)
{
    struct stage_machine *m;

    if (s->lost_machine < 0 || s->now_s < s->options.lose_s)
        return;
    m = &s->machines[s->lost_machine];
    s->lost_machine = -1;
    m->is_dead = true;
    if (m->world)
        world_set_fault(m->world, WORLD_dead, 1, 0, s->now_s * 1e3);
    m->next_s = -1;
}

static void play_machines(struct stage *s)
{
    for (uint32_t i = 0; i < s->facts->machines_count; i++) {
        struct stage_machine *m = &s->machines[i];

        if (!m->world || m->next_s < 0 || m->next_s > s->now_s)
            continue;
        world_advance(m->world, s->now_s * 1e3 + 1e-6);
        m->next_s = -1;
    }
}

static void play_cloud(struct stage *s)
{
    for (struct asker **at = &s->in_cloud; *at;) {
        struct asker *a = *at;

        if (a->cloud_end_s > s->now_s) {
            at = &a->next_cloud;
            continue;
        }
        *at = a->next_cloud;
        raise_event(a, false, ASKER_done);
    }
}

/* In the order they were raised; hearing of one may raise others. */
static void play_events(struct stage *s)
{
    while (s->events) {
        struct asker *a = s->events;

        s->events = a->next_event;
        if (!s->events)
            s->events_end = &s->events;
        a->is_raised = false;
        a->visit = a->running;
        if (a->saw_first && a->first_s <= 0 && a->visit)
            a->first_s = a->visit->first_ms / 1e3;
        if (a->saw_first && !a->saw_end && s->policy->began)
            s->policy->began(s->of_policy, a);
        a->saw_first = false;
        if (a->saw_end)
            hear_end(s, a);
        a->visit = NULL;
    }
}

static void hear_end(struct stage *s, struct asker *a)
{
    struct visit *v = TAKE(a->running);

    a->saw_end = a->is_sent = false;
    if (a->end == ASKER_done) {
        if (v && a->first_s <= 0)
            a->first_s = v->first_ms / 1e3;
        count_answer(a, v);
    } else if (v) {
        a->said += v->tokens_done;
    }
    s->policy->ended(s->of_policy, a, a->end);
    if (v)
        give_visit(s, v);
}

/* v: NULL in the cloud. */
static void count_answer(struct asker *a, const struct visit *v)
{
    struct stage *s = a->stage;
    const struct copy *copy = s->facts->copies[a->copy].facts;

    a->is_over = true;
    s->open_count--;
    s->tally->continued += a->said > 0;
    tally_add(s->tally, a->row, a->first_s - a->row->at_s, s->now_s - a->row->at_s,
              stage_ideal_s(s, a->row));
    tally_tell(s->tally, &(struct told){.name = str_from(demands[a->row->demand].name),
                                        .machine = copy->machine_name,
                                        .tag = copy->tag,
                                        .at_s = a->row->at_s,
                                        .sent_s = a->sent_s,
                                        .load_s = v ? (v->ready_ms - v->start_ms) / 1e3 : 0,
                                        .first_s = a->first_s,
                                        .end_s = s->now_s,
                                        .attempts = a->attempts});
}

/* None of those that are still up could hold its prompt, and what was said already. */
static bool is_stranded(const struct asker *a)
{
    const struct stage *s = a->stage;
    const struct stage_options_of *o = &s->options_of[a->row->demand];

    for (uint32_t i = 0; i < o->count; i++) {
        const struct board_copy *c = &s->facts->copies[o->rows[i].copy];

        if (c->machine == BOARD_NONE || (!s->machines[c->machine].is_dead &&
                                         c->expected.context >= a->row->prompt_tokens + a->said))
            return false;
    }
    return true;
}

static void raise_event(struct asker *a, bool is_first, enum asker_end end)
{
    struct stage *s = a->stage;

    if (is_first)
        a->saw_first = true;
    else
        a->saw_end = true;
    if (!is_first)
        a->end = end;
    if (a->is_raised)
        return;
    a->is_raised = true;
    a->next_event = NULL;
    *s->events_end = a;
    s->events_end = &a->next_event;
}

static void send_to_cloud(struct asker *a)
{
    struct stage *s = a->stage;
    struct costs costs;
    struct cost_asked asked = {.worth = &worth_usual,
                               .prompt_tokens = a->row->prompt_tokens,
                               .output_tokens = a->row->output_tokens};

    if (costs_reckon(&costs, s->facts, a->copy, &asked, 0))
        s->tally->money_micro += costs.money_micro;
    s->tally->cloud_requests++;
    if (a->first_s <= 0)
        a->first_s = s->now_s + CLOUD_FIRST_S;
    a->cloud_end_s = s->now_s + CLOUD_FIRST_S + (a->row->output_tokens - a->said) * CLOUD_STEP_S;
    a->next_cloud = s->in_cloud;
    s->in_cloud = a;
}

/* What was said before a machine failed is a part of the prompt that goes on with it. */
static void fill_visit(struct visit *v, const struct asker *a, double keep_alive_s)
{
    const struct stage_copy *c = &a->stage->copies[a->copy];
    const struct trace_row *row = a->row;

    v->ctx = (void *)(uintptr_t)a;
    v->artifact = &c->artifact;
    v->num_ctx = c->num_ctx;
    v->answer_tokens = row->output_tokens - a->said;
    v->answer_chain = row->session ^ (row->pieces_count + 1);
    v->keep_alive_given = keep_alive_s < 0 || keep_alive_s > 0;
    v->keep_alive_ms = keep_alive_s < 0 ? -1 : keep_alive_s * 1e3;
    for (uint32_t i = 0; i < row->pieces_count; i++)
        v->pieces[v->piece_count++] = (struct piece){a->pieces[i].chain, a->pieces[i].tokens};
    if (a->said)
        v->pieces[v->piece_count++] =
            (struct piece){a->pieces[0].chain ^ a->said, row->prompt_tokens + a->said};
}

static struct visit *take_visit(struct stage *s)
{
    struct visit *v = s->visits;

    if (!v)
        return memory_need(1, sizeof *v);
    s->visits = v->ctx;
    *v = (struct visit){0};
    return v;
}

static void give_visit(struct stage *s, struct visit *v)
{
    v->ctx = s->visits;
    s->visits = v;
}
