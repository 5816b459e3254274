/* SPDX-License-Identifier: Apache-2.0 */
/* The live state behind every routing decision. */
#include "route/traffic.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"

struct line {
    struct str name;
    uint32_t waiting;
};

struct traffic {
    pthread_mutex_t lock;
    struct breaker_rules rules;
    struct map engines, copies, lines;
    struct link waiting; /* of all lines, in order of arrival */
};

static bool is_open(const struct copy_place *copy, uint64_t now_ms);
static void take(struct waiter *w, struct copy_place *copy, uint64_t now_ms);
static void forget(struct breaker *b, bool is_trial);
static bool failed(struct breaker *b, bool is_trial, uint64_t now_ms,
                   const struct breaker_rules *rules, bool at_once);
static bool succeeded(struct breaker *b, bool is_trial);
static uint64_t wait_ms(const struct copy_place *copy, uint64_t now_ms);
static enum asked stand_in_line(struct traffic *t, struct waiter *w);
static void leave_line(struct traffic *t, struct waiter *w);
static void hand_on(struct traffic *t, struct copy_place *copy, uint64_t now_ms);
static void hand_on_all(struct traffic *t, uint64_t now_ms);
static void grant(struct traffic *t, struct waiter *w, struct copy_place *copy, uint64_t now_ms);
static struct line *find_line(struct traffic *t, struct str name);
static void *add_place(struct map *places, size_t size, struct str name, struct str *kept);
static void free_places(struct map *places);

struct traffic *traffic_new(const struct breaker_rules *rules)
{
    struct traffic *t = memory_need(1, sizeof *t);

    pthread_mutex_init(&t->lock, NULL);
    t->rules = *rules;
    link_init(&t->waiting);
    return t;
}

