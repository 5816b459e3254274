/* SPDX-License-Identifier: Apache-2.0 */
/* One machine's thread: its steps, one after the other; each a few times where that may help. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "apply/apply_inside.h"

enum { TRIES_MAX = 5, PAUSE_MS = 250 };

static void carry_out(struct hand *h, struct apply_step *s);
static bool may_begin(struct hand *h, struct apply_step *s);
static const struct apply_step *what_failed_before(const struct apply *a,
                                                   const struct apply_step *s);
static bool is_awaited(const struct apply *a, const struct apply_step *removal, bool *has_failed);
static bool is_canary_out(const struct apply *a, const struct apply_step *s, bool *has_failed);
static int try_it(struct hand *h, struct apply_step *s, struct err *err);
static bool is_worth_a_try(int r);
static void end(struct hand *h, struct apply_step *s, enum step_state state, const char *words);

void *hand_run(void *hand)
{
    struct hand *h = hand;
    struct err err = {0};

    if (asker_open(&h->asker, &err) < 0)
        h->is_gone = true;
    for (uint32_t i = 0; i < h->apply->steps_count; i++) {
        struct apply_step *s = &h->apply->steps[i];

        if (s->machine == h->machine && s->state == STEP_IS_waiting)
            carry_out(h, s);
    }
    asker_close(&h->asker);
    return NULL;
}

static void carry_out(struct hand *h, struct apply_step *s)
{
    struct err err = {0};
    int r;

    if (!may_begin(h, s))
        return;
    r = try_it(h, s, &err);
    if (r == -ECONNREFUSED)
        h->is_gone = true;
    end(h, s, r == -ENOTSUP ? STEP_IS_left : r < 0 ? STEP_IS_failed : STEP_IS_done, err.text);
}

/* Waits for copies that others still make of what is to be removed, and for the first engine that
 * is set up. */
static bool may_begin(struct hand *h, struct apply_step *s)
{
    struct apply *a = h->apply;
    const struct apply_step *before;
    bool has_failed = false;

    pthread_mutex_lock(&a->mutex);
    while (s->kind == WORK_remove ? is_awaited(a, s, &has_failed)
                                  : s->kind == WORK_configure && is_canary_out(a, s, &has_failed))
        pthread_cond_wait(&a->changed, &a->mutex);
    before = what_failed_before(a, s);
    if (!before && !has_failed && !h->is_gone)
        s->state = STEP_IS_running;
    pthread_mutex_unlock(&a->mutex);
    if (h->is_gone)
        end(h, s, STEP_IS_skipped, "its machine does not answer any more");
    else if (has_failed)
        end(h, s, STEP_IS_skipped,
            s->kind == WORK_remove ? "somebody else still needs it: it stays where it is"
                                   : "the first engine that was set up so did not come back");
    else if (before)
        end(h, s, STEP_IS_skipped, "");
    return s->state == STEP_IS_running;
}

/* An earlier step of the same copy, or the engine's own. Nothing builds upon a measurement. */
static const struct apply_step *what_failed_before(const struct apply *a,
                                                   const struct apply_step *s)
{
    for (const struct apply_step *at = a->steps; at < s; at++) {
        bool is_same = at->copy && at->copy == s->copy && at->kind != WORK_measure;
        bool is_engine = (at->kind == WORK_observe || at->kind == WORK_install) && !at->name.len;

        if (at->engine == s->engine && (is_same || is_engine) && at->state >= STEP_IS_failed)
            return at;
    }
    return NULL;
}

static bool is_awaited(const struct apply *a, const struct apply_step *removal, bool *has_failed)
{
    for (const struct apply_step *at = a->steps; at < removal; at++) {
        if (at->kind != WORK_pull || at->machine == removal->machine ||
            !str_equal(at->name, removal->name))
            continue;
        if (at->state <= STEP_IS_running)
            return true;
        *has_failed = *has_failed || at->state != STEP_IS_done;
    }
    return false;
}

/* Of each kind one engine is set up first; the others see what becomes of it. One that could not be
 * asked, and was never tried, is not the first. */
static bool is_canary_out(const struct apply *a, const struct apply_step *s, bool *has_failed)
{
    for (const struct apply_step *at = a->steps; at < s; at++) {
        if (at->kind != WORK_configure || at->engine->kind != s->engine->kind ||
            (at->state > STEP_IS_done && !at->tries))
            continue;
        *has_failed = at->state > STEP_IS_done;
        return at->state <= STEP_IS_running;
    }
    return false;
}

static int try_it(struct hand *h, struct apply_step *s, struct err *err)
{
    int r = 0;

    for (unsigned try = 0; try < TRIES_MAX; try++) {
        if (try)
            poll(NULL, 0, PAUSE_MS << try);
        pthread_mutex_lock(&h->apply->mutex);
        s->tries = try + 1;
        pthread_mutex_unlock(&h->apply->mutex);
        r = hand_steps[s->kind](h, s, err);
        if (!is_worth_a_try(r))
            break;
    }
    return r;
}

static bool is_worth_a_try(int r)
{
    return r == -ECONNREFUSED || r == -ETIMEDOUT || r == -EPIPE || r == -EAGAIN;
}

static void end(struct hand *h, struct apply_step *s, enum step_state state, const char *words)
{
    struct apply *a = h->apply;

    pthread_mutex_lock(&a->mutex);
    s->state = state;
    if (state != STEP_IS_done)
        snprintf(s->words, sizeof s->words, "%.*s", STEP_WORDS - 1, words);
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->mutex);
}
