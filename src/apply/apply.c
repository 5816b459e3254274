/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying out what a fleet file declares. */
#include "apply/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/apply_inside.h"
#include "net/clock.h"

static int open_parts(struct apply *a, struct err *err);
static bool is_all_here(const struct apply_options *o);
static void wait_for_hands(struct apply *a);
static void count_files(struct apply *a);
static double seconds_of(const struct apply *a);

static const struct {
    const char *name, *what;
    bool is_change;
} kinds[WORK_COUNT] = {
#define STEP(name, is_change, what) [WORK_##name] = {#name, what, is_change},
#include "tables/apply_steps.def"
};

static const char *const states[STEP_STATE_COUNT] = {
    [STEP_IS_waiting] = "waiting", [STEP_IS_running] = "running", [STEP_IS_done] = "done",
    [STEP_IS_failed] = "failed",   [STEP_IS_skipped] = "skipped", [STEP_IS_left] = "left",
};

int apply_open(struct apply **ret, const struct apply_options *options, struct err *err)
{
    struct apply *a = calloc(1, sizeof *a);
    int r;

    if (!a)
        return err_set(err, -ENOMEM, "out of memory");
    a->options = *options;
    arena_init(&a->arena, APPLY_BYTES_MAX);
    buf_init(&a->kept, KEPT_MAX);
    link_init(&a->lendings);
    pthread_mutex_init(&a->mutex, NULL);
    pthread_mutex_init(&a->store_mutex, NULL);
    pthread_cond_init(&a->changed, NULL);
    r = open_parts(a, err);
    if (r == 0)
        r = apply_look_around(a, err);
    if (r == 0)
        r = apply_make_steps(a, err);
    if (r < 0)
        apply_close(a);
    else
        *ret = a;
    return r;
}

static int open_parts(struct apply *a, struct err *err)
{
    const struct apply_options *o = &a->options;
    const struct depot_options depot = {o->settings, o->store_url,
                                        o->listen        ? o->listen
                                        : is_all_here(o) ? "127.0.0.1:0"
                                                         : "0.0.0.0:0"};
    int r = installed_open(&a->installed, o->folder, err);

    if (r == 0 && !o->registry)
        r = depot_open(&a->depot, &depot, err);
    if (r == 0 && a->depot && (r = depot_expect(a->depot, o->fleet)) < 0)
        err_set(err, r, "out of memory");
    if (r == 0)
        r = endpoint_parse(&a->upstream,
                           o->registry ? str_from(o->registry) : o->settings->registry_upstream,
                           err);
    a->wish = (struct plan_wish){.fleet = o->fleet, .catalog = o->catalog, .day = o->day};
    return r < 0 ? r : declared_make(&a->declared, &a->wish, err);
}

/* Are all engines on this machine? */
static bool is_all_here(const struct apply_options *o)
{
    for (uint32_t i = 0; i < o->fleet->machines_count; i++)
        for (uint32_t k = 0; k < o->fleet->machines[i].engines_count; k++) {
            const struct machine *m = &o->fleet->machines[i];
            struct endpoint endpoint;
            struct err err = {0};

            if (observe_endpoint(&endpoint, m, &m->engines[k], &err) == 0 &&
                !str_starts(str_from(endpoint.host), STR("127.")) &&
                strcmp(endpoint.host, "::1") != 0 && strcmp(endpoint.host, "localhost") != 0)
                return false;
        }
    return true;
}

void apply_close(struct apply *a)
{
    if (!a)
        return;
    wait_for_hands(a);
    depot_close(a->depot);
    installed_close(a->installed);
    for (uint32_t i = 0; a->declared && i < a->declared->plan.copies_count; i++) {
        const struct fleet_model *line = a->declared->plan.copies[i].line;
        struct known_manifest *known = map_find(&a->manifests, line->pull);

        if (known)
            manifest_fini(&known->manifest);
    }
    for (uint32_t i = 0; i < a->seen_count; i++)
        seen_fini(&a->seen[i]);
    map_fini(&a->manifests);
    diff_free(a->diff);
    declared_free(a->declared);
    buf_fini(&a->kept);
    pthread_cond_destroy(&a->changed);
    store_close(a->store);
    pthread_mutex_destroy(&a->store_mutex);
    pthread_mutex_destroy(&a->mutex);
    arena_fini(&a->arena);
    free(a);
}

