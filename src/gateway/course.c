/* SPDX-License-Identifier: Apache-2.0 */
/* Where an exchange may go. */
#include "gateway/course.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "config/settings.h"
#include "gateway/booking.h"
#include "gateway/decision.h"
#include "gateway/drill_call.h"
#include "gateway/fence.h"
#include "gateway/outgoing.h"
#include "gateway/permit.h"
#include "gateway/prompt.h"
#include "gateway/qualify.h"
#include "gateway/resume.h"
#include "gateway/wanted.h"
#include "gateway/worker.h"
#include "net/clock.h"
#include "route/room.h"

static bool make_room(struct exchange *x, uint32_t options);
static void keep(struct exchange *x, const struct candidate *c);
static enum failure narrow_down(struct exchange *x, struct candidates *found, struct err *err);
static enum failure read_priority(struct exchange *x, struct err *err);
static enum failure read_deadline(struct exchange *x, struct err *err);
static enum failure keep_reachable(struct exchange *x, struct candidates *found, struct err *err);
static enum failure read_parity(struct exchange *x, struct err *err);
static void hold_to_parity(const struct exchange *x, struct candidates *found);
static const struct copy *named_copy(const struct exchange *x, const struct candidates *found);
static bool step_down(struct exchange *x);
static bool has(const struct candidate *rows, uint32_t count, const struct copy *copy);
static bool has_endpoint(const struct exchange *x, const struct scene_engine *e);
static void fill_errand(struct exchange *x);
static bool on_granted(struct waiter *w);
static bool on_recalled(struct waiter *w);
static void end_recall(struct exchange *x);
static void measure(struct exchange *x, struct errand_end *end);
static void measure_times(const struct exchange *x, struct errand_end *end);
static bool has_tokens(const struct exchange *x);

enum failure course_find(struct exchange *x, struct err *err)
{
    struct candidates found;
    int r = candidates_find_space(&found, x->scene->view, x->ask.model,
                                  wanted_capabilities(&x->ask), fence_wanted(x), err);
    enum failure why = FAILURE_none;

    x->candidate_count = x->waiter.errand.options_count = x->waiter.errand.pieces_count = 0;
    if (r < 0)
        why = r == -ENOENT ? FAILURE_unknown_model
                           : (r == -EXDEV ? FAILURE_other_space : FAILURE_unsupported);
    x->named = why ? NULL : named_copy(x, &found);
    if (!why)
        why = narrow_down(x, &found, err);
    if (!why && !x->candidate_count && !step_down(x))
        why = fence_judge(x, FAILURE_no_candidate, err);

    if (!why)
        why = read_priority(x, err);
    if (!why)
        why = read_deadline(x, err);
    x->waiter.errand.name = found.line;
    decision_begin(x, &found);
    if (why)
        return why;
    fill_errand(x);
    prompt_read(x);
    return FAILURE_none;
}

enum failure course_set(struct exchange *x, uint32_t copy, struct str line)
{
    if (!make_room(x, 1))
        return FAILURE_out_of_room;
    keep(x, &(struct candidate){.copy = &x->scene->view->copies[copy]});
    x->waiter.errand.name = line;
    fill_errand(x);
    decision_begin(x, NULL);
    return FAILURE_none;
}

void course_narrow(struct exchange *x, const struct candidate *rows, uint32_t count)
{
    struct candidates left;

    left.ruled_out_count = 0;
    for (uint32_t i = 0; i < x->candidate_count; i++)
        if (!has(rows, count, x->candidates[i].copy))
            candidates_rule_out(&left, x->candidates[i].copy, REJECTION_unequal, NULL);
    x->candidate_count = x->waiter.errand.options_count = 0;
    for (uint32_t i = 0; i < count; i++)
        keep(x, &rows[i]);
    decision_begin(x, &left);
}

static bool has(const struct candidate *rows, uint32_t count, const struct copy *copy)
{
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].copy == copy)
            return true;
    return false;
}

void course_fini(struct exchange *x)
{
    free(TAKE(x->waiter.copies));
    waiter_fini(&x->waiter);
}

enum asked course_ask(struct exchange *x)
{
    struct traffic *t = x->worker->gateway->traffic;
    enum asked asked = traffic_ask(t, &x->waiter, loop_now_ms(x->worker->loop));

    if (asked == ASK_none && step_down(x))
        asked = traffic_ask(t, &x->waiter, loop_now_ms(x->worker->loop));
    return asked;
}

bool course_has_more(struct exchange *x)
{
    const struct errand *e = &x->waiter.errand;

    for (uint32_t i = 0; i < e->options_count; i++)
        if (!e->options[i].tried)
            return true;
    return x->why != FAILURE_upstream_loading && step_down(x);
}

