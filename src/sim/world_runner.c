/* SPDX-License-Identifier: Apache-2.0 */
/* A loaded copy: its slots, its queue, and the steps in which all slots move together. */
#include "sim/world_inside.h"

#include <stdlib.h>

#include "base/memory.h"

static void fill_slots(struct runner *r, double now_ms);
static struct slot *choose_slot(struct runner *r, const struct visit *v);
static uint32_t cached_tokens(const struct slot *s, const struct visit *v);
static void enter_slot(struct runner *r, struct slot *s, struct visit *v, double now_ms);
static void leave_slot(struct runner *r, struct visit *v, double now_ms);
static void step_begin(struct runner *r, double now_ms);
static struct visit *next_prompt(struct runner *r);
static uint32_t fewest_left(const struct runner *r);
static double step_length_ms(struct runner *r);
static double prompt_length_ms(struct runner *r, const struct visit *p, unsigned decoding);
static unsigned count_stepping(const struct world *w);
static void step_visit_end(struct runner *r, struct visit *v, double now_ms);
static void decode_one(struct runner *r, struct visit *v, double now_ms);
static void finish(struct runner *r, struct visit *v, enum visit_event what, double now_ms);

struct runner *runner_new(struct loader *e, const struct world_artifact *artifact,
                          const struct pace *pace, uint32_t slots, double now_ms)
{
    struct runner *r = memory_need(1, sizeof *r);

    r->engine = e;
    r->artifact = artifact;
    r->pace = *pace;
    r->slot_count = slots < SLOTS_MAX ? slots : SLOTS_MAX;
    r->keep_ms = e->options.keep_alive_ms;
    r->expires_ms = INFINITY;
    r->loaded_ms = now_ms;
    link_init(&r->waiting);
    link_append(&e->runners, &r->link);
    return r;
}

/* Nobody may use it any more. */
void runner_free(struct runner *r)
{
    link_remove(&r->link);
    free(r);
}

void runner_use(struct runner *r, struct visit *v, double now_ms)
{
    r->refs++;
    r->expires_ms = INFINITY;
    if (v->keep_alive_given)
        r->keep_ms = v->keep_alive_ms < 0 ? INFINITY : v->keep_alive_ms;
    v->runner = r;
    v->state = VISIT_waiting;
    v->context = r->pace.num_ctx;
    if (r->state == RUNNER_loaded)
        v->ready_ms = now_ms;
    link_append(&r->waiting, &v->link);
    fill_slots(r, now_ms);
}

void runner_drop(struct runner *r, struct visit *v, double now_ms)
{
    if (v->state == VISIT_waiting)
        link_remove(&v->link);
    else
        leave_slot(r, v, now_ms);
    v->runner = NULL;
    v->state = VISIT_over;
    v->end_ms = now_ms;
    r->refs--;
    if (r->refs == 0)
        loader_idle(r, now_ms);
    else
        fill_slots(r, now_ms);
}

double runner_next_ms(const struct runner *r)
{
    if (r->state != RUNNER_loaded || r->stepping)
        return r->due_ms;
    return r->refs == 0 ? r->expires_ms : INFINITY;
}

/* The step's work is done; `stepping` stays set meanwhile, so that no other step begins. */
void runner_step_end(struct runner *r, double now_ms)
{
    struct visit *prompt = r->step_visit;

    r->step_visit = NULL;
    r->ending = true;
    for (uint32_t i = 0; i < r->slot_count; i++) {
        struct visit *v = r->slots[i].visit;

        if (v && v == prompt)
            step_visit_end(r, v, now_ms);
        else if (v && v->state == VISIT_decode)
            decode_one(r, v, now_ms);
    }
    r->stepping = false;
    if (r->state == RUNNER_loaded)
        fill_slots(r, now_ms);
    r->ending = false;
    if (!r->stepping)
        world_land(r->engine->world, now_ms);
}