static void wait_for_hands(struct apply *a)
{
    for (uint32_t i = 0; i < a->hands_count; i++)
        if (a->hands[i].has_thread)
            pthread_join(a->hands[i].thread, NULL);
}

int apply_start(struct apply *a, struct err *err)
{
    int r = 0;

    a->started_us = clock_monotonic_us();
    for (uint32_t i = 0; i < a->hands_count && r == 0; i++) {
        struct hand *h = &a->hands[i];

        r = -pthread_create(&h->thread, NULL, hand_run, h);
        h->has_thread = r == 0;
    }
    return r < 0 ? err_set(err, r, "no thread for a machine") : 0;
}

bool apply_look(struct apply *a, apply_step_fn *fn, void *ctx)
{
    bool is_over = true;

    pthread_mutex_lock(&a->mutex);
    count_files(a);
    for (uint32_t i = 0; i < a->steps_count; i++) {
        fn(ctx, i, &a->steps[i]);
        is_over = is_over && a->steps[i].state > STEP_IS_running;
    }
    if (is_over && !a->ended_us)
        a->ended_us = clock_monotonic_us();
    pthread_mutex_unlock(&a->mutex);
    return is_over;
}

/* A script says nothing while it fetches, but the registry knows what it gave. */
static void count_files(struct apply *a)
{
    for (uint32_t i = 0; i < a->steps_count && a->depot; i++) {
        struct apply_step *s = &a->steps[i];
        uint64_t given;

        if (s->kind != WORK_fetch || s->state != STEP_IS_running)
            continue;
        given = registry_given(depot_registry(a->depot), apply_place(a, apply_seen(a, s->engine)));
        s->bytes_done = given < s->bytes ? given : s->bytes;
    }
}

struct apply_sum apply_sum(struct apply *a)
{
    struct registry_sum spent = {0};
    struct apply_sum sum = {.bill = a->bill};

    if (a->depot)
        spent = registry_sum(depot_registry(a->depot));
    pthread_mutex_lock(&a->mutex);
    for (uint32_t i = 0; i < a->steps_count; i++) {
        sum.changes += step_is_change(a->steps[i].kind);
        sum.states[a->steps[i].state]++;
    }
    sum.spent = (struct apply_cost){spent.wan_bytes, spent.lan_bytes, seconds_of(a), 0};
    for (uint32_t i = 0; i < a->hands_count; i++)
        if (a->hands[i].measure_s > sum.spent.measure_s)
            sum.spent.measure_s = a->hands[i].measure_s;
    pthread_mutex_unlock(&a->mutex);
    return sum;
}

struct apply_progress apply_progress(struct apply *a)
{
    struct apply_progress p = {0};

    pthread_mutex_lock(&a->mutex);
    count_files(a);
    for (uint32_t i = 0; i < a->steps_count; i++) {
        const struct apply_step *s = &a->steps[i];

        if (!step_brings(s->kind))
            continue;
        p.bytes += s->bytes;
        p.bytes_done += s->state == STEP_IS_done ? s->bytes : s->bytes_done;
    }
    p.seconds = seconds_of(a);
    pthread_mutex_unlock(&a->mutex);
    if (p.seconds > 0)
        p.bytes_per_s = (double)p.bytes_done / p.seconds;
    if (p.bytes_per_s > 0 && p.bytes > p.bytes_done)
        p.left_s = (double)(p.bytes - p.bytes_done) / p.bytes_per_s;
    return p;
}

/* Since it began, until it ended; under the mutex. */
static double seconds_of(const struct apply *a)
{
    uint64_t until_us = a->ended_us ? a->ended_us : clock_monotonic_us();

    return a->started_us ? (double)(until_us - a->started_us) / 1e6 : 0;
}

struct str apply_kept(const struct apply *a)
{
    return buf_str(&a->kept);
}

const char *step_name(enum work kind)
{
    return kinds[kind].name;
}

const char *step_what(enum work kind)
{
    return kinds[kind].what;
}

bool step_is_change(enum work kind)
{
    return kinds[kind].is_change;
}

bool step_brings(enum work kind)
{
    return kind == WORK_pull || kind == WORK_fetch;
}

const char *step_state_name(enum step_state state)
{
    return states[state];
}
