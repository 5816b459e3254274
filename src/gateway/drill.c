/* SPDX-License-Identifier: Apache-2.0 */
/* Asks every machine of the redundancy map alone, while nothing real needs it. */
#include "gateway/drill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/drill_inside.h"
#include "net/clock.h"
#include "route/traffic.h"

enum {
    LOOK_MS = 20,       /* while a drill is under way */
    IDLE_MS = 1000,     /* else */
    REST_MS = 500,      /* after something real came */
    BUSY_MS = 120000,   /* a machine that is busy for so long is left alone */
    ANSWER_MS = 120000, /* beside the time a load may take */
};

struct shown {
    struct drill *drill;
    struct scene *scene;
};

static void *run(void *ctx);
static void let_go(struct drill *d);
static void on_stop(void *ctx);
static void on_shown(void *ctx);
static void on_tick(void *ctx);
static void on_answer(void *ctx, const struct drill_answer *answer);
static void admit(struct drill *d, struct scene *scene);
static void admit_row(struct drill *d, struct drill_entry *e, const struct drill_row *row);
static void dismiss(struct drill *d);
static bool is_under_way(struct drill *d);
static bool is_due(const struct drill *d);
static void advance(struct drill *d);
static void look_at(struct drill *d, struct drill_entry *e);
static void ask(struct drill *d, struct drill_entry *e);
static void take_back(struct drill *d, struct drill_entry *e);
static void set_state(struct drill_entry *e, enum drill_state state);
static void count_question(struct drill *d, const char *result);
static void finish(struct drill *d);
static bool is_asked(const struct drill *d, const struct machine *machine);
static bool is_needed(const struct drill *d, const struct machine *machine);
static bool is_named(const struct drill_entry *e, struct str category, struct str machine);

int drill_open(struct drill **ret, const struct drill_parts *parts, struct scene *scene,
               struct err *err)
{
    struct drill *d = calloc(1, sizeof *d);
    struct client_options options = {.idle_max = 1, .idle_timeout_ms = 5000, .header_max = 32768};
    int r;

    if (!d)
        return err_set(err, -ENOMEM, "out of memory");
    d->parts = *parts;
    d->opened_us = clock_wall_us();
    if (*parts->folder)
        snprintf(d->path, sizeof d->path, "%s/drills.json", parts->folder);
    pthread_mutex_init(&d->lock, NULL);
    r = endpoint_parse(&d->gateway, str_from(parts->address), err);
    if (r == 0 && (r = loop_open(&d->loop, 0)) < 0)
        err_set(err, r, "no event loop for drills");
    if (r == 0)
        r = client_open(&d->client, d->loop, &options, err);
    if (r == 0) {
        admit(d, scene_ref(scene));
        timer_start(&d->tick, d->loop, IDLE_MS, on_tick, d);
        r = -pthread_create(&d->thread, NULL, run, d);
        d->started = r == 0;
        if (r < 0)
            err_set(err, r, "no thread for drills");
    }
    *ret = d;
    return r;
}

void drill_close(struct drill *d)
{
    if (!d)
        return;
    if (!d->started) {
        let_go(d);
    } else {
        if (loop_post(d->loop, on_stop, d) < 0)
            loop_stop(d->loop);
        pthread_join(d->thread, NULL);
    }
    pthread_mutex_destroy(&d->lock);
    free(d);
}

void drill_show(struct drill *d, struct scene *scene)
{
    struct shown *shown = malloc(sizeof *shown);

    if (!shown)
        return;
    *shown = (struct shown){d, scene_ref(scene)};
    if (loop_post(d->loop, on_shown, shown) < 0) {
        scene_unref(scene);
        free(shown);
    }
}

int drill_begin(struct drill *d, struct str category, struct str machine, struct err *err)
{
    uint32_t named = 0;
    int r = 0;

    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; i < d->count; i++)
        named += is_named(&d->entries[i], category, machine);
    if (d->is_running)
        r = err_set(err, -EALREADY, "a drill is under way: GET /admin/v1/drills says how far");
    else if (!named)
        r = err_set(err, -ENOENT,
                    "no row of the redundancy map is of category '%.*s', machine '%.*s'",
                    STR_ARG(category), STR_ARG(machine));
    for (uint32_t i = 0; i < d->count && r == 0; i++)
        if (is_named(&d->entries[i], category, machine))
            set_state(&d->entries[i], d->entries[i].row.copy ? DRILL_waits : DRILL_hole);
    if (r == 0) {
        d->is_running = true;
        d->began_us = clock_wall_us();
        d->began_ms = clock_monotonic_us() / 1000;
    }
    pthread_mutex_unlock(&d->lock);
    return r;
}

