/* SPDX-License-Identifier: Apache-2.0 */
/* What every machine and copy is doing. */
#include "route/board.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "route/candidates.h"

/* Pieces of prompts that are remembered: a MiB and a half. */
enum { AFFINITY_ENTRIES = 1 << 16, HOUR_MS = 3600000 };

/* What outlived its expectation: answers' lengths have long tails, so the rest grows with the age.
 */
static const double overrun_share = 0.2;

static void add_machine(struct board_machine *ret, const struct catalog *catalog,
                        const struct machine *m);
static void add_copy(struct board *b, const struct copy *facts);
static void read_map(struct board *b);
static void add_facts(struct board *b, struct board_copy *c);
static void inherit_copy(struct board_copy *c, const struct board_copy *was);
static void inherit_machine(struct board *b, struct board_machine *m, const struct board *old,
                            const int *from);
static uint32_t slots_of(const struct board_copy *c);
static void lift(struct board_machine *m, uint32_t copy);
static void note_read(struct board_machine *m, struct board_copy *c);
static void reckon_cached(struct board *b, const struct board_machine *m);
static void reckon_left(struct board *b, struct board_machine *m);

struct board *board_new(const struct view *view)
{
    struct board *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->view = view;
    b->copies_count = view->copies_count;
    b->machines_count = view->fleet->machines_count;
    b->engines_count = view->engines_count;
    b->copies = calloc(b->copies_count + 1, sizeof *b->copies);
    b->engines = calloc(b->engines_count + 1, sizeof *b->engines);
    b->machines = calloc(b->machines_count + 1, sizeof *b->machines);
    b->affinity = affinity_new(b->copies_count, AFFINITY_ENTRIES);
    if (!b->copies || !b->engines || !b->machines || !b->affinity) {
        board_free(b);
        return NULL;
    }
    for (uint32_t i = 0; i < b->machines_count; i++)
        add_machine(&b->machines[i], view->catalog, &view->fleet->machines[i]);
    for (uint32_t i = 0; i < b->engines_count; i++)
        b->engines[i].facts = &view->engines[i];
    for (uint32_t i = 0; i < b->copies_count; i++)
        add_copy(b, &view->copies[i]);
    read_map(b);
    return b;
}

void board_free(struct board *b)
{
    if (!b)
        return;
    affinity_free(b->affinity);
    free(b->copies);
    free(b->engines);
    free(b->machines);
    free(b);
}

void board_inherit(struct board *b, const struct board *old, const int *from,
                   const int *engines_from)
{
    for (uint32_t i = 0; i < b->copies_count; i++)
        if (from[i] != BOARD_NONE)
            inherit_copy(&b->copies[i], &old->copies[from[i]]);
    for (uint32_t i = 0; i < b->engines_count; i++)
        if (engines_from[i] != BOARD_NONE) {
            b->engines[i] = old->engines[engines_from[i]];
            b->engines[i].facts = &b->view->engines[i];
        }
    for (uint32_t i = 0; i < b->machines_count; i++)
        inherit_machine(b, &b->machines[i], old, from);
    affinity_inherit(b->affinity, old->affinity, from);
    b->wall_from_ms = old->wall_from_ms;
}

void board_begin(struct board *b, uint32_t copy, const struct board_run *run)
{
    struct board_copy *c = &b->copies[copy];

    c->run_count++;
    if (c->known_count < BOARD_RUNS_MAX)
        c->runs[c->known_count++] = *run;
}

void board_end(struct board *b, uint32_t copy, uint64_t id)
{
    struct board_copy *c = &b->copies[copy];

    assert(c->run_count);
    c->run_count--;
    for (uint32_t i = 0; i < c->known_count; i++)
        if (c->runs[i].id == id) {
            c->runs[i] = c->runs[--c->known_count];
            return;
        }
}

void board_set(struct board *b, uint32_t copy, enum copy_state state, uint64_t now_ms)
{
    struct board_copy *c = &b->copies[copy];
    struct board_machine *m = c->machine == BOARD_NONE ? NULL : &b->machines[c->machine];
    enum copy_state was = c->state;

    if (was == state)
        return;
    /* What was missed is what it is expected to spare from now on. */
    if (state == COPY_loading || (state == COPY_loaded && was == COPY_away))
        c->saved = c->saved_lately = c->missed;
    c->missed = (struct rate){0};
    c->is_told &= state == COPY_loaded && was == COPY_loading;
    c->state = state;
    c->since_ms = now_ms;
    if (!m)
        return;
    lift(m, copy);
    if (m->loading == (int)copy)
        m->loading = BOARD_NONE;
    if (was == COPY_away)
        note_read(m, c);
    if (state == COPY_away)
        affinity_forget(b->affinity, copy);
    else if (m->loaded_count < BOARD_LOADED_MAX)
        m->loaded[m->loaded_count++] = copy;
    if (state == COPY_loading) {
        m->loading = (int)copy;
        m->loading_ms = now_ms;
    }
    reckon_left(b, m);
}