unsigned course_attempts(const struct exchange *x)
{
    return x->attempts - (resume_is_on(x) ? resume_attempts(x) : x->waiter.errand.recalls);
}

void course_forgive(struct exchange *x)
{
    struct errand *e = &x->waiter.errand;

    for (uint32_t i = 0; i < e->options_count; i++)
        e->options[i].tried = false;
}

/* Two rows of the fleet file may name one place. */
uint32_t course_index(const struct exchange *x, const struct copy_place *place)
{
    for (uint32_t i = 0; i < x->candidate_count; i++)
        if (x->waiter.copies[i] == place)
            return i;
    assert(!"only candidates are asked for");
    return 0;
}

void course_began(struct exchange *x)
{
    traffic_began(x->worker->gateway->traffic, &x->waiter, loop_now_ms(x->worker->loop));
}

struct verdict_change course_done(struct exchange *x, const struct outcome *outcome)
{
    struct errand_end end = {.why = outcome->why, .left = outcome->unknown};
    struct verdict_change change;

    if (!end.why && !end.left) {
        measure(x, &end);
        decision_took(x, &end);
    }
    change =
        traffic_done(x->worker->gateway->traffic, &x->waiter, &end, loop_now_ms(x->worker->loop));
    end_recall(x);
    return change;
}

void course_leave(struct exchange *x)
{
    x->grant_on_its_way =
        traffic_leave(x->worker->gateway->traffic, &x->waiter, loop_now_ms(x->worker->loop)) &&
        !x->granted;
    end_recall(x);
}

bool course_is_worth_waiting(const struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;

    return clock_monotonic_us() - x->arrived_us < settings->load_timeout_ms * 1000 &&
           traffic_is_loading(x->worker->gateway->traffic, &x->waiter);
}

uint64_t course_estimate_ms(struct exchange *x)
{
    return traffic_estimate_ms(x->worker->gateway->traffic, &x->waiter,
                               loop_now_ms(x->worker->loop));
}

/* What the key, the model and the request itself leave of them. */
static enum failure narrow_down(struct exchange *x, struct candidates *found, struct err *err)
{
    enum failure why = FAILURE_none;

    if (x->booking.key)
        why = permit(found, &x->booking.key->rules, x->ask.model, err);
    if (!why)
        why = qualify(found, &x->ask, err);
    if (!why)
        why = read_parity(x, err);
    if (why)
        return why;
    hold_to_parity(x, found);
    return keep_reachable(x, found, err);
}

/* Of a name that is one model's; NULL: of several, or something else than words is asked for. */
static const struct copy *named_copy(const struct exchange *x, const struct candidates *found)
{
    if (!task_has_stream(x->task) || x->dead.data || x->started ||
        str_is(found->line, "selector") || fleet_category(x->scene->fleet, found->line))
        return NULL;
    return found->rows[0].copy;
}

/* Nobody of its name can answer: whoever may stand in for it is a candidate from here on. What was
 * reserved for it does not pay for a cloud model. False: nobody may. */
static bool step_down(struct exchange *x)
{
    const struct copy *named = TAKE(x->named);
    struct candidates found;
    uint32_t before = x->candidate_count, kept = 0;

    if (!named || x->started)
        return false;
    candidates_step_down(&found, x->scene->view, named, wanted_capabilities(&x->ask));
    for (uint32_t i = 0; i < found.count; i++)
        if (x->booking.reservation.is_open && found.rows[i].copy->cloud)
            candidates_rule_out(&found, found.rows[i].copy, REJECTION_forbidden,
                                "the cloud: nothing was reserved for it");
        else
            found.rows[kept++] = found.rows[i];
    found.count = kept;
    if (!found.count || narrow_down(x, &found, NULL))
        return false;
    decision_begin(x, &found);
    return x->candidate_count > before;
}

/* The caller may say how much less than what it asked for it takes. */
static enum failure read_parity(struct exchange *x, struct err *err)
{
    struct str word = x->request ? request_header(x->request, STR("x-tampu-parity")) : STR("");
    enum parity least = PARITY_identical;

    if (x->started) /* it goes on: who asked has said it */
        return FAILURE_none;
    while (least < PARITY_incompatible && !str_is(word, parity_name(least)))
        least++;
    if (word.len && least == PARITY_incompatible) {
        err_set(err, -EINVAL, "x-tampu-parity: '%.*s' is none of identical, equivalent or degraded",
                STR_ARG(word));
        return FAILURE_bad_request;
    }
    x->least = least;
    return FAILURE_none;
}

