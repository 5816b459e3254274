/* SPDX-License-Identifier: Apache-2.0 */
/* What drills have proven: told, kept and read back. */
#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "gateway/drill_inside.h"
#include "gateway/kept.h"

enum { KEPT_MAX = 4 << 20, TIME_ROOM = 32 };

static void write_entry(const struct drill_entry *e, struct json_out *o);
static void write_counts(const struct drill *d, struct json_out *o);
static void write_time(struct json_out *o, const char *key, int64_t us);
static void recall_row(struct drill *d, yyjson_val *row);
static struct drill_entry *find_entry(struct drill *d, struct str category, struct str machine);

const char *drill_state_name(enum drill_state state)
{
    static const char *const names[DRILL_STATE_COUNT] = {
        [DRILL_never] = "never",   [DRILL_waits] = "waits",   [DRILL_runs] = "runs",
        [DRILL_proven] = "proven", [DRILL_failed] = "failed", [DRILL_busy] = "busy",
        [DRILL_hole] = "hole"};

    return names[state];
}

void drill_write(struct drill *d, struct json_out *o)
{
    pthread_mutex_lock(&d->lock);
    drill_report(d, o);
    pthread_mutex_unlock(&d->lock);
}

void drill_report(const struct drill *d, struct json_out *o)
{
    json_open(o, '{');
    json_text(json_key(o, "fleet"), d->scene->fleet->name);
    json_bool(json_key(o, "running"), d->is_running);
    write_time(o, "began", d->began_us);
    write_time(o, "ended", d->ended_us);
    json_number(json_key(o, "ended_us"), (uint64_t)d->ended_us);
    json_number(json_key(o, "every_s"), d->parts.settings->drill_every_ms / 1000);
    json_open(json_key(o, "rows"), '[');
    for (uint32_t i = 0; i < d->count; i++)
        write_entry(&d->entries[i], o);
    json_close(o, ']');
    write_counts(d, o);
    json_close(o, '}');
}

static void write_entry(const struct drill_entry *e, struct json_out *o)
{
    const struct drill_row *row = &e->row;

    json_open(o, '{');
    json_text(json_key(o, "category"), row->category->name);
    json_text(json_key(o, "machine"), row->machine ? row->machine->name : STR(""));
    json_text(json_key(o, "role"), str_from(drill_role_name(row->role)));
    json_text(json_key(o, "state"), str_from(drill_state_name(e->state)));
    json_text(json_key(o, "name"), row->copy ? row->copy->name : STR(""));
    json_text(json_key(o, "parity"), str_from(e->answer.parity));
    json_text(json_key(o, "request"), str_from(e->answer.request));
    json_text(json_key(o, "found"), str_from(row->hole ? row->hole : e->answer.found));
    json_number(json_key(o, "ms"), e->took_ms);
    write_time(o, "tried", e->tried_us);
    write_time(o, "last_proven", e->proven_us);
    json_number(json_key(o, "last_proven_us"), (uint64_t)e->proven_us);
    json_close(o, '}');
}

static void write_counts(const struct drill *d, struct json_out *o)
{
    uint64_t counts[DRILL_STATE_COUNT] = {0};

    for (uint32_t i = 0; i < d->count; i++)
        counts[d->entries[i].state]++;
    json_open(json_key(o, "counts"), '{');
    for (int i = 0; i < DRILL_STATE_COUNT; i++)
        json_number(json_key(o, drill_state_name((enum drill_state)i)), counts[i]);
    json_close(o, '}');
}

static void write_time(struct json_out *o, const char *key, int64_t us)
{
    char text[TIME_ROOM];
    time_t seconds = (time_t)(us / 1000000);
    struct tm utc;

    if (us == 0) {
        json_raw(json_key(o, key), STR("null"));
        return;
    }
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    json_text(json_key(o, key), str_from(text));
}

/* A copy that answered for another fleet file's reasons has still answered: rows are found by
 * name. */
void drill_recall(struct drill *d)
{
    struct json json = kept_read(d->path, KEPT_MAX);
    yyjson_val *row;
    size_t i, count;

    if (!d->ended_us)
        d->ended_us = (int64_t)json_find_u64(json.root, "ended_us");
    yyjson_arr_foreach(json_find(json.root, "rows"), i, count, row)
    {
        recall_row(d, row);
    }
    json_fini(&json);
}

void drill_each_stale(struct drill *d, int64_t since_us, drill_stale_fn *fn, void *ctx)
{
    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; i < d->count && d->opened_us < since_us; i++) {
        const struct drill_entry *e = &d->entries[i];

        if (e->row.copy && e->row.machine && e->proven_us < since_us)
            fn(ctx, e->row.category->name, e->row.machine->name, e->proven_us);
    }
    pthread_mutex_unlock(&d->lock);
}

static void recall_row(struct drill *d, yyjson_val *row)
{
    struct drill_entry *e =
        find_entry(d, json_find_str(row, "category"), json_find_str(row, "machine"));

    if (!e)
        return;
    e->proven_us = (int64_t)json_find_u64(row, "last_proven_us");
    series_set(e->last_proven, e->proven_us / 1000000);
}

/* What cannot be kept is proven again by the next drill. */
void drill_keep(struct drill *d)
{
    struct buf text;
    struct json_out o = {.out = &text};

    if (!*d->path)
        return;
    buf_init(&text, KEPT_MAX);
    drill_write(d, &o);
    if (o.error == 0 && file_keep(d->path, buf_str(&text), NULL) < 0)
        remove(d->path);
    buf_fini(&text);
}

static struct drill_entry *find_entry(struct drill *d, struct str category, struct str machine)
{
    for (uint32_t i = 0; i < d->count; i++) {
        struct drill_entry *e = &d->entries[i];

        if (e->row.machine && str_equal(e->row.category->name, category) &&
            str_equal(e->row.machine->name, machine))
            return e;
    }
    return NULL;
}
