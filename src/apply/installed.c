/* SPDX-License-Identifier: Apache-2.0 */
/* What tampu itself has put onto machines. */
#include "apply/installed.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "store/journal.h"
#include "wire/json_out.h"

enum { RECORD_MAX = 4096 };

struct entry {
    struct link link;
    char *machine, *engine, *name;
};

struct installed {
    struct journal *journal;
    pthread_mutex_t mutex;
    pthread_cond_t written;
    struct link entries;
    uint64_t durable;
    struct err trouble;
    bool is_troubled;
};

static const char *const marks[] = {[INSTALLED_begun] = "begun", [INSTALLED_gone] = "gone"};

static int on_record(void *ctx, uint64_t number, struct str record);
static void on_durable(void *ctx, uint64_t number);
static void on_trouble(void *ctx, const struct err *err);
static int write_record(struct buf *out, enum installed_mark mark,
                        const struct installed_name *name);
static int wait_until_durable(struct installed *i, uint64_t number, struct err *err);
static struct entry *find(struct installed *i, const struct installed_name *name);
static int mark_name(struct installed *i, enum installed_mark mark,
                     const struct installed_name *name);
static void entry_free(struct entry *e);

int installed_open(struct installed **ret, const char *folder, struct err *err)
{
    struct installed *i = calloc(1, sizeof *i);
    const struct journal_options options = {.on_record = on_record,
                                            .record_ctx = i,
                                            .on_durable = on_durable,
                                            .on_trouble = on_trouble,
                                            .ctx = i};
    int r;

    if (!i)
        return err_set(err, -ENOMEM, "out of memory");
    link_init(&i->entries);
    pthread_mutex_init(&i->mutex, NULL);
    pthread_cond_init(&i->written, NULL);
    r = journal_open(&i->journal, folder, &options, NULL, err);
    if (r < 0)
        installed_close(i);
    else
        *ret = i;
    return r;
}

void installed_close(struct installed *i)
{
    if (!i)
        return;
    if (i->journal)
        journal_close(i->journal);
    while (!link_is_empty(&i->entries))
        entry_free(CONTAINER(i->entries.next, struct entry, link));
    pthread_cond_destroy(&i->written);
    pthread_mutex_destroy(&i->mutex);
    free(i);
}

int installed_note(struct installed *i, enum installed_mark mark, const struct installed_name *name,
                   struct err *err)
{
    uint64_t number = 0;
    struct buf record;
    int r;

    buf_init(&record, RECORD_MAX);
    r = write_record(&record, mark, name);
    if (r == 0)
        number = journal_append(i->journal, buf_str(&record));
    buf_fini(&record);
    if (!number)
        return err_set(err, -ENOSPC, "the journal of what was installed cannot be written");
    r = wait_until_durable(i, number, err);
    pthread_mutex_lock(&i->mutex);
    if (r == 0 && mark_name(i, mark, name) < 0)
        r = err_set(err, -ENOMEM, "out of memory");
    pthread_mutex_unlock(&i->mutex);
    return r;
}

bool installed_has(struct installed *i, const struct installed_name *name)
{
    bool has;

    pthread_mutex_lock(&i->mutex);
    has = find(i, name) != NULL;
    pthread_mutex_unlock(&i->mutex);
    return has;
}

int installed_each(struct installed *i, installed_fn *fn, void *ctx)
{
    int r = 0;

    pthread_mutex_lock(&i->mutex);
    for (struct link *at = i->entries.next; at != &i->entries && r >= 0; at = at->next) {
        const struct entry *e = CONTAINER(at, struct entry, link);

        r = fn(ctx, &(struct installed_name){str_from(e->machine), str_from(e->engine),
                                             str_from(e->name)});
    }
    pthread_mutex_unlock(&i->mutex);
    return r;
}

static int write_record(struct buf *out, enum installed_mark mark,
                        const struct installed_name *name)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_text(json_key(&o, "mark"), str_from(marks[mark]));
    json_text(json_key(&o, "machine"), name->machine);
    json_text(json_key(&o, "engine"), name->engine);
    json_text(json_key(&o, "name"), name->name);
    json_close(&o, '}');
    return o.error;
}

static int on_record(void *ctx, uint64_t number, struct str record)
{
    struct installed *i = ctx;
    struct json json = {0};
    struct installed_name name;
    enum installed_mark mark;
    int r = json_read(&json, record, JSON_MEMORY(record.len), NULL);

    i->durable = number;
    if (r < 0)
        return r == -ENOMEM ? r : 0; /* of another version: nothing of it is believed */
    name = (struct installed_name){json_find_str(json.root, "machine"),
                                   json_find_str(json.root, "engine"),
                                   json_find_str(json.root, "name")};
    mark = str_is(json_find_str(json.root, "mark"), marks[INSTALLED_gone]) ? INSTALLED_gone
                                                                           : INSTALLED_begun;
    r = mark_name(i, mark, &name);
    json_fini(&json);
    return r;
}

static void on_durable(void *ctx, uint64_t number)
{
    struct installed *i = ctx;

    pthread_mutex_lock(&i->mutex);
    i->durable = number;
    pthread_cond_broadcast(&i->written);
    pthread_mutex_unlock(&i->mutex);
}

static void on_trouble(void *ctx, const struct err *err)
{
    struct installed *i = ctx;

    pthread_mutex_lock(&i->mutex);
    i->is_troubled = err != NULL;
    if (err)
        i->trouble = *err;
    pthread_cond_broadcast(&i->written);
    pthread_mutex_unlock(&i->mutex);
}

static int wait_until_durable(struct installed *i, uint64_t number, struct err *err)
{
    int r = 0;

    pthread_mutex_lock(&i->mutex);
    while (i->durable < number && !i->is_troubled)
        pthread_cond_wait(&i->written, &i->mutex);
    if (i->durable < number)
        r = err_set(err, -EIO, "the journal of what was installed: %s", i->trouble.text);
    pthread_mutex_unlock(&i->mutex);
    return r;
}

static struct entry *find(struct installed *i, const struct installed_name *name)
{
    for (struct link *at = i->entries.next; at != &i->entries; at = at->next) {
        struct entry *e = CONTAINER(at, struct entry, link);

        if (str_is(name->machine, e->machine) && str_is(name->engine, e->engine) &&
            str_is(name->name, e->name))
            return e;
    }
    return NULL;
}

static int mark_name(struct installed *i, enum installed_mark mark,
                     const struct installed_name *name)
{
    struct entry *e = find(i, name);

    if (mark == INSTALLED_gone && e)
        entry_free(e);
    if (mark == INSTALLED_gone || e)
        return 0;
    if (!(e = calloc(1, sizeof *e)))
        return -ENOMEM;
    link_append(&i->entries, &e->link);
    e->machine = strndup(name->machine.data, name->machine.len);
    e->engine = strndup(name->engine.data, name->engine.len);
    e->name = strndup(name->name.data, name->name.len);
    if (e->machine && e->engine && e->name)
        return 0;
    entry_free(e);
    return -ENOMEM;
}

static void entry_free(struct entry *e)
{
    link_remove(&e->link);
    free(e->machine);
    free(e->engine);
    free(e->name);
    free(e);
}
