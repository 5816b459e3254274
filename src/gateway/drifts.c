/* SPDX-License-Identifier: Apache-2.0 */
/* Where engines have not what the fleet file declares. */
#include "gateway/drifts.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "net/clock.h"

/* Of one engine. */
struct drifting {
    uint32_t count;
    struct drift_seen rows[DRIFTS_SEEN_MAX];
    char engine[];
};

struct drifts {
    struct stats *stats;
    pthread_mutex_t mutex; /* what follows */
    struct map engines;    /* drifting by "machine/engine" */
};

static struct drifting *remember(struct drifts *d, struct str engine);
static bool has(const struct drift_seen *rows, uint32_t count, const struct drift_seen *row);
static void tell(struct str engine, const struct drift_seen *row, bool has_begun);
static void count_kinds(struct drifts *d, const struct view_engine *engine,
                        const struct stock_drift *rows, uint32_t count);

struct drifts *drifts_new(struct stats *stats)
{
    struct drifts *d = memory_need(1, sizeof *d);

    d->stats = stats;
    pthread_mutex_init(&d->mutex, NULL);
    return d;
}

void drifts_free(struct drifts *d)
{
    if (!d)
        return;
    map_each(&d->engines, free);
    map_fini(&d->engines);
    pthread_mutex_destroy(&d->mutex);
    free(d);
}

void drifts_note(struct drifts *d, const struct view_engine *engine, const struct stock_drift *rows,
                 uint32_t count)
{
    struct drift_seen now[DRIFTS_SEEN_MAX];
    struct drifting *known;

    for (uint32_t i = 0; i < count; i++) {
        now[i].kind = rows[i].kind;
        snprintf(now[i].name, sizeof now[i].name, "%.*s", STR_ARG(rows[i].name));
    }
    count_kinds(d, engine, rows, count);
    pthread_mutex_lock(&d->mutex);
    known = remember(d, engine->name);
    for (uint32_t i = 0; known && i < count; i++)
        if (!has(known->rows, known->count, &now[i]))
            tell(engine->name, &now[i], true);
    for (uint32_t i = 0; known && i < known->count; i++)
        if (!has(now, count, &known->rows[i]))
            tell(engine->name, &known->rows[i], false);
    if (known) {
        memcpy(known->rows, now, count * sizeof *now);
        known->count = count;
    }
    pthread_mutex_unlock(&d->mutex);
}

uint32_t drifts_look(struct drifts *d, struct str engine, struct drift_seen *ret, uint32_t max)
{
    const struct drifting *known;
    uint32_t count = 0;

    pthread_mutex_lock(&d->mutex);
    if ((known = map_find(&d->engines, engine))) {
        count = known->count < max ? known->count : max;
        memcpy(ret, known->rows, count * sizeof *ret);
    }
    pthread_mutex_unlock(&d->mutex);
    return count;
}

/* Under the lock. NULL without memory: then nothing is told. Bounded by the fleet file. */
static struct drifting *remember(struct drifts *d, struct str engine)
{
    struct drifting *known = map_find(&d->engines, engine);

    if (known || !(known = calloc(1, sizeof *known + engine.len + 1)))
        return known;
    memcpy(known->engine, engine.data, engine.len);
    if (map_put(&d->engines, str_slice(known->engine, engine.len), known) == 0)
        return known;
    free(known);
    return NULL;
}

static bool has(const struct drift_seen *rows, uint32_t count, const struct drift_seen *row)
{
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].kind == row->kind && strcmp(rows[i].name, row->name) == 0)
            return true;
    return false;
}

static void tell(struct str engine, const struct drift_seen *row, bool has_begun)
{
    log_event(has_begun ? EVENT_drift : EVENT_drift_over, clock_wall_us(),
              (struct log_field[]){LOG_STR("engine", engine),
                                   LOG_STR("kind", str_from(drift_name(row->kind))),
                                   LOG_STR("model", str_from(row->name)), LOG_END});
}

static void count_kinds(struct drifts *d, const struct view_engine *engine,
                        const struct stock_drift *rows, uint32_t count)
{
    for (enum drift_kind kind = 0; kind < DRIFT_KIND_COUNT; kind++) {
        const struct str labels[] = {engine->machine->name, engine->engine->name,
                                     str_from(drift_name(kind))};
        int64_t found = 0;

        for (uint32_t i = 0; i < count; i++)
            found += rows[i].kind == kind;
        series_set(stats_series(d->stats, COUNTER_drift, labels), found);
    }
}