static bool is_named(const struct drill_entry *e, struct str category, struct str machine)
{
    if (category.len && !str_equal(e->row.category->name, category))
        return false;
    return !machine.len || (e->row.machine && str_equal(e->row.machine->name, machine));
}

static void *run(void *ctx)
{
    struct drill *d = ctx;

    loop_run(d->loop);
    let_go(d);
    return NULL;
}

static void let_go(struct drill *d)
{
    timer_stop(&d->tick);
    if (d->scene)
        dismiss(d);
    if (d->client)
        client_close(d->client);
    if (d->loop)
        loop_close(d->loop);
}

static void on_stop(void *ctx)
{
    struct drill *d = ctx;

    timer_stop(&d->tick);
    loop_stop(d->loop);
}

static void on_shown(void *ctx)
{
    struct shown *shown = ctx;
    struct drill *d = shown->drill;

    if (is_under_way(d))
        finish(d);
    dismiss(d);
    admit(d, shown->scene);
    free(shown);
}

static void on_tick(void *ctx)
{
    struct drill *d = ctx;

    if (!is_under_way(d) && is_due(d) &&
        drill_begin(d, (struct str){0}, (struct str){0}, NULL) == -ENOENT)
        d->opened_us = clock_wall_us(); /* nothing to prove: not before the next time */
    if (is_under_way(d))
        advance(d);
    timer_start(&d->tick, d->loop, is_under_way(d) ? LOOK_MS : IDLE_MS, on_tick, d);
}

/* While it is, nobody but this thread changes a row: what follows reads them without the lock. */
static bool is_under_way(struct drill *d)
{
    bool is_running;

    pthread_mutex_lock(&d->lock);
    is_running = d->is_running;
    pthread_mutex_unlock(&d->lock);
    return is_running;
}

static bool is_due(const struct drill *d)
{
    int64_t every_us = (int64_t)d->parts.settings->drill_every_ms * 1000;
    int64_t last_us = d->ended_us ? d->ended_us : d->opened_us;

    return every_us && clock_wall_us() - last_us >= every_us;
}

static void admit(struct drill *d, struct scene *scene)
{
    struct drill_row *rows = calloc(DRILL_ROWS_MAX, sizeof *rows);
    uint32_t count = rows ? drill_list(scene->view, rows, DRILL_ROWS_MAX) : 0;
    struct drill_entry *entries = calloc(count + 1, sizeof *entries);

    pthread_mutex_lock(&d->lock);
    d->scene = scene;
    d->entries = entries;
    d->count = entries ? count : 0;
    for (uint32_t i = 0; i < d->count; i++)
        admit_row(d, &d->entries[i], &rows[i]);
    drill_recall(d);
    pthread_mutex_unlock(&d->lock);
    free(rows);
}

static void admit_row(struct drill *d, struct drill_entry *e, const struct drill_row *row)
{
    struct str labels[] = {row->category->name, row->machine ? row->machine->name : STR("")};

    *e = (struct drill_entry){.drill = d, .row = *row};
    e->proven = stats_series(d->parts.stats, COUNTER_drill_proven, labels);
    e->last_proven =
        stats_series(d->parts.stats, COUNTER_drill_last_proven_timestamp_seconds, labels);
    set_state(e, row->copy ? DRILL_never : DRILL_hole);
}

static void dismiss(struct drill *d)
{
    struct drill_entry *entries = d->entries;
    struct scene *scene = d->scene;

    for (uint32_t i = 0; i < d->count; i++)
        drill_call_cancel(entries[i].call);
    pthread_mutex_lock(&d->lock);
    d->entries = NULL;
    d->count = 0;
    d->is_running = false;
    d->scene = NULL;
    pthread_mutex_unlock(&d->lock);
    free(entries);
    scene_unref(scene);
}

static void advance(struct drill *d)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < d->count; i++) {
        struct drill_entry *e = &d->entries[i];

        look_at(d, e);
        left += e->state == DRILL_waits || e->state == DRILL_runs;
    }
    if (!left)
        finish(d);
}

