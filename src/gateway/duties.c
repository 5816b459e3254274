/* SPDX-License-Identifier: Apache-2.0 */
/* What operators said of machines, in duties.json beside the state. */
#include "gateway/duties.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "gateway/kept.h"
#include "wire/json_out.h"

enum { KEPT_MAX = 1 << 20, NAME_MAX_BYTES = 160 };

struct entry {
    struct duty said;
    char machine[NAME_MAX_BYTES];
};

struct duties {
    struct traffic *traffic;
    char path[4200]; /* empty: they are not kept */
    pthread_mutex_t lock;
    bool is_new;           /* since they were kept last */
    struct entry *entries; /* of machines that do not serve */
    uint32_t count;
};

static void recall(struct duties *d);
static void recall_row(struct duties *d, yyjson_val *row);
static int set(struct duties *d, struct str machine, const struct duty *said);
static struct entry *find(const struct duties *d, struct str machine);
static void write_rows(struct duties *d, struct json_out *o);

static const char *const names[] = {
    [DUTY_serves] = "serves", [DUTY_cordoned] = "cordoned", [DUTY_drained] = "drained"};

const char *duty_name(enum machine_duty duty)
{
    return names[duty];
}

struct duties *duties_new(struct traffic *traffic, const char *folder)
{
    struct duties *d = calloc(1, sizeof *d);
    struct entry *entries = calloc(DUTIES_MAX, sizeof *entries);

    if (!d || !entries) {
        free(d);
        free(entries);
        return NULL;
    }
    d->traffic = traffic;
    d->entries = entries;
    if (*folder)
        snprintf(d->path, sizeof d->path, "%s/duties.json", folder);
    pthread_mutex_init(&d->lock, NULL);
    recall(d);
    return d;
}

void duties_free(struct duties *d)
{
    if (!d)
        return;
    duties_keep(d);
    pthread_mutex_destroy(&d->lock);
    free(d->entries);
    free(d);
}

void duties_apply(struct duties *d, uint64_t now_ms)
{
    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; i < d->count; i++)
        (void)!traffic_set_duty(d->traffic, str_from(d->entries[i].machine),
                                d->entries[i].said.duty, now_ms);
    pthread_mutex_unlock(&d->lock);
}

int duties_say(struct duties *d, struct str machine, enum machine_duty duty, struct str by,
               uint64_t now_ms, int64_t wall_us)
{
    struct duty said = {.duty = duty, .since_us = wall_us};
    int r;

    snprintf(said.by, sizeof said.by, "%.*s", STR_ARG(by));
    pthread_mutex_lock(&d->lock);
    r = traffic_set_duty(d->traffic, machine, duty, now_ms);
    if (r == 0)
        r = set(d, machine, &said);
    d->is_new = d->is_new || r == 0;
    pthread_mutex_unlock(&d->lock);
    return r;
}

bool duties_find(struct duties *d, struct str machine, struct duty *ret)
{
    const struct entry *e;

    pthread_mutex_lock(&d->lock);
    if ((e = find(d, machine)))
        *ret = e->said;
    pthread_mutex_unlock(&d->lock);
    return e != NULL;
}

/* What cannot be written is tried again with the next change. */
void duties_keep(struct duties *d)
{
    struct buf text;
    struct json_out o = {.out = &text};
    bool is_new;

    buf_init(&text, KEPT_MAX);
    pthread_mutex_lock(&d->lock);
    is_new = d->is_new;
    d->is_new = false;
    if (is_new && *d->path)
        write_rows(d, &o);
    pthread_mutex_unlock(&d->lock);
    if (is_new && *d->path && o.error == 0)
        (void)!file_keep(d->path, buf_str(&text), NULL);
    buf_fini(&text);
}

static void recall(struct duties *d)
{
    struct json json = kept_read(d->path, KEPT_MAX);
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(json_find(json.root, "machines"), i, count, row)
    {
        recall_row(d, row);
    }
    json_fini(&json);
}

static void recall_row(struct duties *d, yyjson_val *row)
{
    struct str name = json_find_str(row, "duty");
    struct duty said = {.since_us = (int64_t)json_find_u64(row, "since_us")};

    snprintf(said.by, sizeof said.by, "%.*s", STR_ARG(json_find_str(row, "by")));
    for (size_t duty = DUTY_cordoned; duty < COUNT_OF(names); duty++)
        if (str_is(name, names[duty])) {
            said.duty = (enum machine_duty)duty;
            (void)!set(d, json_find_str(row, "machine"), &said);
        }
}

/* Who serves again is said nothing of: the last takes its place. */
static int set(struct duties *d, struct str machine, const struct duty *said)
{
    struct entry *e = find(d, machine);

    if (said->duty == DUTY_serves) {
        if (e)
            *e = d->entries[--d->count];
        return 0;
    }
    if (!e && (d->count == DUTIES_MAX || machine.len >= sizeof e->machine))
        return -ENOSPC;
    if (!e)
        e = &d->entries[d->count++];
    e->said = *said;
    snprintf(e->machine, sizeof e->machine, "%.*s", STR_ARG(machine));
    return 0;
}

static struct entry *find(const struct duties *d, struct str machine)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (str_is(machine, d->entries[i].machine))
            return &d->entries[i];
    return NULL;
}

static void write_rows(struct duties *d, struct json_out *o)
{
    json_open(o, '{');
    json_open(json_key(o, "machines"), '[');
    for (uint32_t i = 0; i < d->count; i++) {
        const struct entry *e = &d->entries[i];

        json_open(o, '{');
        json_text(json_key(o, "machine"), str_from(e->machine));
        json_text(json_key(o, "duty"), str_from(duty_name(e->said.duty)));
        json_text(json_key(o, "by"), str_from(e->said.by));
        json_number(json_key(o, "since_us"), (uint64_t)e->said.since_us);
        json_close(o, '}');
    }
    json_close(o, ']');
    json_close(o, '}');
}
