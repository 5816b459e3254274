/* SPDX-License-Identifier: Apache-2.0 */
/* The decisions about the last requests. */
#include "gateway/decisions.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/decision.h"
#include "wire/json_out.h"

enum { PATH_ROOM = 4200, FILE_MAX = 4 << 20 };

/* One of both, or neither: it becomes text at this moment. */
struct record {
    char id[EXCHANGE_ID_SIZE];
    uint64_t number;
    struct decision *raw;
    char *json;
};

struct decisions {
    pthread_mutex_t lock;
    struct record ring[DECISIONS_MAX];
    uint64_t count, kept; /* ever; the number up to which all are text */
    char path[PATH_ROOM], old_path[PATH_ROOM];
};

static void read_file(struct decisions *d, const char *path);
static struct record *make_room(struct decisions *d, struct str id);
static struct decision *take_raw(struct decisions *d, uint64_t number);
static void put_text(struct decisions *d, uint64_t number, struct str json);
static int write_text(struct buf *out, const struct decision *decision);
static void append(struct decisions *d, struct str lines);

struct decisions *decisions_new(const char *folder)
{
    struct decisions *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    pthread_mutex_init(&d->lock, NULL);
    if (!*folder)
        return d;
    snprintf(d->path, sizeof d->path, "%s/decisions", folder);
    snprintf(d->old_path, sizeof d->old_path, "%s/decisions.old", folder);
    read_file(d, d->old_path);
    read_file(d, d->path);
    d->kept = d->count;
    return d;
}

void decisions_free(struct decisions *d)
{
    if (!d)
        return;
    decisions_keep(d);
    for (uint32_t i = 0; i < DECISIONS_MAX; i++)
        free(d->ring[i].json);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

void decisions_put(struct decisions *d, struct decision **decision)
{
    struct decision *raw = TAKE(*decision);

    pthread_mutex_lock(&d->lock);
    make_room(d, decision_id(raw))->raw = raw;
    pthread_mutex_unlock(&d->lock);
}

/* The youngest first. */
int decisions_find(struct decisions *d, struct str id, struct buf *out)
{
    int r = -ENOENT;

    pthread_mutex_lock(&d->lock);
    for (uint64_t n = d->count; n > 0 && d->count - n < DECISIONS_MAX && r == -ENOENT; n--) {
        const struct record *at = &d->ring[n % DECISIONS_MAX];

        if (!str_is(id, at->id))
            continue;
        if (at->raw)
            r = write_text(out, at->raw);
        else if (at->json)
            r = buf_put(out, str_from(at->json));
    }
    pthread_mutex_unlock(&d->lock);
    return r;
}

/* One line each: the id, a space, the JSON. */
void decisions_keep(struct decisions *d)
{
    uint64_t count = __atomic_load_n(&d->count, __ATOMIC_RELAXED);
    struct buf lines, text;

    buf_init(&lines, (size_t)DECISIONS_MAX * DECISION_TEXT_MAX);
    buf_init(&text, DECISION_TEXT_MAX);
    while (d->kept < count) {
        struct decision *raw = take_raw(d, ++d->kept);

        buf_reset(&text);
        if (raw && write_text(&text, raw) == 0) {
            put_text(d, d->kept, buf_str(&text));
            if (buf_put(&lines, decision_id(raw)) < 0 || buf_put_char(&lines, ' ') < 0 ||
                buf_put(&lines, buf_str(&text)) < 0 || buf_put_char(&lines, '\n') < 0)
                buf_reset(&lines);
        }
        decision_drop(raw);
    }
    append(d, buf_str(&lines));
    buf_fini(&text);
    buf_fini(&lines);
}

static void read_file(struct decisions *d, const char *path)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    while (file && (length = getline(&line, &room, file)) > 1) {
        struct str json, id = str_cut(str_slice(line, (size_t)length - 1), ' ', &json);

        if (json.len && id.len < EXCHANGE_ID_SIZE)
            put_text(d, make_room(d, id)->number, json);
    }
    free(line);
    if (file)
        fclose(file);
}

/* Under the lock. The oldest goes. */
static struct record *make_room(struct decisions *d, struct str id)
{
    uint64_t number = d->count + 1;
    struct record *at = &d->ring[number % DECISIONS_MAX];

    decision_drop(at->raw);
    free(at->json);
    *at = (struct record){.number = number};
    memcpy(at->id, id.data, id.len);
    __atomic_store_n(&d->count, number, __ATOMIC_RELAXED);
    return at;
}

static struct decision *take_raw(struct decisions *d, uint64_t number)
{
    struct record *at = &d->ring[number % DECISIONS_MAX];
    struct decision *raw = NULL;

    pthread_mutex_lock(&d->lock);
    if (at->number == number)
        raw = TAKE(at->raw);
    pthread_mutex_unlock(&d->lock);
    return raw;
}

static void put_text(struct decisions *d, uint64_t number, struct str json)
{
    struct record *at = &d->ring[number % DECISIONS_MAX];
    char *copy = malloc(json.len + 1);

    if (!copy)
        return;
    memcpy(copy, json.data, json.len);
    copy[json.len] = '\0';
    pthread_mutex_lock(&d->lock);
    if (at->number == number && !at->json)
        at->json = TAKE(copy);
    pthread_mutex_unlock(&d->lock);
    free(copy);
}

static int write_text(struct buf *out, const struct decision *decision)
{
    struct json_out o = {.out = out};

    decision_write(decision, &o);
    return o.error;
}

/* A full file becomes the old one. */
static void append(struct decisions *d, struct str lines)
{
    FILE *file = *d->path && lines.len ? fopen(d->path, "ae") : NULL;

    if (!file)
        return;
    fwrite(lines.data, 1, lines.len, file);
    if (ftell(file) > FILE_MAX)
        rename(d->path, d->old_path);
    fclose(file);
}