void runner_land(struct runner *r, double now_ms)
{
    uint32_t steps;

    if (!r->stepping || r->leap < 2)
        return;
    steps = (uint32_t)fmax(0, (now_ms - r->leap_begun_ms) / r->leap_step_ms) + 1;
    if (steps >= r->leap)
        return;
    r->leap = steps;
    r->due_ms = r->leap_begun_ms + steps * r->leap_step_ms;
}

static void fill_slots(struct runner *r, double now_ms)
{
    struct slot *s;

    if (r->state != RUNNER_loaded)
        return;
    while (!link_is_empty(&r->waiting)) {
        struct visit *v = CONTAINER(r->waiting.next, struct visit, link);

        if (v->load_only) {
            v->ready_ms = v->ready_ms ? v->ready_ms : now_ms;
            finish(r, v, VISIT_EVENT_done, now_ms);
            return;
        }
        s = choose_slot(r, v);
        if (!s)
            break;
        link_remove(&v->link);
        enter_slot(r, s, v, now_ms);
        runner_land(r, now_ms);
    }
    if (!r->stepping)
        step_begin(r, now_ms);
}

/* The free slot that holds most of the prompt, else the one used longest ago. */
static struct slot *choose_slot(struct runner *r, const struct visit *v)
{
    struct slot *best = NULL;
    uint32_t best_hit = 0;

    for (uint32_t i = 0; i < r->slot_count; i++) {
        struct slot *s = &r->slots[i];
        uint32_t hit;

        if (s->visit)
            continue;
        hit = cached_tokens(s, v);
        if (!best || hit > best_hit || (hit == best_hit && s->used_ms < best->used_ms)) {
            best = s;
            best_hit = hit;
        }
    }
    return best;
}

/* Whole pieces only; the last token of a prompt is always evaluated. */
static uint32_t cached_tokens(const struct slot *s, const struct visit *v)
{
    for (unsigned i = v->piece_count; i-- > 0;)
        for (unsigned k = s->piece_count; k-- > 0;)
            if (s->pieces[k].chain == v->pieces[i].chain)
                return i + 1 < v->piece_count ? v->pieces[i].tokens : v->pieces[i].tokens - 1;
    return 0;
}

static void enter_slot(struct runner *r, struct slot *s, struct visit *v, double now_ms)
{
    v->state = VISIT_prefill;
    v->slot = (unsigned)(s - r->slots);
    v->slot_ms = now_ms;
    v->prompt_tokens = v->piece_count ? v->pieces[v->piece_count - 1].tokens : 0;
    v->cached_tokens = cached_tokens(s, v);
    v->prompt_done = v->cached_tokens;
    if (!v->ready_ms)
        v->ready_ms = now_ms;
    s->visit = v;
    s->piece_count = 0;
}

/* What was evaluated stays in the slot: the next prompt may begin with it. */
static void leave_slot(struct runner *r, struct visit *v, double now_ms)
{
    struct slot *s = &r->slots[v->slot];

    s->visit = NULL;
    s->used_ms = now_ms;
    s->piece_count = 0;
    for (unsigned i = 0; i < v->piece_count && v->pieces[i].tokens <= v->prompt_done; i++)
        s->pieces[s->piece_count++] = v->pieces[i];
    if (v->answer_chain && v->tokens_done == v->answer_tokens)
        s->pieces[s->piece_count++] =
            (struct piece){v->answer_chain, v->prompt_tokens + v->tokens_done};
    if (r->step_visit == v)
        r->step_visit = NULL;
}

static void step_begin(struct runner *r, double now_ms)
{
    struct world *w = r->engine->world;
    double length_ms;

    r->step_visit = next_prompt(r);
    r->leap = w->leaps && !r->step_visit && w->fault != WORLD_cuts ? fewest_left(r) : 1;
    length_ms = step_length_ms(r);
    if (length_ms < 0)
        return;
    if (!r->ending)
        world_land(w, now_ms);
    r->stepping = true;
    r->leap_begun_ms = now_ms;
    r->leap_step_ms = length_ms * w->factor * count_stepping(w);
    r->due_ms = now_ms + r->leap * r->leap_step_ms;
}