static void hold_to_parity(const struct exchange *x, struct candidates *found)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < found->count; i++)
        if (found->rows[i].parity <= x->least)
            found->rows[kept++] = found->rows[i];
        else
            candidates_rule_out(found, found->rows[i].copy, REJECTION_lesser, NULL);
    found->count = kept;
}

/* Without keys nobody ranks callers but they themselves. */
static enum failure read_priority(struct exchange *x, struct err *err)
{
    const struct rules *rules = x->booking.key ? &x->booking.key->rules : NULL;
    struct str word = x->request ? request_header(x->request, STR(PRIORITY_HEADER)) : STR("");
    enum priority own = rules ? rules->priority : PRIORITY_normal, wished = own;

    if (x->started) /* it goes on: who asked has said it */
        return FAILURE_none;
    if (word.len && !priority_read(&wished, word)) {
        err_set(err, -EINVAL, PRIORITY_HEADER ": '%.*s' is none of %s", STR_ARG(word),
                priority_words);
        return FAILURE_bad_request;
    }
    x->priority = priority_granted(own, wished, !rules || rules->may_raise);
    return FAILURE_none;
}

/* By when the caller wants its first token; more than any wait is as good as none. */
static enum failure read_deadline(struct exchange *x, struct err *err)
{
    struct str word = x->request ? request_header(x->request, STR("x-tampu-deadline")) : STR("");
    uint64_t ms = 0;

    if (x->started || !word.len) /* it goes on: who asked has said it */
        return FAILURE_none;
    if (units_read_duration(&ms, word) != 0 || !ms) {
        err_set(err, -EINVAL, "x-tampu-deadline: '%.*s' is no time such as 10s or 500ms",
                STR_ARG(word));
        return FAILURE_bad_request;
    }
    x->deadline_s = (double)ms / 1e3;
    return FAILURE_none;
}

/* A copy without an address, or a provider without its key, is no candidate. */
static enum failure keep_reachable(struct exchange *x, struct candidates *found, struct err *err)
{
    if (!make_room(x, found->count))
        return FAILURE_out_of_room;
    for (uint32_t i = 0; i < found->count; i++) {
        const struct copy *copy = found->rows[i].copy;
        const struct scene_engine *e = x->scene->copies[copy->index].engine;

        if (x->dead.data && drill_is_dead(x->dead, copy)) {
            candidates_rule_out(found, copy, REJECTION_dead, NULL);
            err_set(err, -ENOENT, "every machine that could answer counts as dead");
        } else if (!e->is_reachable) {
            candidates_rule_out(found, copy, REJECTION_unreachable, e->why_not);
            err_set(err, -ENOENT, "%.*s: %s", STR_ARG(copy->machine_name), e->why_not);
        } else if (!has_endpoint(x, e)) {
            candidates_rule_out(found, copy, REJECTION_no_endpoint, NULL);
            err_set(err, -ENOENT, "%.*s: its engine has no such endpoint",
                    STR_ARG(copy->machine_name));
        } else {
            keep(x, &found->rows[i]);
        }
    }
    return FAILURE_none;
}

/* What routing knows of it to its end, when the arena is gone: one block, as large as is needed; so
 * many options more than it has. */
static bool make_room(struct exchange *x, uint32_t more)
{
    struct waiter *w = &x->waiter;
    struct errand *e = &w->errand;
    uint32_t had = x->candidate_count, options = had + more;
    uint32_t pieces = e->pieces_count ? e->pieces_count : prompt_pieces(x);
    size_t pieces_room = pieces ? pieces + 1 : 0;
    struct copy_place **room =
        malloc(options * (sizeof *room + sizeof *x->candidates + sizeof *e->options) +
               pieces_room * sizeof *e->pieces);
    struct candidate *candidates = (void *)(room + options);

    if (!room)
        return false;
    if (had) {
        memcpy(room, w->copies, had * sizeof *room);
        memcpy(candidates, x->candidates, had * sizeof *candidates);
        memcpy(candidates + options, e->pieces, e->pieces_count * sizeof *e->pieces);
        memcpy((struct prompt_piece *)(void *)(candidates + options) + pieces_room, e->options,
               had * sizeof *e->options);
    }
    course_fini(x);
    w->copies = room;
    x->candidates = candidates;
    e->pieces = (void *)(candidates + options);
    e->options = (void *)(e->pieces + pieces_room);
    return true;
}