double board_run_rest_s(const struct board_run *run, uint64_t now_ms)
{
    double age_s = now_ms > run->begun_ms ? (double)(now_ms - run->begun_ms) / 1e3 : 0;

    return fmax(run->work_s - age_s, overrun_share * fmin(age_s, run->work_s));
}

double board_rest_s(const struct board_copy *c, uint64_t now_ms)
{
    double rest_s = 0;

    for (uint32_t i = 0; i < c->known_count; i++)
        rest_s = fmax(rest_s, board_run_rest_s(&c->runs[i], now_ms));
    return rest_s;
}

double board_loading_rest_s(const struct board *b, const struct board_machine *m, uint64_t now_ms)
{
    struct board_run load = {.begun_ms = m->loading_ms};

    if (m->loading == BOARD_NONE)
        return 0;
    load.work_s = board_load_s(&b->copies[m->loading]);
    return board_run_rest_s(&load, now_ms);
}

double board_expected_load_s(const struct board_copy *c)
{
    return c->is_cached ? c->expected.reload_s : c->expected.load_s;
}

double board_load_s(const struct board_copy *c)
{
    return board_expected_load_s(c) * estimate_ratio(&c->estimate, ESTIMATE_load, 0);
}

bool board_tell_time(struct board *b, uint64_t now_ms, int64_t wall_ms)
{
    uint32_t hour = wall_ms > 0 ? (uint32_t)(wall_ms / HOUR_MS) : 0;

    b->wall_from_ms = wall_ms - (int64_t)now_ms;
    if (!hour || hour == b->hour)
        return false;
    b->hour = hour;
    for (uint32_t i = 0; i < b->copies_count; i++)
        habit_turn(&b->copies[i].habit, hour);
    return true;
}

double board_foresee_s(const struct board *b, uint32_t copy, uint64_t now_ms)
{
    const struct habit *h = &b->copies[copy].habit;
    int64_t wall_ms = (int64_t)now_ms + b->wall_from_ms;

    if (h->usual_s[0] <= 0 && h->usual_s[1] <= 0)
        return 0;
    return habit_foresee_s(h, (double)(wall_ms % HOUR_MS) / HOUR_MS);
}

bool board_is_open(const struct board *b, uint32_t copy, uint64_t now_ms)
{
    const struct board_copy *c = &b->copies[copy];
    const struct board_engine *e = &b->engines[c->engine];

    return !c->is_absent && !e->is_down && e->held_until_ms <= now_ms &&
           breaker_allows(&c->breaker, now_ms) && breaker_allows(&e->breaker, now_ms);
}

static void add_machine(struct board_machine *ret, const struct catalog *catalog,
                        const struct machine *m)
{
    *ret = (struct board_machine){.facts = m, .loading = BOARD_NONE};
    if (machine_serves(m))
        ret->box = ret->left = box_assumed(catalog, m);
}

static void add_copy(struct board *b, const struct copy *facts)
{
    struct board_copy *c = &b->copies[facts->index];
    struct board_machine *m;

    *c = (struct board_copy){
        .facts = facts, .machine = BOARD_NONE, .engine = facts->engine_index, .fits = true};
    c->wanted = facts->is_pinned;
    if (!facts->machine) {
        c->slots = slots_of(c);
        c->state = COPY_loaded;
        return;
    }
    c->machine = (int)(facts->machine - b->view->fleet->machines);
    m = &b->machines[c->machine];
    if (!m->copies_count++)
        m->first = facts->index;
    engine_rules_read(&c->rules, facts->engine);
    c->slots = slots_of(c);
    c->stays = !c->rules.on_demand;
    for (uint32_t i = m->first; i < facts->index; i++)
        c->is_twin |= str_equal(b->copies[i].facts->place, facts->place);
    add_facts(b, c);
    if (c->stays && !c->is_twin)
        board_set(b, facts->index, COPY_loaded, 0);
}

static void read_map(struct board *b)
{
    const struct fleet *f = b->view->fleet;

    for (uint32_t k = 0; k < f->categories_count; k++) {
        struct candidates found;

        if (candidates_find(&found, b->view, f->categories[k].name, 0, NULL) < 0)
            continue;
        for (uint32_t i = 0; i < found.count; i++)
            b->copies[found.rows[i].copy->index].is_on_map = true;
    }
}

/* What the catalog knows, or what is assumed of what nobody knows. */
static void add_facts(struct board *b, struct board_copy *c)
{
    const struct copy *facts = c->facts;

    if (facts->artifact)
        c->fits = expect_copy(&c->expected, &b->machines[c->machine].box, &c->rules,
                              facts->artifact, facts->context);
    if (facts->artifact && c->fits && c->expected.step_s[0] > 0)
        return;
    c->is_guess = true;
    expect_assume(&c->expected);
}