void traffic_free(struct traffic *t)
{
    if (!t)
        return;
    free_places(&t->engines);
    free_places(&t->copies);
    free_places(&t->lines);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

struct engine_place *traffic_engine(struct traffic *t, struct str name)
{
    struct engine_place *engine;
    struct str kept;

    pthread_mutex_lock(&t->lock);
    engine = map_find(&t->engines, name);
    if (!engine && (engine = add_place(&t->engines, sizeof *engine, name, &kept)))
        engine->name = kept;
    pthread_mutex_unlock(&t->lock);
    return engine;
}

struct copy_place *traffic_copy(struct traffic *t, struct str name, struct engine_place *engine,
                                uint32_t slots)
{
    struct copy_place *copy;
    struct str kept;

    pthread_mutex_lock(&t->lock);
    copy = map_find(&t->copies, name);
    if (!copy && (copy = add_place(&t->copies, sizeof *copy, name, &kept)))
        copy->name = kept;
    if (copy) {
        copy->engine = engine;
        copy->slots = slots;
    }
    pthread_mutex_unlock(&t->lock);
    return copy;
}

/* The first in order with a free slot; if all who are up are busy, in line behind the others. */
enum asked traffic_ask(struct traffic *t, struct waiter *w, uint64_t now_ms)
{
    enum asked asked = ASK_none;

    assert(!w->in_line);
    w->taken = NULL;
    w->told = false;
    w->retry_ms = UINT64_MAX;
    pthread_mutex_lock(&t->lock);
    for (unsigned i = 0; i < w->count && !w->taken; i++) {
        struct copy_place *copy = w->copies[i];

        if (!is_open(copy, now_ms)) {
            uint64_t wait = wait_ms(copy, now_ms);

            w->retry_ms = wait < w->retry_ms ? wait : w->retry_ms;
        } else if (copy->running < copy->slots) {
            take(w, copy, now_ms);
            asked = ASK_taken;
        } else {
            asked = ASK_waits;
        }
    }
    if (asked == ASK_waits)
        asked = stand_in_line(t, w);
    pthread_mutex_unlock(&t->lock);
    return asked;
}

struct verdict_change traffic_done(struct traffic *t, struct copy_place *copy,
                                   struct outcome outcome, uint64_t now_ms)
{
    const struct failure_row *row = failure_row(outcome.why);
    const struct trial trial = outcome.trial;
    struct verdict_change change = {0};
    struct engine_place *engine;

    pthread_mutex_lock(&t->lock);
    engine = copy->engine;
    assert(copy->running);
    copy->running--;
    if (outcome.unknown) {
        forget(&copy->breaker, trial.of_copy);
        forget(&engine->breaker, trial.of_engine);
    } else if (row->blame == BLAME_machine || row->blame == BLAME_credential) {
        forget(&copy->breaker, trial.of_copy);
        change.engine_opened =
            failed(&engine->breaker, trial.of_engine, now_ms, &t->rules,
                   outcome.why == FAILURE_connect_failed || row->blame == BLAME_credential);
        engine->unreachable =
            outcome.why == FAILURE_connect_failed || outcome.why == FAILURE_connect_timeout;
    } else if (row->blame == BLAME_copy) {
        /* A late answer says that the copy hangs: more tries would hang as well. */
        forget(&engine->breaker, trial.of_engine);
        change.copy_opened = failed(&copy->breaker, trial.of_copy, now_ms, &t->rules,
                                    outcome.why == FAILURE_first_byte_timeout);
    } else {
        change.copy_closed = succeeded(&copy->breaker, trial.of_copy);
        change.engine_closed = succeeded(&engine->breaker, trial.of_engine);
    }
    if (change.engine_closed) /* its other copies may be tried as well */
        hand_on_all(t, now_ms);
    else
        hand_on(t, copy, now_ms);
    pthread_mutex_unlock(&t->lock);
    return change;
}

bool traffic_leave(struct traffic *t, struct waiter *w, uint64_t now_ms)
{
    bool told;

    pthread_mutex_lock(&t->lock);
    if (w->in_line) {
        leave_line(t, w);
    } else if (w->taken) {
        w->taken->running--;
        forget(&w->taken->breaker, w->trial.of_copy);
        forget(&w->taken->engine->breaker, w->trial.of_engine);
        hand_on(t, w->taken, now_ms);
        w->taken = NULL;
    }
    told = w->told;
    pthread_mutex_unlock(&t->lock);
    return told;
}

bool traffic_hold(struct traffic *t, struct engine_place *engine, uint64_t now_ms,
                  uint64_t until_ms)
{
    bool was_held;

    pthread_mutex_lock(&t->lock);
    was_held = engine->held_until_ms > now_ms;
    if (until_ms > engine->held_until_ms)
        engine->held_until_ms = until_ms;
    pthread_mutex_unlock(&t->lock);
    return !was_held;
}

bool traffic_probed(struct traffic *t, struct engine_place *engine, bool up, uint64_t now_ms)
{
    bool changed, back;

    pthread_mutex_lock(&t->lock);
    changed = !engine->probed || engine->up != up;
    engine->probed = true;
    engine->up = up;
    back = up && (changed || engine->unreachable);
    if (back) {
        breaker_succeeded(&engine->breaker);
        engine->unreachable = false;
    }
    pthread_mutex_unlock(&t->lock);
    if (back)
        traffic_sweep(t, now_ms);
    return changed;
}

bool traffic_absent(struct traffic *t, struct copy_place *copy, bool absent)
{
    bool changed;

    pthread_mutex_lock(&t->lock);
    changed = copy->absent != absent;
    copy->absent = absent;
    pthread_mutex_unlock(&t->lock);
    return changed;
}

void traffic_resident(struct traffic *t, struct copy_place *copy, bool resident)
{
    pthread_mutex_lock(&t->lock);
    copy->resident = resident;
    pthread_mutex_unlock(&t->lock);
}

void traffic_sweep(struct traffic *t, uint64_t now_ms)
{
    pthread_mutex_lock(&t->lock);
    hand_on_all(t, now_ms);
    pthread_mutex_unlock(&t->lock);
}

bool traffic_is_open(struct traffic *t, const struct copy_place *copy, uint64_t now_ms)
{
    bool open;

    pthread_mutex_lock(&t->lock);
    open = is_open(copy, now_ms);
    pthread_mutex_unlock(&t->lock);
    return open;
}

struct copy_place traffic_look(struct traffic *t, const struct copy_place *copy)
{
    struct copy_place seen;

    pthread_mutex_lock(&t->lock);
    seen = *copy;
    pthread_mutex_unlock(&t->lock);
    return seen;
}

struct engine_place traffic_look_engine(struct traffic *t, const struct engine_place *engine)
{
    struct engine_place seen;

    pthread_mutex_lock(&t->lock);
    seen = *engine;
    pthread_mutex_unlock(&t->lock);
    return seen;
}

unsigned traffic_waiting(struct traffic *t, struct str line)
{
    const struct line *found;
    unsigned waiting;

    pthread_mutex_lock(&t->lock);
    found = map_find(&t->lines, line);
    waiting = found ? found->waiting : 0;
    pthread_mutex_unlock(&t->lock);
    return waiting;
}

static bool is_open(const struct copy_place *copy, uint64_t now_ms)
{
    const struct engine_place *engine = copy->engine;

    if (copy->absent || (engine->probed && !engine->up) || engine->held_until_ms > now_ms)
        return false;
    return breaker_allows(&engine->breaker, now_ms) && breaker_allows(&copy->breaker, now_ms);
}

static void take(struct waiter *w, struct copy_place *copy, uint64_t now_ms)
{
    w->trial.of_copy = breaker_try(&copy->breaker, now_ms);
    w->trial.of_engine = breaker_try(&copy->engine->breaker, now_ms);
    w->taken = copy;
    copy->running++;
}

/* An attempt that began before the bench says nothing while another one is the trial. */
static void forget(struct breaker *b, bool is_trial)
{
    if (is_trial)
        breaker_forget(b);
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

/* When a copy that is not open may be: at the next probe (a guess of a second) or after its bench.
 */
static uint64_t wait_ms(const struct copy_place *copy, uint64_t now_ms)
{
    enum { PROBE_SOON_MS = 1000 };
    uint64_t copy_ms = breaker_wait_ms(&copy->breaker, now_ms);
    uint64_t engine_ms = breaker_wait_ms(&copy->engine->breaker, now_ms);
    uint64_t held_ms =
        copy->engine->held_until_ms > now_ms ? copy->engine->held_until_ms - now_ms : 0;
    uint64_t longest = copy_ms > engine_ms ? copy_ms : engine_ms;

    longest = held_ms > longest ? held_ms : longest;
    return longest > PROBE_SOON_MS ? longest : PROBE_SOON_MS;
}

static enum asked stand_in_line(struct traffic *t, struct waiter *w)
{
    struct line *line = find_line(t, w->line);

    if (!line || line->waiting >= w->line_max)
        return ASK_full;
    line->waiting++;
    for (unsigned i = 0; i < w->count; i++)
        w->copies[i]->waiting++;
    w->in_line = true;
    link_append(&t->waiting, &w->link);
    return ASK_waits;
}

static void leave_line(struct traffic *t, struct waiter *w)
{
    struct line *line = find_line(t, w->line);

    assert(w->in_line && line && line->waiting);
    line->waiting--;
    for (unsigned i = 0; i < w->count; i++)
        w->copies[i]->waiting--;
    w->in_line = false;
    link_remove(&w->link);
}

/* O(waiting) only when someone waits for this very copy; the line has a ceiling. */
static void hand_on(struct traffic *t, struct copy_place *copy, uint64_t now_ms)
{
    if (!copy->waiting || copy->running >= copy->slots || !is_open(copy, now_ms))
        return;
    LINK_EACH(&t->waiting, at)
    {
        struct waiter *w = CONTAINER(at, struct waiter, link);

        for (unsigned i = 0; i < w->count; i++) {
            if (w->copies[i] != copy)
                continue;
            grant(t, w, copy, now_ms);
            return;
        }
    }
}

/* To each in line, in order, the first copy it can have. */
static void hand_on_all(struct traffic *t, uint64_t now_ms)
{
    for (struct link *at = t->waiting.next, *next; at != &t->waiting; at = next) {
        struct waiter *w = CONTAINER(at, struct waiter, link);

        next = at->next;
        for (unsigned i = 0; i < w->count; i++) {
            struct copy_place *copy = w->copies[i];

            if (copy->running >= copy->slots || !is_open(copy, now_ms))
                continue;
            grant(t, w, copy, now_ms);
            break;
        }
    }
}

static void grant(struct traffic *t, struct waiter *w, struct copy_place *copy, uint64_t now_ms)
{
    leave_line(t, w);
    take(w, copy, now_ms);
    w->told = w->granted(w);
}

static struct line *find_line(struct traffic *t, struct str name)
{
    struct line *line = map_find(&t->lines, name);
    struct str kept;

    if (!line && (line = add_place(&t->lines, sizeof *line, name, &kept)))
        line->name = kept;
    return line;
}

/* The name's bytes stand behind the place, in the same allocation. */
static void *add_place(struct map *places, size_t size, struct str name, struct str *kept)
{
    char *place = calloc(1, size + name.len + 1);

    if (!place)
        return NULL;
    memcpy(place + size, name.data, name.len);
    *kept = str_slice(place + size, name.len);
    if (map_put(places, *kept, place) < 0) {
        free(place);
        return NULL;
    }
    return place;
}

static void free_places(struct map *places)
{
    map_each(places, free);
    map_fini(places);
}