/* A list that is longer than any that people read is cut. */
static void keep(struct exchange *x, const struct candidate *c)
{
    struct errand *e = &x->waiter.errand;
    uint32_t i = x->candidate_count;

    if (i == ERRAND_OPTIONS_MAX)
        return;
    x->candidates[i] = *c;
    x->waiter.copies[i] = x->scene->copies[c->copy->index].place;
    e->options[i] = (struct errand_option){
        .parity = (uint16_t)c->parity,
        .sizes = c->sizes,
        .tier = c->is_last       ? TIER_last
                : c->copy->cloud ? TIER_cloud
                                 : TIER_first,
    };
    e->options_count = x->candidate_count = i + 1;
}

/* What nobody translates needs an engine that speaks as the caller does. */
static bool has_endpoint(const struct exchange *x, const struct scene_engine *e)
{
    const struct dialect *dialect = scene_dialect(e, x->task, x->dialect);
    bool is_own = dialect == x->dialect;
    /* Translated, one text is a list of one. */
    enum task task = x->task == TASK_embed_one && !is_own ? TASK_embed : x->task;

    return dialect && dialect->target(task) && (is_own || !task_is_passed(task));
}

static void fill_errand(struct exchange *x)
{
    struct errand *e = &x->waiter.errand;

    /* A key's urgent requests do not stand behind its own batch. */
    e->key = str_hash(str_from(x->key_id)) + x->priority;
    e->worth = worth_usual;
    e->worth.weight = priority_weight(x->priority);
    e->worth.give_way_s = priority_give_way_s(x->priority);
    if (x->deadline_s > 0) {
        e->worth.deadline_s = x->deadline_s;
        if (x->priority == PRIORITY_normal)
            e->worth.give_way_s = fmin(e->worth.give_way_s, x->deadline_s);
    }
    e->tries_all = true;
    e->is_aside = x->dead.data != NULL;
    e->yields = x->priority == PRIORITY_batch && has_tokens(x) && !e->is_aside && !x->started;
    e->shows_tokens = x->ask.stream;
    e->prompt_tokens = x->ask.prompt_bytes / ROOM_TOKEN_BYTES + 1;
    e->is_opaque = !has_tokens(x);
    e->output_max = x->ask.max_tokens;
    if (task_is_embedding(x->task) || x->task == TASK_tokens)
        e->output_max = 1;
    x->waiter.line_max = x->worker->gateway->settings->queue_max;
    x->waiter.granted = on_granted;
    x->waiter.recalled = on_recalled;
}

/* On whichever thread freed the slot, under the lock of traffic: post, nothing else. */
static bool on_granted(struct waiter *w)
{
    struct exchange *x = CONTAINER(w, struct exchange, waiter);

    return loop_post(x->worker->loop, exchange_on_grant, x) == 0;
}

static bool on_recalled(struct waiter *w)
{
    struct exchange *x = CONTAINER(w, struct exchange, waiter);

    return loop_post(x->worker->loop, exchange_on_recall, x) == 0;
}

/* It runs no more: what was posted to its try and not heard yet concerns nobody. */
static void end_recall(struct exchange *x)
{
    struct errand *e = &x->waiter.errand;

    x->recalls_on_their_way += e->is_recalled && !x->recall_heard;
    e->is_recalled = x->recall_heard = x->recalled = false;
}

/* Of a good answer: what it consisted of, as its engine says or else as it was counted, and how
 * long that took. */
static void measure(struct exchange *x, struct errand_end *end)
{
    struct errand *e = &x->waiter.errand;
    struct usage used = booking_used(x);

    if (e->is_opaque) {
        end->decode_s = (double)(clock_monotonic_us() - x->attempt.started_us) / 1e6;
        return;
    }
    e->prompt_tokens = (uint32_t)used.prompt_tokens;
    end->output_tokens = (uint32_t)used.completion_tokens;
    end->cached_tokens = (uint32_t)used.cached_tokens;
    end->answer_chain = prompt_answer_chain(x);
    measure_times(x, end);
}

/* As the engine reports them; else by our own clock, if the answer came as it was made. */
static void measure_times(const struct exchange *x, struct errand_end *end)
{
    const struct engine_times *t = &x->times;
    uint64_t began_us = x->attempt.started_us, first_us = x->first_token_us;

    end->load_s = (double)t->load_us / 1e6;
    end->prompt_s = (double)t->prefill_us / 1e6;
    end->decode_s = (double)t->decode_us / 1e6;
    if (t->prefill_us || t->decode_us || !outgoing_streams(x) || first_us < began_us)
        return;
    if (!x->waiter.errand.has_loaded) /* or the load would count as reading */
        end->prompt_s = (double)(first_us - began_us) / 1e6;
    end->decode_s = (double)(clock_monotonic_us() - first_us) / 1e6;
}

static bool has_tokens(const struct exchange *x)
{
    return task_has_stream(x->task) || task_is_embedding(x->task) || x->task == TASK_tokens;
}