/* The engine's settings count where the fleet file says nothing. */
static uint32_t slots_of(const struct board_copy *c)
{
    const struct copy *facts = c->facts;
    uint32_t slots = facts->slots;

    if (facts->engine && !facts->engine->slots && slots < c->rules.slots)
        slots = c->rules.slots;
    if (c->rules.on_demand && facts->artifact && expect_is_single(facts->artifact))
        slots = 1;
    return slots;
}

static void lift(struct board_machine *m, uint32_t copy)
{
    for (uint32_t i = 0; i < m->loaded_count; i++)
        if (m->loaded[i] == copy) {
            m->loaded[i] = m->loaded[--m->loaded_count];
            return;
        }
}

/* In the order they were loaded each took of what was there. */
/* What is in the page cache already pushes nothing out of it. */
static void note_read(struct board_machine *m, struct board_copy *c)
{
    if (!c->is_cached)
        m->read_bytes += c->expected.file_bytes;
    c->read_at = m->read_bytes;
}

/* The system keeps files that were read in memory that nobody uses, and drops the oldest first. */
static void reckon_cached(struct board *b, const struct board_machine *m)
{
    for (uint32_t i = 0; i < m->copies_count; i++) {
        struct board_copy *c = &b->copies[m->first + i];

        if (c->state == COPY_away)
            c->is_cached = c->read_at &&
                           m->read_bytes - c->read_at + c->expected.file_bytes <= m->left.ram_bytes;
    }
}

static void reckon_left(struct board *b, struct board_machine *m)
{
    m->left = m->box;
    for (uint32_t i = 0; i < m->loaded_count; i++) {
        const struct board_copy *c = &b->copies[m->loaded[i]];
        struct fit fit = engine_rules_fit(&c->rules, &m->left, &c->expected.need);

        m->left = memory_take(&m->left, fit.kind == FIT_no ? &c->expected.fit : &fit);
    }
    reckon_cached(b, m);
}

bool board_is_slow(const struct board_copy *c)
{
    return c->drift[ESTIMATE_decode].is_slow || c->drift[ESTIMATE_prompt].is_slow;
}

void board_learn(struct board_copy *c, enum estimate_kind kind, double context_tokens,
                 double observed_s, double expected_s, double tokens)
{
    static const double tokens_min[DRIFT_KINDS] = {[ESTIMATE_decode] = 8, [ESTIMATE_prompt] = 64};

    /* What was before the change says nothing about what comes. */
    if (tokens >= tokens_min[kind] && !c->is_guess &&
        drift_note(&c->drift[kind], observed_s / expected_s))
        estimate_forget(&c->estimate, kind);
    estimate_learn(&c->estimate, kind, context_tokens, observed_s, expected_s);
}

/* What was learned, what it holds and who is at work there; not what the fleet file says. */
static void inherit_copy(struct board_copy *c, const struct board_copy *was)
{
    c->estimate = was->estimate;
    memcpy(c->drift, was->drift, sizeof c->drift);
    c->state = was->state;
    c->since_ms = was->since_ms;
    c->read_at = was->read_at;
    c->is_cached = was->is_cached;
    c->is_absent = was->is_absent;
    c->run_count = was->run_count;
    c->known_count = was->known_count;
    c->aside_count = was->aside_count;
    memcpy(c->runs, was->runs, sizeof c->runs);
    c->saved_lately = was->saved_lately;
    c->saved = was->saved;
    c->missed = was->missed;
    c->habit = was->habit;
    c->breaker = was->breaker;
    c->bench_hint = was->bench_hint;
}

/* What was loaded there, in that order, as far as it is in the fleet file still. */
static void inherit_machine(struct board *b, struct board_machine *m, const struct board *old,
                            const int *from)
{
    const struct board_machine *was = NULL;

    for (uint32_t i = 0; i < old->machines_count; i++)
        if (str_equal(old->machines[i].facts->name, m->facts->name))
            was = &old->machines[i];
    if (!was)
        return;
    m->is_drained = was->is_drained;
    m->is_emptied = was->is_emptied;
    m->wake_s = was->wake_s;
    m->read_bytes = was->read_bytes;
    m->failures = was->failures;
    m->loaded_count = 0;
    for (uint32_t i = m->first; i < m->first + m->copies_count; i++) {
        if (from[i] != BOARD_NONE && was->loading == from[i]) {
            m->loading = (int)i;
            m->loading_ms = was->loading_ms;
        }
        if (b->copies[i].state != COPY_away && m->loaded_count < BOARD_LOADED_MAX)
            m->loaded[m->loaded_count++] = i;
    }
    reckon_left(b, m);
}