static void look_at(struct drill *d, struct drill_entry *e)
{
    uint64_t now_ms = loop_now_ms(d->loop);

    if (e->state == DRILL_runs && is_needed(d, e->row.machine)) {
        take_back(d, e);
    } else if (e->state == DRILL_waits && now_ms > d->began_ms + BUSY_MS &&
               is_needed(d, e->row.machine)) {
        count_question(d, "busy");
        pthread_mutex_lock(&d->lock);
        set_state(e, DRILL_busy);
        pthread_mutex_unlock(&d->lock);
    } else if (e->state == DRILL_waits && now_ms >= e->not_before_ms &&
               !is_asked(d, e->row.machine) && !is_needed(d, e->row.machine)) {
        ask(d, e);
    }
}

static void ask(struct drill *d, struct drill_entry *e)
{
    const struct drill_question question = {
        .gateway = &d->gateway,
        .token = d->parts.token,
        .view = d->scene->view,
        .row = &e->row,
        .timeout_ms = (uint32_t)d->parts.settings->load_timeout_ms + ANSWER_MS,
    };

    pthread_mutex_lock(&d->lock);
    set_state(e, DRILL_runs);
    e->began_ms = loop_now_ms(d->loop);
    pthread_mutex_unlock(&d->lock);
    if (drill_call_start(&e->call, d->client, &question, on_answer, e) < 0)
        on_answer(e, &(struct drill_answer){.found = "it cannot be asked: out of memory"});
}

/* Something real runs or waits there: it is not to wait for a drill. */
static void take_back(struct drill *d, struct drill_entry *e)
{
    drill_call_cancel(e->call);
    count_question(d, "yielded");
    pthread_mutex_lock(&d->lock);
    e->call = NULL;
    e->not_before_ms = loop_now_ms(d->loop) + REST_MS;
    set_state(e, DRILL_waits);
    pthread_mutex_unlock(&d->lock);
}

static void on_answer(void *ctx, const struct drill_answer *answer)
{
    struct drill_entry *e = ctx;
    struct drill *d = e->drill;

    count_question(d, answer->is_proven ? "proven" : "failed");
    pthread_mutex_lock(&d->lock);
    e->call = NULL;
    e->answer = *answer;
    e->tried_us = clock_wall_us();
    e->took_ms = loop_now_ms(d->loop) - e->began_ms;
    if (answer->is_proven)
        e->proven_us = e->tried_us;
    set_state(e, answer->is_proven ? DRILL_proven : DRILL_failed);
    pthread_mutex_unlock(&d->lock);
    if (!answer->is_proven)
        log_event(EVENT_drill_failed, e->tried_us,
                  (struct log_field[]){LOG_STR("category", e->row.category->name),
                                       LOG_STR("machine", e->row.machine->name),
                                       LOG_STR("request", str_from(answer->request)),
                                       LOG_STR("found", str_from(answer->found)), LOG_END});
}

/* The one door of a row's state. What is under way says nothing new yet. */
static void set_state(struct drill_entry *e, enum drill_state state)
{
    e->state = state;
    if (state == DRILL_waits || state == DRILL_runs || state == DRILL_busy)
        return;
    series_set(e->proven, state == DRILL_proven);
    series_set(e->last_proven, e->proven_us / 1000000);
}

static void count_question(struct drill *d, const char *result)
{
    struct str label = str_from(result);

    series_add(stats_series(d->parts.stats, COUNTER_drill_questions_total, &label), 1);
}

static void finish(struct drill *d)
{
    uint64_t proven = 0;
    struct str result;

    for (uint32_t i = 0; i < d->count; i++)
        proven += d->entries[i].state == DRILL_proven;
    result = proven == d->count ? STR("ok") : STR("holes");
    pthread_mutex_lock(&d->lock);
    d->is_running = false;
    d->ended_us = clock_wall_us();
    pthread_mutex_unlock(&d->lock);
    drill_keep(d);
    series_add(stats_series(d->parts.stats, COUNTER_drills_total, &result), 1);
    log_event(EVENT_drill_ended, d->ended_us,
              (struct log_field[]){LOG_U64("rows", d->count), LOG_U64("proven", proven), LOG_END});
    log_flush();
}

static bool is_asked(const struct drill *d, const struct machine *machine)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (d->entries[i].state == DRILL_runs && d->entries[i].row.machine == machine)
            return true;
    return false;
}

/* Does anything real run or wait there? */
static bool is_needed(const struct drill *d, const struct machine *machine)
{
    const struct view *view = d->scene->view;

    for (uint32_t i = 0; i < view->copies_count; i++) {
        struct copy_look seen;

        if (view->copies[i].machine != machine)
            continue;
        seen = traffic_look(d->parts.traffic, d->scene->copies[i].place, loop_now_ms(d->loop));
        if (seen.running > seen.aside || seen.waiting)
            return true;
    }
    return false;
}