/* How many tokens the answer has to go that will end first. */
static uint32_t fewest_left(const struct runner *r)
{
    uint32_t fewest = UINT32_MAX;

    for (uint32_t i = 0; i < r->slot_count; i++) {
        const struct visit *v = r->slots[i].visit;

        if (v && v->state == VISIT_decode && v->answer_tokens - v->tokens_done < fewest)
            fewest = v->answer_tokens - v->tokens_done;
    }
    return fewest == UINT32_MAX ? 1 : fewest;
}

/* Prompts are evaluated one after the other, in the order they got their slots. */
static struct visit *next_prompt(struct runner *r)
{
    struct visit *first = NULL;

    for (uint32_t i = 0; i < r->slot_count; i++) {
        struct visit *v = r->slots[i].visit;

        if (v && v->state == VISIT_prefill && (!first || v->slot_ms < first->slot_ms))
            first = v;
    }
    return first;
}

/* At full speed and alone; negative when there is nothing to do. */
static double step_length_ms(struct runner *r)
{
    const struct pace *pace = &r->pace;
    struct visit *p = r->step_visit;
    uint64_t context = 0;
    unsigned decoding = 0;

    for (uint32_t i = 0; i < r->slot_count; i++) {
        struct visit *v = r->slots[i].visit;

        if (v && v->state == VISIT_decode) {
            decoding++;
            context += v->prompt_tokens + v->tokens_done + r->leap / 2;
        }
    }
    if (p && p->fixed_ms > 0)
        return p->fixed_ms;
    if (p)
        return prompt_length_ms(r, p, decoding);
    if (decoding == 0)
        return -1;
    return 1e3 *
           speed_step_seconds(&pace->box, &pace->load, &pace->fit, context / decoding, decoding);
}

/* A batch of a prompt carries a token of each sequence that decodes, as llama-server's batches do:
 * what it reads of memory it reads once, so they cost what so many prompt tokens cost. */
static double prompt_length_ms(struct runner *r, const struct visit *p, unsigned decoding)
{
    uint32_t left = p->prompt_tokens - p->prompt_done;

    r->step_tokens = left < BATCH_TOKENS ? left : BATCH_TOKENS;
    return 1e3 * speed_prefill_seconds(&r->pace.box, &r->pace.load, &r->pace.fit,
                                       r->step_tokens + decoding, p->prompt_done);
}

/* Runners that compute at the same time share the machine evenly. */
static unsigned count_stepping(const struct world *w)
{
    unsigned count = 0;

    for (unsigned i = 0; i < w->engine_count; i++)
        LINK_EACH(&w->engines[i].runners, at)
    count += CONTAINER(at, struct runner, link)->stepping;
    return count ? count : 1;
}

static void step_visit_end(struct runner *r, struct visit *v, double now_ms)
{
    if (v->fixed_ms > 0) {
        finish(r, v, VISIT_EVENT_done, now_ms);
        return;
    }
    v->prompt_done += r->step_tokens;
    if (v->prompt_done < v->prompt_tokens)
        return;
    v->first_ms = now_ms;
    v->state = VISIT_decode;
    if (v->answer_tokens)
        decode_one(r, v, now_ms);
    else
        finish(r, v, VISIT_EVENT_done, now_ms);
}

static void decode_one(struct runner *r, struct visit *v, double now_ms)
{
    const struct world *w = r->engine->world;

    v->tokens_done += v->tokens_done ? r->leap : 1; /* the first comes with the prompt */
    if (v->tokens_done >= v->answer_tokens)
        finish(r, v, VISIT_EVENT_done, now_ms);
    else if (w->fault == WORLD_cuts && v->tokens_done >= w->after_tokens)
        finish(r, v, VISIT_EVENT_cut, now_ms);
    else
        world_tell(r->engine->world, v, VISIT_EVENT_token);
}

static void finish(struct runner *r, struct visit *v, enum visit_event what, double now_ms)
{
    struct world *w = r->engine->world;

    runner_drop(r, v, now_ms);
    world_tell(w, v, what);
}
