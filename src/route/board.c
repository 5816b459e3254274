/* SPDX-License-Identifier: Apache-2.0 */
/* What every machine and copy is doing. */
#include "route/board.h"

#include <assert.h>
#include <math.h>

/* Pieces of prompts that are remembered: a MiB and a half. */
enum { AFFINITY_ENTRIES = 1 << 16 };

/* What outlived its expectation: answers' lengths have long tails, so the rest grows with the age.
 */
static const double overrun_share = 0.2;

static void add_machine(struct board_machine *ret, const struct catalog *catalog,
                        const struct machine *m);
static void add_copy(struct board *b, const struct copy *facts);
static uint32_t slots_of(const struct board_copy *c);
static void lift(struct board_machine *m, uint32_t copy);
static void reckon_left(const struct board *b, struct board_machine *m);

struct board *board_new(const struct view *view)
{
    struct board *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->view = view;
    b->copies_count = view->copies_count;
    b->machines_count = view->fleet->machines_count;
    b->copies = calloc(b->copies_count + 1, sizeof *b->copies);
    b->machines = calloc(b->machines_count + 1, sizeof *b->machines);
    b->affinity = affinity_new(b->copies_count, AFFINITY_ENTRIES);
    if (!b->copies || !b->machines || !b->affinity) {
        board_free(b);
        return NULL;
    }
    for (uint32_t i = 0; i < b->machines_count; i++)
        add_machine(&b->machines[i], view->catalog, &view->fleet->machines[i]);
    for (uint32_t i = 0; i < b->copies_count; i++)
        add_copy(b, &view->copies[i]);
    return b;
}

void board_free(struct board *b)
{
    if (!b)
        return;
    affinity_free(b->affinity);
    free(b->copies);
    free(b->machines);
    free(b);
}

void board_begin(struct board *b, uint32_t copy, const struct board_run *run)
{
    struct board_copy *c = &b->copies[copy];

    if (c->run_count < BOARD_RUNS_MAX)
        c->runs[c->run_count++] = *run;
}

void board_end(struct board *b, uint32_t copy, uint64_t id)
{
    struct board_copy *c = &b->copies[copy];

    for (uint32_t i = 0; i < c->run_count; i++)
        if (c->runs[i].id == id) {
            c->runs[i] = c->runs[--c->run_count];
            return;
        }
}

void board_set(struct board *b, uint32_t copy, enum copy_state state, uint64_t now_ms)
{
    struct board_copy *c = &b->copies[copy];
    struct board_machine *m = c->machine == BOARD_NONE ? NULL : &b->machines[c->machine];

    if (c->state == state)
        return;
    /* What was missed is what it is expected to spare from now on. */
    if (state == COPY_loading || (state == COPY_loaded && c->state == COPY_away))
        c->saved = c->saved_lately = c->missed;
    c->missed = (struct rate){0};
    c->state = state;
    c->since_ms = now_ms;
    if (!m)
        return;
    lift(m, copy);
    if (m->loading == (int)copy)
        m->loading = BOARD_NONE;
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

    for (uint32_t i = 0; i < c->run_count; i++)
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

double board_load_s(const struct board_copy *c)
{
    return c->expected.load_s * estimate_ratio(&c->estimate, ESTIMATE_load, 0);
}

bool board_is_open(const struct board *b, uint32_t copy, uint64_t now_ms)
{
    const struct board_copy *c = &b->copies[copy];
    const struct board_machine *m = c->machine == BOARD_NONE ? NULL : &b->machines[c->machine];

    return breaker_allows(&c->breaker, now_ms) &&
           (!m || (!m->is_down && breaker_allows(&m->breaker, now_ms)));
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

    *c = (struct board_copy){.facts = facts, .machine = BOARD_NONE};
    c->wanted = facts->is_pinned;
    if (!facts->machine) {
        c->slots = slots_of(c);
        c->state = COPY_loaded;
        c->fits = true;
        return;
    }
    c->machine = (int)(facts->machine - b->view->fleet->machines);
    m = &b->machines[c->machine];
    if (!m->copies_count++)
        m->first = facts->index;
    engine_rules_read(&c->rules, facts->engine);
    c->slots = slots_of(c);
    c->fits = facts->artifact &&
              expect_copy(&c->expected, &m->box, &c->rules, facts->artifact, facts->context);
    c->stays = !c->rules.on_demand;
    if (c->stays && c->fits)
        board_set(b, facts->index, COPY_loaded, 0);
}

/* The engine's settings count where the fleet file says nothing. */
static uint32_t slots_of(const struct board_copy *c)
{
    const struct copy *facts = c->facts;
    uint32_t slots = facts->slots;

    if (facts->engine && !facts->engine->slots && slots < c->rules.slots)
        slots = c->rules.slots;
    if (facts->artifact && expect_is_single(facts->artifact))
        slots = 1;
    return slots < BOARD_RUNS_MAX ? slots : BOARD_RUNS_MAX;
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
static void reckon_left(const struct board *b, struct board_machine *m)
{
    m->left = m->box;
    for (uint32_t i = 0; i < m->loaded_count; i++) {
        const struct board_copy *c = &b->copies[m->loaded[i]];
        struct fit fit = engine_rules_fit(&c->rules, &m->left, &c->expected.need);

        m->left = memory_take(&m->left, fit.kind == FIT_no ? &c->expected.fit : &fit);
    }
}
